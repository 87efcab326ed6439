import {describe, expect, test} from 'vitest'
import {type Batch, logNormalizer} from './hypergeometric.ts'
import {logBinomial} from './log-math.ts'

function batch(canaryFailed: number, canaryTotal: number, primaryFailed: number, primaryTotal: number): Batch {
  return {canaryFailed, canaryTotal, primaryFailed, primaryTotal}
}

/** Every term of the support, by the ratio of neighbours from the term in the middle of the heavy ones. */
function everyTerm({canaryFailed, canaryTotal, primaryFailed, primaryTotal}: Batch, logOdds: number): number {
  const failed = canaryFailed + primaryFailed
  const [least, most] = [Math.max(0, failed - primaryTotal), Math.min(canaryTotal, failed)]
  const ratio = (x: number) =>
    (((canaryTotal - x) * (failed - x)) / ((x + 1) * (primaryTotal - failed + x + 1))) * Math.exp(logOdds)
  let mode = least
  while (mode < most && ratio(mode) >= 1) mode++
  let sum = 1
  for (let [x, term] = [mode, 1]; x < most; x++) {
    term *= ratio(x)
    sum += term
  }
  for (let [x, term] = [mode, 1]; x > least; x--) {
    term /= ratio(x - 1)
    sum += term
  }
  return logBinomial(canaryTotal, mode) + logBinomial(primaryTotal, failed - mode) + mode * logOdds + Math.log(sum)
}

const oddsRatios = [1 / 64, 0.2, 1, 1.5, 3, 30, 256]

describe('the sum of few terms is the sum of all', () => {
  test.each([
    ['a poll of 1,500 requests, few failed', batch(5, 150, 1, 1350)],
    ['half of them failed', batch(75, 150, 675, 1350)],
    ['just below where terms are skipped', batch(1100, 2300, 9500, 20_000)],
    ['just above it', batch(1500, 3000, 13_500, 27_000)],
    ['a poll of 300,000 requests, half failed', batch(15_000, 30_000, 135_000, 270_000)],
    ['nearly all failed', batch(29_000, 30_000, 268_000, 270_000)],
    ['one failure in a thousand', batch(300, 300_000, 2700, 2_700_000)],
    ['the canary has nearly everything', batch(100_000, 270_000, 900, 3000)],
    ['3,000,000 requests, half failed', batch(150_000, 300_000, 1_350_000, 2_700_000)],
  ])('%s', (_name, one) => {
    for (const odds of oddsRatios) {
      const expected = everyTerm(one, Math.log(odds))
      // What is left is the rounding of the factorials' logarithms, which are this large.
      const total = one.canaryTotal + one.primaryTotal
      const largest = total * Math.log(total)
      expect(Math.abs(logNormalizer(one, Math.log(odds)) - expected)).toBeLessThan(4 * Number.EPSILON * largest)
    }
  })
})

test('the work does not grow with the requests', () => {
  // All terms that weigh anything would be some hundred million for these.
  const one = batch(15e13, 30e13, 135e13, 270e13)
  const before = performance.now()
  for (const odds of oddsRatios) expect(logNormalizer(one, Math.log(odds))).toBeGreaterThan(0)
  expect(performance.now() - before).toBeLessThan(100)
})
