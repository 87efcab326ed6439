// Bands around two distribution functions that hold at every time at once (Howard and Ramdas 2022): a shift of the
// latency that no fixed bound was set for. Secondary: they see large shifts only.
import type {Tally} from '../../crds/evidence.ts'
import {restartWeight} from './restarts.ts'

/** Requests per arm that took at most each bound; the bounds are those that both arms' buckets share. */
export interface BandCounts {
  /** Milliseconds, rising; finite. */
  bounds: readonly number[]
  canary: readonly number[]
  primary: readonly number[]
  canaryTotal: number
  primaryTotal: number
}

/** How far the canary's distribution may lag behind before it counts, as a share of the requests. */
export const bandTolerance = 0.05

/** Radius of the band around an empirical distribution of `count` requests that is ever left with probability `alpha`. */
export function bandRadius(count: number, alpha: number): number {
  if (count < 1) return Number.POSITIVE_INFINITY
  return 0.85 * Math.sqrt((Math.log(1 + Math.log(count)) + 0.8 * Math.log(1612 / alpha)) / count)
}

/**
 * What the bands may spend of their `alpha` since their counts began for the `begun`-th time: at each weight, when faults
 * come or go, after edits. Whenever that is, given all that happened until then they are left with at most this probability
 * before they begin again; and the shares sum to alpha, however often they begin (union bound).
 */
export function alphaOfBands(alpha: number, begun = 1): number {
  return alpha * restartWeight(Math.max(1, begun))
}

/** Where the canary is slower by the most, and by how much more than the bands and the tolerance allow. */
export interface BandFinding {
  boundMilliseconds: number
  /** Above 0: slower beyond doubt. A share of the requests: the distance less the radius and the tolerance. */
  excess: number
  distance: number
  /** Of both bands together. */
  radius: number
  /** Requests, and those that took longer. */
  canary: Tally
  primary: Tally
}

/**
 * @param alpha of this comparison, split evenly over the arms
 * @param phi overdispersion: correlated requests count for fewer
 * @returns undefined without a shared bound or without requests in either arm
 */
export function slowestBound(counts: BandCounts, alpha: number, phi: number): BandFinding | undefined {
  const {bounds, canary, primary, canaryTotal, primaryTotal} = counts
  if (canaryTotal === 0 || primaryTotal === 0) return undefined
  const radius = bandRadius(canaryTotal / phi, alpha / 2) + bandRadius(primaryTotal / phi, alpha / 2)
  let slowest: BandFinding | undefined
  for (const [index, boundMilliseconds] of bounds.entries()) {
    const [ours = 0, theirs = 0] = [canary[index], primary[index]]
    const distance = theirs / primaryTotal - ours / canaryTotal
    const excess = distance - radius - bandTolerance
    if (slowest && excess <= slowest.excess) continue
    slowest = {
      boundMilliseconds,
      excess,
      distance,
      radius,
      canary: {failed: canaryTotal - ours, total: canaryTotal},
      primary: {failed: primaryTotal - theirs, total: primaryTotal},
    }
  }
  return slowest
}
