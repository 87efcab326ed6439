import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Threshold} from '../crds/rollout.ts'
import {type CheckResult, rolloutStatus} from '../crds/rollout-status.ts'
import type {Side, ThresholdCheck} from './checks.ts'
import {type Answer, type AnswerErrorReason, judgeThreshold, notYetDue, type SideAnswer} from './threshold.ts'

const at = Date.UTC(2026, 0, 1)
const evaluatedAt = '2026-01-01T00:00:00.000Z'
const context = {at, since: at - 3_600_000, windowMilliseconds: 60_000, memory: undefined}

function judge(of: ThresholdCheck, answers: readonly SideAnswer[]): CheckResult {
  return judgeThreshold(of, answers, context).result
}

function check(threshold: Threshold, name = 'queue') {
  return {name, threshold}
}
function vector(...values: number[]): Answer {
  return {kind: 'vector', samples: values.map((value, index) => ({labels: {pod: `p-${index}`}, value}))}
}
function error(reason: AnswerErrorReason, message = 'so it is'): Answer {
  return {kind: 'error', reason, message}
}
function query(...values: number[]): SideAnswer[] {
  return [{side: 'query', answer: vector(...values)}]
}

const success = check({metric: 'requestSuccessRate', min: 99}, 'success')
const latency = check({metric: 'requestDuration', max: 500}, 'latency')
const queue = check({query: 'x', max: 100})

type FigureCase = [value: number, verdict: string, reason: string, message: string]

function judged(
  of: ReturnType<typeof check>,
  answers: SideAnswer[],
  [value, verdict, reason, message]: FigureCase,
): void {
  const expected = {name: of.name, verdict, reason, message, value, evaluatedAt}
  expect(judge(of, answers)).toEqual(expected)
}

describe('one figure', () => {
  it.each<FigureCase>([
    [81.3, 'fail', 'BelowMinimum', 'success rate 81.3 % is below 99 % (reported by the callers)'],
    [98.99999, 'fail', 'BelowMinimum', 'success rate 98.99999 % is below 99 % (reported by the callers)'],
    [99, 'pass', 'Passed', 'success rate 99 % is not below 99 % (reported by the callers)'],
  ])('of the success rate: %d', (...figure) => {
    judged(success, [{side: 'caller', answer: vector(figure[0])}], figure)
  })

  it.each<FigureCase>([
    [812.3456, 'fail', 'AboveMaximum', 'p99 request duration 812.3 ms is above 500 ms (reported by the pods)'],
    [500, 'pass', 'Passed', 'p99 request duration 500 ms is not above 500 ms (reported by the pods)'],
  ])('of the latency: %d', (...figure) => {
    judged(latency, [{side: 'destination', answer: vector(figure[0])}], figure)
  })

  it.each<FigureCase>([
    [1234567.89, 'fail', 'AboveMaximum', 'queue 1234568 is above 100'],
    [-5, 'pass', 'Passed', 'queue -5 is not above 100'],
    [0, 'pass', 'Passed', 'queue 0 is not above 100'],
  ])("of the user's own query: %d", (...figure) => {
    judged(queue, query(figure[0]), figure)
  })

  it.each<FigureCase>([
    [5, 'pass', 'Passed', 'queue 5 is not below 1 and not above 9'],
    [0.5, 'fail', 'BelowMinimum', 'queue 0.5 is below 1'],
    [9.5, 'fail', 'AboveMaximum', 'queue 9.5 is above 9'],
  ])('with two bounds: %d', (...figure) => {
    judged(check({query: 'x', min: 1, max: 9}), query(figure[0]), figure)
  })

  it('without a bound is an error, never a pass', () => {
    const field = 'analysis.checks[name=queue].threshold.query'
    const message = `${field} has no bound to hold its figure against: set min, max or both`
    judged(check({query: 'x'}), query(5), [5, 'error', 'NoBound', message])
  })
})

describe('answers that are no figure', () => {
  const field = 'analysis.checks[name=queue].threshold.query'
  it.each<[string, SideAnswer[], string, string, string]>([
    ['nobody asked', [], 'noData', 'NoSeries', `${field} returned no series: the canary had no traffic`],
    ['an empty vector', query(), 'noData', 'NoSeries', `${field} returned no series`],
    ['NaN', query(Number.NaN), 'noData', 'NotANumber', 'queue is not a number: most often a division by zero'],
    ['+Inf', query(Number.POSITIVE_INFINITY), 'error', 'Infinite', `${field} returned an infinite value`],
    ['-Inf', query(Number.NEGATIVE_INFINITY), 'error', 'Infinite', `${field} returned an infinite value`],
    [
      'three series',
      query(1, 2, 3),
      'error',
      'SeveralSeries',
      `${field} returned 3 series: aggregate with sum() or max()`,
    ],
    ['three bad series', query(900, 900, 900), 'error', 'SeveralSeries', `${field} returned 3 series`],
    [
      'no connection',
      [{side: 'query', answer: error('Unreachable')}],
      'error',
      'Unreachable',
      `${field}: so it is; check that Prometheus runs`,
    ],
    [
      'a bad query',
      [{side: 'query', answer: error('BadQuery')}],
      'error',
      'BadQuery',
      `${field}: so it is; correct the query`,
    ],
    ['a bad answer', [{side: 'query', answer: error('BadAnswer')}], 'error', 'BadAnswer', `${field}: so it is`],
  ])('%s', (_, answers, verdict, reason, message) => {
    const result = judge(queue, answers)
    expect(result).toMatchObject({verdict, reason, message: expect.stringContaining(message)})
    expect(result).not.toHaveProperty('value')
  })

  it('name the template that a check refers to', () => {
    const referring = check({templateRef: {name: 'depth'}, max: 1})
    expect(judge(referring, query(1, 2)).message).toContain('threshold.templateRef (MetricTemplate depth) returned 2')
  })
})

describe('two sides', () => {
  const good = vector(99.9)
  const bad = vector(50)
  const empty = vector()
  const broken = error('Timeout')
  it.each<[string, Answer, Answer, string, string]>([
    ['both pass', good, good, 'pass', 'callers'],
    ['callers fail', bad, good, 'fail', 'callers'],
    ['pods fail', good, bad, 'fail', 'pods'],
    ['both fail', bad, bad, 'fail', 'callers'],
    ['callers have no data', empty, good, 'pass', 'pods'],
    ['pods have no data', good, empty, 'pass', 'callers'],
    ['neither has data', empty, vector(Number.NaN), 'noData', 'callers'],
    ['an error beside a pass', good, broken, 'error', 'so it is'],
    ['an error beside a fail', broken, bad, 'fail', 'pods'],
    ['an error beside no data', empty, broken, 'error', 'so it is'],
  ])('%s', (_, caller, destination, verdict, message) => {
    const answers: SideAnswer[] = [
      {side: 'caller', answer: caller},
      {side: 'destination', answer: destination},
    ]
    const result = judge(success, answers)
    expect(result).toMatchObject({verdict, message: expect.stringContaining(message)})
    expect(judge(success, answers.toReversed())).toEqual(result)
  })
})

const second = 1000
const minute = 60 * second

describe('before the first evaluation', () => {
  const bad = query(900)
  const nothing = query()
  it.each<[string, Partial<Threshold>, number, SideAnswer[], string, string]>([
    ['a window that is not full', {}, minute - 1, bad, 'noData', 'WindowNotFull'],
    ['a full one', {}, minute, bad, 'fail', 'AboveMaximum'],
    ['a delay', {initialDelay: '5m'}, 5 * minute - 1, bad, 'noData', 'InitialDelay'],
    ['no more delay', {initialDelay: '5m'}, 5 * minute, bad, 'fail', 'AboveMaximum'],
    ['a delay below the window', {initialDelay: '10s'}, 20 * second, bad, 'noData', 'WindowNotFull'],
    ['no data to fail on yet', {initialDelay: '5m', noData: 'fail'}, minute, nothing, 'noData', 'InitialDelay'],
    ['no window to pass yet', {noData: 'pass'}, 10 * second, nothing, 'noData', 'WindowNotFull'],
  ])('%s', (_, change, elapsed, answers, verdict, reason) => {
    const of = check({...queue.threshold, ...change})
    const memory = {name: 'queue', through: '2025-12-31T00:00:00.000Z', outcomes: 'f'}
    const times = {at, since: at - elapsed, windowMilliseconds: minute}
    const judged = judgeThreshold(of, answers, {...times, memory})
    expect(judged.result).toMatchObject({name: 'queue', verdict, reason, evaluatedAt})
    const early = notYetDue(of, times)
    expect(early).toEqual(verdict === 'noData' ? judged.result : undefined)
    if (early) expect(judged.memory).toBe(memory)
  })

  it('names the delay, and the window', () => {
    const times = {at, since: at, windowMilliseconds: 90_500}
    const delay = 'not evaluated before the weight has been in force for the initialDelay of 5m'
    expect(notYetDue(check({...queue.threshold, initialDelay: '5m'}), times)?.message).toBe(delay)
    expect(notYetDue(queue, times)?.message).toBe('no whole window of 91s lies in this step yet')
  })
})

describe('without data', () => {
  it.each<[Threshold['noData'], SideAnswer[], string, string]>([
    [undefined, query(), 'noData', 'NoSeries'],
    ['wait', query(Number.NaN), 'noData', 'NotANumber'],
    ['pass', query(), 'pass', 'NoDataPassed'],
    ['pass', query(Number.NaN), 'pass', 'NoDataPassed'],
    ['pass', [], 'pass', 'NoDataPassed'],
    ['fail', query(), 'fail', 'NoDataFailed'],
    ['fail', query(Number.NaN), 'fail', 'NoDataFailed'],
    ['pass', query(900), 'fail', 'AboveMaximum'],
    ['fail', query(1), 'pass', 'Passed'],
    ['pass', query(Number.POSITIVE_INFINITY), 'error', 'Infinite'],
    ['fail', query(1, 2), 'error', 'SeveralSeries'],
    ['pass', [{side: 'query', answer: error('Unreachable')}], 'error', 'Unreachable'],
    ['fail', [{side: 'query', answer: error('Timeout')}], 'error', 'Timeout'],
  ])('%s: %j', (noData, answers, verdict, reason) => {
    const threshold: Threshold = {query: 'x', max: 100, ...(noData ? {noData} : {})}
    expect(judge(check(threshold), answers)).toMatchObject({verdict, reason})
  })

  it('says why it counts', () => {
    const field = 'analysis.checks[name=queue].threshold.query'
    const message = `${field} returned no series: the canary had no traffic, or Prometheus doesn't scrape it; noData: fail counts that as failed`
    expect(judge(check({query: 'x', max: 1, noData: 'fail'}), query()).message).toBe(message)
  })

  it('waits for the side that has data', () => {
    const answers: SideAnswer[] = [
      {side: 'caller', answer: vector()},
      {side: 'destination', answer: vector(99.9)},
    ]
    expect(judge(check({...success.threshold, noData: 'fail'}), answers)).toMatchObject({verdict: 'pass'})
  })
})

describe('a dry run', () => {
  it.each([[query(900)], [query(1)], [query()], [[{side: 'query', answer: error('Timeout')}] as SideAnswer[]]])(
    'says the same, and that it counts for nothing: %j',
    answers => {
      expect(judge(check({...queue.threshold, dryRun: true}), answers)).toEqual({
        ...judge(queue, answers),
        dryRun: true,
      })
    },
  )
})

const reasons = fc.constantFrom<AnswerErrorReason>(
  'Unreachable',
  'Timeout',
  'Unauthorized',
  'BadQuery',
  'BadAnswer',
  'TooLarge',
)
const values = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))
const anyAnswer = fc.oneof(
  fc.array(values, {maxLength: 3}).map(list => vector(...list)),
  fc.record({kind: fc.constant('error' as const), reason: reasons, message: fc.string({maxLength: 3000})}),
)
const bounds = fc
  .tuple(fc.option(fc.integer()), fc.option(fc.integer()))
  .map(([min, max]): Threshold => ({query: 'x', ...(min === null ? {} : {min}), ...(max === null ? {} : {max})}))
function sides(answers: fc.Arbitrary<Answer>): fc.Arbitrary<SideAnswer[]> {
  return fc.uniqueArray(fc.record({side: fc.constantFrom<Side>('caller', 'destination', 'query'), answer: answers}), {
    selector: ({side}) => side,
  })
}

describe('properties of a threshold', () => {
  it('only a finite figure passes or fails, and it lies where the verdict says', () => {
    fc.assert(
      fc.property(bounds, sides(anyAnswer), (threshold, answers) => {
        const {verdict, value} = judge(check(threshold), answers)
        const {min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY} = threshold
        if (verdict !== 'pass' && verdict !== 'fail') return
        expect(Number.isFinite(value)).toBe(true)
        expect((value ?? 0) >= min && (value ?? 0) <= max).toBe(verdict === 'pass')
        expect(threshold.min !== undefined || threshold.max !== undefined).toBe(true)
      }),
      {numRuns: 500},
    )
  })

  it('never passes or fails without data', () => {
    const nothing = fc.oneof(
      fc.constantFrom(vector(), vector(Number.NaN), vector(Number.POSITIVE_INFINITY), vector(1, 2)),
      reasons.map(reason => error(reason)),
    )
    fc.assert(
      fc.property(bounds, sides(nothing), (threshold, answers) => {
        expect(['noData', 'error']).toContain(judge(check(threshold), answers).verdict)
      }),
    )
  })

  it('does not depend on the order of the answers, and always fits the status', () => {
    fc.assert(
      fc.property(bounds, sides(anyAnswer), (threshold, answers) => {
        const result = judge(check(threshold), answers)
        expect(judge(check(threshold), answers.toReversed())).toEqual(result)
        expect(rolloutStatus.shape.checks.safeParse([result]).error).toBeUndefined()
      }),
    )
  })
})
