import type {Clock} from '../../controller/ports.ts'

const firstRetryMilliseconds = 20
const maximumRetryMilliseconds = 5_000

/** Passes over named objects: at most one waits per name, so the queue is never longer than there are objects. */
export interface PassQueue {
  /** Asks for a pass after a delay; an earlier pass that already waits stays, a later one moves forward. */
  add(key: string, delayMilliseconds?: number): void
  /** Passes that threw, since the start. */
  failures(): number
  close(): void
}

interface Waiting {
  dueAt: number
  cancel: () => void
}

/**
 * Runs level-triggered passes. A pass reads everything anew, so that several requests for one key are one pass; one
 * that throws is tried again with a doubling delay.
 */
export function createPassQueue(
  clock: Clock,
  run: (key: string) => void,
  onError: (error: unknown, key: string) => void,
): PassQueue {
  const waiting = new Map<string, Waiting>()
  const attempts = new Map<string, number>()
  let failures = 0
  let closed = false

  function runNow(key: string): void {
    waiting.delete(key)
    try {
      run(key)
      attempts.delete(key)
    } catch (error) {
      failures++
      const attempt = attempts.get(key) ?? 0
      attempts.set(key, attempt + 1)
      onError(error, key)
      add(key, Math.min(firstRetryMilliseconds * 2 ** Math.min(attempt, 16), maximumRetryMilliseconds))
    }
  }

  function add(key: string, delayMilliseconds = 0): void {
    if (closed) return
    const dueAt = clock.now() + Math.max(0, delayMilliseconds)
    const known = waiting.get(key)
    if (known !== undefined && known.dueAt <= dueAt) return
    known?.cancel()
    waiting.set(key, {dueAt, cancel: clock.after(dueAt - clock.now(), () => runNow(key))})
  }

  return {
    add,
    failures: () => failures,
    close() {
      closed = true
      for (const {cancel} of waiting.values()) cancel()
      waiting.clear()
    },
  }
}
