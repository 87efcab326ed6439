// Exact request counts from raw counters. `increase()` extrapolates to the edges of its window and so reports
// fractions and misses a series' first value; the evidence in an alert must be a number that somebody can check.

/** One series of an instant vector of counters. */
export interface CounterSample {
  labels: Readonly<Record<string, string>>
  value: number
}

/**
 * Requests counted between two instants, from every series' raw counter at both: the difference per series, summed.
 * A series that is new at the end began at 0. A counter that fell was reset (the container restarted) and began at 0;
 * what it counted before the reset is lost. A series that vanished is ignored, as is a value that isn't finite.
 */
export function countSince(start: readonly CounterSample[], end: readonly CounterSample[]): number {
  const before = new Map(start.map(sample => [seriesKey(sample.labels), sample.value]))
  let total = 0
  for (const {labels, value} of end) {
    if (!Number.isFinite(value)) continue
    const earlier = before.get(seriesKey(labels)) ?? 0
    total += Number.isFinite(earlier) && earlier <= value ? value - earlier : value
  }
  return total
}

/** The identity of a series, whatever the order of its labels. */
function seriesKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)))
}
