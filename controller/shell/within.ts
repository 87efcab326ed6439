// Waiting for an answer that may not come.
import type {Clock} from '../ports.ts'

/** Resolves when `done` does, and after so long in any case. `done` must not reject. */
export function within(clock: Clock, milliseconds: number, done: Promise<unknown>): Promise<void> {
  return new Promise(resolve => {
    const cancel = clock.after(milliseconds, resolve)
    void done.then(() => {
      cancel()
      resolve()
    })
  })
}
