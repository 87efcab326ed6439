// Figures of the last window, from counts rather than from `rate()`: they can be checked by hand.

/** Percent of requests that did not fail; NaN without requests, and for counts that can't be. */
export function successRatePercent({failed, total}: {failed: number; total: number}): number {
  if (!(failed >= 0 && failed <= total)) return Number.NaN
  // Whole numbers up to the one division: 7 failures of 100 are 93 %, not a hair less than a minimum of 93.
  return (100 * (total - failed)) / total
}

/** Requests by duration over a window: how many took at most each finite bound (milliseconds, rising), and how many there were. */
interface CountedDurations {
  bounds: readonly number[]
  counts: readonly number[]
  total: number
}

/**
 * Milliseconds at a quantile (0 to 1), interpolated within its bucket as Prometheus' histogram_quantile() does it; the
 * highest finite bound when it lies beyond, NaN without requests or bounds. Cumulative counts that fall count as level.
 */
export function durationQuantile({bounds, counts, total}: CountedDurations, quantile: number): number {
  const highest = bounds.at(-1)
  const observations = Math.max(total, ...counts)
  if (highest === undefined || !(observations > 0)) return Number.NaN
  const rank = quantile * observations
  let lower = 0
  let before = 0
  for (const [index, upper] of bounds.entries()) {
    const count = Math.max(before, counts[index] ?? 0)
    if (count >= rank) {
      // A lowest bucket that ends at or below 0 has no known begin to interpolate from.
      return index === 0 && upper <= 0 ? upper : lower + ((upper - lower) * (rank - before)) / (count - before)
    }
    lower = upper
    before = count
  }
  return highest
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
