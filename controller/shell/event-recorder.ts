// core/v1 Events, as `kubectl describe` and `kubectl events` select them (by involvedObject). The same event of the
// same object is counted up instead of written again. Recording never waits, never throws and never holds up a pass.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {fieldManager} from '../../crds/names.ts'
import type {Clock, Cluster, Random} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import {type Backoff, backoffMilliseconds} from './backoff.ts'
import {sleep} from './clock.ts'
import type {Logger} from './log.ts'
import {RateLimiter} from './rate-limiter.ts'

/** Events that wait to be written; more are dropped, and counted in the log. */
const maxPending = 1_000
/** Different events that are remembered for counting up. */
const maxRemembered = 4_096
/** An event that comes again after this is written as a new one. */
const aggregationMilliseconds = 10 * 60_000
/** Writes per second in the long run, and at once: events must not crowd out the controller's own requests. */
const writesPerSecond = 5
const writeBurst = 50
/** Attempts to write one event. */
const maxAttempts = 4
const attemptBackoff: Backoff = {baseMilliseconds: 500, maxMilliseconds: 10_000}
/** The API server refuses longer messages. */
const maxMessageLength = 1024
const maxReasonLength = 128
const maxNameLength = 253

export type EventType = 'Normal' | 'Warning'

export interface EventRecorderOptions {
  cluster: Cluster
  clock: Clock
  random: Random
  log: Logger
  /** Name of this process, such as its pod's. */
  instance: string
}

interface Remembered {
  involvedObject: Record<string, string>
  type: EventType
  reason: string
  message: string
  count: number
  firstAt: number
  lastAt: number
  /** The Event object that counts it, once it was written, and the count that it holds. */
  written?: ObjectRef
  writtenCount: number
}

/** Writes Events about objects. */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #limiter: RateLimiter
  /** By object, type, reason and message; the least recently seen first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #pending = new Set<Remembered>()
  readonly #stop = new AbortController()
  #writer: Promise<void> | undefined
  #dropped = 0
  #closed = false

  constructor(options: EventRecorderOptions) {
    this.#options = options
    const {clock} = options
    this.#limiter = new RateLimiter({clock, queriesPerSecond: writesPerSecond, burst: writeBurst})
  }

  /**
   * Notes that something happened to an object. Longer texts are cut to what the API server takes.
   *
   * @param reason one word in CamelCase, from a fixed set
   */
  record(object: KubeObject, type: EventType, reason: string, message: string): void {
    if (this.#closed) return
    const event = this.#remember(object, type, reason.slice(0, maxReasonLength), message.slice(0, maxMessageLength))
    if (!this.#pending.has(event) && this.#pending.size >= maxPending) {
      this.#dropped += 1
      return
    }
    this.#pending.add(event)
    this.#writer ??= this.#write()
  }

  /**
   * Takes no more events and writes those that wait.
   *
   * @returns whether all of them were written or given up within the deadline
   */
  async flush(deadlineMilliseconds: number): Promise<boolean> {
    this.#closed = true
    const writer = this.#writer
    if (writer === undefined) return true
    const cancelDeadline = this.#options.clock.after(deadlineMilliseconds, () => this.#stop.abort())
    await writer
    cancelDeadline()
    return !this.#stop.signal.aborted
  }

  #remember(object: KubeObject, type: EventType, reason: string, message: string): Remembered {
    const now = this.#options.clock.now()
    const {apiVersion, kind, metadata} = object
    const key = JSON.stringify([
      apiVersion,
      kind,
      metadata.namespace,
      metadata.name,
      metadata.uid,
      type,
      reason,
      message,
    ])
    const known = this.#remembered.get(key)
    this.#remembered.delete(key)
    if (known !== undefined && now - known.lastAt < aggregationMilliseconds) {
      known.count += 1
      known.lastAt = now
      this.#remembered.set(key, known)
      return known
    }
    const involvedObject = involved(object)
    const times = {firstAt: now, lastAt: now}
    const event: Remembered = {involvedObject, type, reason, message, count: 1, ...times, writtenCount: 0}
    this.#remembered.set(key, event)
    if (this.#remembered.size > maxRemembered) {
      const oldest = this.#remembered.keys().next()
      if (!oldest.done) this.#remembered.delete(oldest.value)
    }
    return event
  }

  /** Writes until nothing waits; one at a time, so that a count never overtakes its event. */
  async #write(): Promise<void> {
    for (const event of this.#pending) {
      this.#pending.delete(event)
      await this.#writeOne(event)
      if (this.#stop.signal.aborted) break
    }
    this.#writer = undefined
    if (this.#dropped === 0) return
    this.#options.log.warn({dropped: this.#dropped}, 'events were dropped, too many at once')
    this.#dropped = 0
  }

  async #writeOne(event: Remembered): Promise<void> {
    const {clock, random, log} = this.#options
    const about = {
      reason: event.reason,
      object: event.involvedObject['name'],
      namespace: event.involvedObject['namespace'],
    }
    for (let attempt = 1; ; attempt++) {
      try {
        // Counted up while its last write was under way, and written with it.
        if (event.count === event.writtenCount) return
        await this.#limiter.acquire(this.#stop.signal)
        if (this.#stop.signal.aborted) return
        await this.#send(event)
        return
      } catch (error) {
        if (attempt >= maxAttempts || !isTransient(error)) {
          log.warn({err: error, ...about}, 'event could not be written')
          return
        }
        await sleep(clock, backoffMilliseconds(attemptBackoff, attempt, random), this.#stop.signal)
      }
    }
  }

  async #send(event: Remembered): Promise<void> {
    const {cluster} = this.#options
    const {count, lastAt} = event
    if (event.written !== undefined) {
      try {
        await cluster.mergePatch(event.written, {count, lastTimestamp: timestamp(lastAt)}, {fieldManager})
        event.writtenCount = count
        return
      } catch (error) {
        // API servers forget events after an hour: then it is written anew.
        if (!(error instanceof ClusterError && error.status === 404)) throw error
      }
    }
    const object = this.#eventObject(event)
    await cluster.create(object)
    const {apiVersion, kind, metadata} = object
    event.writtenCount = count
    event.written = {apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? 'default'}
  }

  #eventObject(event: Remembered): KubeObject {
    const {random, instance} = this.#options
    const {involvedObject, type, reason, message, count, firstAt, lastAt} = event
    const chance = Math.floor(random.next() * 2 ** 32).toString(16)
    const suffix = `.${firstAt.toString(16)}${chance.padStart(8, '0')}`
    const name = `${(involvedObject['name'] ?? '').slice(0, maxNameLength - suffix.length)}${suffix}`
    return {
      apiVersion: 'v1',
      kind: 'Event',
      // Events about objects without a namespace live in `default`, where kubectl looks for them.
      metadata: {name, namespace: involvedObject['namespace'] ?? 'default'},
      involvedObject,
      type,
      reason,
      message,
      count,
      firstTimestamp: timestamp(firstAt),
      lastTimestamp: timestamp(lastAt),
      source: {component: fieldManager},
      reportingComponent: fieldManager,
      reportingInstance: instance,
    }
  }
}

function involved(object: KubeObject): Record<string, string> {
  const {apiVersion, kind, metadata} = object
  const fields = {
    apiVersion,
    kind,
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
  }
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return false
  return error.status === 0 || error.status === 409 || error.status === 429 || error.status >= 500
}

/** A metav1.Time: whole seconds. */
function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
