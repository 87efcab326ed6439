// Plain Kubernetes: which slots a selector selects, and when that counts.
import {expect, test} from 'vitest'
import type {MeshContext} from '../types.ts'
import {none} from './index.ts'

const context: MeshContext = {
  rollout: {name: 'checkout', namespace: 'shop', uid: 'u'},
  apex: {name: 'checkout', ports: [{port: 80}]},
  slots: {a: 'checkout-a', b: 'checkout-b'},
  traffic: {none: {settlingTime: '5s'}},
}

function reading(selector: Record<string, string> | undefined): unknown {
  const {name, ports} = context.apex
  return none.read({...context, apex: {name, ports, ...(selector ? {selector} : {})}}, [])
}

test.each([
  [
    {'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'a'},
    {a: 100, b: 0},
  ],
  [
    {app: 'x', 'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'b'},
    {a: 0, b: 100},
  ],
  [
    {app: 'x', 'fairlead.dev/rollout': 'checkout'},
    {a: 50, b: 50},
  ],
  [{'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'c'}, undefined],
  [{'fairlead.dev/rollout': 'other', 'fairlead.dev/slot': 'a'}, undefined],
  [{app: 'x'}, undefined],
  [undefined, undefined],
])('the selector %j reads as %j', (selector, expected) => {
  expect(reading(selector)).toEqual(expected)
})

test('it counts as in force after the settling time, and the wait has an end', () => {
  expect(none.confirmed(context, [], 1000, 5999)).toEqual({confirmed: false, again: 6000})
  expect(none.confirmed(context, [], 1000, 6000)).toEqual({confirmed: true})
})

test('there is nothing to render, whatever the weights, and they still have to make sense', () => {
  expect(none.renderRoutes(context, {a: 95, b: 5}, [])).toEqual([])
  expect(none.renderDestinations(context, ['a', 'b'], [])).toEqual([])
  expect(() => none.renderRoutes(context, {a: 50, b: 49}, [])).toThrow(/sum to 100/)
  expect(() => none.renderRoutes({...context, traffic: {}}, {a: 50, b: 50}, [])).toThrow('spec.traffic.none')
})
