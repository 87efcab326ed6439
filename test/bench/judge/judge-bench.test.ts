import {describe, expect, test} from 'vitest'
import {Chance} from './random.ts'
import {divergence, sprt} from './sprt.ts'

test("Wald's test: check values", () => {
  const {upper, lower, perError, perSuccess, cleanRequests} = sprt(0.001, 0.01, 0.01, 0.01)
  expect(upper).toBeCloseTo(4.59512, 6)
  expect(lower).toBeCloseTo(-4.59512, 6)
  expect(perError).toBeCloseTo(2.302585, 6)
  expect(perSuccess).toBeCloseTo(-0.0090498, 7)
  expect(divergence(0.01, 0.001)).toBeCloseTo(0.0140665, 7)
  expect(divergence(0.001, 0.01)).toBeCloseTo(0.0067382, 7)
  expect(cleanRequests).toBe(508)
})

describe('chance', () => {
  const draws = 40_000
  const moments = (draw: () => number) => {
    const values = Array.from({length: draws}, draw)
    const mean = values.reduce((sum, value) => sum + value, 0) / draws
    return {mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws}
  }

  test.each([
    [150, 0.001],
    [150, 0.2],
    [1500, 0.3],
    [90_000, 0.01],
    [1000, 0.95],
  ])('binomial %d, %d', (count, probability) => {
    const chance = new Chance(7)
    const {mean, variance} = moments(() => chance.binomial(count, probability))
    const expected = count * probability * (1 - probability)
    expect(Math.abs(mean - count * probability)).toBeLessThan(5 * Math.sqrt(expected / draws))
    expect(variance / expected).toBeGreaterThan(0.95)
    expect(variance / expected).toBeLessThan(1.05)
  })

  test.each([0.3, 12, 1500])('Poisson %d', expected => {
    const chance = new Chance(8)
    const {mean, variance} = moments(() => chance.poisson(expected))
    expect(Math.abs(mean - expected)).toBeLessThan(5 * Math.sqrt(expected / draws))
    expect(variance / expected).toBeGreaterThan(0.95)
    expect(variance / expected).toBeLessThan(1.05)
  })

  test('the same seed gives the same', () => {
    const [one, other, third] = [3, 3, 4].map(seed => {
      const chance = new Chance(seed)
      return [chance.uniform(), chance.uniform()]
    })
    expect(one).toEqual(other)
    expect(one).not.toEqual(third)
  })
})
