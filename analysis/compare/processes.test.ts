import {describe, expect, test} from 'vitest'
import {gridOddsRatios, oddsRatioOf} from './confidence-sequence.ts'
import type {Batch} from './hypergeometric.ts'
import {logLikelihoods, relativeIncrements, worseRatios} from './likelihood-ratios.ts'
import {logMeanExp} from './log-math.ts'
import {dispersionOf, noOverdispersion, withPrimaryBatch} from './overdispersion.ts'
import {bandRadius, slowestBound} from './quantile-bands.ts'
import {logEvidence, notStarted, withIncrements} from './restarts.ts'

const batch = (canaryFailed: number, canaryTotal: number, primaryFailed: number, primaryTotal: number): Batch => ({
  canaryFailed,
  canaryTotal,
  primaryFailed,
  primaryTotal,
})

describe('restarts', () => {
  const [first, second] = [batch(0, 300, 3, 2700), batch(4, 300, 3, 2700)].map(one =>
    relativeIncrements(one, 1.5, worseRatios),
  ) as [number[], number[]]

  test('single processes, and one restart before each batch', () => {
    expect(Math.exp(logMeanExp(second))).toBeCloseTo(11.5996, 4)
    const both = second.map((value, index) => value + (first[index] ?? 0))
    expect(Math.exp(logMeanExp(both))).toBeCloseTo(3.08132, 5)
    const one = withIncrements(notStarted, first, 1)
    expect(Math.exp(logEvidence(one))).toBeCloseTo(0.824404, 6)
    const two = withIncrements(one, second, 2)
    expect(Math.exp(logEvidence(two))).toBeCloseTo(2.98497, 5)
  })

  test('several that fall due at once enter with the sum of their weights', () => {
    const stepwise = [1, 2, 3].reduce(
      (process, due) =>
        withIncrements(
          process,
          first.map(() => 0),
          due,
        ),
      notStarted,
    )
    const atOnce = withIncrements(
      notStarted,
      first.map(() => 0),
      3,
    )
    expect(logEvidence(atOnce)).toBeCloseTo(logEvidence(stepwise), 12)
    expect(logEvidence(atOnce)).toBeCloseTo(0, 12)
  })

  test('before the first batch the evidence is 1', () => expect(logEvidence(notStarted)).toBe(0))
})

describe('overdispersion', () => {
  const pairs: [number, number][] = [
    [5, 1350],
    [0, 1350],
    [1, 1300],
    [2, 1400],
    [10, 1350],
    [5, 1350],
  ]

  test('of three pairs', () => {
    const known = pairs.reduce((sums, [failed, total]) => withPrimaryBatch(sums, failed, total), noOverdispersion)
    expect(dispersionOf(known)).toBeCloseTo(2.20831, 5)
  })

  test('is never below 1, and 1 where nothing failed', () => {
    expect(dispersionOf(noOverdispersion)).toBe(1)
    const even = [1, 1].reduce((sums, failed) => withPrimaryBatch(sums, failed, 100), noOverdispersion)
    expect(dispersionOf(even)).toBe(1)
    const clean = [0, 0].reduce((sums, failed) => withPrimaryBatch(sums, failed, 100), noOverdispersion)
    expect(dispersionOf(clean)).toBe(1)
  })

  test('one incident does not drown all else', () => {
    const calm = Array.from({length: 100}, (_, index) => [1 + (index % 2), 1350] as const)
    const all = [...calm, [900, 1350], [1, 1350]] as const
    const known = all.reduce((sums, [failed, total]) => withPrimaryBatch(sums, failed, total), noOverdispersion)
    expect(dispersionOf(known)).toBeLessThan(8)
  })

  test('forgets', () => {
    const bursts = [20, 0].reduce((sums, failed) => withPrimaryBatch(sums, failed, 1000, 0.5), noOverdispersion)
    const later = Array.from({length: 40}, (_, index) => 10 + (index % 2))
    const known = later.reduce((sums, failed) => withPrimaryBatch(sums, failed, 1000, 0.5), bursts)
    expect(dispersionOf(bursts)).toBeCloseTo(20, 1)
    expect(dispersionOf(known)).toBeLessThan(1.01)
  })
})

describe('bands around distribution functions', () => {
  test.each([
    [1e3, 0.05, 0.0865691],
    [1e4, 0.05, 0.0277107],
    [1e5, 0.05, 0.00884635],
    [1e3, 0.005, 0.093942],
    [1e4, 0.005, 0.0300162],
    [9e4, 0.005, 0.0100833],
  ])('radius after %d requests at %d', (count, alpha, radius) => {
    expect(bandRadius(count, alpha) / radius).toBeCloseTo(1, 5)
  })

  test('find a shift that is larger than both radii and the tolerance', () => {
    const counts = {
      bounds: [10, 100],
      canary: [100, 10_000],
      primary: [60_000, 90_000],
      canaryTotal: 10_000,
      primaryTotal: 90_000,
    }
    const finding = slowestBound(counts, 0.01, 1)
    expect(finding?.boundMilliseconds).toBe(10)
    expect(finding?.excess).toBeCloseTo(60 / 90 - 0.01 - 0.0300162 - 0.0100833 - 0.05, 5)
    expect(slowestBound({...counts, canary: [6600, 10_000]}, 0.01, 1)?.excess).toBeLessThan(0)
    expect(slowestBound(counts, 0.01, 1e6)?.excess).toBeLessThan(0)
    expect(slowestBound({...counts, canaryTotal: 0}, 0.01, 1)).toBeUndefined()
  })
})

describe('odds ratio', () => {
  test('is unknown before a failure', () => {
    expect(oddsRatioOf([], 0.01)).toEqual({})
    expect(oddsRatioOf(logLikelihoods(batch(0, 10, 0, 90), gridOddsRatios), 0.01)).toEqual({})
  })

  test('is close to that of the table, and the interval holds it', () => {
    const {
      estimate = 0,
      low = 0,
      high = 0,
    } = oddsRatioOf(logLikelihoods(batch(20, 1000, 45, 9000), gridOddsRatios), 0.01)
    expect(estimate).toBeGreaterThan(3.9)
    expect(estimate).toBeLessThan(4.2)
    expect(low).toBeLessThan(2.2)
    expect(low).toBeGreaterThanOrEqual(1)
    expect(high).toBeGreaterThan(6)
    expect(high).toBeLessThan(16)
  })

  test('has no upper end where the primary never failed', () => {
    const {low, high} = oddsRatioOf(logLikelihoods(batch(8, 100, 0, 900), gridOddsRatios), 0.01)
    expect(high).toBeUndefined()
    expect(low).toBeGreaterThan(2)
  })
})
