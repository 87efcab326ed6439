import {ClusterError, type Random} from '../ports.ts'

/** Bounds of an exponential back-off. */
export interface Backoff {
  baseMilliseconds: number
  maxMilliseconds: number
}

/** A defect of ours, or of the object: time alone won't help. */
const defectBackoff: Backoff = {baseMilliseconds: 500, maxMilliseconds: 300_000}
/** The API server refuses; somebody is about to give a right, or to mend a webhook. */
const refusedBackoff: Backoff = {baseMilliseconds: 500, maxMilliseconds: 30_000}
/** The API server doesn't answer, or can't just now: when it is back, work goes on within seconds. */
const awayBackoff: Backoff = {baseMilliseconds: 500, maxMilliseconds: 5000}

/** How long a pass waits after what it threw. */
export function passBackoff(error: unknown): Backoff {
  if (!(error instanceof ClusterError)) return defectBackoff
  const away = error.status === 0 || error.status === 429 || error.status >= 500
  return away ? awayBackoff : refusedBackoff
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
