// What a release meets: the rates at which both versions fail, over time, and how their requests are counted.
import type {Chance} from './random.ts'

/** A time in which whichever version suffers alike. Seconds from the canary's first request. */
export interface Incident {
  from: number
  to: number
  /** Share of the requests that fails on top of the version's own. */
  share: number
  /** Factor for the durations; 1 when absent. */
  slower?: number
}

/** Shares are fractions, times seconds from the canary's first request. */
export interface Conditions {
  /** Requests per second to both versions. */
  rate: number
  /** Share of them that the canary gets. */
  weight: number
  primary: number
  canary: number
  /** From when on the canary fails more, and is slower, than the primary; from the begin when absent. */
  onset?: number
  incidents?: readonly Incident[]
  /** Failures come in clusters of so many, each within one version. */
  cluster?: number
  /** Lognormal durations; none are drawn when absent. */
  durations?: {medianMilliseconds: number; slower: number}
  /** Pods that were just started, the canary's and the baseline's, fail this share as well for a while. */
  cold?: {seconds: number; share: number}
  /** A baseline gets this share of the requests to the primary's slot. */
  baseline?: number
  /** Time between two scrapes; that between two polls when absent. */
  scrapeSeconds?: number
  /** The canary is scraped so long before the primary, below 0 after it; or at a time of its own in each run. */
  skew?: number | 'random'
}

/** Nobody's faults keep to our grid: what begins at a time begins up to a quarter of a minute later. */
export function jittered(conditions: Conditions, chance: Chance): Conditions {
  const {onset, incidents} = conditions
  const later = chance.uniform() * 15
  return {
    ...conditions,
    ...(onset === undefined ? {} : {onset: onset + later}),
    ...(incidents ? {incidents: incidents.map(one => ({...one, from: one.from + later, to: one.to + later}))} : {}),
  }
}
