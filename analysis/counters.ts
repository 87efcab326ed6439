// Exact request counts from raw counters, series by series. `increase()` and `rate()` extrapolate to the edges of their
// window, report fractions, and hide the first failure of a series; evidence must be numbers that somebody can check.
import type {SlotName} from '../crds/slots.ts'
import type {ArmCounts, Durations} from './compare/poll.ts'

type Labels = Readonly<Record<string, string>>

/** Whom a request was sent to: a slot, or the fresh copy of the primary's version that stands in the primary's slot. */
export type Arm = SlotName | 'baseline'

/** How to read the series of one family of counters. */
export interface CounterMeaning {
  kind: 'requests' | 'durations'
  /** Slot whose requests a series counts; undefined when it is none of this Rollout's. */
  slotOf(labels: Labels): Arm | undefined
  outcomeOf(labels: Labels): 'answered' | 'failed' | 'hungUp'
  /** Whether its requests came in plaintext; undefined where the labels don't say. */
  isPlaintext(labels: Labels): boolean | undefined
  /** Milliseconds that 1 of a bucket's bound stands for. */
  millisecondsPerBound: number
}

/** One counter at one time. */
interface Counter {
  value: number
  slot: Arm
  outcome: 'answered' | 'failed' | 'hungUp'
  plaintext: boolean | undefined
  /** Upper bound of a bucket, milliseconds; infinity for the last. Absent for requests. */
  bound?: number
  /** The histogram that a bucket belongs to. */
  histogram?: string
  /** Whom it was scraped from; empty where its labels don't tell. */
  target: string
}

/** When each target had been scraped last, milliseconds. */
export type SampleTimes = ReadonlyMap<string, number>

/** Every counter of a Rollout's slots at one grid time. */
export interface Reading {
  at: number
  counters: ReadonlyMap<string, Counter>
  /** Of the scrapes that the counters come from, maybe of other targets besides; absent for durations. */
  sampled?: SampleTimes
  /** The first reading since the last gap, as far as that is known: a grid time. */
  since?: number
}

/** Why samples are no counters. */
export interface ReadingProblem {
  reason: 'InvalidCounter' | 'DuplicateSeries' | 'TooManySeries'
  message: string
}

/** Series that one Rollout's slots may have in a family. */
const maximumSeriesPerRollout = 20_000

/** Labels that Prometheus gives to all series of one target, the better first. */
export const targetLabels = ['instance', 'pod'] as const

/** Labels that tell who scraped a series, and nothing of what it counts: those of replicas and of a second job. */
const scraperLabels = ['prometheus_replica', 'replica', 'receive_replica', 'rule_replica', 'prometheus', 'job']

/** A counter that lost less than the rest of this share was not begun anew: an older answer was given for a newer one. */
const resetShare = 0.9

/** Whom a series was scraped from. */
export function targetOf(labels: Labels): string {
  const label = targetLabels.find(name => labels[name])
  return label === undefined ? '' : `${label} ${labels[label]}`
}

/** The counters among samples; or what is wrong with them, which makes them no evidence at all. */
export function readingOf(
  meaning: CounterMeaning,
  samples: readonly {labels: Labels; value: number}[],
  at: number,
): Reading | ReadingProblem {
  const counters = new Map<string, Counter>()
  const scraped = new Map<string, Labels>()
  for (const {labels, value} of samples) {
    const slot = meaning.slotOf(labels)
    if (slot === undefined) continue
    if (!Number.isFinite(value) || value < 0 || value > Number.MAX_SAFE_INTEGER) {
      return {reason: 'InvalidCounter', message: `${nameOf(labels)} is ${value}, which no counter of requests can be`}
    }
    const key = seriesKey(labels)
    if (counters.has(key)) return {reason: 'DuplicateSeries', message: `${nameOf(labels)} was returned twice`}
    const twice = scrapedTwice(labels, scraped)
    if (twice !== undefined) return {reason: 'DuplicateSeries', message: twice}
    const counter: Counter = {
      value,
      slot,
      outcome: meaning.outcomeOf(labels),
      plaintext: meaning.isPlaintext(labels),
      target: targetOf(labels),
    }
    if (meaning.kind === 'durations') {
      const bound = boundOf(labels.le, meaning.millisecondsPerBound)
      if (bound === undefined) {
        return {
          reason: 'InvalidCounter',
          message: `${nameOf(labels)} has no bound: its label le is "${labels.le ?? ''}"`,
        }
      }
      const {le: _bound, ...rest} = labels
      counters.set(key, {...counter, bound, histogram: seriesKey(rest)})
    } else counters.set(key, counter)
    if (counters.size > maximumSeriesPerRollout) {
      const message = `more than ${maximumSeriesPerRollout} series: lower the cardinality of ${nameOf(labels)}`
      return {reason: 'TooManySeries', message}
    }
  }
  return {at, counters}
}

/** The keys of an earlier answer, to tell a series that is back from a new one. */
export function keysOf(samples: readonly {labels: Labels}[]): Set<string> {
  return new Set(samples.map(({labels}) => seriesKey(labels)))
}

/** Series that the earlier reading doesn't have: new ones, or such as were missing for a while. */
export function unknownKeys(before: Reading, after: Reading): string[] {
  return [...after.counters.keys()].filter(key => !before.counters.has(key))
}

/**
 * By how much each series grew between two readings. A new one began at 0; a counter that fell was reset and began at 0 (what
 * it counted before is lost), a whole histogram where one of its buckets fell; one that fell by little is an older answer, and
 * its difference is dropped; one that vanished counts for nothing. Counts that are no integers are rounded.
 * @param isDropped whether a series that the earlier reading doesn't have may have begun before it, so that its difference
 *   spans a gap
 */
export function incrementsBetween(
  before: Reading,
  after: Reading,
  isDropped: (key: string, counter: Counter) => boolean,
): Counter[] {
  const falls = fallsBetween(before, after)
  const increments: Counter[] = []
  for (const [key, counter] of after.counters) {
    const earlier = before.counters.get(key)
    if (!earlier && isDropped(key, counter)) continue
    const fall = falls.get(counter.histogram ?? key)
    if (fall === 'backwards') continue
    const start = earlier && fall !== 'reset' ? earlier.value : 0
    increments.push({...counter, value: Math.round(counter.value - start)})
  }
  return increments
}

/** What increments come to, per slot. */
export function countsOf(kind: 'requests' | 'durations', increments: readonly Counter[]): Record<Arm, ArmCounts> {
  const arm = (slot: Arm) => {
    const own = increments.filter(counter => counter.slot === slot)
    return kind === 'requests' ? requestsOf(own) : {total: 0, failed: 0, durations: durationsOf(own)}
  }
  return {a: arm('a'), b: arm('b'), baseline: arm('baseline')}
}

/**
 * Series and histograms that fell. A process that begins anew counts from 0, and nearly all is gone; where little is gone, one
 * of two replicas of Prometheus answered that is behind the other. The buckets of a histogram are reset at once.
 */
function fallsBetween(before: Reading, after: Reading): Map<string, 'reset' | 'backwards'> {
  const falls = new Map<string, 'reset' | 'backwards'>()
  for (const [key, counter] of after.counters) {
    const earlier = before.counters.get(key)
    if (!earlier || counter.value >= earlier.value) continue
    const whole = counter.histogram ?? key
    if (counter.value < resetShare * earlier.value) falls.set(whole, 'reset')
    else if (!falls.has(whole)) falls.set(whole, 'backwards')
  }
  return falls
}

/** What is wrong where a series was scraped by two, and nobody took one of the two out: every request would count twice. */
function scrapedTwice(labels: Labels, seen: Map<string, Labels>): string | undefined {
  // Without the name of its target, a label such as `replica` may be all that tells one series from another.
  const target = targetOf(labels)
  if (target === '' || scraperLabels.every(name => labels[name] === undefined)) return undefined
  const key = seriesKey(labels, scraperLabels)
  const other = seen.get(key)
  seen.set(key, labels)
  const label = other && scraperLabels.find(name => labels[name] !== other[name])
  if (!label) return undefined
  const fix = 'scrape it once, or de-duplicate the replicas'
  return `${nameOf(labels)} of ${target} is there twice, with ${label} "${other[label] ?? ''}" and "${labels[label] ?? ''}": ${fix}`
}

function requestsOf(counters: readonly Counter[]): ArmCounts {
  const sum = (...outcomes: Counter['outcome'][]) =>
    counters.reduce((total, {outcome, value}) => (outcomes.includes(outcome) ? total + value : total), 0)
  const told = counters.length > 0 && counters.every(({plaintext}) => plaintext !== undefined)
  const plaintext = counters.reduce((total, counter) => (counter.plaintext ? total + counter.value : total), 0)
  return {total: sum('answered', 'failed'), failed: sum('failed'), ...(told ? {plaintext} : {})}
}

/** Over the bounds that every histogram has: a sum over others would miss requests. */
function durationsOf(counters: readonly Counter[]): Durations {
  const histograms = new Map<string, Map<number, number>>()
  for (const {histogram = '', bound = 0, value} of counters) {
    const buckets = histograms.get(histogram) ?? new Map<number, number>()
    histograms.set(histogram, buckets.set(bound, value))
  }
  const counted = [...histograms.values()].filter(buckets => buckets.has(Number.POSITIVE_INFINITY))
  const [first, ...others] = counted
  if (!first) return {bounds: [], counts: [], total: 0}
  const shared = [...first.keys()]
    .filter(bound => others.every(buckets => buckets.has(bound)))
    .sort((left, right) => left - right)
  const sumAt = (bound: number) => counted.reduce((sum, buckets) => sum + (buckets.get(bound) ?? 0), 0)
  const total = sumAt(Number.POSITIVE_INFINITY)
  const bounds = shared.filter(bound => Number.isFinite(bound))
  // A bucket holds all of those below it; a reset between two scrapes of one histogram could break that.
  return {bounds, counts: bounds.map(bound => Math.min(total, sumAt(bound))), total}
}

function boundOf(text: string | undefined, millisecondsPerBound: number): number | undefined {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  const bound = text === undefined || text === '' ? Number.NaN : Number(text) * millisecondsPerBound
  return Number.isFinite(bound) ? bound : undefined
}

/** The identity of a series, whatever the order of its labels. */
function seriesKey(labels: Labels, without: readonly string[] = []): string {
  const names = Object.keys(labels).filter(name => !without.includes(name))
  return JSON.stringify(names.sort().map(name => [name, labels[name]]))
}

function nameOf(labels: Labels): string {
  return `series ${labels.__name__ ?? ''}`.trim()
}
