// What runs with real users wait for.
import type {RolloutStatus} from '../../../crds/rollout-status.ts'
import {name} from '../release/fixture.ts'
import type {History} from '../release/history.ts'
import type {PodServers} from './pod-servers.ts'

export const namespace = 'shop'
const waitMilliseconds = 150_000
const pollMilliseconds = 50

/** What the waiting looks at. */
export interface Watched {
  history: History
  servers: PodServers
  /** Ends of logs, for the message when it was in vain. */
  logs(): string
}

/** The status of the Rollout as a watch has seen it last. */
export function statusOf({history}: Watched): RolloutStatus {
  return history.latest('Rollout', namespace, name)?.status ?? {}
}

/** @throws Error with the status when it does not come about, and what a pod's server failed with */
export async function until(watched: Watched, what: string, holds: (status: RolloutStatus) => boolean): Promise<void> {
  const deadline = performance.now() + waitMilliseconds
  for (;;) {
    const failure = watched.servers.failure()
    if (failure) throw failure
    const status = statusOf(watched)
    if (holds(status)) return
    if (performance.now() > deadline) {
      throw new Error(`no ${what} within ${waitMilliseconds} ms: ${JSON.stringify(status)}\n${watched.logs()}`)
    }
    await pause(pollMilliseconds)
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
