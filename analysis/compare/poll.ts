// What the counters gave between two grid times, per arm.

/** One arm's requests of one poll. Counts are integers >= 0. */
export interface ArmCounts {
  total: number
  failed: number
  /** Those that came in plaintext; absent where the counters don't say of every request. */
  plaintext?: number
  /** Absent where the durations could not be read. */
  durations?: Durations
}

/** Requests by duration. */
export interface Durations {
  /** Bounds that every reporter has, milliseconds, rising, finite. */
  bounds: number[]
  /** Requests that took at most each bound. */
  counts: number[]
  total: number
}

/** Both arms between two grid times. */
export interface Poll {
  /** Grid time that it ends at, and the time that it covers, milliseconds. */
  at: number
  milliseconds: number
  /** The arms come from different scrapes: evidence for harm must hold at two polls running. */
  separateScrapes: boolean
  /** The whole of it lies in the weight of the step; else it only moves the counters on. */
  counts: boolean
  canary: ArmCounts
  primary: ArmCounts
  /** The primary's own pods, where the canary is compared with a baseline: what the overdispersion is learnt from. */
  own?: ArmCounts
}

export const noRequests: ArmCounts = {total: 0, failed: 0}
