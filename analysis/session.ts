// The memory of one release between two grid times. All of it can be made again from the evidence in the status and
// what Prometheus holds: see `historyBefore`.
import type {Evidence, Tally} from '../crds/evidence.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import type {SlotName} from '../crds/slots.ts'
import {noRequests} from './compare/poll.ts'
import type {CompareSettings} from './compare/settings.ts'
import {type JudgedStep, judgeComparisons, type Polled} from './comparisons.ts'
import {
  type CountedPoll,
  maximumPollIntervals,
  noReadings,
  pollBetween,
  type Readings,
  type Returned,
  settlingIntervals,
} from './polls.ts'

export interface Session {
  /** Last grid time that was taken, milliseconds. */
  through: number
  readings: Readings
  /** Counted polls of the last window, oldest first. */
  polls: CountedPoll[]
  evidence?: Evidence
  /** Requests of the canary since the release began. */
  requests: Tally
}

/** What is the same for a whole release. */
export interface SessionTerms {
  settings: readonly CompareSettings[]
  intervalMilliseconds: number
  windowMilliseconds: number
  /** Requests count as the canary's from here on, milliseconds. */
  startedAt: number
  canary: SlotName
}

/** What was read at a grid time. */
export type GridReading =
  | {at: number; readings: Readings; isBack: Returned}
  | {at: number; reason: string; message: string}

/** The overdispersion of the primary is taken from this time before the first step, milliseconds. */
const warmUpMilliseconds = 3_600_000
/** But no more grid times than this, so that a restart a while later still reads the same ones. */
const maximumWarmUpPolls = 240

/**
 * From where the counters have to be read again to go on from the evidence in a status, milliseconds: a window back, and an
 * hour back when there is no evidence yet. Before that lies the time after which a begin and the end of a gap look alike.
 * @param since grid time at or after which the first step's weight was in force
 */
export function historyBefore(evidence: Evidence | undefined, through: number, terms: SessionTerms): number {
  const {intervalMilliseconds, windowMilliseconds} = terms
  const least = Math.max(Math.ceil(windowMilliseconds / intervalMilliseconds), maximumPollIntervals)
  const warmUp = Math.min(Math.ceil(warmUpMilliseconds / intervalMilliseconds), maximumWarmUpPolls)
  const back = evidence ? least : Math.max(least, warmUp)
  return through - (back + settlingIntervals(intervalMilliseconds) + maximumPollIntervals) * intervalMilliseconds
}

/** A session that has read nothing yet. */
export function emptySession(through: number, evidence: Evidence | undefined, requests: Tally): Session {
  return {through, readings: noReadings, polls: [], requests, ...(evidence ? {evidence} : {})}
}

/** Takes a grid time that the evidence holds already: only counters and window move on. */
export function rememberGridTime(session: Session, terms: SessionTerms, reading: GridReading): Session {
  const {readings, poll} = polled(session, terms, reading)
  return {...session, through: reading.at, readings, polls: withinWindow(session.polls, poll, reading.at, terms)}
}

/** Takes the next grid time into the evidence of a step; one result per compare check. */
export function takeGridTime(
  session: Session,
  terms: SessionTerms,
  step: JudgedStep,
  reading: GridReading,
): {session: Session; results: CheckResult[]} {
  const {readings, poll} = polled(session, terms, reading)
  const {evidence, results} = judgeComparisons(terms.settings, step, session.evidence, judgedPoll(reading, poll))
  const polls = withinWindow(session.polls, poll, reading.at, terms)
  const requests = withRequests(session.requests, poll, terms)
  return {session: {through: reading.at, readings, polls, evidence, requests}, results}
}

function polled(
  session: Session,
  terms: SessionTerms,
  reading: GridReading,
): {readings: Readings; poll: CountedPoll | undefined} {
  if ('reason' in reading) return {readings: session.readings, poll: undefined}
  const {at, readings, isBack} = reading
  return pollBetween(session.readings, readings, at, terms.intervalMilliseconds, isBack)
}

function judgedPoll(reading: GridReading, poll: CountedPoll | undefined): Polled {
  const {at} = reading
  if ('reason' in reading) return {at, kind: 'problem', reason: reading.reason, message: reading.message}
  return poll ? {at, kind: 'counted', poll} : {at, kind: 'gap'}
}

function withinWindow(
  polls: readonly CountedPoll[],
  poll: CountedPoll | undefined,
  at: number,
  {windowMilliseconds}: SessionTerms,
): CountedPoll[] {
  const all = poll ? [...polls, poll] : polls
  return all.filter(one => one.at - one.milliseconds >= at - windowMilliseconds)
}

function withRequests(known: Tally, poll: CountedPoll | undefined, {startedAt, canary}: SessionTerms): Tally {
  if (!poll || poll.at <= startedAt) return known
  const {failed, total} = (poll.sides.caller ?? poll.sides.destination)?.[canary] ?? noRequests
  return {failed: known.failed + failed, total: known.total + total}
}
