// The fixed grid of evaluation times. A time on it depends on the status alone, never on when a pass happened to run:
// whoever restarts asks the metrics the same questions and gets the same answers.

/** The evaluation that is due now, or the time at which the next one will be. Milliseconds since the epoch. */
export type DueEvaluation = {at: number} | {next: number}

export interface EvaluationGrid {
  /** When the weight of the step was confirmed, milliseconds since the epoch. */
  anchor: number
  intervalMilliseconds: number
  windowMilliseconds: number
  /** Last grid time that was judged already; absent when none was. */
  evaluatedThrough?: number
  /** Time of this pass, milliseconds since the epoch. */
  now: number
  /** How long after a grid time its samples are surely stored; 0 when absent. */
  lagMilliseconds?: number
}

/** A shorter interval (the schema takes `0s`) would ask faster than any Prometheus scrapes. */
const minimumIntervalMilliseconds = 1000

/**
 * The *latest* grid time that is due and not yet judged. The first one is a whole window after the anchor, so that no
 * request from before the step is judged; after a gap the ones in between are skipped: they are no data.
 */
export function dueEvaluation(grid: EvaluationGrid): DueEvaluation {
  const interval = Math.max(grid.intervalMilliseconds, minimumIntervalMilliseconds)
  const lag = grid.lagMilliseconds ?? 0
  const first = grid.anchor + grid.windowMilliseconds
  const latest = latestGridTime(first, interval, grid.now - lag)
  const judged = grid.evaluatedThrough ?? Number.NEGATIVE_INFINITY
  if (latest >= first && latest > judged) return {at: latest}
  // A clock that was set back finds `latest` before what was judged: the next one is the first after both.
  const next = Math.max(first, latest, latestGridTime(first, interval, judged))
  return {next: (next > latest && next > judged ? next : next + interval) + lag}
}

/** The last grid time at or before the given one; negative infinity when that lies before the first. */
function latestGridTime(first: number, interval: number, time: number): number {
  return time < first ? Number.NEGATIVE_INFINITY : first + Math.floor((time - first) / interval) * interval
}
