import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Threshold} from '../crds/rollout.ts'
import {judgeSeries, type Sample} from './threshold-series.ts'

type Mode = NonNullable<Threshold['series']>

const infinity = Number.POSITIVE_INFINITY
const nan = Number.NaN
const field = 'analysis.checks[name=queue].threshold.query'

function series(...values: number[]): Sample[] {
  return values.map((value, index) => ({labels: {pod: `p-${index}`}, value}))
}

function judge(mode: Mode | undefined, samples: readonly Sample[], bounds: {min?: number; max?: number} = {max: 100}) {
  const threshold: Threshold = {query: 'x', ...bounds, ...(mode ? {series: mode} : {})}
  return judgeSeries({name: 'queue', threshold}, 'query', samples)
}

type Case = [mode: Mode | undefined, values: number[], verdict: string, reason: string, message: string]

describe('several series', () => {
  it.each<Case>([
    [undefined, [5], 'pass', 'Passed', 'queue 5 is not above 100'],
    [undefined, [5, 6], 'error', 'SeveralSeries', `${field} returned 2 series: aggregate with sum() or max(), or say`],
    ['single', [500, 600], 'error', 'SeveralSeries', 'threshold.series what becomes of several'],
    ['all', [5, 99, 7], 'pass', 'Passed', 'queue 99 of {pod="p-1"} is not above 100, the worst of 3 series'],
    ['all', [5, 900, 101], 'fail', 'AboveMaximum', 'queue 900 of {pod="p-1"} is above 100, the worst of 3 series'],
    ['all', [900], 'fail', 'AboveMaximum', 'queue 900 of {pod="p-0"} is above 100'],
    ['any', [900, 101, 5], 'pass', 'Passed', 'queue 5 of {pod="p-2"} is not above 100, the best of 3 series'],
    ['any', [900, 101], 'fail', 'AboveMaximum', 'queue 101 of {pod="p-1"} is above 100, the best of 2 series'],
    ['sum', [50, 51], 'fail', 'AboveMaximum', 'queue 101 is above 100, the sum of 2 series'],
    ['sum', [50, 50], 'pass', 'Passed', 'queue 100 is not above 100, the sum of 2 series'],
    ['avg', [50, 151], 'fail', 'AboveMaximum', 'queue 100.5 is above 100, the avg of 2 series'],
    ['max', [50, 101, 2], 'fail', 'AboveMaximum', 'queue 101 is above 100, the max of 3 series'],
    ['min', [50, 101, 2], 'pass', 'Passed', 'queue 2 is not above 100, the min of 3 series'],
  ])('%s of %j: %s', (mode, values, verdict, reason, message) => {
    const finding = judge(mode, series(...values))
    expect(finding).toMatchObject({verdict, reason, message: expect.stringContaining(message)})
  })

  it('counts the distance from either bound', () => {
    const bounds = {min: 10, max: 20}
    expect(judge('all', series(21, 5, 15), bounds)).toMatchObject({verdict: 'fail', reason: 'BelowMinimum', value: 5})
    expect(judge('any', series(11, 15, 19), bounds)).toMatchObject({verdict: 'pass', value: 15})
  })

  it('names a series as PromQL does, and no more of it than fits', () => {
    const labels = {pod: 'a"b', __name__: 'depth', app: 'x'}
    expect(judge('all', [{labels, value: 900}]).message).toBe('queue 900 of depth{app="x", pod="a\\"b"} is above 100')
    const long = judge('all', [{labels: {pod: 'x'.repeat(5000)}, value: 900}])
    expect(long.message.length).toBeLessThan(400)
  })
})

describe('series that are no figure', () => {
  it.each<Case>([
    ['all', [], 'noData', 'NoSeries', 'returned no series'],
    ['any', [], 'noData', 'NoSeries', 'returned no series'],
    ['sum', [], 'noData', 'NoSeries', 'returned no series'],
    ['all', [5, nan], 'noData', 'NotANumber', 'queue of {pod="p-1"} is not a number'],
    ['all', [nan, infinity, 5], 'error', 'Infinite', 'returned an infinite value of {pod="p-1"}'],
    ['all', [nan, infinity, 900], 'fail', 'AboveMaximum', 'queue 900 of {pod="p-2"} is above 100'],
    ['any', [nan, -infinity, 5], 'pass', 'Passed', 'queue 5 of {pod="p-2"} is not above 100'],
    ['any', [900, nan], 'noData', 'NotANumber', 'queue of {pod="p-1"} is not a number'],
    ['any', [900, nan, infinity], 'error', 'Infinite', 'infinite value of {pod="p-2"}'],
    ['sum', [900, nan], 'noData', 'NotANumber', 'queue of {pod="p-1"} is not a number'],
    ['max', [900, nan], 'noData', 'NotANumber', 'queue of {pod="p-1"} is not a number'],
    ['min', [1, infinity], 'error', 'Infinite', 'infinite value of {pod="p-1"}'],
    ['avg', [nan, -infinity], 'error', 'Infinite', 'infinite value of {pod="p-1"}'],
    ['sum', [infinity, -infinity], 'error', 'Infinite', 'infinite value'],
    ['sum', [1e308, 1e308], 'error', 'Infinite', `${field} returned an infinite value`],
  ])('%s of %j: %s', (mode, values, verdict, reason, message) => {
    const finding = judge(mode, series(...values))
    expect(finding).toMatchObject({verdict, reason, message: expect.stringContaining(message)})
  })

  it.each<Mode>(['single', 'all', 'any', 'sum', 'avg', 'max', 'min'])('%s refuses a series that comes twice', mode => {
    const samples: Sample[] = [
      {labels: {pod: 'p', app: 'x'}, value: 5},
      {labels: {app: 'x', pod: 'p'}, value: 6},
    ]
    const message = `${field} returned the series {app="x", pod="p"} twice: two stores answer for it; deduplicate them`
    expect(judge(mode, samples)).toEqual({verdict: 'error', reason: 'DuplicateSeries', message})
  })

  it('is an error without a bound, in whatever number', () => {
    for (const mode of ['single', 'all', 'any', 'sum'] as const)
      expect(judge(mode, series(5), {})).toMatchObject({verdict: 'error', reason: 'NoBound'})
  })
})

const values = fc.oneof(fc.integer({min: -50, max: 250}), fc.double(), fc.constantFrom(nan, infinity, -infinity))
const modes = fc.constantFrom<Mode>('single', 'all', 'any', 'sum', 'avg', 'max', 'min')

describe('properties of several series', () => {
  it('do not depend on their order', () => {
    const shuffled = fc
      .array(values, {maxLength: 6})
      .map(list => series(...list))
      .chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, {minLength: list.length})))
    fc.assert(
      fc.property(modes, shuffled, (mode, [one, other]) => {
        const [left, right] = [judge(mode, one), judge(mode, other)]
        // Of several series without a figure any may be named.
        expect({...right, message: ''}).toEqual({...left, message: ''})
        if (left.verdict === 'pass' || left.verdict === 'fail') expect(right.message).toBe(left.message)
      }),
      {numRuns: 500},
    )
  })

  it('all passes only when every series would, any fails only when every series would', () => {
    fc.assert(
      fc.property(fc.array(values, {minLength: 1, maxLength: 6}), list => {
        const each = list.map(value => judge('single', series(value)).verdict)
        expect(judge('all', series(...list)).verdict === 'pass').toBe(each.every(verdict => verdict === 'pass'))
        expect(judge('all', series(...list)).verdict === 'fail').toBe(each.includes('fail'))
        expect(judge('any', series(...list)).verdict === 'fail').toBe(each.every(verdict => verdict === 'fail'))
        expect(judge('any', series(...list)).verdict === 'pass').toBe(each.includes('pass'))
      }),
      {numRuns: 500},
    )
  })
})
