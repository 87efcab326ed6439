// Fisher's noncentral hypergeometric distribution: how many of k failures fall on the canary, given its odds ratio.
// Source: Fisher 1935; mode after Liao and Rosen 2001.
import {logBinomial} from './log-math.ts'

/** A term this much smaller than the sum so far changes nothing in a double. */
const negligible = 1e-17

/** Failed and total requests of both arms between two grid times. Integers >= 0, failed at most total. */
export interface Batch {
  canaryFailed: number
  canaryTotal: number
  primaryFailed: number
  primaryTotal: number
}

/**
 * ln of the sum over x of C(canaryTotal, x) C(primaryTotal, k - x) e^(x logOdds), k the failures of both arms. Summed
 * outward from the mode: O(sqrt k) terms.
 */
export function logNormalizer(batch: Batch, logOdds: number): number {
  const {canaryTotal, primaryTotal} = batch
  const failed = batch.canaryFailed + batch.primaryFailed
  const least = Math.max(0, failed - primaryTotal)
  const most = Math.min(canaryTotal, failed)
  const odds = Math.exp(logOdds)
  const mode = Math.min(most, Math.max(least, modeOf(canaryTotal, primaryTotal, failed, odds)))
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

/** The most likely number of the canary's failures, to within one. */
function modeOf(canaryTotal: number, primaryTotal: number, failed: number, odds: number): number {
  const square = odds - 1
  const linear = failed - primaryTotal - (canaryTotal + failed + 2) * odds
  const constant = (canaryTotal + 1) * (failed + 1) * odds
  const root = Math.sqrt(Math.max(0, linear * linear - 4 * square * constant))
  return Math.floor((-2 * constant) / (linear - root))
}
