// Turns the counters of a Rollout into the readings that the judge takes in, one grid time after the other.
import {type Arm, type CounterMeaning, keysOf, type Reading, readingOf} from '../../analysis/counters.ts'
import {newcomers, noReadings, type Readings, type ReportingSide} from '../../analysis/polls.ts'
import type {GridReading} from '../../analysis/session.ts'
import type {CounterFamily} from '../../mesh/types.ts'
import type {MetricFailure, MetricSample} from '../ports.ts'
import {type CounterReader, keyOf, type Reader, slotKeys} from './counter-reader.ts'

/** So many grid times are read one by one, together with other Rollouts; more of them by a range query. */
const maximumSingleReads = 3

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
    const answer = await counters.read(reader, family, at, 'before')
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
): Promise<MetricSample[][] | MetricFailure> {
  const answers = await Promise.all(times.map(at => counters.read(reader, family, at, 'now')))
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
  if (answer.kind === 'error') return answer
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
