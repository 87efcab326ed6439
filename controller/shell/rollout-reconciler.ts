// One pass over one Rollout: gather, decide, persist the status, carry the intents out. The status goes first and is
// conditional on the version that was read; a conflict drops the pass. Nothing is remembered that the next pass needs.
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {type Decision, decide, stalled} from '../core/decide.ts'
import {same} from '../core/equality.ts'
import type {Note} from '../core/intents.ts'
import {type Clock, type Cluster, ClusterError} from '../ports.ts'
import type {AlertSender} from './alert-sender.ts'
import {carryOut} from './carry-out.ts'
import type {Evaluator} from './evaluate.ts'
import {ConfigContents, gather} from './gather.ts'
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

/** A status write lost against another writer: what won is in the cache within this time, and the pass runs again. */
const conflictDelayMilliseconds = 50

export class RolloutReconciler {
  readonly #options: RolloutReconcilerOptions
  readonly #contents: ConfigContents
  readonly #refused = new Map<string, {object: string; message: string}[]>()

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
    const decision = await this.#decide(key, rollout)
    const written = await this.#persist(rollout, decision.status)
    if (!written) return {requeueAfterMilliseconds: conflictDelayMilliseconds}
    observer.decided(rollout, rollout.status ?? {}, decision.status)
    observer.noted(rollout, decision.notes)
    this.#options.alerts.dispatch(written, decision.status)
    const carried = await carryOut(decision.intents, written, this.#options.cluster, lookup)
    if (carried.failure) return this.#failed(key, rollout, carried.failure)
    this.#refused.delete(key)
    return decision.again === undefined ? {} : {requeueAfterMilliseconds: Math.max(0, decision.again - clock.now())}
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
  async #persist(rollout: KubeObject, status: RolloutStatus): Promise<KubeObject | undefined> {
    if (same(status, rollout.status ?? {})) return rollout
    try {
      return await this.#options.cluster.updateStatus({...rollout, status})
    } catch (error) {
      if (error instanceof ClusterError && (error.status === 409 || error.status === 404)) return undefined
      throw error
    }
  }

  /** A write that the server refuses for a reason of its own is shown as a condition; whatever passes by is tried again. */
  #failed(key: string, rollout: KubeObject, failure: {object: string; error: ClusterError}): PassResult {
    const {error, object} = failure
    const lasting = error.status === 400 || error.status === 403 || error.status === 422
    if (lasting) this.#refused.set(key, [{object, message: error.message}])
    if (error.status === 409) return {requeueAfterMilliseconds: conflictDelayMilliseconds}
    this.#options.observer.refused(rollout, object, error)
    throw error
  }

  #forget(key: string): void {
    this.#refused.delete(key)
  }
}
