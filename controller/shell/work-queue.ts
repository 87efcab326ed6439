// A work item is only a key, and a pass reads everything anew: so any number of reasons to look at a key collapse into
// one pass, and two passes of one key never run at the same time.
import type {Clock, Random} from '../ports.ts'
import {type Backoff, backoffMilliseconds} from './backoff.ts'

/** Back-off of a key whose passes fail. */
const defaultBackoff: Backoff = {baseMilliseconds: 500, maxMilliseconds: 300_000}
/** Keys that a queue knows at once: waiting, delayed and running. */
const defaultMaxKeys = 20_000

/** What a pass says about the next one. */
export interface PassResult {
  /** Run the key again after this delay, unless something asks for it earlier. */
  requeueAfterMilliseconds?: number
}

/** Told what the queue does; for metrics and logs. Must not throw. */
export interface WorkQueueHooks {
  /** Keys that are ready and wait for a free place. */
  depth?(keys: number): void
  /** How long a key was ready before its pass began. */
  waited?(seconds: number): void
  /** How long a pass took. */
  worked?(seconds: number): void
  /** A pass threw; `failures` in a row, and the key runs again after the delay. */
  failed?(key: string, error: unknown, failures: number, delayMilliseconds: number): void
}

export interface WorkQueueOptions {
  /** One pass. What it throws is a failure: the key runs again with back-off. */
  process: (key: string) => Promise<PassResult | undefined>
  clock: Clock
  random: Random
  /** Passes at once, at least 1. */
  concurrency: number
  backoff?: Backoff
  /** The back-off after what a pass threw, where it depends on that. */
  backoffAfter?: (error: unknown) => Backoff
  maxKeys?: number
  hooks?: WorkQueueHooks
}

interface Delayed {
  at: number
  cancel: () => void
}

/** A keyed, de-duplicated queue with delays and back-off. */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #backoff: Backoff
  readonly #maxKeys: number
  /** Ready keys in order, with the time at which each became ready. */
  readonly #ready = new Map<string, number>()
  readonly #running = new Set<string>()
  /** Keys that were asked for while their pass ran. */
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  #started = false
  #draining = false
  #idle: (() => void)[] = []

  constructor(options: WorkQueueOptions) {
    if (!(options.concurrency >= 1)) throw new RangeError('concurrency of a work queue must be at least 1')
    this.#options = options
    this.#backoff = options.backoff ?? defaultBackoff
    this.#maxKeys = options.maxKeys ?? defaultMaxKeys
  }

  /** Begins to run passes; keys that were added before have waited. */
  start(): void {
    this.#started = true
    this.#pump()
  }

  /** Begins no more passes until start(), and resolves when those that run have ended. Keys are taken meanwhile. */
  async pause(): Promise<void> {
    this.#started = false
    if (this.#running.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /**
   * Asks for a pass as soon as possible; a delayed pass of that key becomes this one.
   *
   * @returns false when the key was not taken: the queue drains, or knows as many keys as it may
   */
  add(key: string): boolean {
    if (!this.#mayTake(key)) return false
    this.#cancelDelayed(key)
    if (this.#running.has(key)) this.#again.add(key)
    else if (!this.#ready.has(key)) this.#ready.set(key, this.#options.clock.now())
    this.#pump()
    return true
  }

  /** Asks for a pass after a delay; the earliest of all that was asked for a key wins. Returns as {@link add}. */
  addAfter(key: string, delayMilliseconds: number): boolean {
    if (delayMilliseconds <= 0) return this.add(key)
    if (!this.#mayTake(key)) return false
    if (this.#ready.has(key) || this.#again.has(key)) return true
    const at = this.#options.clock.now() + delayMilliseconds
    const pending = this.#delayed.get(key)
    if (pending !== undefined && pending.at <= at) return true
    pending?.cancel()
    const cancel = this.#options.clock.after(delayMilliseconds, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, {at, cancel})
    return true
  }

  /** Drops what is pending for a key and its failures: its object is gone. A running pass ends as usual. */
  forget(key: string): void {
    this.#cancelDelayed(key)
    this.#ready.delete(key)
    this.#again.delete(key)
    this.#failures.delete(key)
    this.#options.hooks?.depth?.(this.#ready.size)
  }

  /** Keys that are ready and wait for a free place. */
  get depth(): number {
    return this.#ready.size
  }

  /**
   * Takes no more keys, drops those that wait, and lets running passes end.
   *
   * @returns whether every pass ended within the deadline
   */
  async drain(deadlineMilliseconds: number): Promise<boolean> {
    this.#draining = true
    for (const {cancel} of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#ready.clear()
    this.#again.clear()
    this.#options.hooks?.depth?.(0)
    if (this.#running.size === 0) return true
    return new Promise(resolve => {
      const cancel = this.#options.clock.after(deadlineMilliseconds, () => resolve(false))
      this.#idle.push(() => {
        cancel()
        resolve(true)
      })
    })
  }

  #mayTake(key: string): boolean {
    if (this.#draining) return false
    if (this.#ready.has(key) || this.#running.has(key) || this.#delayed.has(key)) return true
    return this.#ready.size + this.#running.size + this.#delayed.size < this.#maxKeys
  }

  #cancelDelayed(key: string): void {
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
  }

  #pump(): void {
    const {hooks, clock, concurrency} = this.#options
    while (this.#started && !this.#draining && this.#running.size < concurrency) {
      const next = this.#ready.entries().next()
      if (next.done) break
      const [key, readySince] = next.value
      this.#ready.delete(key)
      this.#running.add(key)
      hooks?.waited?.((clock.now() - readySince) / 1000)
      void this.#pass(key)
    }
    hooks?.depth?.(this.#ready.size)
  }

  async #pass(key: string): Promise<void> {
    const {clock, hooks, process} = this.#options
    const startedAt = clock.now()
    let delayMilliseconds: number | undefined
    try {
      delayMilliseconds = (await process(key))?.requeueAfterMilliseconds
      this.#failures.delete(key)
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      const backoff = this.#options.backoffAfter?.(error) ?? this.#backoff
      delayMilliseconds = backoffMilliseconds(backoff, failures, this.#options.random)
      hooks?.failed?.(key, error, failures, delayMilliseconds)
    }
    hooks?.worked?.((clock.now() - startedAt) / 1000)
    this.#running.delete(key)
    // What was asked for while the pass ran may not have been seen by it, so it is not worth less than the delay.
    if (this.#again.delete(key)) this.add(key)
    else if (delayMilliseconds !== undefined) this.addAfter(key, delayMilliseconds)
    this.#pump()
    if (this.#running.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
