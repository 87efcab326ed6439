// Turns the counters of a Rollout into the readings that the judge takes in, one grid time after the other.
import {
  type Arm,
  type CounterMeaning,
  keysOf,
  type Reading,
  readingOf,
  type SampleTimes,
} from '../../analysis/counters.ts'
import {newcomers, noReadings, type Readings, type ReportingSide} from '../../analysis/polls.ts'
import type {GridReading, SessionTerms} from '../../analysis/session.ts'
import type {CounterFamily} from '../../mesh/types.ts'
import type {MetricErrorReason, MetricFailure, MetricSample, MetricSeries} from '../ports.ts'
import {type CounterReader, timesOf} from './counter-reader.ts'
import {keyOf, type Reader, slotKeys} from './counter-selectors.ts'

/** So many grid times are read one by one, together with other Rollouts; more of them by a range query. */
const maximumSingleReads = 3

/** What a range can be refused for that a shorter one may not be. */
const tooLong = new Set<MetricErrorReason>(['TooLarge', 'BadQuery'])

/** One family's counters at one grid time; of requests with the times of their scrapes. */
interface Answered {
  samples: MetricSample[]
  sampled?: SampleTimes
}

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
      perFamily.map(answers => (answers as Answered[])[index] ?? {samples: []}),
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
  {startedAt, intervalMilliseconds}: Pick<SessionTerms, 'startedAt' | 'intervalMilliseconds'>,
): Promise<GridReading | MetricFailure> {
  if ('reason' in raw) return raw
  // Before the release only the primary is of interest, and a series of its more or less doesn't matter.
  if (raw.at <= startedAt) return {...raw, isBack: () => true}
  const back = new Map<string, ReadonlySet<string>>()
  for (const {side, kind, at} of newcomers(before, raw.readings)) {
    const family = families.find(one => one.side === side && one.kind === kind)
    if (!family) continue
    const answer = await counters.readBefore(reader, family, {at, next: raw.at, intervalMilliseconds})
    if (answer.kind === 'error') return answer
    back.set(`${side} ${kind}`, keysOf(answer.samples))
  }
  return {...raw, isBack: (side, kind, key) => back.get(`${side} ${kind}`)?.has(key) ?? false}
}

async function readSingly(
  counters: CounterReader,
  reader: Reader,
  family: CounterFamily,
  times: readonly number[],
): Promise<Answered[] | MetricFailure> {
  const answers = await Promise.all(times.map(at => counters.read(reader, family, at)))
  const failure = answers.find(answer => answer.kind === 'error')
  return failure ?? (answers as Answered[])
}

async function readTogether(
  counters: CounterReader,
  reader: Reader,
  family: CounterFamily,
  times: readonly number[],
  stepMilliseconds: number,
): Promise<Answered[] | MetricFailure> {
  const [from = 0, to = from] = [times[0], times.at(-1)]
  const range = {from, to, stepMilliseconds}
  // The times first, as where they are asked for singly.
  const timed = family.kind === 'requests' ? await counters.readRange(reader, family, 'times', range) : undefined
  const answer = timed?.kind === 'error' ? timed : await counters.readRange(reader, family, 'now', range)
  if (answer.kind === 'error') {
    if (!tooLong.has(answer.reason) || times.length === 1) return answer
    const middle = Math.ceil(times.length / 2)
    const first = await readTogether(counters, reader, family, times.slice(0, middle), stepMilliseconds)
    if (!Array.isArray(first)) return first
    const second = await readTogether(counters, reader, family, times.slice(middle), stepMilliseconds)
    return Array.isArray(second) ? [...first, ...second] : second
  }
  const samples = samplesAt(times, answer.series)
  if (timed?.kind !== 'matrix') return samples.map(one => ({samples: one}))
  const sampled = samplesAt(times, timed.series)
  return samples.map((one, index) => ({samples: one, sampled: timesOf(sampled[index] ?? [])}))
}

/** The samples of a range at each of its times. */
function samplesAt(times: readonly number[], series: readonly MetricSeries[]): MetricSample[][] {
  const places = new Map(times.map((at, index) => [at, index]))
  const samples: MetricSample[][] = times.map(() => [])
  for (const {labels, points} of series) {
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
  answers: readonly Answered[],
  at: number,
): RawReading {
  const readings: Record<ReportingSide, {requests?: Reading; durations?: Reading}> = {
    caller: {...noReadings.caller},
    destination: {...noReadings.destination},
  }
  for (const [index, family] of families.entries()) {
    const {samples, sampled} = answers[index] ?? {samples: []}
    const reading = readingOf(meaningOf(family, reader), samples, at)
    if ('reason' in reading) return {at, reason: reading.reason, message: reading.message}
    readings[family.side][family.kind] = sampled ? {...reading, sampled} : reading
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
