import type {Clock, Random} from '../ports.ts'

/** Longest delay that a Node timer takes; beyond it a timer would fire at once. */
const maxTimerMilliseconds = 2 ** 31 - 1

/**
 * The machine's clock. A delay below zero counts as zero and one above 24 days is cut to 24 days. An error that the
 * callback throws is an uncaught exception, as with setTimeout.
 */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    after(delayMilliseconds, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(delayMilliseconds, 0), maxTimerMilliseconds))
      return () => clearTimeout(timer)
    },
  }
}

/** The machine's source of chance; not for secrets. */
export function systemRandom(): Random {
  return {next: () => Math.random()}
}

/** Resolves after a delay by the given clock, or at once when the signal aborts; it never rejects. */
export function sleep(clock: Clock, delayMilliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.after(delayMilliseconds, finish)
    signal?.addEventListener('abort', finish)
  })
}
