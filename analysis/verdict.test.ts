import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Check} from '../crds/rollout.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import {checksInForce} from './checks.ts'
import {combineVerdicts} from './verdict.ts'

function result(name: string, verdict: CheckResult['verdict']): CheckResult {
  return {name, verdict, reason: 'Some', message: '', evaluatedAt: '2026-01-01T00:00:00Z'}
}

describe('combineVerdicts', () => {
  it.each<[CheckResult['verdict'][], string, number | undefined]>([
    [[], 'wait', undefined],
    [['pass'], 'advance', undefined],
    [['pass', 'pass'], 'advance', undefined],
    [['pass', 'noData'], 'wait', 1],
    [['noData', 'error'], 'wait', 1],
    [['noData', 'pass', 'noData'], 'wait', 0],
    [['inconclusive', 'pass', 'noData'], 'wait', 2],
    [['inconclusive', 'noData', 'error'], 'wait', 2],
    [['pass', 'inconclusive', 'inconclusive'], 'wait', 1],
    [['error', 'noData', 'fail', 'fail'], 'rollback', 2],
  ])('%j is %s', (verdicts, expected, deciding) => {
    const results = verdicts.map((verdict, index) => result(`check-${index}`, verdict))
    expect(combineVerdicts(results)).toEqual({
      verdict: expected,
      ...(deciding === undefined ? {} : {deciding: results[deciding]}),
    })
  })
})

describe('a dry run', () => {
  it.each<[CheckResult['verdict'][], CheckResult['verdict'][], string]>([
    [['pass'], ['fail', 'error', 'noData'], 'advance'],
    [['noData'], ['pass'], 'wait'],
    [['fail'], ['pass'], 'rollback'],
    [[], ['pass', 'pass'], 'wait'],
    [[], ['fail'], 'wait'],
  ])('%j with %j beside it', (verdicts, dry, expected) => {
    const counted = verdicts.map(verdict => result('counted', verdict))
    const reported = dry.map(verdict => ({...result('reported', verdict), dryRun: true}))
    expect(combineVerdicts([...reported, ...counted])).toEqual(combineVerdicts(counted))
    expect(combineVerdicts([...counted, ...reported]).verdict).toBe(expected)
  })

  it('is not in force', () => {
    const checks: Check[] = [
      {name: 'a', threshold: {query: 'x', max: 1, dryRun: true}},
      {name: 'b', threshold: {query: 'x', max: 1, dryRun: false}},
      {name: 'c', compare: {metric: 'requestErrors', weight: 1}},
    ]
    expect(checksInForce(checks).map(({name}) => name)).toEqual(['b', 'c'])
  })
})

describe('properties of the verdict', () => {
  const verdicts = fc.constantFrom<CheckResult['verdict']>('pass', 'fail', 'inconclusive', 'noData', 'error')
  const shuffled = fc
    .array(verdicts, {maxLength: 20})
    .chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, {minLength: list.length})))

  it('does not depend on the order of checks, nor does the verdict that decides', () => {
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        const [left, right] = [one, other].map(list => combineVerdicts(list.map(verdict => result('check', verdict))))
        expect(left).toEqual(right)
      }),
    )
  })

  it('advances only when there are checks and all pass, and rolls back only when one failed', () => {
    fc.assert(
      fc.property(fc.array(verdicts), list => {
        const {verdict} = combineVerdicts(list.map(one => result('check', one)))
        expect(verdict === 'advance').toBe(list.length > 0 && list.every(one => one === 'pass'))
        expect(verdict === 'rollback').toBe(list.includes('fail'))
      }),
    )
  })
})
