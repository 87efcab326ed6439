// Durations of requests, as the buckets of a histogram see them: lognormal, in Istio's bounds.
import type {Chance} from './random.ts'

/** Istio's default bounds, milliseconds. */
export const bounds: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
]
/** Sigma of the logarithm of a duration. */
const scatter = 0.7

/** Share of the requests that take at most each bound. */
export function sharesBelow(medianMilliseconds: number): number[] {
  return bounds.map(bound => normalShare(Math.log(bound / medianMilliseconds) / scatter))
}

/** How many of so many requests took at most each bound, cumulative. */
export function drawBuckets(chance: Chance, total: number, shares: readonly number[]): number[] {
  let left = total
  let below = 0
  return shares.map(share => {
    const here = chance.binomial(left, below >= 1 ? 0 : Math.min(1, Math.max(0, (share - below) / (1 - below))))
    left -= here
    below = share
    return total - left
  })
}

/** Distribution function of the standard normal law (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
  return z >= 0 ? 1 - tail : tail
}
