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
}

/** Every counter of a Rollout's slots at one grid time. */
export interface Reading {
  at: number
  counters: ReadonlyMap<string, Counter>
}

/** Why samples are no counters. */
export interface ReadingProblem {
  reason: 'InvalidCounter' | 'DuplicateSeries' | 'TooManySeries'
  message: string
}

/** Series that one Rollout's slots may have in a family. */
const maximumSeriesPerRollout = 20_000

/** The counters among samples; or what is wrong with them, which makes them no evidence at all. */
export function readingOf(
  meaning: CounterMeaning,
  samples: readonly {labels: Labels; value: number}[],
  at: number,
): Reading | ReadingProblem {
  const counters = new Map<string, Counter>()
  for (const {labels, value} of samples) {
    const slot = meaning.slotOf(labels)
    if (slot === undefined) continue
    if (!Number.isFinite(value) || value < 0 || value > Number.MAX_SAFE_INTEGER) {
      return {reason: 'InvalidCounter', message: `${nameOf(labels)} is ${value}, which no counter of requests can be`}
    }
    const key = seriesKey(labels)
    if (counters.has(key)) return {reason: 'DuplicateSeries', message: `${nameOf(labels)} was returned twice`}
    const counter: Counter = {
      value,
      slot,
      outcome: meaning.outcomeOf(labels),
      plaintext: meaning.isPlaintext(labels),
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
 * Requests counted between two readings, per slot. A new series began at 0; a counter that fell was reset and began at 0
 * (what it counted before is lost); one that vanished counts for nothing; one that is back, which was seen before and was
 * missing in the earlier reading, spans a gap and is dropped. Counts that are no integers are rounded.
 */
export function countsBetween(
  kind: 'requests' | 'durations',
  before: Reading,
  after: Reading,
  isBack: (key: string) => boolean,
): Record<Arm, ArmCounts> {
  const increments = new Map<string, Counter>()
  for (const [key, counter] of after.counters) {
    const earlier = before.counters.get(key)
    if (!earlier && isBack(key)) continue
    const start = earlier && earlier.value <= counter.value ? earlier.value : 0
    increments.set(key, {...counter, value: Math.round(counter.value - start)})
  }
  const arm = (slot: Arm) => {
    const own = [...increments.values()].filter(counter => counter.slot === slot)
    return kind === 'requests' ? requestsOf(own) : {total: 0, failed: 0, durations: durationsOf(own)}
  }
  return {a: arm('a'), b: arm('b'), baseline: arm('baseline')}
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
function seriesKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)))
}

function nameOf(labels: Labels): string {
  return `series ${labels.__name__ ?? ''}`.trim()
}
