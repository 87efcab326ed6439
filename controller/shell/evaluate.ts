// Keeps the evidence of each release up to date: reads the counters of the grid times that are due, one after the other,
// and lets the judge take them in. Everything in here can be made again from the status and the metrics.
import {builtInAnswers} from '../../analysis/built-in.ts'
import {compareSettings} from '../../analysis/compare/settings.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {dueGridTimes, type Grid, gridOf, gridTimeAfter, nextReadingAt} from '../../analysis/grid.ts'
import {planQueries} from '../../analysis/plan.ts'
import {
  emptySession,
  historyBefore,
  rememberGridTime,
  type Session,
  type SessionTerms,
  takeGridTime,
} from '../../analysis/session.ts'
import {judgeThreshold, notYetDue, type SideAnswer} from '../../analysis/threshold.ts'
import {timeOf, timeText} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, ReleaseStatus} from '../../crds/rollout-status.ts'
import type {CounterFamily, Mesh, MeshContext} from '../../mesh/types.ts'
import {judgedStep} from '../core/judgement.ts'
import {type AnalysisObservation, otherSlot} from '../core/observation.ts'
import {modelOf} from '../core/state.ts'
import {durationsOf} from '../core/world.ts'
import type {Clock, MetricFailure, Metrics} from '../ports.ts'
import {CounterReader, type Reader} from './counter-reader.ts'
import {familiesOf, type RawReading, readGridTimes, withReturned} from './grid-reader.ts'
import type {Lookup} from './lookup.ts'

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
  /** Grid times that were read and not yet taken in. */
  ahead: RawReading[]
  observation?: AnalysisObservation
}

/** Releases that are remembered; those beyond are read anew in each pass. */
const maximumRemembered = 5000

export class Evaluator {
  readonly #metrics: Metrics
  readonly #lookup: Lookup
  readonly #counters: CounterReader
  readonly #remembered = new Map<string, Remembered>()

  constructor(metrics: Metrics, lookup: Lookup, clock: Clock) {
    this.#metrics = metrics
    this.#lookup = lookup
    this.#counters = new CounterReader(metrics, clock)
  }

  /** The evaluation of the next grid time that is due, or the last one while none is; undefined where nothing is judged. */
  async evaluate(input: EvaluationInput): Promise<AnalysisObservation | undefined> {
    const uid = input.rollout.metadata.uid ?? ''
    const model = modelOf(input.rollout.status ?? {})
    if (!model || !('release' in model.state) || model.state.phase === 'RollingBack') {
      this.forget(uid)
      return undefined
    }
    const step = judgedStep(model)
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
    return {release: status.id, session, ahead: []}
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
      const observation = await this.#observe(input, release, session, results, rest.length > 0)
      return {...known, session, ahead: rest, observation}
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
    compared: readonly CheckResult[],
    more: boolean,
  ): Promise<AnalysisObservation> {
    const at = session.through
    const {step, grid, terms} = release
    const rate = requestRate(session, terms)
    return {
      at,
      step: step.id,
      results: await this.#results(input, release, session, compared),
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
      results: await this.#results(input, release, {...known.session, through: at}, failed, failure),
      requests: known.session.requests,
      again: nextReadingAt(release.grid, input.now),
    }
    return {...known, observation}
  }

  /** One result per check, in the order of the spec. */
  async #results(
    input: EvaluationInput,
    release: Release,
    session: Session,
    compared: readonly CheckResult[],
    failure?: MetricFailure,
  ): Promise<CheckResult[]> {
    const {spec, meshContext} = input
    const {name, namespace} = meshContext.rollout
    const {canary, since} = release.step
    const at = session.through
    const window = `${Math.ceil(release.terms.windowMilliseconds / 1000)}s`
    const plans = planQueries({
      checks: spec.analysis.checks,
      templates: template => this.#template(namespace, template),
      variables: {
        namespace,
        rollout: name,
        canaryWorkload: meshContext.slots[canary],
        primaryWorkload: meshContext.slots[otherSlot(canary)],
        window,
      },
    })
    return Promise.all(
      plans.map(async (plan): Promise<CheckResult> => {
        if ('problem' in plan) return {...plan.problem, evaluatedAt: timeText(at)}
        if (plan.kind === 'compare') return resultNamed(compared, plan.check.name, at)
        const context = {at, since, windowMilliseconds: release.terms.windowMilliseconds, memory: undefined}
        const early = notYetDue(plan.check, context)
        if (early) return early
        const answers: SideAnswer[] =
          plan.kind === 'threshold'
            ? await Promise.all(
                plan.queries.map(async ({side, ...query}) => ({
                  side,
                  answer: await this.#metrics.query({...query, at}),
                })),
              )
            : failure
              ? [{side: 'caller', answer: failure}]
              : builtInAnswers(plan.metric, plan.check.threshold.quantile, canary, session.polls)
        return judgeThreshold(plan.check, answers, context).result
      }),
    )
  }

  #template(namespace: string, name: string): {query: string; address?: string} | undefined {
    const object = this.#lookup.get({apiVersion, kind: 'MetricTemplate', namespace, name})
    if (!object) return undefined
    const {query, address} = object.spec ?? {}
    return {query, ...(address ? {address} : {})}
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
    settings: compareSettings(spec.analysis, (spec.strategy.canary?.steps.length ?? 0) + 1),
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

function resultNamed(results: readonly CheckResult[], name: string, at: number): CheckResult {
  const found = results.find(result => result.name === name)
  if (found) return found
  const message = `check ${name} was not compared: its name is not unique`
  return {name, verdict: 'error', reason: 'InvalidCheck', message, evaluatedAt: timeText(at)}
}
