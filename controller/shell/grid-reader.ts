// Turns the counters of a Rollout into the readings that the judge takes in, one grid time after the other.
import {flushMilliseconds} from '../../analysis/comparisons.ts'
import {type Arm, type CounterMeaning, keysOf, type Reading, readingOf} from '../../analysis/counters.ts'
import {
  beginOf,
  newcomers,
  noReadings,
  type Readings,
  type ReportingSide,
  type SampleTimes,
} from '../../analysis/polls.ts'
import type {GridReading} from '../../analysis/session.ts'
import type {CounterFamily} from '../../mesh/types.ts'
import type {MetricErrorReason, MetricFailure, MetricSample} from '../ports.ts'
import type {CounterReader} from './counter-reader.ts'
import {keyOf, type Reader, slotKeys} from './counter-selectors.ts'

/** So many grid times are read one by one, together with other Rollouts; more of them by a range query. */
const maximumSingleReads = 3

/** Prometheus shows a sample for at most so long (its lookback), so it is no older. */
const lookbackMilliseconds = 300_000

/** What a range can be refused for that a shorter one may not be. */
const tooLong = new Set<MetricErrorReason>(['TooLarge', 'BadQuery'])

/** The counters of grid times, before they are known to follow on earlier ones. */
export type RawReading = {at: number; readings: Readings} | {at: number; reason: string; message: string}

/** The families of a mesh that a Rollout needs. */
export function familiesOf(reader: Reader, durations: boolean): CounterFamily[] {
  return reader.mesh.counters.filter(family => durations || family.kind === 'requests')
}

/** The counters at grid times, in order; or why they can't be had at present. */
export async function readGridTimes(
  counters: CounterReader,
  reader: Reader,
  families: readonly CounterFamily[],
  times: readonly number[],
  intervalMilliseconds: number,
): Promise<RawReading[] | MetricFailure> {
  const perFamily = await Promise.all(
    families.map(family =>
      times.length <= maximumSingleReads
        ? readSingly(counters, reader, family, times)
        : readTogether(counters, reader, family, times, intervalMilliseconds),
    ),
  )
  const failure = perFamily.find(one => !Array.isArray(one))
  if (failure) return failure as MetricFailure
  return times.map((at, index) =>
    rawReading(
      reader,
      families,
      perFamily.map(samples => (samples as MetricSample[][])[index] ?? []),
      at,
    ),
  )
}

/** The reading with the series among it that were seen before and were missing in the last one. */
export async function withReturned(
  counters: CounterReader,
  reader: Reader,
  families: readonly CounterFamily[],
  before: Readings,
  raw: RawReading,
  startedAt: number,
): Promise<GridReading | MetricFailure> {
  if ('reason' in raw) return raw
  // Before the release only the primary is of interest, and a series of its more or less doesn't matter.
  if (raw.at <= startedAt) return {...raw, isBack: () => true}
  const back = new Map<string, ReadonlySet<string>>()
  for (const {side, kind, at} of newcomers(before, raw.readings)) {
    const family = families.find(one => one.side === side && one.kind === kind)
    if (!family) continue
    const answer = await counters.readBefore(reader, family, at, raw.at)
    if (answer.kind === 'error') return answer
    back.set(`${side} ${kind}`, keysOf(answer.samples))
  }
  return {...raw, isBack: (side, kind, key) => back.get(`${side} ${kind}`)?.has(key) ?? false}
}

/**
 * The reading with the times of the samples that its counts begin at, where they may be older than the weight that they are
 * to be evidence for: a time shows what was scraped up to a whole scrape before it.
 * @param since when that weight came into force, milliseconds
 */
export async function withSampleTimes(
  counters: CounterReader,
  reader: Reader,
  families: readonly CounterFamily[],
  before: Readings,
  reading: GridReading,
  since: number,
): Promise<GridReading | MetricFailure> {
  if ('reason' in reading) return reading
  const from = beginOf(before, reading.readings)
  if (from === undefined || from < since || from >= since + lookbackMilliseconds) return reading
  // Requests and their durations come from the same scrapes.
  const asked = families.filter(({kind}) => kind === 'requests')
  const answers = await Promise.all(asked.map(family => counters.readTimes(reader, family, from)))
  const failure = answers.find(answer => 'kind' in answer)
  if (failure) return failure as MetricFailure
  return {...reading, sampled: together(answers as SampleTimes[])}
}

/** Whether all that was sampled lies in a weight that is in force since then, and so does all that comes after. */
export function isPast(sampled: SampleTimes, since: number): boolean {
  return sampled.size > 0 && [...sampled.values()].every(time => time - flushMilliseconds >= since)
}

function together(times: readonly SampleTimes[]): SampleTimes {
  const all = new Map<string, number>()
  for (const [target, time] of times.flatMap(one => [...one])) all.set(target, Math.min(time, all.get(target) ?? time))
  return all
}

async function readSingly(
  counters: CounterReader,
  reader: Reader,
  family: CounterFamily,
  times: readonly number[],
): Promise<MetricSample[][] | MetricFailure> {
  const answers = await Promise.all(times.map(at => counters.read(reader, family, at)))
  const failure = answers.find(answer => answer.kind === 'error')
  if (failure) return failure
  return answers.map(answer => (answer.kind === 'samples' ? answer.samples : []))
}

async function readTogether(
  counters: CounterReader,
  reader: Reader,
  family: CounterFamily,
  times: readonly number[],
  stepMilliseconds: number,
): Promise<MetricSample[][] | MetricFailure> {
  const [from = 0, to = from] = [times[0], times.at(-1)]
  const answer = await counters.readRange(reader, family, {from, to, stepMilliseconds})
  if (answer.kind === 'error') {
    if (!tooLong.has(answer.reason) || times.length === 1) return answer
    const middle = Math.ceil(times.length / 2)
    const first = await readTogether(counters, reader, family, times.slice(0, middle), stepMilliseconds)
    if (!Array.isArray(first)) return first
    const second = await readTogether(counters, reader, family, times.slice(middle), stepMilliseconds)
    return Array.isArray(second) ? [...first, ...second] : second
  }
  const places = new Map(times.map((at, index) => [at, index]))
  const samples: MetricSample[][] = times.map(() => [])
  for (const {labels, points} of answer.series) {
    for (const {at, value} of points) {
      const place = places.get(at)
      if (place !== undefined) samples[place]?.push({labels, value})
    }
  }
  return samples
}

function rawReading(
  reader: Reader,
  families: readonly CounterFamily[],
  samples: readonly MetricSample[][],
  at: number,
): RawReading {
  const readings: Record<ReportingSide, {requests?: Reading; durations?: Reading}> = {
    caller: {...noReadings.caller},
    destination: {...noReadings.destination},
  }
  for (const [index, family] of families.entries()) {
    const reading = readingOf(meaningOf(family, reader), samples[index] ?? [], at)
    if ('reason' in reading) return {at, reason: reading.reason, message: reading.message}
    readings[family.side][family.kind] = reading
  }
  return {at, readings}
}

function meaningOf(family: CounterFamily, reader: Reader): CounterMeaning {
  const slots = new Map<string, Arm>(slotKeys(family, reader).map(({slot, values}) => [keyOf(values), slot]))
  return {
    kind: family.kind,
    slotOf: labels =>
      isBaseline(family, reader, labels)
        ? baselineOf(slots, family, labels)
        : slots.get(keyOf(family.keyLabels.map(label => labels[label] ?? ''))),
    outcomeOf: labels => family.outcomeOf(labels),
    isPlaintext: labels => family.isPlaintext?.(labels),
    millisecondsPerBound: family.millisecondsPerBound,
  }
}

/** A baseline's pods stand in a slot: a series that names neither slot is none of this Rollout's. */
function baselineOf(
  slots: ReadonlyMap<string, Arm>,
  family: CounterFamily,
  labels: Readonly<Record<string, string>>,
): Arm | undefined {
  return slots.has(keyOf(family.keyLabels.map(label => labels[label] ?? ''))) ? 'baseline' : undefined
}

function isBaseline(family: CounterFamily, {context}: Reader, labels: Readonly<Record<string, string>>): boolean {
  const {workloadLabel} = family
  return workloadLabel !== undefined && context.baseline !== undefined && labels[workloadLabel] === context.baseline
}
