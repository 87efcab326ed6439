// Fisher's noncentral hypergeometric distribution: how many of k failures fall on the canary, given its odds ratio.
// Source: Fisher 1935; mode after Liao and Rosen 2001.
import {logBinomial, logFactorial} from './log-math.ts'

/** A term this much smaller than the sum so far changes nothing in a double. */
const negligible = 1e-17
/**
 * From this standard deviation on, the terms are a curve so smooth that the sum over every n-th of them, times n, is the
 * whole sum: the error falls as 2 exp(-2 (pi deviation / n)^2), 1e-13 at this many points per deviation (Poisson's
 * summation). Less would be lost in the rounding of the factorials.
 */
const smoothDeviation = 24
const pointsPerDeviation = 1.25

/** Failed and total requests of both arms between two grid times. Integers >= 0, failed at most total. */
export interface Batch {
  canaryFailed: number
  canaryTotal: number
  primaryFailed: number
  primaryTotal: number
}

/**
 * ln of the sum over x of C(canaryTotal, x) C(primaryTotal, k - x) e^(x logOdds), k the failures of both arms. Summed
 * outward from the mode, until the terms are negligible: some hundred of them at most, however many requests there are.
 */
export function logNormalizer(batch: Batch, logOdds: number): number {
  const {canaryTotal, primaryTotal} = batch
  const failed = batch.canaryFailed + batch.primaryFailed
  const least = Math.max(0, failed - primaryTotal)
  const most = Math.min(canaryTotal, failed)
  const odds = Math.exp(logOdds)
  const mode = Math.min(most, Math.max(least, modeOf(canaryTotal, primaryTotal, failed, odds)))
  const deviation = deviationAt(mode, batch)
  if (deviation >= smoothDeviation) {
    return logSmoothSum(batch, logOdds, mode, Math.floor(deviation / pointsPerDeviation))
  }
  let sum = 1
  let term = 1
  for (let x = mode; x < most && term > negligible * sum; x++) {
    term *= (((canaryTotal - x) * (failed - x)) / ((x + 1) * (primaryTotal - failed + x + 1))) * odds
    sum += term
  }
  term = 1
  for (let x = mode; x > least && term > negligible * sum; x--) {
    term *= (x * (primaryTotal - failed + x)) / ((canaryTotal - x + 1) * (failed - x + 1) * odds)
    sum += term
  }
  return logBinomial(canaryTotal, mode) + logBinomial(primaryTotal, failed - mode) + mode * logOdds + Math.log(sum)
}

/** Standard deviation of the canary's failures, by the curvature at the mode; 0 where the mode lies on a bound. */
function deviationAt(mode: number, {canaryFailed, canaryTotal, primaryFailed, primaryTotal}: Batch): number {
  const left = canaryFailed + primaryFailed - mode
  return 1 / Math.sqrt(1 / mode + 1 / (canaryTotal - mode) + 1 / left + 1 / (primaryTotal - left))
}

/** Every `stride`-th term outward from the mode: the deviation is so large that the support ends far beyond them. */
function logSmoothSum(batch: Batch, logOdds: number, mode: number, stride: number): number {
  const {canaryTotal, primaryTotal} = batch
  const failed = batch.canaryFailed + batch.primaryFailed
  const logTerm = (x: number) =>
    x * logOdds -
    logFactorial(x) -
    logFactorial(canaryTotal - x) -
    logFactorial(failed - x) -
    logFactorial(primaryTotal - failed + x)
  const largest = logTerm(mode)
  let sum = 1
  for (const step of [stride, -stride]) {
    let term = 1
    for (let x = mode + step; term > negligible * sum; x += step) {
      term = Math.exp(logTerm(x) - largest)
      sum += term
    }
  }
  return logFactorial(canaryTotal) + logFactorial(primaryTotal) + largest + Math.log(stride * sum)
}

/** The most likely number of the canary's failures, to within one. */
function modeOf(canaryTotal: number, primaryTotal: number, failed: number, odds: number): number {
  const square = odds - 1
  const linear = failed - primaryTotal - (canaryTotal + failed + 2) * odds
  const constant = (canaryTotal + 1) * (failed + 1) * odds
  const root = Math.sqrt(Math.max(0, linear * linear - 4 * square * constant))
  return Math.floor((-2 * constant) / (linear - root))
}
