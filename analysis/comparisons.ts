// All compare checks of a release at one grid time: which counts are evidence, for which step, and what they say.
import {timeText} from '../crds/common.ts'
import type {CompareEvidence, Evidence} from '../crds/evidence.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import type {SlotName} from '../crds/slots.ts'
import {maximumMessageLength} from './checks.ts'
import {afterEdit} from './compare/edits.ts'
import {beginStep, emptyEvidence, judgePoll, resultOf} from './compare/judge.ts'
import {noRequests, type Poll} from './compare/poll.ts'
import type {CompareSettings} from './compare/settings.ts'
import {aloneAtBegin, aloneSettings} from './compare/without-primary.ts'
import type {Arm} from './counters.ts'
import type {CountedPoll, ReportingSide, SlotCounts} from './polls.ts'

/** The step whose evidence is gathered. */
export interface JudgedStep {
  /** Tells the steps of a release apart. */
  id: string
  /** Since when its weight is in force, and until when it was; milliseconds. Other polls only move the counters on. */
  since: number
  until?: number
  canary: SlotName
  /** Whom it is compared with. */
  primary: Arm
  /** The other version has a share of the requests too; else the canary is judged alone, by what is known of it. */
  compared: boolean
}

/** Envoy adds its histograms up at times of its own, so far apart: what came since is in the next scrape. */
const flushMilliseconds = 5000

/** What the counters gave at a grid time. */
export type Polled = {at: number} & (
  | {kind: 'counted'; poll: CountedPoll}
  /** Nothing to compare with: no series, or the first ones after an outage. */
  | {kind: 'gap'}
  | {kind: 'problem'; reason: string; message: string}
)

/** Takes a grid time into the evidence; one result per compare check, in the order of the settings. */
export function judgeComparisons(
  settings: readonly CompareSettings[],
  step: JudgedStep,
  before: Evidence | undefined,
  polled: Polled,
): {evidence: Evidence; results: CheckResult[]} {
  const evaluatedAt = timeText(polled.at)
  const results: CheckResult[] = []
  const checks = settings.map(check => {
    const known = evidenceOf(check, step, before)
    const against = step.primary === 'baseline' ? 'baseline' : 'primary'
    const effective = {...(step.compared ? check : aloneSettings(check, known)), against} as const
    if (polled.kind !== 'counted') {
      results.push({name: check.name, ...withoutCounts(polled), evaluatedAt})
      return known
    }
    const {poll, isEarly} = pollOf(polled.poll, step, check.metric)
    const judged = judgePoll(effective, known, poll)
    const result = resultOf(effective, judged, poll, evaluatedAt)
    results.push(isEarly && judged.standing.kind === 'noTraffic' ? {...result, ...tooEarly} : result)
    return judged.evidence
  })
  return {evidence: {through: evaluatedAt, step: step.id, checks}, results}
}

/** What is known of a check at the begin of a poll; what was gathered for other settings is not. */
function evidenceOf(check: CompareSettings, step: JudgedStep, before: Evidence | undefined): CompareEvidence {
  const found = before?.checks.find(({name}) => name === check.name)
  if (!found) return emptyEvidence(check)
  const known = afterEdit(found, check, step.compared)
  if (before?.step === step.id) return known
  const begun = beginStep(known)
  return step.compared ? begun : aloneAtBegin(begun)
}

/** Nobody knows of requests yet: that is no lack of them. */
const tooEarly = {
  reason: 'AwaitingScrapes',
  message: 'Prometheus has not scraped twice since the weight of this step came into force',
}

/** A poll as it counts for a step; `isEarly`: it begins at a scrape from before the weight was in force. */
function pollOf(
  counted: CountedPoll,
  step: JudgedStep,
  metric: CompareSettings['metric'],
): {poll: Poll; isEarly: boolean} {
  const side = sideOf(counted, metric)
  const counts: SlotCounts = counted.sides[side] ?? {a: noRequests, b: noRequests, baseline: noRequests}
  const sampled = counted.sampledFrom?.[side]
  const wholly = sampled === undefined || sampled - (metric === 'requestDuration' ? flushMilliseconds : 0) >= step.since
  const isOf = counted.at - counted.milliseconds >= step.since && counted.at <= (step.until ?? counted.at)
  const poll = {
    at: counted.at,
    milliseconds: counted.milliseconds,
    separateScrapes: step.compared && side === 'destination',
    counts: isOf && wholly,
    canary: counts[step.canary],
    primary: counts[step.primary],
    // A baseline is young and has few requests: how the old version's failures scatter is told by its own pods.
    ...(step.primary === 'baseline' ? {own: counts[step.canary === 'a' ? 'b' : 'a']} : {}),
  }
  return {poll, isEarly: isOf && !wholly}
}

/** The callers' side wherever it counted anything: one scrape of it holds both arms. */
function sideOf({sides}: CountedPoll, metric: CompareSettings['metric']): ReportingSide {
  const has = (counts: SlotCounts | undefined) =>
    counts !== undefined && (metric === 'requestErrors' || counts.a.durations !== undefined)
  return has(sides.caller) || !has(sides.destination) ? 'caller' : 'destination'
}

function withoutCounts(
  polled: Exclude<Polled, {kind: 'counted'}>,
): Pick<CheckResult, 'verdict' | 'reason' | 'message'> {
  if (polled.kind === 'problem') {
    return {verdict: 'error', reason: polled.reason, message: polled.message.slice(0, maximumMessageLength)}
  }
  const message =
    'Prometheus has no request counters of the two versions that follow on earlier ones: there was no traffic, or it does not scrape the mesh'
  return {verdict: 'noData', reason: 'NoCounters', message}
}
