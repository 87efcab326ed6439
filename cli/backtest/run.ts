// The judge on a stretch of the past: the same readings, the same evidence and the same verdicts as in a release, with
// every verdict that a step may end taken as the begin of the next one.
import type {CompareSettings} from '../../analysis/compare/settings.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {emptySession, historyBefore, type Session, type SessionTerms, takeGridTime} from '../../analysis/session.ts'
import {combineVerdicts} from '../../analysis/verdict.ts'
import type {Clock, Metrics} from '../../controller/ports.ts'
import {CounterReader} from '../../controller/shell/counter-reader.ts'
import type {Reader} from '../../controller/shell/counter-selectors.ts'
import {familiesOf, readGridTimes, withReturned} from '../../controller/shell/grid-reader.ts'
import {timeText} from '../../crds/common.ts'
import type {Tally} from '../../crds/evidence.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'
import type {Thresholds} from './thresholds.ts'

export interface BacktestInput {
  mesh: Mesh
  context: MeshContext
  metrics: Metrics
  clock: Clock
  /** Names of all checks that are tried, in the order of the spec. */
  order: readonly string[]
  settings: readonly CompareSettings[]
  thresholds: Thresholds
  canary: 'a' | 'b'
  /** Milliseconds since the epoch. */
  from: number
  to: number
  intervalMilliseconds: number
  /** How far back one evaluation of a threshold looks. */
  windowMilliseconds: number
  /** The durations of requests are read too, whether a check takes them or not. */
  everyFamily?: boolean
}

/** One grid time. */
export interface JudgedPoll {
  at: number
  /** Requests between the last grid time and this one. */
  canary: Tally
  primary: Tally
  /** Of the canary, from the begin to here. */
  sofar: Tally
  /** One per check that is tried, in the order of the spec. */
  results: CheckResult[]
}

export interface Decision {
  at: number
  kind: 'advance' | 'rollback'
  result: CheckResult
  /** The canary's requests from the begin to here. */
  canary: Tally
}

export interface Backtest {
  polls: JudgedPoll[]
  /** In order; a rollback is the last one. */
  decisions: Decision[]
}

/** Prometheus gives at most 11,000 points of a series. */
const timesPerRead = 5000
const none: Tally = {failed: 0, total: 0}

/** The first grid time that is judged, and the first that is read: what a controller reads when a release begins there. */
export function beginOf({
  from,
  intervalMilliseconds,
  windowMilliseconds,
}: Pick<BacktestInput, 'from' | 'intervalMilliseconds' | 'windowMilliseconds'>): {judged: number; read: number} {
  const judged = Math.ceil(from / intervalMilliseconds) * intervalMilliseconds
  const terms = {settings: [], intervalMilliseconds, windowMilliseconds, startedAt: judged, canary: 'b'} as const
  return {judged, read: historyBefore(undefined, judged, terms)}
}

/** @throws Error when the metrics can't be read, with their reason */
export async function runBacktest(input: BacktestInput): Promise<Backtest> {
  const {settings, intervalMilliseconds, windowMilliseconds, canary, context, mesh, metrics, clock} = input
  const reader: Reader = {uid: context.rollout.uid, mesh, context}
  const counters = new CounterReader(metrics, clock)
  const timed = settings.some(({metric}) => metric === 'requestDuration') || input.thresholds.needDurations
  const families = familiesOf(reader, timed || input.everyFamily === true)
  const begin = beginOf(input)
  const terms: SessionTerms = {settings, intervalMilliseconds, windowMilliseconds, startedAt: begin.judged, canary}
  const times: number[] = []
  for (let at = begin.read; at <= input.to; at += intervalMilliseconds) times.push(at)
  const run: Run = {
    session: emptySession(begin.read - intervalMilliseconds, undefined, none),
    step: 1,
    since: begin.judged,
    over: false,
  }
  const found: Backtest = {polls: [], decisions: []}
  for (let start = 0; start < times.length; start += timesPerRead) {
    const chunk = times.slice(start, start + timesPerRead)
    const readings = await readGridTimes(counters, reader, families, chunk, intervalMilliseconds)
    if (!Array.isArray(readings)) throw new Error(`the metrics can't be read: ${readings.reason}: ${readings.message}`)
    for (const raw of readings) {
      const {readings: before} = run.session
      const reading = await withReturned(counters, reader, families, before, raw, terms)
      if ('kind' in reading) throw new Error(`the metrics can't be read: ${reading.reason}: ${reading.message}`)
      const {session, results} = takeGridTime(run.session, terms, stepOf(run, canary), reading)
      run.session = session
      if (reading.at <= begin.judged) continue
      const held = await input.thresholds.judge(reading.at, run.since, session.polls, metrics)
      record(found, run, inOrder(input.order, [...results, ...held]), canary)
    }
  }
  return found
}

function stepOf({step, since}: Run, canary: 'a' | 'b'): JudgedStep {
  return {id: String(step), since, canary, primary: canary === 'a' ? 'b' : 'a', compared: true}
}

function inOrder(names: readonly string[], results: readonly CheckResult[]): CheckResult[] {
  return results.toSorted((left, right) => names.indexOf(left.name) - names.indexOf(right.name))
}

interface Run {
  session: Session
  step: number
  since: number
  /** Rolled back: what follows is only counted. */
  over: boolean
}

function record({polls, decisions}: Backtest, run: Run, results: CheckResult[], canary: 'a' | 'b'): void {
  const {session} = run
  const at = session.through
  const poll = session.polls.at(-1)
  const counts = poll?.at === at ? (poll.sides.caller ?? poll.sides.destination) : undefined
  const tally = (slot: 'a' | 'b'): Tally => {
    const {failed, total} = counts?.[slot] ?? none
    return {failed, total}
  }
  polls.push({at, canary: tally(canary), primary: tally(canary === 'a' ? 'b' : 'a'), sofar: session.requests, results})
  if (run.over) return
  const {verdict, deciding} = combineVerdicts(results)
  const first = results.find(({dryRun}) => !dryRun)
  if (verdict === 'rollback' && deciding) {
    decisions.push({at, kind: 'rollback', result: deciding, canary: session.requests})
    run.over = true
  } else if (verdict === 'advance' && first) {
    decisions.push({at, kind: 'advance', result: first, canary: session.requests})
    run.step++
    run.since = at
  }
}

/** A fixed threshold as it is commonly set up: so many windows with a success rate below the least one. */
export interface FixedThreshold {
  minimumPercent: number
  windowMilliseconds: number
  failedWindows: number
}

/** When the fixed threshold would have rolled back; undefined when it would not have. */
export function fixedThreshold(
  polls: readonly JudgedPoll[],
  {minimumPercent, windowMilliseconds, failedWindows}: FixedThreshold,
): {at: number; canary: Tally} | undefined {
  let failed = 0
  let window: Tally = none
  let [since] = polls.map(({at}) => at)
  for (const {at, canary, sofar} of polls) {
    window = {failed: window.failed + canary.failed, total: window.total + canary.total}
    if (since === undefined || at - since < windowMilliseconds) continue
    if (window.total > 0 && 100 * (1 - window.failed / window.total) < minimumPercent) failed++
    if (failed >= failedWindows) return {at, canary: sofar}
    window = none
    since = at
  }
  return undefined
}

export function clockText(at: number): string {
  return timeText(at).slice(11, 19)
}
