import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Threshold} from '../crds/rollout.ts'
import {maximumOutcomes, type ThresholdMemory, thresholdMemory} from '../crds/threshold.ts'
import {type Answer, judgeThreshold, type ThresholdContext} from './threshold.ts'

type Limit = NonNullable<Threshold['failureLimit']>

const start = Date.UTC(2026, 0, 1)
const interval = 15_000

/** p: within bounds, f: out of them, n: no series, e: no answer. */
const answers: Record<string, Answer> = {
  p: {kind: 'vector', samples: [{labels: {}, value: 1}]},
  f: {kind: 'vector', samples: [{labels: {}, value: 900}]},
  n: {kind: 'vector', samples: []},
  e: {kind: 'error', reason: 'Timeout', message: 'late'},
}

function check(failureLimit: Limit | undefined, more: Partial<Threshold> = {}) {
  return {name: 'queue', threshold: {query: 'x', max: 100, ...(failureLimit ? {failureLimit} : {}), ...more}}
}

function evaluate(of: ReturnType<typeof check>, letter: string, at: number, memory: ThresholdMemory | undefined) {
  const context: ThresholdContext = {at, since: 0, windowMilliseconds: 0, memory}
  return judgeThreshold(of, [{side: 'query', answer: answers[letter] ?? {kind: 'vector', samples: []}}], context)
}

/** Judges one evaluation after the other. */
function run(of: ReturnType<typeof check>, letters: string) {
  let memory: ThresholdMemory | undefined
  const results = [...letters].map((letter, index) => {
    const judged = evaluate(of, letter, start + index * interval, memory)
    memory = judged.memory
    return judged.result
  })
  return {results, memory}
}

describe('the failure limit', () => {
  it.each<[Limit | undefined, string, string]>([
    [undefined, 'pfp', 'pass fail pass'],
    [{consecutive: 1}, 'pf', 'pass fail'],
    [{count: 1, outOf: 5}, 'pf', 'pass fail'],
    [{consecutive: 3}, 'fffp', 'noData noData fail pass'],
    [{consecutive: 3}, 'ffpfff', 'noData noData pass noData noData fail'],
    [{consecutive: 2}, 'fneff', 'noData noData error fail fail'],
    [{count: 2, outOf: 3}, 'fpf', 'noData pass fail'],
    [{count: 2, outOf: 3}, 'fppf', 'noData pass pass noData'],
    [{count: 2, outOf: 3}, 'fnnnnpf', 'noData noData noData noData noData pass fail'],
    [{count: 2, outOf: 3}, 'ffp', 'noData fail pass'],
    [{count: 2, outOf: 2}, 'fpff', 'noData pass noData fail'],
  ])('%j over %s', (limit, letters, verdicts) => {
    const {results} = run(check(limit), letters)
    expect(results.map(({verdict}) => verdict).join(' ')).toBe(verdicts)
  })

  it('says how far a check is from it', () => {
    const {results} = run(check({consecutive: 3}), 'fff')
    expect(results[1]).toMatchObject({
      verdict: 'noData',
      reason: 'BelowFailureLimit',
      message: 'queue 900 is above 100; 2 of 3 failures in a row',
      value: 900,
    })
    const message = 'queue 900 is above 100; 3 of 3 failures in a row'
    expect(results[2]).toMatchObject({verdict: 'fail', reason: 'AboveMaximum', message})
    const last = run(check({count: 3, outOf: 5}), 'fpf').results[2]
    expect(last?.message).toBe('queue 900 is above 100; 2 of 3 failures in the last 5 evaluations')
  })

  it('remembers nothing where the first failure decides', () => {
    expect(run(check(undefined), 'pf').memory).toBeUndefined()
    expect(run(check({count: 1, outOf: 9}), 'pf').memory).toBeUndefined()
  })

  it('counts what the no-data policy made of an evaluation', () => {
    const {results} = run(check({consecutive: 2}, {noData: 'fail'}), 'nen')
    expect(results.map(({verdict, reason}) => `${verdict} ${reason}`)).toEqual([
      'noData BelowFailureLimit',
      'error Timeout',
      'fail NoDataFailed',
    ])
    expect(run(check({consecutive: 2}, {noData: 'pass'}), 'fnf').results[2]?.verdict).toBe('noData')
  })

  it('takes from a longer memory what a shorter limit asks for', () => {
    const through = '2026-01-01T00:00:00.000Z'
    const long = {name: 'queue', through, outcomes: 'fffp'}
    const judged = evaluate(check({count: 3, outOf: 3}), 'f', start, long)
    expect(judged.result.message).toContain('2 of 3 failures in the last 3 evaluations')
    expect(judged.memory).toBe(long)
    const next = evaluate(check({count: 3, outOf: 3}), 'f', start + interval, long)
    expect(next.memory?.outcomes).toBe('fpf')
  })

  it('goes on counting in a dry run', () => {
    const {results} = run(check({consecutive: 2}, {dryRun: true}), 'fff')
    expect(results.map(({verdict, dryRun}) => [verdict, dryRun])).toEqual([
      ['noData', true],
      ['fail', true],
      ['fail', true],
    ])
  })
})

const letters = fc.string({unit: fc.constantFrom('p', 'f', 'n', 'e'), maxLength: 60})
const limits: fc.Arbitrary<Limit> = fc.oneof(
  fc.record({consecutive: fc.integer({min: 1, max: maximumOutcomes})}),
  fc
    .tuple(fc.integer({min: 1, max: maximumOutcomes}), fc.integer({min: 0, max: maximumOutcomes}))
    .map(([count, more]) => ({count, outOf: Math.min(maximumOutcomes, count + more)})),
)

describe('properties of the failure limit', () => {
  it('decides as the whole history would, from a memory that fits the status', () => {
    fc.assert(
      fc.property(limits, letters, (limit, history) => {
        const {results, memory} = run(check(limit), history)
        if (memory) expect(thresholdMemory.safeParse(memory).error).toBeUndefined()
        for (const [index, result] of results.entries()) {
          const known = history.slice(0, index + 1).replaceAll(/[ne]/g, '')
          const {consecutive, count = 1, outOf = 1} = limit
          const reached = consecutive
            ? known.endsWith('f'.repeat(consecutive))
            : known.slice(-outOf).replaceAll('p', '').length >= count
          expect(result.verdict === 'fail').toBe(history[index] === 'f' && reached)
          expect(result.verdict === 'pass').toBe(history[index] === 'p')
        }
      }),
      {numRuns: 300},
    )
  })

  it('takes no grid time twice: a run that was killed ends as one that was not', () => {
    fc.assert(
      fc.property(limits, letters, fc.nat(59), fc.nat(59), (limit, history, crash, replayed) => {
        const of = check(limit)
        let memory = run(of, history.slice(0, crash)).memory
        for (let index = Math.max(0, Math.min(crash, history.length) - replayed); index < history.length; index++) {
          memory = evaluate(of, history[index] ?? '', start + index * interval, memory).memory
        }
        expect(memory).toEqual(run(of, history).memory)
      }),
      {numRuns: 300},
    )
  })
})
