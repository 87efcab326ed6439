import type {Clock} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import {sleep} from './clock.ts'

/** Requests that may wait for their turn at once; more than that means that something asks in a loop. */
const maxWaiting = 10_000

export interface RateLimiterOptions {
  clock: Clock
  /** Requests per second in the long run, above 0. */
  queriesPerSecond: number
  /** Requests that may go out at once after a pause, at least 1. */
  burst: number
}

/** A token bucket: first come, first served. */
export class RateLimiter {
  readonly #clock: Clock
  readonly #queriesPerSecond: number
  readonly #burst: number
  #tokens: number
  #refilledAt: number
  #waiting = 0

  constructor(options: RateLimiterOptions) {
    if (!(options.queriesPerSecond > 0)) throw new RangeError('queriesPerSecond must be above 0')
    if (!(options.burst >= 1)) throw new RangeError('burst must be at least 1')
    this.#clock = options.clock
    this.#queriesPerSecond = options.queriesPerSecond
    this.#burst = options.burst
    this.#tokens = options.burst
    this.#refilledAt = options.clock.now()
  }

  /**
   * Resolves when the next request may go out; when the signal aborts it resolves at once and gives its token back.
   *
   * @throws {ClusterError} status 0, reason `RateLimited`, when too many requests wait already
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    this.#refill()
    if (this.#tokens < 1 && this.#waiting >= maxWaiting) {
      throw new ClusterError(0, 'RateLimited', `${maxWaiting} requests wait for the client-side rate limit already`)
    }
    this.#tokens -= 1
    if (this.#tokens >= 0) return
    this.#waiting += 1
    await sleep(this.#clock, (-this.#tokens / this.#queriesPerSecond) * 1000, signal)
    this.#waiting -= 1
    if (signal?.aborted) this.#tokens += 1
  }

  #refill(): void {
    const now = this.#clock.now()
    const elapsedSeconds = Math.max(0, now - this.#refilledAt) / 1000
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedSeconds * this.#queriesPerSecond)
    this.#refilledAt = now
  }
}
