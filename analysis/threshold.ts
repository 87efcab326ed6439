// One figure against fixed bounds. Only a finite figure inside its bounds passes and only one outside of them fails:
// an outage of the metrics, an empty answer or a malformed one neither promotes nor rolls back.
//
// A built-in metric may be reported by two sides. What the pods report leaves out requests that never reached them; what
// callers report leaves out callers without a proxy. So:
//   a figure out of bounds on either side   fail    one broken view is enough, and an error elsewhere can't excuse it
//   else an error on either side            error   a side that can't be read may hide a failure; somebody must mend it
//   else a figure in bounds on either side  pass    a side without data has no traffic that it could see
//   else                                    noData
import type {CheckResult} from '../crds/rollout-status.ts'
import {defaultQuantile, maximumMessageLength, type Side, sourceField, type ThresholdCheck} from './checks.ts'

/** Why a metrics system gave no vector. */
export type AnswerErrorReason = 'Unreachable' | 'Timeout' | 'Unauthorized' | 'BadQuery' | 'BadAnswer' | 'TooLarge'

/** An answer of a metrics system: the samples of an instant vector, or why there is none. */
export type Answer =
  | {kind: 'vector'; samples: readonly {labels: Readonly<Record<string, string>>; value: number}[]}
  | {kind: 'error'; reason: AnswerErrorReason; message: string}

/** What one side answered. */
export interface SideAnswer {
  side: Side
  answer: Answer
}

type Finding = Pick<CheckResult, 'verdict' | 'reason' | 'message' | 'value'>

const leastFigureDigits = 4
const mostFigureDigits = 17
const verdictRank = {fail: 0, error: 1, pass: 2, noData: 3} as const
const sideRank = {caller: 0, destination: 1, query: 2} as const

/** What a user can do about an answer that is no vector; BadAnswer's own message says it. */
const answerFixes: Record<AnswerErrorReason, string> = {
  Unreachable: '; check that Prometheus runs and that the controller may reach it',
  Timeout: '; check the load of Prometheus, or make the query cheaper',
  Unauthorized: '; give the controller credentials that Prometheus accepts',
  BadQuery: '; correct the query',
  BadAnswer: '',
  TooLarge: '; aggregate with sum() or max()',
}

/**
 * Judges a threshold check.
 * @param answers one per query of the check, in any order
 * @param evaluatedAt the grid time that was asked for, as the status writes times
 * @returns reasons Passed, BelowMinimum, AboveMaximum, NoSeries, NotANumber (no data), SeveralSeries, Infinite, NoBound
 *   or one of {@link AnswerErrorReason} (errors)
 */
export function judgeThreshold(
  check: ThresholdCheck,
  answers: readonly SideAnswer[],
  evaluatedAt: string,
): CheckResult {
  const findings = answers
    .toSorted((left, right) => sideRank[left.side] - sideRank[right.side])
    .map(answer => judgeSide(check, answer))
    .toSorted((left, right) => verdictRank[left.verdict] - verdictRank[right.verdict])
  const {message, ...finding} = findings[0] ?? noSeries(check)
  return {name: check.name, ...finding, message: message.slice(0, maximumMessageLength), evaluatedAt}
}

function judgeSide(check: ThresholdCheck, {side, answer}: SideAnswer): Finding {
  const field = sourceField(check)
  if (answer.kind === 'error') {
    return {
      verdict: 'error',
      reason: answer.reason,
      message: `${field}: ${answer.message}${answerFixes[answer.reason]}`,
    }
  }
  const [sample, another] = answer.samples
  if (!sample) return noSeries(check, side)
  if (another) {
    const message = `${field} returned ${answer.samples.length} series${sideClause(side)}: aggregate with sum() or max()`
    return {verdict: 'error', reason: 'SeveralSeries', message}
  }
  if (Number.isNaN(sample.value)) {
    const message = `${subject(check)} is not a number${sideClause(side)}: most often a division by zero, without traffic`
    return {verdict: 'noData', reason: 'NotANumber', message}
  }
  if (!Number.isFinite(sample.value)) {
    const message = `${field} returned an infinite value${sideClause(side)}: guard the query against a division by zero`
    return {verdict: 'error', reason: 'Infinite', message}
  }
  return judgeFigure(check, side, sample.value)
}

function judgeFigure(check: ThresholdCheck, side: Side, value: number): Finding {
  const {min, max} = check.threshold
  const sentence = (relation: string, ...bounds: number[]) =>
    `${subject(check)} ${withUnit(check, figureText(value, bounds))} ${relation}${sideClause(side)}`
  if (min === undefined && max === undefined) {
    const message = `${sourceField(check)} has no bound to hold its figure against: set min, max or both`
    return {verdict: 'error', reason: 'NoBound', message, value}
  }
  if (min !== undefined && value < min) {
    const message = sentence(`is below ${withUnit(check, String(min))}`, min)
    return {verdict: 'fail', reason: 'BelowMinimum', message, value}
  }
  if (max !== undefined && value > max) {
    const message = sentence(`is above ${withUnit(check, String(max))}`, max)
    return {verdict: 'fail', reason: 'AboveMaximum', message, value}
  }
  const bounds = [
    ...(min === undefined ? [] : [`not below ${withUnit(check, String(min))}`]),
    ...(max === undefined ? [] : [`not above ${withUnit(check, String(max))}`]),
  ]
  const message = sentence(`is ${bounds.join(' and ')}`, ...[min, max].filter(bound => bound !== undefined))
  return {verdict: 'pass', reason: 'Passed', message, value}
}

function noSeries(check: ThresholdCheck, side?: Side): Finding {
  const clause = side ? sideClause(side) : ''
  const message = `${sourceField(check)} returned no series${clause}: the canary had no traffic, or Prometheus doesn't scrape it`
  return {verdict: 'noData', reason: 'NoSeries', message}
}

function subject({name, threshold}: ThresholdCheck): string {
  switch (threshold.metric) {
    case 'requestSuccessRate':
      return 'success rate'
    case 'requestDuration':
      return `p${percentile(threshold.quantile ?? defaultQuantile)} request duration`
    case undefined:
      return name
  }
}

/** 0.29 * 100 is not 29 in floating point. */
function percentile(quantile: number): number {
  return Number((quantile * 100).toPrecision(10))
}

function withUnit({threshold}: ThresholdCheck, figure: string): string {
  switch (threshold.metric) {
    case 'requestSuccessRate':
      return `${figure} %`
    case 'requestDuration':
      return `${figure} ms`
    case undefined:
      return figure
  }
}

function sideClause(side: Side): string {
  switch (side) {
    case 'caller':
      return ' (reported by the callers)'
    case 'destination':
      return ' (reported by the pods)'
    case 'query':
      return ''
  }
}

/** A figure with few digits, yet enough that it stands on the same side of every bound as the value itself. */
function figureText(value: number, bounds: readonly number[]): string {
  const wholeDigits = String(Math.trunc(Math.abs(value))).length
  for (let digits = Math.max(leastFigureDigits, wholeDigits); digits < mostFigureDigits; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (bounds.every(bound => Math.sign(rounded - bound) === Math.sign(value - bound))) return String(rounded)
  }
  return String(value)
}
