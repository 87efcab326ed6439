// The fixed grid of times at which counters are read: multiples of the interval since the epoch. So it depends on nothing
// that a restart could lose, and Rollouts with the same interval ask at the same times, with one query.

/** A shorter interval (the schema takes `0s`) would ask faster than any Prometheus scrapes. */
const minimumIntervalMilliseconds = 1000

/**
 * A scrape that began before a grid time is mostly stored this part of an interval later, and at most so many milliseconds.
 * Prometheus shows a scrape whole or not at all, so one that takes longer is late by a poll. Waiting costs failed requests.
 */
const lagParts = 5
const maximumLagMilliseconds = 2000

/** Grid times that are made up for after an outage of ours; earlier ones are skipped: a gap is no data. */
const maximumReplayed = 480
/** Those that are read at once with the history before them: below the 11,000 points that Prometheus gives of a series. */
const maximumRead = 10_000

/** Intervals to choose from where none is asked for, seconds. */
const [leastSeconds, middleSeconds, usualSeconds] = [5, 10, 15] as const
/** Scrapes of so long are counted for that choice, seconds. */
export const scrapesSeconds = 120

/** Times in milliseconds since the epoch. */
export interface Grid {
  intervalMilliseconds: number
  /** How long after a grid time it is read, so that scrapes that have begun are stored. */
  lagMilliseconds: number
}

export function gridOf(intervalMilliseconds: number): Grid {
  const interval = Math.max(intervalMilliseconds, minimumIntervalMilliseconds)
  return {intervalMilliseconds: interval, lagMilliseconds: Math.min(interval / lagParts, maximumLagMilliseconds)}
}

/**
 * The interval (milliseconds) where none is asked for: the shortest with a scrape in each, for counters that were scraped so
 * many times in {@link scrapesSeconds}. Rarer scrapes cost queries that find nothing new; an absent number is not known.
 */
export function chosenInterval(scrapes = 0): number {
  // Which scrapes fall into the range is chance, but for one of them.
  const fits = (seconds: number) => scrapes + 1 >= scrapesSeconds / seconds
  return 1000 * ([leastSeconds, middleSeconds].find(fits) ?? usualSeconds)
}

/** The first grid time at or after a time. */
export function gridTimeAfter({intervalMilliseconds}: Grid, time: number): number {
  return Math.ceil(time / intervalMilliseconds) * intervalMilliseconds
}

/** The last grid time that may be read now. */
export function latestGridTime({intervalMilliseconds, lagMilliseconds}: Grid, now: number): number {
  return Math.floor((now - lagMilliseconds) / intervalMilliseconds) * intervalMilliseconds
}

/**
 * Grid times after one that was read, up to now, in order.
 * @param taken grid time up to which they are history, which is read whole; of the others only the last ones are
 */
export function dueGridTimes(grid: Grid, through: number, now: number, taken = through): number[] {
  const latest = latestGridTime(grid, now)
  const {intervalMilliseconds} = grid
  const next = Math.floor(through / intervalMilliseconds) * intervalMilliseconds + intervalMilliseconds
  const replayed = latest - (maximumReplayed - 1) * intervalMilliseconds
  const least = replayed > Math.max(through, taken) + intervalMilliseconds ? replayed : next
  const first = Math.max(next, least, latest - (maximumRead - 1) * intervalMilliseconds)
  const count = Math.max(0, Math.round((latest - first) / intervalMilliseconds) + 1)
  return Array.from({length: count}, (_, index) => first + index * intervalMilliseconds)
}

/** When the first grid time after a time may be read. */
export function nextReadingAt(grid: Grid, time: number): number {
  const {intervalMilliseconds, lagMilliseconds} = grid
  return Math.floor(time / intervalMilliseconds) * intervalMilliseconds + intervalMilliseconds + lagMilliseconds
}
