// What no judge can do better on average: Wald's test with both rates known, which nobody has.
import {bounds as buckets, sharesBelow} from './durations.ts'
import {slowMilliseconds} from './ending.ts'
import {settingsOf} from './plan.ts'
import type {Scenario} from './scenarios/scenario.ts'
import {sprt} from './sprt.ts'

/** Shares of bad requests of both versions, where they are independent of each other and differ from their onset on. */
function sharesOf({conditions, harm}: Scenario): {primary: number; canary: number} | undefined {
  const {primary, canary, cluster, cold, durations} = conditions
  if (cluster !== undefined || cold) return undefined
  if (harm === 'failed') return {primary, canary}
  if (!durations) return undefined
  const slow = (factor: number) =>
    1 - (sharesBelow(durations.medianMilliseconds * factor)[buckets.indexOf(slowMilliseconds)] ?? 1)
  return {primary: slow(1), canary: slow(durations.slower)}
}

/** Bad requests until a rollback, at least one; undefined where nothing is to be found, or requests are no coins. */
export function boundOfHarm(scenario: Scenario): number | undefined {
  const shares = sharesOf(scenario)
  if (scenario.good !== 'rollback' || !shares || shares.canary <= shares.primary) return undefined
  const {primary, canary} = shares
  const {alpha, beta} = errorsOf(scenario)
  // Without a failure of the primary, or with nothing else of the canary, one request tells.
  if (primary === 0 || canary >= 1) return 1
  return Math.max(1, canary * sprt(primary, canary, alpha, beta).requestsIfHigh)
}

/** Seconds until a harmless step may end: the canary's own share against the least that is harmful beside this primary. */
export function boundOfStep(scenario: Scenario): number | undefined {
  const shares = sharesOf(scenario)
  if (scenario.good !== 'stays' || !shares) return undefined
  const {conditions, plan} = scenario
  const [first] = settingsOf(plan)
  if (!first) return undefined
  const {harmfulShare, harmfulOdds} = first.margins
  const odds = (shares.primary / (1 - shares.primary)) * harmfulOdds
  const {alpha, beta} = errorsOf(scenario)
  const requests = sprt(shares.canary, Math.max(harmfulShare, odds / (1 + odds)), alpha, beta).requestsIfLow
  return requests / (conditions.rate * conditions.weight)
}

function errorsOf({plan}: Scenario): {alpha: number; beta: number} {
  const settings = settingsOf(plan)
  return {alpha: settings.reduce((sum, {alpha}) => sum + alpha, 0), beta: settings[0]?.beta ?? 0.05}
}
