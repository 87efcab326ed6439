// Keeps an in-memory copy of one kind: a list, then a watch from the list's version, for ever. Whatever goes wrong
// ends in another watch or another list, with back-off; nothing ends the loop but stop().
import type {KubeObject} from '../../crds/meta.ts'
import type {Clock, Random} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import {type Backoff, backoffMilliseconds} from './backoff.ts'
import {sleep} from './clock.ts'
import type {WatchEvent, WatchQuery, WatchSource} from './kube-client.ts'
import {retryAfterMilliseconds} from './kube-errors.ts'
import type {Logger} from './log.ts'
import {IndexedStore, keyOf, type ObjectStore} from './object-store.ts'

/** Between failed lists and watches, and between looks for a kind that is not installed. */
const retryBackoff: Backoff = {baseMilliseconds: 250, maxMilliseconds: 30_000}
/** While the server does not answer or forbids: its return, or the right, is noticed within seconds. */
const troubleBackoff: Backoff = {baseMilliseconds: 250, maxMilliseconds: 5000}
/** An API server that has just begun forbids what it will allow in a moment: only the third answer in a row counts. */
const maxForbidden = 3
/** A watch that lived this long worked: the next failure is the first again. */
const healthyWatchMilliseconds = 5_000
/** Servers send a bookmark about once a minute; a watch silent for longer has lost its connection unnoticed. */
const defaultSilenceMilliseconds = 150_000
/** How long the server keeps a watch: from this to twice this, so that reconnects spread out. */
const minWatchSeconds = 300
const maxListeners = 100
const integer = /^[0-9]+$/

/**
 * - `starting`: the first list has not come yet
 * - `synced`: the store held all objects at least once, and follows
 * - `missing`: the server does not have the kind; the store is empty, and the kind is looked for now and then
 * - `forbidden`: the server refuses to list or watch it; the store holds what was known, and it is tried again
 * - `stopped`
 */
export type ReflectorState = 'starting' | 'synced' | 'missing' | 'forbidden' | 'stopped'

/**
 * Told of each change after the store has it. Added: `old` is undefined; deleted: `current` is undefined. An object
 * that was deleted and made again under the same name arrives as one deletion and one addition.
 *
 * @param key `namespace/name`, or the name alone for kinds without namespaces
 */
export type ChangeListener = (key: string, old: KubeObject | undefined, current: KubeObject | undefined) => void

export interface ReflectorOptions {
  source: WatchSource
  query: WatchQuery
  clock: Clock
  random: Random
  log: Logger
  /** Silence after which a watch is begun anew; 150 s when absent. */
  silenceMilliseconds?: number
  /** Shrinks each object before it is kept, for memory. It must keep `metadata` usable. */
  transform?: (object: KubeObject) => KubeObject
  /** Longest time between two looks for a kind that is not installed; 30 s when absent. */
  maxAbsenceMilliseconds?: number
}

/** One kind, followed. */
export class Reflector {
  readonly query: WatchQuery
  /** Resolves once the start is over: `synced`, `missing`, `forbidden`, or `stopped` where stop() came first. Never rejects. */
  readonly synced: Promise<ReflectorState>
  readonly #options: ReflectorOptions
  readonly #store = new IndexedStore()
  readonly #listeners = new Set<ChangeListener>()
  readonly #stateListeners = new Set<() => void>()
  readonly #stop = new AbortController()
  #settle: (state: ReflectorState) => void = () => {}
  #state: ReflectorState = 'starting'
  #loop: Promise<void> | undefined
  #resourceVersion: string | undefined
  #failures = 0
  #forbidden = 0
  #lastError: string | undefined

  constructor(options: ReflectorOptions) {
    this.#options = options
    this.query = options.query
    this.synced = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  get store(): ObjectStore {
    return this.#store
  }

  get state(): ReflectorState {
    return this.#state
  }

  /** Why the last list or watch failed; undefined while all is well. For readiness messages. */
  get lastError(): string | undefined {
    return this.#lastError
  }

  /**
   * Whether the store holds everything up to a version. Versions are compared as the integers that every API server
   * makes of them (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); one that is no
   * integer, and a kind that isn't followed, never keeps anybody waiting.
   */
  reached(resourceVersion: string): boolean {
    if (this.#state !== 'synced' || this.#resourceVersion === undefined) return true
    if (!integer.test(resourceVersion) || !integer.test(this.#resourceVersion)) return true
    return BigInt(this.#resourceVersion) >= BigInt(resourceVersion)
  }

  /** Begins to follow. @throws {Error} when it was begun before: two loops would write one store. */
  start(): void {
    if (this.#loop !== undefined) throw new Error(`the reflector of ${this.query.kind} was started before`)
    this.#loop = this.#run()
  }

  /** Ends the loop; resolves when it is over. The store keeps what it has. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    this.#enter('stopped')
  }

  /** Calls back on every change from now on; what the store holds already is not repeated. Returns the way out. */
  onChange(listener: ChangeListener): () => void {
    if (this.#listeners.size >= maxListeners) throw new Error(`more than ${maxListeners} listeners of one reflector`)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls back whenever the state has become another one. */
  onState(listener: () => void): void {
    if (this.#stateListeners.size >= maxListeners)
      throw new Error(`more than ${maxListeners} listeners of one reflector`)
    this.#stateListeners.add(listener)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const delayMilliseconds = await this.#attempt()
      if (delayMilliseconds > 0) await sleep(this.#options.clock, delayMilliseconds, this.#stop.signal)
    }
  }

  /** One list, where one is due, and one watch. Returns the delay before the next. */
  async #attempt(): Promise<number> {
    const {clock} = this.#options
    let watchingSince = Number.POSITIVE_INFINITY
    try {
      if (this.#resourceVersion === undefined) await this.#relist()
      watchingSince = clock.now()
      await this.#follow()
      return this.#delayAfter(undefined, watchingSince)
    } catch (error) {
      if (this.#stop.signal.aborted) return 0
      return this.#delayAfter(error, watchingSince)
    }
  }

  async #relist(): Promise<void> {
    const {items, resourceVersion} = await this.#options.source.listVersioned(this.query)
    if (this.#stop.signal.aborted) return
    const gone = new Map(this.#store.list().map(object => [keyOf(object), object]))
    for (const item of items) {
      gone.delete(keyOf(item))
      this.#put(item)
    }
    for (const object of gone.values()) this.#remove(object)
    this.#resourceVersion = resourceVersion
    this.#works()
    this.#enter('synced')
  }

  /** Reads one watch to its end; a silent one is hung up and counts as ended. */
  async #follow(): Promise<void> {
    const {source, clock, random, silenceMilliseconds = defaultSilenceMilliseconds} = this.#options
    const hangUp = new AbortController()
    const abort = () => hangUp.abort()
    let silent = false
    const onSilence = () => {
      silent = true
      abort()
    }
    let cancelDeadline = clock.after(silenceMilliseconds, onSilence)
    this.#stop.signal.addEventListener('abort', abort)
    try {
      if (this.#stop.signal.aborted) return
      const timeoutSeconds = Math.round(minWatchSeconds * (1 + random.next()))
      const resourceVersion = this.#resourceVersion ?? ''
      const events = source.watch(this.query, {resourceVersion, timeoutSeconds, signal: hangUp.signal})
      for await (const event of events) {
        if (hangUp.signal.aborted) return
        cancelDeadline()
        cancelDeadline = clock.after(silenceMilliseconds, onSilence)
        this.#take(event)
      }
    } catch (error) {
      if (!silent) throw error
      this.#options.log.info({kind: this.query.kind}, 'watch was silent, beginning it anew')
    } finally {
      cancelDeadline()
      this.#stop.signal.removeEventListener('abort', abort)
    }
  }

  #take(event: WatchEvent): void {
    const version = event.object.metadata.resourceVersion
    // First, since a listener may begin a pass at once, and that asks whether its own write has arrived.
    if (version !== undefined) this.#resourceVersion = version
    if (event.type === 'DELETED') this.#remove(event.object)
    else if (event.type !== 'BOOKMARK') this.#put(event.object)
    this.#works()
  }

  #put(received: KubeObject): void {
    const object = this.#options.transform?.(received) ?? received
    const {namespace, name} = object.metadata
    const known = this.#store.get(namespace, name)
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) this.#remove(known)
    const old = this.#store.set(object)
    const unchanged = old !== undefined && old.metadata.resourceVersion === object.metadata.resourceVersion
    if (!unchanged) this.#tell(keyOf(object), old, object)
  }

  #remove(object: KubeObject): void {
    const old = this.#store.delete(object.metadata.namespace, object.metadata.name)
    if (old !== undefined) this.#tell(keyOf(old), old, undefined)
  }

  #tell(key: string, old: KubeObject | undefined, current: KubeObject | undefined): void {
    for (const listener of this.#listeners) {
      try {
        listener(key, old, current)
      } catch (error) {
        this.#options.log.error({err: error, kind: this.query.kind, key}, 'a listener of a reflector threw')
      }
    }
  }

  /** Classes what ended an attempt, and says how long to wait. */
  #delayAfter(error: unknown, watchingSince: number): number {
    const {clock, random, log} = this.#options
    if (clock.now() - watchingSince >= healthyWatchMilliseconds) this.#failures = 0
    const status = error instanceof ClusterError ? error.status : undefined
    if (error === undefined) {
      this.#works()
      if (clock.now() - watchingSince >= healthyWatchMilliseconds) return 0
    }
    this.#failures += 1
    const delay = Math.max(
      backoffMilliseconds(this.#backoffAfter(status), this.#failures, random),
      retryAfterMilliseconds(error) ?? 0,
    )
    if (error === undefined) return delay
    const {kind} = this.query
    if (status === 404) this.#becomeMissing()
    else if (status === 410) {
      this.#resourceVersion = undefined
      log.info({kind}, 'watch expired, listing anew')
      // The first one is the server's ordinary housekeeping; only a series of them is slowed down.
      if (this.#failures === 1) return 0
    } else {
      const message = error instanceof Error ? error.message : 'unknown error'
      // One line for each trouble, not for each attempt: an API server may be away for an hour.
      if (message !== this.#lastError) {
        log.warn({err: error, kind, failures: this.#failures, delayMilliseconds: delay}, 'list or watch failed')
      }
      this.#lastError = message
      this.#forbidden = status === 403 ? this.#forbidden + 1 : 0
      if (this.#forbidden >= maxForbidden) this.#becomeForbidden()
    }
    return delay
  }

  #backoffAfter(status: number | undefined): Backoff {
    const {maxAbsenceMilliseconds: maxMilliseconds} = this.#options
    if (status === 404) return maxMilliseconds === undefined ? retryBackoff : {...retryBackoff, maxMilliseconds}
    return status === 0 || status === 403 || status === 429 || (status ?? 0) >= 500 ? troubleBackoff : retryBackoff
  }

  /** A list or an event has come. */
  #works(): void {
    if (this.#lastError !== undefined) this.#options.log.info({kind: this.query.kind}, 'list and watch work again')
    this.#lastError = undefined
    this.#forbidden = 0
  }

  /** What is known stays, since nobody said that it is gone; whoever decides is to look at the state. */
  #becomeForbidden(): void {
    this.#resourceVersion = undefined
    this.#enter('forbidden')
  }

  #becomeMissing(): void {
    const {kind, apiVersion} = this.query
    if (this.#state !== 'missing') this.#options.log.info({kind, apiVersion}, 'kind is not installed, looking for it')
    this.#resourceVersion = undefined
    this.#lastError = undefined
    for (const object of this.#store.list()) this.#remove(object)
    this.#enter('missing')
  }

  #enter(state: ReflectorState): void {
    const changed = state !== this.#state
    this.#state = state
    this.#settle(state)
    if (changed) for (const listener of this.#stateListeners) listener()
  }
}
