// Values of the literature's formulas, computed twice and independently of this code.
import {describe, expect, test} from 'vitest'
import {type Batch, logNormalizer} from './hypergeometric.ts'
import {absoluteIncrements, betterRatios, relativeIncrements, worseRatios} from './likelihood-ratios.ts'
import {logBinomial, logMeanExp} from './log-math.ts'

function batch(canaryFailed: number, canaryTotal: number, primaryFailed: number, primaryTotal: number): Batch {
  return {canaryFailed, canaryTotal, primaryFailed, primaryTotal}
}

const near = (value: number, digits = 5) => expect.closeTo(value, digits)
const relative = (one: Batch, margin: number) => Math.exp(logMeanExp(relativeIncrements(one, margin, worseRatios)))
const absolute = (failed: number, total: number) =>
  Math.exp(logMeanExp(absoluteIncrements(batch(failed, total, 0, 0), 0.001, worseRatios)))
const relativeBetter = (one: Batch) => Math.exp(logMeanExp(relativeIncrements(one, 3, betterRatios)))
const absoluteBetter = (failed: number, total: number) =>
  Math.exp(logMeanExp(absoluteIncrements(batch(failed, total, 0, 0), 0.01, betterRatios)))

/** Within half a unit of the last of six digits. */
function expectSix(actual: number, expected: number): void {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(6e-6)
}

describe("Fisher's noncentral hypergeometric distribution", () => {
  test('small: weights 1, 8, 4 at odds 2', () => {
    expect(logNormalizer(batch(0, 2, 2, 2), Math.log(2))).toEqual(near(Math.log(13), 12))
  })

  test('large: the mode, its probability, and the mean', () => {
    const large = batch(600, 1e5, 4400, 9e5)
    const logWeight = (x: number) => logBinomial(1e5, x) + logBinomial(9e5, 5000 - x) + x * Math.log(2)
    expect(Math.exp(logWeight(905) - logNormalizer(large, Math.log(2)))).toEqual(near(0.0147077, 6))
    expect(logWeight(905)).toBeGreaterThan(Math.max(logWeight(904), logWeight(906)))
    const around = (step: number) => logNormalizer(large, Math.log(2) + step)
    expect((around(1e-3) - around(-1e-3)) / 2e-3).toEqual(near(905.72, 3))
  })

  test('large', () => {
    const large = batch(600, 1e5, 4400, 9e5)
    expect(logNormalizer(large, Math.log(2))).toEqual(near(31949.5141376, 6))
    expect(logNormalizer(large, 0)).toEqual(near(31473.8909016, 6))
    expect(relativeIncrements(large, 1, [2])[0]).toEqual(near(-59.7349277, 6))
    expect(relativeIncrements(batch(1000, 1e5, 4000, 9e5), 1, [2])[0]).toEqual(near(217.523945, 5))
    expect(logMeanExp(relativeIncrements(large, 1.5, worseRatios))).toEqual(near(-43.1779, 4))
    expect(logMeanExp(relativeIncrements(batch(800, 1e5, 4200, 9e5), 1.5, worseRatios))).toEqual(near(1.45085, 5))
  })

  test.each([
    [2, 2171.59],
    [3, 26190.2],
    [4, 47640.7],
    [5, 35247.1],
  ])('20/1000 against 45/9000: ratio %d', (ratio, expected) => {
    expectSix(Math.exp(relativeIncrements(batch(20, 1000, 45, 9000), 1, [ratio])[0] ?? 0), expected)
  })
})

describe('relative part', () => {
  test.each([
    ['20/1000 against 45/9000', batch(20, 1000, 45, 9000), [7985.25, 71.608, 5.796]],
    ['3/50 against 0/450', batch(3, 50, 0, 450), [187.088, 81.0447]],
    ['7/500 against 0/500', batch(7, 500, 0, 500), [44.815]],
    ['5/600 against 5/5400', batch(5, 600, 5, 5400), [45.546, 12.102]],
    ['no error in either arm', batch(0, 500, 0, 4500), [1, 1]],
  ])('%s, margins 1, 1.5, 2', (_name, one, expected) => {
    for (const [index, value] of expected.entries()) {
      expect(Math.abs(relative(one, [1, 1.5, 2][index] ?? 1) / value - 1)).toBeLessThan(1e-4)
    }
  })

  test.each([
    [batch(1, 10, 0, 90), 3.33552],
    [batch(5, 5, 100, 100), 1],
  ])('margin 1.5: %j', (one, expected) => expectSix(relative(one, 1.5), expected))

  test('logarithms are summed over the batches before the mean is taken', () => {
    const [first, second] = [batch(2, 150, 1, 1350), batch(4, 300, 2, 1200)]
    const both = (margin: number) => {
      const [left, right] = [first, second].map(one => relativeIncrements(one, margin, worseRatios))
      return Math.exp(logMeanExp((left ?? []).map((value, index) => value + (right?.[index] ?? 0))))
    }
    expectSix(both(1), 87.2148)
    expectSix(both(1.5), 19.1891)
    expect(relativeIncrements(first, 1, [5])[0]).toEqual(near(2.210929, 6))
  })

  test('better than harmful', () => {
    expectSix(relativeBetter(batch(0, 600, 20, 5400)), 131.372)
    expectSix(relativeBetter(batch(1, 1000, 9, 9000)), 1.31032)
    expectSix(relativeBetter(batch(20, 1000, 180, 9000)), 133498)
    expectSix(relativeBetter(batch(5, 600, 5, 5400)), 0.0405193)
  })

  test('latency: 300/10000 slow against 1800/90000', () => {
    expectSix(relative(batch(300, 10_000, 1800, 90_000), 1), 4.2301e7)
    expectSix(relative(batch(300, 10_000, 1800, 90_000), 1.25), 9.39908)
  })
})

describe('absolute part', () => {
  test.each([
    [0, 150, 0.539598],
    [1, 1, 17.8473],
    [3, 50, 2019.85],
    [5, 600, 105.94],
  ])('worse than harmless: %d/%d', (failed, total, expected) => expectSix(absolute(failed, total), expected))

  test.each([
    [0, 434, 38.833],
    [0, 435, 39.1857],
    [0, 600, 178.488],
    [1, 1000, 300.07],
    [5, 1000, 1.89385],
    [20, 1000, 4.77747e-5],
  ])('better than harmful: %d/%d', (failed, total, expected) => expectSix(absoluteBetter(failed, total), expected))
})

describe('tempering divides each increment, inside the mean', () => {
  test.each([
    [batch(20, 1000, 45, 9000), 1.4667],
    [batch(50, 1000, 45, 9000), 586.847],
  ])('%j at phi 5', (one, expected) => {
    expectSix(Math.exp(logMeanExp(relativeIncrements(one, 1.5, worseRatios).map(value => value / 5))), expected)
  })
})
