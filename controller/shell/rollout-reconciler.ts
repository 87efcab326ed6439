// One pass over one Rollout: gather, decide, persist the status, carry the intents out. The status goes first and is
// conditional on the version that was read; a conflict drops the pass. What is remembered saves requests: a pass that
// finds it gone decides the same.
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {type Decision, decide, stalled} from '../core/decide.ts'
import {deferrable} from '../core/deferral.ts'
import {same} from '../core/equality.ts'
import type {Note} from '../core/intents.ts'
import type {Problem} from '../core/observation.ts'
import {earliest} from '../core/world.ts'
import {type Clock, type Cluster, ClusterError} from '../ports.ts'
import type {AlertSender} from './alert-sender.ts'
import {carryOut, type Written} from './carry-out.ts'
import type {Evaluator} from './evaluate.ts'
import {ConfigContents, gather} from './gather.ts'
import {lasting, lostToAnother, readRefused, statusRefused} from './hindrances.ts'
import type {Lookup} from './lookup.ts'
import type {PassResult} from './work-queue.ts'

/** What happens to a Rollout, for metrics and logs. */
export interface RolloutObserver {
  decided(rollout: KubeObject, before: RolloutStatus, after: RolloutStatus): void
  noted(rollout: KubeObject, notes: Note[]): void
  refused(rollout: KubeObject, object: string, error: ClusterError): void
  forgotten(namespace: string, name: string): void
}

export interface RolloutReconcilerOptions {
  cluster: Cluster
  lookup: Lookup
  evaluator: Evaluator
  clock: Clock
  alerts: AlertSender
  observer: RolloutObserver
}

/** A write lost against another writer: what won is in the cache within this time, and the pass runs again. */
const conflictDelayMilliseconds = 50
/** Longest delay after many such in a row: then the cache doesn't follow, or somebody writes without end. */
const maxConflictDelayMilliseconds = 5000

/** How long a change that only describes may wait for the next write of the status. */
const deferralMilliseconds = 10_000
/** How long a pass waits for its predecessor's writes to arrive; they come within milliseconds, or the watch is broken. */
const arrivalMilliseconds = 5000

/** A status that was decided and not written, upon the version of the Rollout that it belongs to. */
interface Deferred {
  resourceVersion: string | undefined
  status: RolloutStatus
  since: number
}

export class RolloutReconciler {
  readonly #options: RolloutReconcilerOptions
  readonly #contents: ConfigContents
  readonly #deferred = new Map<string, Deferred>()
  readonly #awaited = new Map<string, {written: Written[]; since: number}>()
  readonly #refused = new Map<string, {object: string; message: string}[]>()
  readonly #conflicts = new Map<string, number>()
  /** What people were told of a refusal, so that they are told once. */
  readonly #told = new Map<string, string>()

  constructor(options: RolloutReconcilerOptions) {
    this.#options = options
    this.#contents = new ConfigContents(options.cluster, options.lookup)
  }

  /** @param key `namespace/name` */
  async reconcile(key: string): Promise<PassResult> {
    const [namespace = '', name = ''] = key.split('/')
    const {lookup, observer, clock} = this.#options
    const rollout = lookup.get({apiVersion, kind: 'Rollout', namespace, name})
    if (!rollout) {
      this.#forget(key)
      observer.forgotten(namespace, name)
      return {}
    }
    const arrival = this.#arrival(key)
    if (arrival > 0) return {requeueAfterMilliseconds: arrival}
    const known = this.#withDeferred(key, rollout)
    const decision = await this.#decide(key, known).catch(async (error: unknown) => {
      const problem = readRefused(rollout, error)
      if (problem) await this.#hold(key, rollout, problem, error as ClusterError)
      throw error
    })
    const writeAt = this.#defer(key, rollout, decision.status)
    const written = writeAt === undefined ? await this.#persist(key, rollout, decision.status) : rollout
    if (!written) return this.#again(key)
    observer.decided(rollout, known.status ?? {}, decision.status)
    observer.noted(rollout, decision.notes)
    this.#options.alerts.dispatch(written, decision.status)
    const carried = await carryOut(decision.intents, written, this.#options.cluster, lookup)
    this.#await(key, written === rollout ? carried.written : [writtenOf(written), ...carried.written])
    if (carried.failure) return this.#failed(key, rollout, carried.failure)
    this.#conflicts.delete(key)
    if (writeAt === undefined) this.#told.delete(key)
    // The condition that tells of a refusal goes with the next pass, and nothing else may ask for that one.
    if (this.#refused.delete(key)) return {requeueAfterMilliseconds: 0}
    const again = earliest(decision.again, writeAt)
    return again === undefined ? {} : {requeueAfterMilliseconds: Math.max(0, again - clock.now())}
  }

  /** Milliseconds to wait until the writes of the pass before are in the cache: a decision without them repeats them. */
  #arrival(key: string): number {
    const awaited = this.#awaited.get(key)
    if (!awaited) return 0
    const {lookup, clock} = this.#options
    const missing = awaited.written.some(one => !lookup.reached(one.apiVersion, one.kind, one.resourceVersion))
    const left = awaited.since + arrivalMilliseconds - clock.now()
    if (missing && left > 0) return left
    this.#awaited.delete(key)
    return 0
  }

  #await(key: string, written: Written[]): void {
    if (written.length > 0) this.#awaited.set(key, {written, since: this.#options.clock.now()})
  }

  /** The Rollout with what was decided upon this very version of it, and not written. */
  #withDeferred(key: string, rollout: KubeObject): KubeObject {
    const deferred = this.#deferred.get(key)
    if (deferred?.resourceVersion === rollout.metadata.resourceVersion && deferred) {
      return {...rollout, status: deferred.status}
    }
    this.#deferred.delete(key)
    return rollout
  }

  /** Keeps a status back that may wait. Returns when it has to be written, in milliseconds; undefined for now. */
  #defer(key: string, rollout: KubeObject, status: RolloutStatus): number | undefined {
    const stored: RolloutStatus = rollout.status ?? {}
    const now = this.#options.clock.now()
    const since = this.#deferred.get(key)?.since ?? now
    const waits = !same(stored, status) && deferrable(stored, status) && now < since + deferralMilliseconds
    if (!waits) {
      this.#deferred.delete(key)
      return undefined
    }
    this.#deferred.set(key, {resourceVersion: rollout.metadata.resourceVersion, status, since})
    return since + deferralMilliseconds
  }

  async #decide(key: string, rollout: KubeObject): Promise<Decision> {
    const {cluster, lookup, evaluator, clock, alerts} = this.#options
    const remembered = {
      refusedWrites: this.#refused.get(key) ?? [],
      delivered: alerts.delivered(rollout.metadata.uid ?? ''),
    }
    const gathered = await gather(rollout, remembered, {cluster, lookup, evaluator, clock, contents: this.#contents})
    if (gathered.kind === 'invalid') return stalled(rollout.status ?? {}, clock.now(), gathered.problem)
    return decide(gathered.observation)
  }

  /** The Rollout with the decided status, or undefined when somebody else wrote in between. */
  async #persist(key: string, rollout: KubeObject, status: RolloutStatus): Promise<KubeObject | undefined> {
    if (same(status, rollout.status ?? {})) return rollout
    try {
      return await this.#options.cluster.updateStatus({...rollout, status})
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      if (lostToAnother(error) || error.status === 404) return undefined
      if (lasting(error)) await this.#hold(key, rollout, statusRefused(rollout, error), error)
      throw error
    }
  }

  /** Says on the Rollout, as far as that can be written, and in the log and an event why nothing moves. */
  async #hold(key: string, rollout: KubeObject, problem: Problem, error: ClusterError): Promise<void> {
    const {cluster, clock, observer} = this.#options
    const held = stalled(rollout.status ?? {}, clock.now(), problem)
    if (this.#isNews(key, error)) {
      observer.refused(rollout, problem.object, error)
      observer.noted(rollout, held.notes)
    }
    if (same(held.status, rollout.status ?? {})) return
    // Where not even this is taken, the log and the event have told it.
    await cluster.updateStatus({...rollout, status: held.status}).catch(() => undefined)
  }

  #isNews(key: string, {message}: ClusterError): boolean {
    if (this.#told.get(key) === message) return false
    this.#told.set(key, message)
    return true
  }

  #again(key: string): PassResult {
    const conflicts = this.#conflicts.get(key) ?? 0
    this.#conflicts.set(key, conflicts + 1)
    const delay = conflictDelayMilliseconds * 2 ** Math.min(conflicts, 20)
    return {requeueAfterMilliseconds: Math.min(delay, maxConflictDelayMilliseconds)}
  }

  /** A write that the server refuses for a reason of its own is shown as a condition; whatever passes by is tried again. */
  #failed(key: string, rollout: KubeObject, failure: {object: string; error: ClusterError}): PassResult {
    const {error, object} = failure
    if (lasting(error)) this.#refused.set(key, [{object, message: error.message}])
    if (lostToAnother(error)) return this.#again(key)
    if (this.#isNews(key, error)) this.#options.observer.refused(rollout, object, error)
    throw error
  }

  #forget(key: string): void {
    this.#refused.delete(key)
    this.#deferred.delete(key)
    this.#awaited.delete(key)
    this.#conflicts.delete(key)
    this.#told.delete(key)
  }
}

function writtenOf(rollout: KubeObject): Written {
  return {apiVersion, kind: 'Rollout', resourceVersion: rollout.metadata.resourceVersion ?? ''}
}
