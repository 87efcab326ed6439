// How one run of a judge ended.
import {bounds} from './durations.ts'
import {moveSeconds} from './plan.ts'
import type {Counts, Requests} from './requests.ts'

/** What counts as slow: the bound of the latency checks, milliseconds. */
export const slowMilliseconds = 500

/** Seconds are from the canary's first request, or from the onset of its fault. */
export interface Ending {
  kind: 'rollback' | 'advance' | 'undecided'
  /** Until the verdict. */
  found: number
  /** Until the weight had moved. */
  moved: number
  foundSinceOnset: number
  movedSinceOnset: number
  /** Requests that the canary failed until the weight had moved. */
  failed: number
  failedSinceOnset: number
  /** Those that were slow. */
  slow: number
  slowSinceOnset: number
}

/** @param found seconds until the verdict */
export function endingOf(kind: Ending['kind'], requests: Requests, found: number): Ending {
  const moved = found + moveSeconds
  const until = requests.upTo('canary', moved)
  const before = requests.onset <= moved ? requests.atOnset : until
  return {
    kind,
    found,
    moved,
    foundSinceOnset: found - requests.onset,
    movedSinceOnset: moved - requests.onset,
    failed: until.failed,
    failedSinceOnset: until.failed - before.failed,
    slow: slowOf(until),
    slowSinceOnset: slowOf(until) - slowOf(before),
  }
}

function slowOf({total, buckets}: Counts): number {
  const fast = buckets[bounds.indexOf(slowMilliseconds)]
  return fast === undefined ? 0 : total - fast
}
