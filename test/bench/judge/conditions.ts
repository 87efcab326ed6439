// What a release meets: the rates at which both versions fail, over time, and how their requests are counted.
import type {Chance} from './random.ts'

/** Shares are fractions, times seconds from the begin. */
export interface Conditions {
  /** Requests per second to both versions. */
  rate: number
  /** Share of them that the canary gets. */
  weight: number
  primary: number
  canary: number
  /** From when on the canary fails more than the primary; from the begin when absent. */
  onset?: number
  /** A time in which both fail this share as well, whichever version they are. */
  incident?: {from: number; to: number; share: number}
  /** Failures come in clusters of so many, each within one version. */
  cluster?: number
  /** The canary's counters are so many seconds older than the primary's; below 0 they are newer. */
  skew?: number
}

/** Nobody's faults keep to our grid: what begins at a time begins up to a quarter of a minute later. */
export function jittered(conditions: Conditions, chance: Chance): Conditions {
  const {onset, incident} = conditions
  const later = Math.floor(chance.uniform() * 15)
  return {
    ...conditions,
    ...(onset === undefined ? {} : {onset: onset + later}),
    ...(incident ? {incident: {...incident, from: incident.from + later, to: incident.to + later}} : {}),
  }
}

/** Requests of one second. */
interface Second {
  canaryFailed: number
  canaryTotal: number
  primaryFailed: number
  primaryTotal: number
}

/** Counts up to a time. */
export type Counts = Second

/** Draws the requests second by second. */
export class Requests {
  readonly #conditions: Conditions
  readonly #chance: Chance
  /** Counts up to each second; the first is zero. */
  readonly #sums: Counts[] = [{canaryFailed: 0, canaryTotal: 0, primaryFailed: 0, primaryTotal: 0}]

  constructor(conditions: Conditions, chance: Chance) {
    this.#conditions = conditions
    this.#chance = chance
  }

  /** Counts from the begin up to a whole second; the weight may change from one call to the next. */
  upTo(second: number, weight = this.#conditions.weight): Counts {
    while (this.#sums.length <= second) this.#sums.push(sum(this.#last(), this.#draw(this.#sums.length - 1, weight)))
    return this.#sums[Math.max(0, second)] as Counts
  }

  /** What a reading at a second shows: the canary's counters may be older. */
  read(second: number, weight?: number): Counts {
    const now = this.upTo(second, weight)
    const skew = this.#conditions.skew ?? 0
    if (skew === 0) return now
    const old = this.upTo(second - Math.abs(skew), weight)
    const [canary, primary] = skew > 0 ? [old, now] : [now, old]
    return {
      canaryFailed: canary.canaryFailed,
      canaryTotal: canary.canaryTotal,
      primaryFailed: primary.primaryFailed,
      primaryTotal: primary.primaryTotal,
    }
  }

  #last(): Counts {
    return this.#sums.at(-1) as Counts
  }

  #draw(second: number, weight: number): Second {
    const {rate, primary, canary, onset = 0, incident} = this.#conditions
    const shared = incident && second >= incident.from && second < incident.to ? incident.share : 0
    const own = second >= onset ? canary : primary
    const canaryTotal = this.#chance.poisson(rate * weight)
    const primaryTotal = this.#chance.poisson(rate * (1 - weight))
    return {
      canaryTotal,
      primaryTotal,
      canaryFailed: this.#failures(canaryTotal, either(own, shared)),
      primaryFailed: this.#failures(primaryTotal, either(primary, shared)),
    }
  }

  #failures(total: number, share: number): number {
    const {cluster = 1} = this.#conditions
    if (cluster === 1) return this.#chance.binomial(total, share)
    return Math.min(total, cluster * this.#chance.poisson((total * share) / cluster))
  }
}

/** Failing for one reason or the other. */
function either(own: number, shared: number): number {
  return own + shared - own * shared
}

function sum(left: Counts, right: Second): Counts {
  return {
    canaryFailed: left.canaryFailed + right.canaryFailed,
    canaryTotal: left.canaryTotal + right.canaryTotal,
    primaryFailed: left.primaryFailed + right.primaryFailed,
    primaryTotal: left.primaryTotal + right.primaryTotal,
  }
}

export function difference(later: Counts, earlier: Counts): Counts {
  return {
    canaryFailed: later.canaryFailed - earlier.canaryFailed,
    canaryTotal: later.canaryTotal - earlier.canaryTotal,
    primaryFailed: later.primaryFailed - earlier.primaryFailed,
    primaryTotal: later.primaryTotal - earlier.primaryTotal,
  }
}
