// Latency shifts: lognormal durations in Istio's buckets, and Fairlead's latency check on them.
import {beginStep, emptyEvidence, judgePoll} from '../../../analysis/compare/judge.ts'
import type {Durations} from '../../../analysis/compare/poll.ts'
import type {CompareSettings} from '../../../analysis/compare/settings.ts'
import type {Plan, Run} from './fairlead.ts'
import type {Chance} from './random.ts'

export interface LatencyConditions {
  rate: number
  weight: number
  /** Of the primary, milliseconds; and how much slower the canary is. */
  medianMilliseconds: number
  slower: number
}

/** Istio's default bounds, milliseconds. */
const bounds = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]
/** Sigma of the logarithm of a duration. */
const scatter = 0.7

/** Failed requests are slow ones here: those above the bound of the check. */
export function runLatency(conditions: LatencyConditions, plan: Plan, settings: CompareSettings, chance: Chance): Run {
  const {rate, weight, medianMilliseconds, slower} = conditions
  const {pollSeconds, lagSeconds, deadlineSeconds, goOn} = plan
  let evidence = emptyEvidence(settings)
  let slow = 0
  let cleared: number | undefined
  const place = bounds.indexOf(settings.slowerThanMilliseconds[0] ?? 0)
  for (let second = pollSeconds; second <= deadlineSeconds; second += pollSeconds) {
    const canary = draw(chance, chance.poisson(rate * weight * pollSeconds), medianMilliseconds * slower)
    const primary = draw(chance, chance.poisson(rate * (1 - weight) * pollSeconds), medianMilliseconds)
    slow += canary.total - (canary.counts[place] ?? 0)
    const arm = (durations: Durations) => ({failed: 0, total: durations.total, durations})
    const judged = judgePoll(settings, evidence, {
      at: 1_700_000_000_000 + second * 1000,
      milliseconds: pollSeconds * 1000,
      separateScrapes: false,
      counts: true,
      canary: arm(canary),
      primary: arm(primary),
    })
    evidence = judged.evidence
    const known = cleared === undefined ? {} : {cleared}
    const {kind} = judged.standing
    const seconds = second + lagSeconds
    if (kind === 'rollback')
      return {kind, seconds, failed: slow, failedSinceOnset: slow, secondsSinceOnset: seconds, ...known}
    if (kind !== 'advance') continue
    cleared ??= second
    if (!goOn) return {kind, seconds, failed: slow, failedSinceOnset: slow, secondsSinceOnset: seconds, cleared}
    evidence = beginStep(evidence)
  }
  const known = cleared === undefined ? {} : {cleared}
  return {
    kind: 'undecided',
    seconds: deadlineSeconds,
    failed: slow,
    failedSinceOnset: slow,
    secondsSinceOnset: deadlineSeconds,
    ...known,
  }
}

/** Durations of so many requests, bucket by bucket. */
function draw(chance: Chance, total: number, median: number): Durations {
  const counts: number[] = []
  let left = total
  let below = 0
  let reached = 0
  for (const bound of bounds) {
    const share = normalShare(Math.log(bound / median) / scatter)
    const here = chance.binomial(left, below >= 1 ? 0 : Math.min(1, (share - below) / (1 - below)))
    left -= here
    reached += here
    below = share
    counts.push(reached)
  }
  return {bounds: [...bounds], counts, total}
}

/** Distribution function of the standard normal law (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
  return z >= 0 ? 1 - tail : tail
}
