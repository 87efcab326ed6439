// Keeps the evidence of each release up to date: reads the counters of the grid times that are due, one after the other,
// and lets the judge take them in. Everything in here can be made again from the status and the metrics.
import {compareSettings} from '../../analysis/compare/settings.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {dueGridTimes, type Grid, gridOf, gridTimeAfter, nextReadingAt} from '../../analysis/grid.ts'
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
import {stepsOf} from '../core/steps.ts'
import {durationsOf} from '../core/world.ts'
import type {Clock, MetricFailure} from '../ports.ts'
import {CounterReader, type Reader} from './counter-reader.ts'
import {type CheckSources, evaluateChecks} from './evaluate-checks.ts'
import {familiesOf, type RawReading, readGridTimes, withReturned} from './grid-reader.ts'

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

interface Remembered {
  release: string
  session: Session
  thresholds: ThresholdMemory[]
  /** Grid times that were read and not yet taken in. */
  ahead: RawReading[]
  observation?: AnalysisObservation
}

/** Releases that are remembered; those beyond are read anew in each pass. */
const maximumRemembered = 5000

export class Evaluator {
  readonly #sources: CheckSources
  readonly #counters: CounterReader
  readonly #remembered = new Map<string, Remembered>()

  constructor(sources: CheckSources, clock: Clock) {
    this.#sources = sources
    this.#counters = new CounterReader(sources.metrics, clock)
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
    const next = await this.#next(input, release, known)
    if (this.#remembered.size < maximumRemembered || this.#remembered.has(uid)) this.#remembered.set(uid, next)
    return next.observation?.step === step.id ? next.observation : undefined
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
    return {release: status.id, session, thresholds: status.thresholds ?? [], ahead: []}
  }

  /** Takes in grid times until one is of the step under way, or none is left. */
  async #next(input: EvaluationInput, release: Release, known: Remembered): Promise<Remembered> {
    const {status, step, terms, grid, reader, families} = release
    const taken = status.evidence ? timeOf(status.evidence.through) : Number.NEGATIVE_INFINITY
    const first = gridTimeAfter(grid, step.since)
    let {session} = known
    const ahead = known.ahead.length > 0 ? known.ahead : await this.#read(release, session, input.now)
    if (!Array.isArray(ahead)) return this.#unread(input, release, known, ahead)
    for (const [index, raw] of ahead.entries()) {
      const warmUp = raw.at <= Math.max(first, taken)
      const reading = await withReturned(this.#counters, reader, families, session.readings, raw, terms.startedAt)
      if ('kind' in reading)
        return this.#unread(input, release, {...known, session, ahead: ahead.slice(index)}, reading)
      if (raw.at <= taken) {
        session = rememberGridTime(session, terms, reading)
        continue
      }
      const {session: after, results} = takeGridTime(session, terms, step, reading)
      session = after
      if (warmUp) continue
      const rest = ahead.slice(index + 1)
      const observation = await this.#observe(input, release, session, known.thresholds, results, rest.length > 0)
      return {...known, session, ahead: rest, observation, thresholds: observation.thresholds}
    }
    const {observation: _stale, ...others} = known
    return {...others, session, ahead: []}
  }

  #read(release: Release, session: Session, now: number): Promise<RawReading[] | MetricFailure> {
    const {grid, reader, families} = release
    const times = dueGridTimes(grid, session.through, now)
    if (times.length === 0) return Promise.resolve([])
    return readGridTimes(this.#counters, reader, families, times, grid.intervalMilliseconds)
  }

  async #observe(
    input: EvaluationInput,
    release: Release,
    session: Session,
    thresholds: readonly ThresholdMemory[],
    compared: readonly CheckResult[],
    more: boolean,
  ): Promise<AnalysisObservation> {
    const at = session.through
    const {step, grid, terms} = release
    const rate = requestRate(session, terms)
    return {
      at,
      step: step.id,
      ...(await this.#checks(input, release, session, thresholds, compared)),
      ...(session.evidence ? {evidence: session.evidence} : {}),
      requests: session.requests,
      ...(rate === undefined ? {} : {canaryRequestsPerSecond: rate}),
      again: more ? input.now : nextReadingAt(grid, at),
    }
  }

  /** The counters could not be read: the same grid time is asked for again, one interval later. */
  async #unread(
    input: EvaluationInput,
    release: Release,
    known: Remembered,
    failure: MetricFailure,
  ): Promise<Remembered> {
    const at = release.grid.intervalMilliseconds * Math.floor(input.now / release.grid.intervalMilliseconds)
    const {reason, message} = failure
    const evaluatedAt = timeText(at)
    const failed = release.terms.settings.map(
      ({name}): CheckResult => ({name, verdict: 'error', reason, message, evaluatedAt}),
    )
    const observation: AnalysisObservation = {
      at,
      step: release.step.id,
      ...(await this.#checks(input, release, {...known.session, through: at}, known.thresholds, failed, failure)),
      requests: known.session.requests,
      again: nextReadingAt(release.grid, input.now),
    }
    return {...known, observation, thresholds: observation.thresholds}
  }

  #checks(
    {spec, meshContext}: EvaluationInput,
    {step, terms}: Release,
    {through: at, polls}: Session,
    memories: readonly ThresholdMemory[],
    compared: readonly CheckResult[],
    failure?: MetricFailure,
  ): Promise<{results: CheckResult[]; thresholds: ThresholdMemory[]}> {
    const {windowMilliseconds} = terms
    return evaluateChecks(
      {checks: spec.analysis.checks, meshContext, step, at, windowMilliseconds, polls, memories, compared, failure},
      this.#sources,
    )
  }
}

function releaseOf(input: EvaluationInput, status: ReleaseStatus, step: JudgedStep): Release {
  const {spec, mesh, meshContext, rollout} = input
  const durations = durationsOf(spec)
  const grid = gridOf(durations.interval)
  const reader: Reader = {uid: rollout.metadata.uid ?? '', mesh, context: meshContext}
  const timed = spec.analysis.checks.some(
    ({compare, threshold}) => compare?.metric === 'requestDuration' || threshold?.metric === 'requestDuration',
  )
  const terms: SessionTerms = {
    // The bake is compared too where the old version keeps a share.
    settings: compareSettings(spec.analysis, stepsOf(spec).length + 1),
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
