// The judges that people use today, on requests that are drawn in the same way.
import type {Conditions} from './conditions.ts'
import {type Ending, endingOf} from './ending.ts'
import type {Chance} from './random.ts'
import {difference, Requests} from './requests.ts'
import {Scrapes} from './scrapes.ts'

/** A fixed threshold: so many windows with a success rate below the least one roll back. */
export interface Threshold {
  minimumPercent: number
  windowSeconds: number
  failedWindows: number
  /** From the last failed window until the rollback begins. */
  untilRollbackSeconds: number
  /** Windows after which the step ends. */
  windows: number
}

/**
 * Flagger's documentation: interval 1m, threshold 5, request-success-rate min 99; a step ends after one good window. Its
 * scheduler compares the failed checks with the threshold before it checks again, so it rolls back an interval later.
 */
export const flagger: Threshold = {
  minimumPercent: 99,
  windowSeconds: 60,
  failedWindows: 5,
  untilRollbackSeconds: 60,
  windows: 1,
}
/** The same with the quickest reaction that it can be set to. */
export const flaggerStrict: Threshold = {...flagger, failedWindows: 1}
/** Argo Rollouts' documentation: interval 5m, success rate >= 95 %, failureLimit 3: the fourth failure ends it. */
export const argo: Threshold = {
  minimumPercent: 95,
  windowSeconds: 300,
  failedWindows: 4,
  untilRollbackSeconds: 0,
  windows: 1,
}

/** Both judges raise the weight on a good window; five of them make a release, at the weight of the conditions. */
const goodWindows = 5
/** Scraped as Fairlead's canary is: every quarter of a minute, at a time of its own in each run. */
const scrapeSeconds = 15

export function runThreshold(conditions: Conditions, threshold: Threshold, chance: Chance): Ending {
  const requests = new Requests(conditions, chance)
  const scrapes = new Scrapes(requests, conditions, scrapeSeconds, chance)
  let failed = 0
  let good = 0
  let before = scrapes.read(0).counts.canary
  for (let second = threshold.windowSeconds; ; second += threshold.windowSeconds) {
    const now = scrapes.read(second).counts.canary
    const window = difference(now, before)
    before = now
    // An empty window is a failed check for Flagger.
    const isGood = window.total > 0 && 100 * (1 - window.failed / window.total) >= threshold.minimumPercent
    if (isGood) good++
    else failed++
    if (failed >= threshold.failedWindows)
      return endingOf('rollback', requests, second + threshold.untilRollbackSeconds)
    if (good >= goodWindows * threshold.windows) return endingOf('advance', requests, second)
  }
}

/**
 * Kayenta's judge (NetflixACAJudge): the Mann-Whitney U test on the per-minute error rates of both versions, with the
 * Hodges-Lehmann shift. A metric is High, and fails, when the 98 % confidence interval of the shift lies above a quarter
 * of the shift's own estimate. Here: one metric, judged once after half an hour.
 */
export function runKayenta(conditions: Conditions, chance: Chance): Ending {
  const minutes = 30
  const requests = new Requests(conditions, chance)
  const scrapes = new Scrapes(requests, conditions, scrapeSeconds, chance)
  const rates: Record<'canary' | 'primary', number[]> = {canary: [], primary: []}
  let before = scrapes.read(0).counts
  for (let minute = 1; minute <= minutes; minute++) {
    const now = scrapes.read(minute * 60).counts
    for (const version of ['canary', 'primary'] as const) {
      const {failed, total} = difference(now[version], before[version])
      if (total > 0) rates[version].push(failed / total)
    }
    before = now
  }
  const {estimate, lower} = shiftOf(rates.canary, rates.primary)
  const isHigh = lower > 0.25 * Math.abs(estimate)
  return endingOf(isHigh ? 'rollback' : 'advance', requests, minutes * 60)
}

/** 2.326: one-sided 99 %, so that the interval is one of 98 %. */
const normalQuantile = 2.326

/** The Hodges-Lehmann shift and the lower end of its interval, by the normal approximation of the U statistic. */
export function shiftOf(left: readonly number[], right: readonly number[]): {estimate: number; lower: number} {
  const shifts = left.flatMap(one => right.map(other => one - other)).sort((one, other) => one - other)
  const [n, m] = [left.length, right.length]
  const rank = Math.floor((n * m) / 2 - normalQuantile * Math.sqrt((n * m * (n + m + 1)) / 12))
  const middle = shifts.length / 2
  const estimate = ((shifts[Math.ceil(middle) - 1] ?? 0) + (shifts[Math.floor(middle)] ?? 0)) / 2
  return {estimate, lower: shifts[Math.max(0, rank)] ?? 0}
}
