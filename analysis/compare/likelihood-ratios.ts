// The factors by which one batch multiplies each E-process, in logarithms. Under the hypothesis that a process tests,
// every factor has a mean of at most 1, whatever baseline, weight and traffic do between batches: so the product may be
// looked at after every scrape (Ville's inequality).
import {type Batch, logNormalizer} from './hypergeometric.ts'

/** Alternatives worse than the harmless margin, as multiples of its odds. */
export const worseRatios: readonly number[] = [1.25, 1.5, 2, 3, 5, 10, 30, 100]
/** Alternatives better than the harmful margin. */
export const betterRatios: readonly number[] = [1 / 2, 1 / 5, 1 / 100]

/**
 * Conditional odds-ratio test: given the margins of the 2x2 table the canary's failures depend on the odds ratio alone.
 * One value per ratio: ln of the likelihood at odds ratio `margin * ratio` over that at `margin`.
 */
export function relativeIncrements(batch: Batch, margin: number, ratios: readonly number[]): number[] {
  // Without a failure, or with nothing but failures, the margins say all.
  if (isUninformative(batch)) return ratios.map(() => 0)
  const atMargin = logNormalizer(batch, Math.log(margin))
  return ratios.map(
    ratio => Math.log(ratio) * batch.canaryFailed - logNormalizer(batch, Math.log(margin * ratio)) + atMargin,
  )
}

/**
 * Binomial test of the canary alone. One value per ratio: ln of the likelihood at odds `ratio` times those of `share`
 * over that at `share` (a fraction).
 */
export function absoluteIncrements(batch: Batch, share: number, ratios: readonly number[]): number[] {
  return ratios.map(
    ratio => batch.canaryFailed * Math.log(ratio) - batch.canaryTotal * Math.log(1 - share + ratio * share),
  )
}

/** ln of the conditional likelihood of each odds ratio, for a confidence sequence. */
export function logLikelihoods(batch: Batch, oddsRatios: readonly number[]): number[] {
  if (isUninformative(batch)) return oddsRatios.map(() => 0)
  return oddsRatios.map(odds => batch.canaryFailed * Math.log(odds) - logNormalizer(batch, Math.log(odds)))
}

function isUninformative({canaryFailed, canaryTotal, primaryFailed, primaryTotal}: Batch): boolean {
  const failed = canaryFailed + primaryFailed
  return failed === 0 || failed === canaryTotal + primaryTotal || canaryTotal === 0 || primaryTotal === 0
}
