// One figure against fixed bounds. Only a finite figure inside its bounds passes and only one outside of them fails:
// an outage of the metrics, an empty answer or a malformed one neither promotes nor rolls back.
//
// A built-in metric may be reported by two sides. What the pods report leaves out requests that never reached them; what
// callers report leaves out callers without a proxy. So:
//   a figure out of bounds on either side   fail    one broken view is enough, and an error elsewhere can't excuse it
//   else an error on either side            error   a side that can't be read may hide a failure; somebody must mend it
//   else a figure in bounds on either side  pass    a side without data has no traffic that it could see
//   else                                    noData
import {durationMilliseconds, timeText} from '../crds/common.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import type {ThresholdMemory} from '../crds/threshold.ts'
import {maximumMessageLength, type Side, sourceField, type ThresholdCheck} from './checks.ts'
import {limitFailures} from './threshold-memory.ts'
import {type Finding, judgeSeries, noSeries, type Sample} from './threshold-series.ts'

/** Why a metrics system gave no vector. */
export type AnswerErrorReason =
  | 'Unreachable'
  | 'Timeout'
  | 'Unauthorized'
  | 'BadQuery'
  | 'BadAnswer'
  | 'TooLarge'
  | 'ClockSkew'

/** An answer of a metrics system: the samples of an instant vector, or why there is none. */
export type Answer =
  | {kind: 'vector'; samples: readonly Sample[]}
  | {kind: 'error'; reason: AnswerErrorReason; message: string}

/** What one side answered. */
export interface SideAnswer {
  side: Side
  answer: Answer
}

/** When an evaluation takes place and what is known of earlier ones. Times in milliseconds. */
export interface ThresholdContext {
  /** Grid time that was asked for. */
  at: number
  /** Since when the weight of the step is in force. */
  since: number
  /** How far one evaluation looks back. */
  windowMilliseconds: number
  /** What the last evaluation of this check in this release returned. */
  memory: ThresholdMemory | undefined
}

export interface ThresholdJudgement {
  result: CheckResult
  /** To be kept until the next evaluation; undefined where there is nothing to remember. */
  memory: ThresholdMemory | undefined
}

const verdictRank = {fail: 0, error: 1, pass: 2, noData: 3, inconclusive: 4} as const
const sideRank = {caller: 0, destination: 1, query: 2} as const

/** What a user can do about an answer that is no vector; BadAnswer's own message says it. */
const answerFixes: Record<AnswerErrorReason, string> = {
  Unreachable: '; check that Prometheus runs and that the controller may reach it',
  Timeout: '; check the load of Prometheus, or make the query cheaper',
  Unauthorized: '; give the controller credentials that Prometheus accepts',
  BadQuery: '; correct the query',
  BadAnswer: '',
  ClockSkew: '',
  TooLarge: '; aggregate with sum() or max()',
}

/**
 * The result of a check that is not to be evaluated yet, so that nobody needs to be asked; undefined once it is. Reasons
 * InitialDelay and WindowNotFull.
 */
export function notYetDue(
  check: ThresholdCheck,
  {at, since, windowMilliseconds}: Omit<ThresholdContext, 'memory'>,
): CheckResult | undefined {
  const {initialDelay} = check.threshold
  if (initialDelay !== undefined && at < since + durationMilliseconds(initialDelay)) {
    const message = `not evaluated before the weight has been in force for the initialDelay of ${initialDelay}`
    return resultOf(check, {verdict: 'noData', reason: 'InitialDelay', message}, at)
  }
  if (at >= since + windowMilliseconds) return undefined
  const message = `no whole window of ${Math.ceil(windowMilliseconds / 1000)}s lies in this step yet`
  return resultOf(check, {verdict: 'noData', reason: 'WindowNotFull', message}, at)
}

/**
 * Judges a threshold check.
 * @param answers one per query of the check, in any order
 * @returns reasons Passed, BelowMinimum, AboveMaximum; NoSeries, NotANumber, BelowFailureLimit, those of
 *   {@link notYetDue} (no data); NoDataPassed and NoDataFailed where the user wants no data to count; SeveralSeries,
 *   DuplicateSeries, Infinite, NoBound or one of {@link AnswerErrorReason} (errors)
 */
export function judgeThreshold(
  check: ThresholdCheck,
  answers: readonly SideAnswer[],
  context: ThresholdContext,
): ThresholdJudgement {
  const {at, memory} = context
  const early = notYetDue(check, context)
  if (early) return {result: early, memory}
  const [strongest = noSeries(check)] = answers
    .toSorted((left, right) => sideRank[left.side] - sideRank[right.side])
    .map(answer => judgeSide(check, answer))
    .toSorted((left, right) => verdictRank[left.verdict] - verdictRank[right.verdict])
  const limited = limitFailures(check, withNoDataPolicy(check, strongest), at, memory)
  return {result: resultOf(check, limited.finding, at), memory: limited.memory}
}

function judgeSide(check: ThresholdCheck, {side, answer}: SideAnswer): Finding {
  if (answer.kind === 'vector') return judgeSeries(check, side, answer.samples)
  const {reason, message} = answer
  return {verdict: 'error', reason, message: `${sourceField(check)}: ${message}${answerFixes[reason]}`}
}

/** An error is not taken for missing data: what can't be read says nothing of the canary's traffic. */
function withNoDataPolicy({threshold: {noData = 'wait'}}: ThresholdCheck, finding: Finding): Finding {
  if (finding.verdict !== 'noData' || noData === 'wait') return finding
  const message = `${finding.message}; noData: ${noData} counts that as ${noData === 'pass' ? 'passed' : 'failed'}`
  return {...finding, verdict: noData, reason: noData === 'pass' ? 'NoDataPassed' : 'NoDataFailed', message}
}

function resultOf({name, threshold}: ThresholdCheck, {message, ...finding}: Finding, at: number): CheckResult {
  return {
    name,
    ...finding,
    message: message.slice(0, maximumMessageLength),
    evaluatedAt: timeText(at),
    ...(threshold.dryRun ? {dryRun: true} : {}),
  }
}
