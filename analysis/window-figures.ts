// Figures of the last window, from counts rather than from `rate()`: they can be checked by hand.

/** Percent of requests that did not fail; NaN without requests. */
export function successRatePercent({failed, total}: {failed: number; total: number}): number {
  return total === 0 ? Number.NaN : 100 * (1 - failed / total)
}

/** Requests by duration over a window: how many took at most each finite bound (milliseconds, rising), and how many there were. */
interface CountedDurations {
  bounds: readonly number[]
  counts: readonly number[]
  total: number
}

/**
 * Milliseconds at a quantile (0 to 1), interpolated within its bucket as Prometheus' histogram_quantile() does it; the
 * highest finite bound when it lies beyond, NaN without requests or bounds.
 */
export function durationQuantile({bounds, counts, total}: CountedDurations, quantile: number): number {
  const highest = bounds.at(-1)
  if (total === 0 || highest === undefined) return Number.NaN
  const rank = quantile * total
  const place = counts.findIndex(count => count >= rank)
  const upper = bounds[place]
  if (place < 0 || upper === undefined) return highest
  const lower = place === 0 ? 0 : (bounds[place - 1] ?? 0)
  const before = place === 0 ? 0 : (counts[place - 1] ?? 0)
  const within = (counts[place] ?? 0) - before
  // The lowest bucket of a histogram with a bound at or below 0 has no width to interpolate in.
  if (place === 0 && upper <= 0) return upper
  return within === 0 ? upper : lower + ((upper - lower) * (rank - before)) / within
}

/** Sums durations over the bounds that all of them have. */
export function sumDurations(parts: readonly CountedDurations[]): CountedDurations {
  const counted = parts.filter(({total}) => total > 0)
  const [first, ...others] = counted
  if (!first) return {bounds: [], counts: [], total: 0}
  const bounds = first.bounds.filter(bound => others.every(other => other.bounds.includes(bound)))
  const countAt = (part: CountedDurations, bound: number) => part.counts[part.bounds.indexOf(bound)] ?? 0
  return {
    bounds,
    counts: bounds.map(bound => counted.reduce((sum, part) => sum + countAt(part, bound), 0)),
    total: counted.reduce((sum, part) => sum + part.total, 0),
  }
}
