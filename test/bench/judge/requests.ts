// Draws the requests of all versions in continuous time: between two moments at which nothing changes their number is a
// Poisson variate, so a scrape may lie anywhere.
import type {Conditions, Incident} from './conditions.ts'
import {bounds, drawBuckets, sharesBelow} from './durations.ts'
import type {Chance} from './random.ts'

export type Version = 'canary' | 'primary' | 'baseline'

/** Counts from the begin to a time. */
export interface Counts {
  failed: number
  total: number
  /** Requests that took at most each of the bounds; empty where durations are not drawn. */
  buckets: readonly number[]
}

/** Before this time, in seconds, nobody counted. */
const beginSeconds = -120
const noCounts: Counts = {failed: 0, total: 0, buckets: []}

interface Stream {
  until: number
  counts: Counts
}

export class Requests {
  readonly #conditions: Conditions
  readonly #chance: Chance
  readonly #streams: Record<Version, Stream>
  /** Weights with the times from which on they hold. */
  readonly #weights: {from: number; weight: number}[] = [{from: Number.NEGATIVE_INFINITY, weight: 0}]
  readonly #incidents: Incident[]
  readonly #shares = new Map<number, number[]>()
  #onset: number
  #atOnset: Counts = noCounts
  /** Times at which anything changes, rising. */
  #changes: number[] = []

  /** @param weight of the canary, from time 0 on */
  constructor(conditions: Conditions, chance: Chance, weight = conditions.weight) {
    this.#conditions = conditions
    this.#chance = chance
    this.#onset = conditions.onset ?? 0
    this.#incidents = [...(conditions.incidents ?? [])]
    const begin = () => ({until: beginSeconds, counts: noCounts})
    this.#streams = {canary: begin(), primary: begin(), baseline: begin()}
    this.setWeight(0, weight)
  }

  /** When the canary began, or begins, to differ from the primary. */
  get onset(): number {
    return this.#onset
  }

  /** The canary's counts at the onset; once they were read up to there. */
  get atOnset(): Counts {
    return this.#atOnset
  }

  /** From a time on, which was not read yet, the canary has another share. */
  setWeight(from: number, weight: number): void {
    this.#weights.push({from, weight})
    this.#sortChanges()
  }

  /** The fault begins at a time that was not read yet. */
  setOnset(onset: number): void {
    this.#onset = onset
    this.#sortChanges()
  }

  /** A time in which all versions suffer, which was not read yet. */
  addIncident(incident: Incident): void {
    this.#incidents.push(incident)
    this.#sortChanges()
  }

  /** Counts of a version up to a time; each version is to be asked for later and later times. */
  upTo(version: Version, time: number): Counts {
    const stream = this.#streams[version]
    while (stream.until < time) {
      const {until} = stream
      const next = Math.min(time, this.#changes.find(change => change > until) ?? time)
      stream.counts = sum(stream.counts, this.#draw(version, until, next))
      stream.until = next
      if (version === 'canary' && next === this.#onset) this.#atOnset = stream.counts
    }
    return stream.counts
  }

  #sortChanges(): void {
    const {cold} = this.#conditions
    const times = [
      0,
      this.#onset,
      cold?.seconds ?? 0,
      ...this.#weights.map(({from}) => from),
      ...this.#incidents.flatMap(({from, to}) => [from, to]),
    ]
    this.#changes = times.toSorted((left, right) => left - right)
  }

  /** Requests of a version between two times without a change. */
  #draw(version: Version, from: number, to: number): Counts {
    const {durations, cluster = 1} = this.#conditions
    const total = this.#chance.poisson(this.#rateOf(version, from) * (to - from))
    if (total === 0) return {failed: 0, total, buckets: durations ? bounds.map(() => 0) : []}
    const share = this.#failingShare(version, from)
    const failed =
      cluster === 1
        ? this.#chance.binomial(total, share)
        : Math.min(total, cluster * this.#chance.poisson((total * share) / cluster))
    if (!durations) return {failed, total, buckets: []}
    const shared = this.#now(from).reduce((product, {slower = 1}) => product * slower, 1)
    const own = version === 'canary' && from >= this.#onset ? durations.slower : 1
    return {failed, total, buckets: drawBuckets(this.#chance, total, this.#sharesOf(own * shared))}
  }

  #rateOf(version: Version, time: number): number {
    const {rate, baseline = 0} = this.#conditions
    const weight = this.#weights.findLast(({from}) => from <= time)?.weight ?? 0
    if (version === 'canary') return rate * weight
    // A baseline starts and goes with the canary.
    const apart = time >= 0 ? baseline : 0
    return rate * (1 - weight) * (version === 'baseline' ? apart : 1 - apart)
  }

  #failingShare(version: Version, time: number): number {
    const {primary, canary, cold} = this.#conditions
    const own = version === 'canary' && time >= this.#onset ? canary : primary
    const fresh = version !== 'primary' && cold && time < cold.seconds ? cold.share : 0
    return this.#now(time).reduce((all, {share}) => either(all, share), either(own, fresh))
  }

  #now(time: number): Incident[] {
    return this.#incidents.filter(({from, to}) => time >= from && time < to)
  }

  #sharesOf(slower: number): number[] {
    const known = this.#shares.get(slower)
    if (known) return known
    const shares = sharesBelow((this.#conditions.durations?.medianMilliseconds ?? 1) * slower)
    this.#shares.set(slower, shares)
    return shares
  }
}

/** Failing for one reason or the other. */
function either(own: number, shared: number): number {
  return own + shared - own * shared
}

function sum(left: Counts, right: Counts): Counts {
  return {
    failed: left.failed + right.failed,
    total: left.total + right.total,
    buckets: right.buckets.map((count, index) => count + (left.buckets[index] ?? 0)),
  }
}

export function difference(later: Counts, earlier: Counts): Counts {
  return {
    failed: later.failed - earlier.failed,
    total: later.total - earlier.total,
    buckets: later.buckets.map((count, index) => count - (earlier.buckets[index] ?? 0)),
  }
}
