// How much more the failures of the old version scatter than independent requests would: retries, one user's burst.
// Every increment of the evidence is divided by it. Taken from the primary alone, and known before the batch that it
// tempers, so that it can't be made to fit.

/** Sums over pairs of consecutive batches of the primary, and the batch that has no partner yet. */
export interface Overdispersion {
  weightedSum: number
  weights: number
  pending?: {failed: number; total: number} | undefined
}

/** A pair says no more than this many failures do: one incident must not decide. */
const maximumPairWeight = 50
const maximumPairDispersion = 25

export const noOverdispersion: Overdispersion = {weightedSum: 0, weights: 0}

/** phi: 1 for independent failures, about the size of the clusters otherwise. */
export function dispersionOf({weightedSum, weights}: Overdispersion): number {
  return weights > 0 ? Math.max(1, weightedSum / weights) : 1
}

/**
 * Takes one more batch of the primary in.
 * @param forgetting factor for what was known, once per pair: 1 forgets nothing
 */
export function withPrimaryBatch(known: Overdispersion, failed: number, total: number, forgetting = 1): Overdispersion {
  const {pending, weightedSum, weights} = known
  if (total === 0) return known
  if (!pending) return {weightedSum, weights, pending: {failed, total}}
  const failures = pending.failed + failed
  if (failures === 0) return {weightedSum, weights}
  const weight = Math.min(failures, maximumPairWeight)
  const difference = pending.failed * total - failed * pending.total
  const dispersion = (difference * difference) / (failures * pending.total * total)
  return {
    weightedSum: weightedSum * forgetting + weight * Math.min(dispersion, maximumPairDispersion),
    weights: weights * forgetting + weight,
  }
}
