// Adds the durations of a poll to the counts that the bands compare.
import type {BandEvidence} from '../../crds/evidence.ts'
import type {Durations} from './poll.ts'

export const emptyBands: BandEvidence = {bounds: [], canary: [], primary: [], canaryTotal: 0, primaryTotal: 0}

/** Bounds that are kept per check. */
const maximumBounds = 64

/** Whether there is anything in them. */
export function areBegun({canaryTotal, primaryTotal}: BandEvidence): boolean {
  return canaryTotal + primaryTotal > 0
}

/** The counts with one more poll, over the bounds that all polls of both arms share. */
export function withBandCounts(before: BandEvidence, canary: Durations, primary: Durations): BandEvidence {
  // An arm without requests has no series, and so no bounds of its own.
  const known = (durations: Durations) => (durations.total === 0 ? undefined : durations.bounds)
  const started = areBegun(before) ? before.bounds : undefined
  const lists = [started, known(canary), known(primary)].filter(bounds => bounds !== undefined)
  const [first, ...others] = lists
  if (!first) return before
  const bounds = first.filter(bound => others.every(other => other.includes(bound))).slice(0, maximumBounds)
  const sums = (kept: readonly number[], durations: Durations) =>
    bounds.map(
      bound => (kept[before.bounds.indexOf(bound)] ?? 0) + (durations.counts[durations.bounds.indexOf(bound)] ?? 0),
    )
  return {
    bounds,
    canary: sums(before.canary, canary),
    primary: sums(before.primary, primary),
    canaryTotal: before.canaryTotal + canary.total,
    primaryTotal: before.primaryTotal + primary.total,
  }
}
