import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {durationQuantile, successRatePercent, sumDurations} from './window-figures.ts'

const nan = Number.NaN

describe('the success rate', () => {
  it.each([
    [0, 100, 100],
    [100, 100, 0],
    [7, 100, 93],
    [1, 3, 200 / 3],
    [29, 1000, 97.1],
    [0, 0, nan],
    [2, 1, nan],
    [-1, 10, nan],
    [nan, 10, nan],
    [0, nan, nan],
    [0, Number.POSITIVE_INFINITY, nan],
  ])('%d failed of %d: %d', (failed, total, percent) => {
    expect(successRatePercent({failed, total})).toBe(percent)
  })

  it('of n failures in 100 is the whole number that a bound would be', () => {
    for (let failed = 0; failed <= 100; failed++) expect(successRatePercent({failed, total: 100})).toBe(100 - failed)
  })
})

interface Histogram {
  bounds: number[]
  counts: number[]
  total: number
}

const usual = {bounds: [5, 10, 25, 50, 100, 250, 500, 1000], counts: [0, 2, 40, 80, 90, 97, 99, 100], total: 100}
const beyond = {bounds: [100, 200], counts: [0, 0], total: 7}
const lowest = {bounds: [100, 200], counts: [3, 3], total: 3}
const gap = {bounds: [100, 200, 400], counts: [1, 1, 4], total: 4}
const single = {bounds: [100], counts: [5], total: 10}
const negative = {bounds: [-1, 1], counts: [5, 6], total: 10}
const falling = {bounds: [1, 2, 4, 8], counts: [4, 3, 5, 5], total: 6}

describe('the quantile of a histogram', () => {
  // Computed by histogram_quantile() of Prometheus 2.42: `promtool test rules`, the counts as samples of one time.
  it.each<[Histogram, number, number]>([
    [usual, 0.01, 7.5],
    [usual, 0.3, 21.05263157894737],
    [usual, 0.5, 31.25],
    [usual, 0.9, 100],
    [usual, 0.95, 207.14285714285714],
    [usual, 0.99, 500],
    [usual, 0.999, 950.0000000000028],
    [beyond, 0.01, 200],
    [beyond, 0.99, 200],
    [lowest, 0.01, 1],
    [lowest, 0.99, 98.99999999999999],
    [gap, 0.01, 4],
    [gap, 0.25, 100],
    [gap, 0.3, 213.33333333333334],
    [gap, 0.99, 397.33333333333337],
    [single, 0.3, 60],
    [single, 0.5, 100],
    [single, 0.95, 100],
    [negative, 0.3, -1],
    [negative, 0.5, -1],
    [negative, 0.95, 1],
    [falling, 0.3, 0.45],
    [falling, 0.5, 0.75],
    [falling, 0.75, 3],
    [falling, 0.9, 8],
  ])('%j at %d', (histogram, quantile, milliseconds) => {
    expect(durationQuantile(histogram, quantile)).toBeCloseTo(milliseconds, 10)
  })

  it.each<[string, Histogram]>([
    ['no requests', {bounds: [100], counts: [0], total: 0}],
    ['no bounds', {bounds: [], counts: [], total: 5}],
    ['counts that are none', {bounds: [100], counts: [nan], total: 5}],
  ])('%s: not a number', (_, histogram) => {
    expect(durationQuantile(histogram, 0.99)).toBeNaN()
  })

  it('lies in the bucket that the requests are in, and rises with the quantile', () => {
    const histograms = fc.array(fc.integer({min: 0, max: 50}), {minLength: 2, maxLength: 12}).map(increments => {
      let sum = 0
      const counts = increments.map(increment => {
        sum += increment
        return sum
      })
      return {bounds: counts.slice(1).map((_, index) => 2 ** index), counts: counts.slice(0, -1), total: sum}
    })
    const quantiles = fc.integer({min: 1, max: 999}).map(value => value / 1000)
    fc.assert(
      fc.property(histograms, quantiles, quantiles, (histogram, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map(quantile =>
          durationQuantile(histogram, quantile),
        )
        if (histogram.total === 0) return expect(low).toBeNaN()
        expect(high).toBeGreaterThanOrEqual(low ?? nan)
        const bucket = histogram.counts.findIndex(count => count >= Math.max(one, other) * histogram.total)
        const upper = bucket < 0 ? histogram.bounds.at(-1) : histogram.bounds[bucket]
        expect(high).toBeLessThanOrEqual(upper ?? nan)
        expect(high).toBeGreaterThanOrEqual(histogram.bounds[(bucket < 0 ? histogram.bounds.length : bucket) - 1] ?? 0)
      }),
    )
  })
})

describe('the sum of histograms', () => {
  it('has the bounds that all have, but for those without requests', () => {
    const parts = [
      {bounds: [1, 2, 4], counts: [1, 2, 3], total: 4},
      {bounds: [], counts: [], total: 0},
      {bounds: [2, 4, 8], counts: [10, 20, 30], total: 40},
    ]
    expect(sumDurations(parts)).toEqual({bounds: [2, 4], counts: [12, 23], total: 44})
  })

  it('of nothing is nothing', () => expect(sumDurations([])).toEqual({bounds: [], counts: [], total: 0}))
})
