// Leader election on a Lease, by the protocol that Kubernetes' own components speak
// (https://kubernetes.io/docs/concepts/architecture/leases/): every write is conditional on the version that was read, and
// whether a lease has run out is judged by the time since this process saw it change, never by another machine's clock.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {fieldManager} from '../../crds/names.ts'
import {type Clock, type Cluster, ClusterError} from '../ports.ts'
import {sleep} from './clock.ts'
import type {WatchSource} from './kube-client.ts'
import type {Logger} from './log.ts'

/** How long others leave a lease alone after its last renewal. */
const leaseMilliseconds = 15_000
/** Without a renewal for this long the holder stops acting: well before anybody else may begin. */
const renewDeadlineMilliseconds = 10_000
/** Between two renewals; three may fail before the deadline. */
const renewMilliseconds = 3000
/** Between two looks at somebody else's lease, when the watch shows nothing. */
const retryMilliseconds = 2000

export interface LeaderElectionOptions {
  cluster: Cluster
  watch: Pick<WatchSource, 'watch'>
  clock: Clock
  /** Milliseconds of a clock that is never set: a process that was frozen must see how long. */
  monotonic: () => number
  log: Logger
  namespace: string
  /** Name of the Lease. */
  name: string
  /** Names this process, and no other one ever. */
  identity: string
  /** This process holds the lease; called once per term. What it throws ends the term. */
  acquired: () => Promise<void>
  /** The term is over, by loss or by stop(): resolves when nothing acts any more. */
  lost: () => Promise<void>
}

interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

/** Takes part in the election until it is stopped. */
export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #ref: ObjectRef
  readonly #stop = new AbortController()
  /** What was last seen of the Lease, and when. */
  #seen: {version: string; at: number} | undefined
  #lease: KubeObject | undefined
  /** Why the last request failed; undefined when it did not. */
  #trouble: string | undefined
  /** Start of the last request that renewed the lease; undefined while somebody else may hold it. */
  #renewedAt: number | undefined
  #loop: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    const {namespace, name} = options
    this.#ref = {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name}
  }

  /** Whether this process may act at this very moment. */
  leads(): boolean {
    return this.#renewedAt !== undefined && this.#options.monotonic() - this.#renewedAt < renewDeadlineMilliseconds
  }

  start(): void {
    this.#loop = this.#run()
    void this.#follow()
  }

  /** Ends a term, hands the lease back, and leaves the election. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (await this.#tryAcquire()) await this.#term()
      else await this.#pause(retryMilliseconds)
    }
  }

  /** Holds the lease until it is lost or given up. */
  async #term(): Promise<void> {
    const {log, name, acquired, lost} = this.#options
    log.info({lease: name}, 'leading')
    const begun = acquired().catch((error: unknown) => {
      log.error({detail: error instanceof Error ? error.message : 'unknown'}, 'could not begin to lead')
      this.#renewedAt = undefined
      this.#wake()
    })
    while (this.leads() && !this.#stop.signal.aborted) {
      await sleep(this.#options.clock, renewMilliseconds, this.#stop.signal)
      if (this.#stop.signal.aborted) break
      while (this.leads() && !(await this.#renew())) await this.#pause(retryMilliseconds / 2)
    }
    const given = this.#stop.signal.aborted && this.leads()
    if (!given) log.warn({lease: name}, 'no longer leading: the lease could not be renewed')
    await begun
    // The lease is given back only when nothing acts any more.
    await lost()
    if (given && this.leads()) await this.#release()
    this.#renewedAt = undefined
  }

  /** Waits, but not longer than until the Lease changes. */
  async #pause(milliseconds: number): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    if (!this.#stop.signal.aborted) await sleep(this.#options.clock, milliseconds, woken.signal)
  }

  async #tryAcquire(): Promise<boolean> {
    const {cluster, monotonic} = this.#options
    const startedAt = monotonic()
    try {
      const lease = await cluster.get(this.#ref)
      if (lease === undefined) {
        const {apiVersion, kind, name, namespace = ''} = this.#ref
        return this.#hold(
          await cluster.create({apiVersion, kind, metadata: {name, namespace}, spec: this.#claim({})}),
          startedAt,
        )
      }
      this.#note(lease)
      const spec: LeaseSpec = lease.spec ?? {}
      if (!this.#isFree(spec)) return false
      return this.#hold(await this.#write(lease, this.#claim(spec)), startedAt)
    } catch (error) {
      return this.#failed(error)
    }
  }

  async #renew(): Promise<boolean> {
    const {monotonic} = this.#options
    const startedAt = monotonic()
    try {
      // The version is that of our own last write, so whoever took the lease in between makes this a conflict.
      return this.#hold(
        await this.#write(this.#lease as KubeObject, {renewTime: microTime(this.#options.clock)}),
        startedAt,
      )
    } catch (error) {
      if (error instanceof ClusterError && error.status === 409) await this.#review()
      return this.#failed(error)
    }
  }

  /** After a conflict: a renewal whose answer was lost is still ours, and anything else is somebody else's. */
  async #review(): Promise<void> {
    const lease = await this.#options.cluster.get(this.#ref).catch(() => undefined)
    if (lease?.spec?.holderIdentity === this.#options.identity) this.#lease = lease
    else this.#renewedAt = undefined
  }

  async #release(): Promise<void> {
    const now = microTime(this.#options.clock)
    const spec = {holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now}
    await this.#write(this.#lease as KubeObject, spec).catch((error: unknown) => this.#failed(error))
  }

  #hold(lease: KubeObject, startedAt: number): true {
    this.#lease = lease
    this.#trouble = undefined
    this.#renewedAt = startedAt
    return true
  }

  /** The fields with which this process takes the lease over. */
  #claim(before: LeaseSpec): LeaseSpec {
    const {identity, clock} = this.#options
    const now = microTime(clock)
    const transitions = (before.leaseTransitions ?? 0) + (before.holderIdentity === undefined ? 0 : 1)
    return {
      holderIdentity: identity,
      leaseDurationSeconds: leaseMilliseconds / 1000,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: transitions,
    }
  }

  #isFree({holderIdentity, leaseDurationSeconds = leaseMilliseconds / 1000}: LeaseSpec): boolean {
    if (!holderIdentity) return true
    const seenAt = this.#seen?.at ?? this.#options.monotonic()
    return this.#options.monotonic() - seenAt >= leaseDurationSeconds * 1000
  }

  #note(lease: KubeObject): void {
    this.#trouble = undefined
    const version = lease.metadata.resourceVersion ?? ''
    if (this.#seen?.version !== version) this.#seen = {version, at: this.#options.monotonic()}
  }

  #write(lease: KubeObject, spec: LeaseSpec): Promise<KubeObject> {
    const {resourceVersion} = lease.metadata
    return this.#options.cluster.mergePatch(this.#ref, {metadata: {resourceVersion}, spec}, {fieldManager})
  }

  #failed(error: unknown): false {
    if (error instanceof ClusterError && error.status === 409) return false
    const detail = error instanceof Error ? error.message : 'unknown'
    // One line for each trouble, not for each attempt.
    if (detail !== this.#trouble) {
      this.#options.log.warn({lease: this.#options.name, detail}, 'the lease could not be read or written')
    }
    this.#trouble = detail
    return false
  }

  /** Wakes the election when a lease is given back, so that a hand-over takes no longer than a watch event. */
  async #follow(): Promise<void> {
    const {watch, clock} = this.#options
    const {apiVersion, kind, namespace, name} = this.#ref
    const query = {apiVersion, kind, name, ...(namespace === undefined ? {} : {namespace})}
    while (!this.#stop.signal.aborted) {
      try {
        for await (const {type, object} of watch.watch(query, {resourceVersion: '0', signal: this.#stop.signal})) {
          if (type === 'BOOKMARK') continue
          this.#note(object)
          if (type === 'DELETED' || !object.spec?.holderIdentity) this.#wake()
        }
      } catch {
        // The looks at regular times go on without it.
      }
      await sleep(clock, retryMilliseconds, this.#stop.signal)
    }
  }
}

/** RFC 3339 with microseconds, as MicroTime wants it. */
function microTime(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace('Z', '000Z')
}

/** A cluster whose writes are refused while `leads` says no: a process that was frozen wakes up with old decisions. */
export function fenced(cluster: Cluster, leads: () => boolean): Cluster {
  const guard =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      leads()
        ? write(...args)
        : Promise.reject(new ClusterError(0, 'NotLeading', 'nothing was written: another controller may be leading'))
  return {
    get: ref => cluster.get(ref),
    list: query => cluster.list(query),
    create: guard(object => cluster.create(object)),
    apply: guard((manifest, options) => cluster.apply(manifest, options)),
    updateStatus: guard(object => cluster.updateStatus(object)),
    mergePatch: guard((ref, patch, options) => cluster.mergePatch(ref, patch, options)),
    jsonPatch: guard((ref, operations, options) => cluster.jsonPatch(ref, operations, options)),
    scale: guard((ref, replicas, options) => cluster.scale(ref, replicas, options)),
    delete: guard((ref, options) => cluster.delete(ref, options)),
  }
}
