import type {Random} from '../ports.ts'

/** Bounds of an exponential back-off. */
export interface Backoff {
  baseMilliseconds: number
  maxMilliseconds: number
}

/**
 * Delay before the next attempt: doubles with each failure up to the bound, then loses up to half by chance, so that
 * clients that failed together do not come back together.
 *
 * @param failures consecutive failures so far, at least 1
 * @returns milliseconds, at most `maxMilliseconds`
 */
export function backoffMilliseconds(backoff: Backoff, failures: number, random: Random): number {
  // The exponent is bounded because 2 ** 1024 is Infinity, and Infinity times a base of 0 is NaN.
  const doublings = Math.min(Math.max(failures - 1, 0), 40)
  const ceiling = Math.min(backoff.maxMilliseconds, backoff.baseMilliseconds * 2 ** doublings)
  return Math.round(ceiling * (0.5 + random.next() / 2))
}
