// Keeps the evidence of each release up to date: reads the counters of the grid times that are due, one after the other,
// and lets the judge take them in. Everything in here can be made again from the status and the metrics.
import {compareSettings} from '../../analysis/compare/settings.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {dueGridTimes, type Grid, gridOf, gridTimeAfter, latestGridTime, nextReadingAt} from '../../analysis/grid.ts'
import {
  emptySession,
  historyBefore,
  rememberGridTime,
  type Session,
  type SessionTerms,
  takeGridTime,
} from '../../analysis/session.ts'
import {timeOf, timeText} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, ReleaseStatus} from '../../crds/rollout-status.ts'
import type {ThresholdMemory} from '../../crds/threshold.ts'
import type {CounterFamily, Mesh, MeshContext} from '../../mesh/types.ts'
import {judgedStep} from '../core/judgement.ts'
import type {AnalysisObservation} from '../core/observation.ts'
import {modelOf} from '../core/state.ts'
import {durationsOf} from '../core/world.ts'
import type {Clock, MetricFailure} from '../ports.ts'
import {CounterReader} from './counter-reader.ts'
import type {Reader} from './counter-selectors.ts'
import {AskedChecks, type CheckSources} from './evaluate-checks.ts'
import {FoundIntervals} from './found-intervals.ts'
import {familiesOf, type RawReading, readGridTimes, withReturned} from './grid-reader.ts'
import {within} from './within.ts'

export interface EvaluationInput {
  rollout: KubeObject
  spec: RolloutSpec
  mesh: Mesh
  meshContext: MeshContext
  now: number
}

/** A release that is being judged. */
interface Release {
  status: ReleaseStatus
  step: JudgedStep
  terms: SessionTerms
  grid: Grid
  reader: Reader
  families: CounterFamily[]
}

/** A grid time that was taken in, with its checks, which may still be waiting for answers. */
interface OpenTime {
  at: number
  step: string
  /** The step with the begin of its weight. */
  weight: string
  /** With what was counted; the last one before where that could not be read. */
  session: Session
  unread: boolean
  asked: AskedChecks
  askedAt: number
  /** When the last answer came. */
  answeredAt?: number
}

interface Remembered {
  release: string
  /** Up to the last grid time whose checks all have their answers, like the thresholds. */
  session: Session
  thresholds: ThresholdMemory[]
  /** Grid times after it, the oldest first. None of them is in a status: whoever restarts takes them in anew. */
  open: OpenTime[]
  /** Grid times that were read and not yet taken in. */
  ahead: RawReading[]
  /** After a failure: when to read again, milliseconds. */
  retryAt?: number
  /** The last answers took longer than is worth waiting for. */
  slow?: boolean
  observation?: AnalysisObservation
}

/** Releases that are remembered; those beyond are read anew in each pass. */
const maximumRemembered = 5000
/** How long a pass waits for the answers to threshold checks. One whose answers are late goes on without them. */
const patienceMilliseconds = 1000
/** How soon late answers are looked for again. */
const lookAgainMilliseconds = 1000
/** After this time an answer will not come any more: whoever asks gives up long before. */
const maximumAnswerMilliseconds = 60_000
/** Grid times that wait for answers at once. */
const maximumOpen = 20

export class Evaluator {
  readonly #sources: CheckSources
  readonly #counters: CounterReader
  readonly #intervals: FoundIntervals
  readonly #clock: Clock
  readonly #remembered = new Map<string, Remembered>()

  constructor(sources: CheckSources, clock: Clock) {
    this.#sources = sources
    this.#clock = clock
    this.#counters = new CounterReader(sources.metrics, clock)
    this.#intervals = new FoundIntervals(this.#counters, clock)
  }

  /** The interval of a release that is about to be judged, milliseconds, where its spec names none and the scrapes tell one. */
  interval(input: EvaluationInput): Promise<number | undefined> {
    return this.#intervals.of(input)
  }

  /** The evaluation of the next grid time that is due, or the last one while none is; undefined where nothing is judged. */
  async evaluate(input: EvaluationInput): Promise<AnalysisObservation | undefined> {
    const uid = input.rollout.metadata.uid ?? ''
    const model = modelOf(input.rollout.status ?? {})
    if (!model || !('release' in model.state) || model.state.phase === 'RollingBack') {
      this.forget(uid)
      return undefined
    }
    const step = judgedStep(model, input.spec)
    if (!step || input.spec.analysis.checks.length === 0) return undefined
    const release = releaseOf(input, model.state.release, step)
    this.#counters.join(release.reader)
    const known = this.#known(uid, release)
    if (known.observation && known.observation.step === step.id && input.now < known.observation.again) {
      return known.observation
    }
    const next = await this.#next(input, release, known).catch((error: unknown) => {
      // What could not be asked is asked anew in the next pass.
      this.#remember(uid, {...known, open: [], ahead: []})
      throw error
    })
    this.#remember(uid, next)
    return next.observation?.step === step.id ? next.observation : undefined
  }

  #mayRemember(uid: string): boolean {
    return this.#remembered.size < maximumRemembered || this.#remembered.has(uid)
  }

  #remember(uid: string, known: Remembered): void {
    if (this.#mayRemember(uid)) this.#remembered.set(uid, known)
  }

  forget(uid: string): void {
    this.#remembered.delete(uid)
    this.#counters.leave(uid)
  }

  /** What is remembered of a release, if it isn't behind its status; else a new begin from the evidence in there. */
  #known(uid: string, {status, step, terms, grid}: Release): Remembered {
    const {evidence} = status
    const through = evidence ? timeOf(evidence.through) : undefined
    const remembered = this.#remembered.get(uid)
    if (remembered?.release === status.id && remembered.session.through >= (through ?? 0)) return remembered
    const from = historyBefore(evidence, through ?? gridTimeAfter(grid, step.since), terms)
    const session = emptySession(from - terms.intervalMilliseconds, evidence, status.requests ?? {failed: 0, total: 0})
    return {release: status.id, session, thresholds: status.thresholds ?? [], open: [], ahead: []}
  }

  /**
   * Takes in grid times until one is of the step under way, or none is left. The observation is that of the oldest grid time
   * whose checks are answered; while none is, that of the newest, which can roll back, and neither advances nor is evidence.
   */
  async #next(input: EvaluationInput, release: Release, before: Remembered): Promise<Remembered> {
    // What was taken in ahead of its answers was taken for the step of then.
    const holds = before.open.every(({weight}) => weight === weightOf(release.step))
    const known = holds ? before : {...before, open: [], ahead: []}
    for (const {asked, askedAt} of known.open) if (input.now - askedAt > maximumAnswerMilliseconds) asked.giveUp()
    if (known.open[0]?.asked.isComplete) return this.#closed(input, release, known)
    const isDue = known.open.length < maximumOpen && input.now >= (known.retryAt ?? 0)
    const next = isDue ? await this.#opened(input, release, known) : known
    const newest = next.open.at(-1)
    if (!newest) {
      const {observation: _stale, ...others} = next
      return others
    }
    if (next.open.length === 1 && known.open.length === 0 && known.slow !== true) {
      await this.#answers(newest, next.thresholds, this.#mayRemember(input.rollout.metadata.uid ?? ''))
    }
    if (next.open[0]?.asked.isComplete) return this.#closed(input, release, next)
    const {results} = newest.asked.judged(next.thresholds, known.observation?.results)
    const observation: AnalysisObservation = {
      ...observed(newest, release.terms),
      awaiting: true,
      results,
      thresholds: next.thresholds,
      again: nextLook(next, release.grid, input.now),
    }
    return {...next, observation}
  }

  /** Takes in what is due, up to the first grid time that has to be judged. */
  async #opened(input: EvaluationInput, release: Release, before: Remembered): Promise<Remembered> {
    const {status, step, terms, grid, reader, families} = release
    const {retryAt: _over, ...known} = before
    const taken = status.evidence ? timeOf(status.evidence.through) : Number.NEGATIVE_INFINITY
    const isHistory = (at: number) => at <= Math.max(gridTimeAfter(grid, step.since), taken)
    let {session} = known.open.at(-1) ?? known
    const ahead = known.ahead.length > 0 ? known.ahead : await this.#read(release, session, input.now)
    if (!Array.isArray(ahead)) return this.#unread(input, release, known, session, ahead)
    const from = (now: Session) => (known.open.length > 0 ? known.session : now)
    for (const [index, raw] of ahead.entries()) {
      const reading = await withReturned(this.#counters, reader, families, session.readings, raw, terms)
      if ('kind' in reading) {
        const rest = {...known, session: from(session), ahead: ahead.slice(index)}
        return this.#unread(input, release, rest, session, reading)
      }
      if (raw.at <= taken) {
        session = rememberGridTime(session, terms, reading)
        continue
      }
      const {session: after, results} = takeGridTime(session, terms, step, reading)
      if (!isHistory(raw.at)) {
        const open = this.#open(input, release, after, results)
        const rest = ahead.slice(index + 1)
        return {...known, session: from(session), open: [...known.open, open], ahead: rest}
      }
      session = after
    }
    return {...known, session: from(session), ahead: []}
  }

  #read(release: Release, session: Session, now: number): Promise<RawReading[] | MetricFailure> {
    const {status, step, grid, reader, families} = release
    const {evidence} = status
    const history = evidence ? timeOf(evidence.through) : gridTimeAfter(grid, step.since)
    const times = dueGridTimes(grid, session.through, now, history)
    if (times.length === 0) return Promise.resolve([])
    return readGridTimes(this.#counters, reader, families, times, grid.intervalMilliseconds)
  }

  /** The counters could not be read: the same grid time is asked for again, one interval later. */
  #unread(
    input: EvaluationInput,
    release: Release,
    known: Remembered,
    session: Session,
    failure: MetricFailure,
  ): Remembered {
    const {grid, terms} = release
    const at = grid.intervalMilliseconds * Math.floor(input.now / grid.intervalMilliseconds)
    const {reason, message} = failure
    const evaluatedAt = timeText(at)
    const failed = terms.settings.map(({name}): CheckResult => ({name, verdict: 'error', reason, message, evaluatedAt}))
    const open = this.#open(input, release, session, failed, {at, failure})
    return {...known, open: [...known.open, open], retryAt: nextReadingAt(grid, input.now)}
  }

  /** A grid time whose checks are asked for now. */
  #open(
    {spec, meshContext, now}: EvaluationInput,
    {step, terms}: Release,
    session: Session,
    compared: readonly CheckResult[],
    unread?: {at: number; failure: MetricFailure},
  ): OpenTime {
    const {polls} = session
    const {at = session.through, failure} = unread ?? {}
    const {windowMilliseconds} = terms
    const {checks} = spec.analysis
    const asked = new AskedChecks(
      {checks, meshContext, step, at, windowMilliseconds, polls, compared, failure},
      this.#sources,
    )
    const isUnread = unread !== undefined
    const open: OpenTime = {at, step: step.id, weight: weightOf(step), session, unread: isUnread, asked, askedAt: now}
    const begun = this.#clock.now()
    void asked.done.then(() => {
      open.answeredAt = now + this.#clock.now() - begun
    })
    return open
  }

  /** Resolves with the last answer; at once where a check has failed already, and after a while in any case. */
  #answers({asked}: OpenTime, thresholds: readonly ThresholdMemory[], mayGoOn: boolean): Promise<void> {
    const {results} = asked.judged(thresholds)
    if (asked.isComplete || results.some(({verdict, dryRun}) => verdict === 'fail' && !dryRun)) return Promise.resolve()
    return within(this.#clock, mayGoOn ? patienceMilliseconds : maximumAnswerMilliseconds, asked.done)
  }

  /** The oldest grid time is judged for good. */
  #closed(input: EvaluationInput, {grid, terms}: Release, known: Remembered): Remembered {
    const [head, ...open] = known.open
    if (!head) return known
    const {session, unread, asked, askedAt, answeredAt = askedAt} = head
    const judged = asked.judged(known.thresholds)
    const slow = answeredAt - askedAt > patienceMilliseconds
    const next = {...known, session, thresholds: judged.thresholds, open, slow}
    const observation: AnalysisObservation = {
      ...observed(head, terms),
      ...judged,
      ...(session.evidence && !unread ? {evidence: session.evidence} : {}),
      again: nextLook(next, grid, input.now),
    }
    return {...next, observation}
  }
}

/** When a pass finds more to do, milliseconds: at once where a grid time is answered, or can be taken in. */
function nextLook({open, ahead, session, retryAt = 0}: Remembered, grid: Grid, now: number): number {
  if (open[0]?.asked.isComplete) return now
  const due = ahead.length > 0 ? now : nextReadingAt(grid, open.at(-1)?.at ?? session.through)
  const reading = open.length < maximumOpen ? Math.max(due, retryAt) : Number.POSITIVE_INFINITY
  return open.length > 0 ? Math.min(reading, now + lookAgainMilliseconds) : reading
}

/** What is known of a grid time before its checks are judged. */
function observed(
  {at, step, session, unread}: OpenTime,
  terms: SessionTerms,
): Pick<AnalysisObservation, 'at' | 'step' | 'requests' | 'canaryRequestsPerSecond'> {
  const rate = unread ? undefined : requestRate(session, terms)
  return {at, step, requests: session.requests, ...(rate === undefined ? {} : {canaryRequestsPerSecond: rate})}
}

/** A step's weight, as it came into force. */
function weightOf({id, since}: JudgedStep): string {
  return `${id} ${since}`
}

function releaseOf(input: EvaluationInput, status: ReleaseStatus, step: JudgedStep): Release {
  const {spec, mesh, meshContext, rollout} = input
  const durations = durationsOf(spec, status.interval)
  const grid = gridOf(durations.interval)
  const asOf = latestGridTime(grid, input.now)
  const reader: Reader = {uid: rollout.metadata.uid ?? '', mesh, context: meshContext, asOf}
  const timed = spec.analysis.checks.some(
    ({compare, threshold}) => compare?.metric === 'requestDuration' || threshold?.metric === 'requestDuration',
  )
  const terms: SessionTerms = {
    settings: compareSettings(spec.analysis),
    intervalMilliseconds: grid.intervalMilliseconds,
    windowMilliseconds: durations.window,
    startedAt: timeOf(status.startedAt),
    canary: step.canary,
  }
  return {status, step, terms, grid, reader, families: familiesOf(reader, timed)}
}

/** The canary's requests per second in the last window, by the callers where they counted. */
function requestRate({polls}: Session, {canary}: SessionTerms): number | undefined {
  const milliseconds = polls.reduce((sum, poll) => sum + poll.milliseconds, 0)
  if (milliseconds === 0) return undefined
  const totals = polls.map(({sides}) => (sides.caller ?? sides.destination)?.[canary].total ?? 0)
  return (1000 * totals.reduce((sum, total) => sum + total, 0)) / milliseconds
}
