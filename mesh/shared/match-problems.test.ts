import {describe, expect, test} from 'vitest'
import type {Match} from '../../crds/strategy.ts'
import type {MeshContext} from '../types.ts'
import {matchProblems} from './match-problems.ts'

function contextWith(...matches: Match[]): MeshContext {
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
    apex: {name: 'checkout', ports: [{name: 'http', port: 80}]},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {},
    routing: {matches},
  }
}

const cookies = (count: number, length: number) =>
  Array.from({length: count}, (_, index) => ({name: `c${index}`, value: 'v'.repeat(length)}))
const fine: Match = {headers: [{name: 'x-group', exact: 'insiders'}], cookies: cookies(1, 256)}

describe('matches', () => {
  test('that a route can hold are no problem', () => {
    expect(matchProblems(contextWith(fine, fine))).toEqual([])
    expect(matchProblems(contextWith({headers: [{name: 'cookie', regex: '.*'}]}))).toEqual([])
  })

  test.each<[Match, string, string]>([
    [
      {
        headers: [
          {name: 'X-Group', exact: 'insiders'},
          {name: 'x-group', regex: 'in.*'},
        ],
      },
      'headers',
      'header x-group is named twice',
    ],
    [
      {headers: [{name: 'Cookie', regex: '.*'}], cookies: cookies(1, 1)},
      'headers',
      'header cookie is named twice, for',
    ],
    [
      {
        queryParams: [
          {name: 'v', exact: '2'},
          {name: 'v', exact: '3'},
        ],
      },
      'queryParams',
      'query parameter v is named twice',
    ],
    [{cookies: cookies(4, 256)}, 'cookies', 'may have 4096'],
  ])('%j: %s', (match, list, problem) => {
    const found = matchProblems(contextWith(fine, match))
    expect(found).toEqual([
      {
        reason: 'InvalidMatch',
        object: 'Rollout shop/checkout',
        field: `match[1].${list} of spec.strategy`,
        problem: expect.stringContaining(problem),
        fix: expect.stringMatching(/./),
      },
    ])
  })
})
