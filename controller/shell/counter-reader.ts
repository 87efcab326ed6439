// Reads raw counters for many Rollouts at once. The grid of reading times is the same for all, so the first that asks for
// a time asks for everybody in a release, and the number of queries grows with the length of their names alone.
import {keysOf, type SampleTimes, targetOf} from '../../analysis/counters.ts'
import type {CounterFamily} from '../../mesh/types.ts'
import type {
  Clock,
  MetricAnswer,
  MetricErrorReason,
  MetricFailure,
  MetricRangeAnswer,
  MetricSample,
  Metrics,
} from '../ports.ts'
import {keyOf, type Question, queriesFor, type Reader, slotKeys} from './counter-selectors.ts'

/** Passes of the same moment find each other within this time. */
const gatherMilliseconds = 20
/** Questions, each about one grid time, whose answers are kept. */
const maximumKept = 24
/** A joint answer may be this large; one that is larger is asked for again in two halves. */
const maximumAnswerBytes = 64 << 20
/** Rollouts whose own counters are too many, beyond which the trouble is not theirs: the rest is not asked for. */
const maximumRefused = 8
/** How far the clock of Prometheus may be off, which says what time it is in whole seconds. */
const maximumSkewMilliseconds = 3000

/** What a question that is one of ours, and so no mistake in it, can be refused for: more data than a store gives at once. */
const tooMuch = new Set<MetricErrorReason>(['TooLarge', 'BadQuery'])

/** One family's samples for one Rollout at one time; of requests also when they were scraped, as of that very moment. */
export type CounterAnswer = {kind: 'samples'; samples: MetricSample[]; sampled?: SampleTimes} | MetricFailure

interface Found {
  /** By the values of the family's key labels. */
  samples: Map<string, MetricSample[]>
  /** Of all targets of the members, where it was asked for. */
  sampled?: Map<string, number>
  /** What was said to those that were asked for alone, by uid. */
  refused: Map<string, MetricFailure>
}

interface Batch {
  members: Map<string, Reader>
  open: boolean
  asOf: number
  answer: Promise<Found | MetricFailure>
  /** Once it is there. */
  result?: Found | MetricFailure
}

/** A question about one grid time, milliseconds. */
interface At {
  question: Question
  at: number
  /** Of `before`: the grid time that has series which this one doesn't, and how long before this one they were seen. */
  next?: number
  earlierMilliseconds?: number
}

export class CounterReader {
  readonly #metrics: Metrics
  readonly #clock: Clock
  /** Rollouts in a release, by uid. */
  readonly #readers = new Map<string, Reader>()
  /** Those that have too many series to be asked for together with others. */
  readonly #apart = new Set<string>()
  /** Batches by family and question; the oldest first. */
  readonly #batches = new Map<string, Batch[]>()

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics
    this.#clock = clock
  }

  /** From now on this Rollout's counters are read whenever anybody asks for a time. */
  join(reader: Reader): void {
    this.#readers.set(reader.uid, reader)
  }

  leave(uid: string): void {
    this.#readers.delete(uid)
    this.#apart.delete(uid)
  }

  /** The counters of one family at a time (milliseconds). */
  read(reader: Reader, family: CounterFamily, at: number): Promise<CounterAnswer> {
    return this.#answer(reader, family, {question: 'now', at})
  }

  /**
   * Every series of one family that was seen within the last hours, up to an interval before a grid time that lacks it: what
   * was scraped later and is there now was maybe only stored late. Asked for since `next` has series that `at` doesn't.
   */
  readBefore(
    reader: Reader,
    family: CounterFamily,
    {at, next, intervalMilliseconds}: {at: number; next: number; intervalMilliseconds: number},
  ): Promise<CounterAnswer> {
    return this.#answer(reader, family, {question: 'before', at, next, earlierMilliseconds: intervalMilliseconds})
  }

  /** One Rollout's counters, or when they were scraped, at many times, both ends included. */
  async readRange(
    reader: Reader,
    family: CounterFamily,
    question: 'now' | 'times',
    range: {from: number; to: number; stepMilliseconds: number},
  ): Promise<MetricRangeAnswer> {
    const query = queriesFor(question, family, [reader])[0]?.text ?? ''
    return this.#asked(() => this.#metrics.queryRange({query, ...range, maximumBytes: maximumAnswerBytes}))
  }

  /** How many scrapes there were lately of one Rollout's counters of a family; undefined when there were none. */
  async scrapes(reader: Reader, family: CounterFamily, at: number): Promise<number | MetricFailure | undefined> {
    const query = queriesFor('scrapes', family, [reader])[0]?.text ?? ''
    const answer = await this.#asked<MetricAnswer>(() => this.#metrics.query({query, at}))
    return answer.kind === 'error' ? answer : answer.samples[0]?.value
  }

  async #answer(reader: Reader, family: CounterFamily, at: At): Promise<CounterAnswer> {
    const result = await this.#batchWith(reader, family, at).answer
    if ('kind' in result) return result
    const {sampled} = result
    const samples = samplesOf(result, family, reader)
    return result.refused.get(reader.uid) ?? {kind: 'samples', samples, ...(sampled ? {sampled} : {})}
  }

  #batchWith(reader: Reader, family: CounterFamily, at: At): Batch {
    const key = keyFor(reader.mesh.name, family, at.question, at.at)
    const {asOf = 0} = reader
    // A failure is shared by all passes of its moment, and by none of a later one.
    const batches = (this.#batches.get(key) ?? []).filter(batch => batch.asOf >= asOf || !hasFailed(batch))
    const known = batches.find(
      batch => batch.members.has(reader.uid) && (batch.asOf >= asOf || !isRefused(batch, reader)),
    )
    if (known) return known
    const apart = this.#apart.has(reader.uid)
    const open = apart ? undefined : batches.find(batch => batch.open)
    if (open) {
      open.members.set(reader.uid, reader)
      return open
    }
    const asked = new Set(batches.flatMap(batch => [...batch.members.keys()]))
    const others = apart ? [] : this.#othersWith(reader, family, at).filter(({uid}) => !asked.has(uid))
    const members = new Map([reader, ...others].map(one => [one.uid, one]))
    const batch: Batch = {members, open: !apart, asOf, answer: Promise.resolve(nothingFound())}
    batch.answer = this.#ask(batch, family, at)
    this.#keep(key, [...batches, batch])
    return batch
  }

  /** For whom else the question is worth asking: who is back after a gap is asked by few, the counters by everybody. */
  #othersWith({mesh, uid}: Reader, family: CounterFamily, {question, at, next}: At): Reader[] {
    const others = [...this.#readers.values()].filter(
      other => other.mesh.name === mesh.name && other.uid !== uid && !this.#apart.has(other.uid),
    )
    if (question !== 'before' || next === undefined) return others
    return others.filter(other => {
      const earlier = this.#seen(other, family, at)
      const keys = earlier && keysOf(earlier)
      return keys && [...keysOf(this.#seen(other, family, next) ?? [])].some(key => !keys.has(key))
    })
  }

  /** What is known already of a Rollout's counters at a time. */
  #seen(reader: Reader, family: CounterFamily, at: number): MetricSample[] | undefined {
    const batches = this.#batches.get(keyFor(reader.mesh.name, family, 'now', at)) ?? []
    const result = batches.find(batch => batch.members.has(reader.uid))?.result
    return result && !('kind' in result) ? samplesOf(result, family, reader) : undefined
  }

  #keep(key: string, batches: Batch[]): void {
    this.#batches.delete(key)
    this.#batches.set(key, batches)
    // Several families are read at each time.
    for (const old of [...this.#batches.keys()].slice(0, -maximumKept)) this.#batches.delete(old)
  }

  async #ask(batch: Batch, family: CounterFamily, at: At): Promise<Found | MetricFailure> {
    await new Promise<void>(resolve => this.#clock.after(gatherMilliseconds, resolve))
    batch.open = false
    const found = nothingFound()
    const {question} = at
    // The times come first: a scrape that is stored between the two answers then looks older than it is, which is safe.
    const questions: Question[] = question === 'now' && family.kind === 'requests' ? ['times', 'now'] : [question]
    for (const each of questions) {
      const members = [...batch.members.values()].filter(({uid}) => !found.refused.has(uid))
      for (const {readers, text} of members.length > 0 ? queriesFor(each, family, members) : []) {
        const failure = await this.#collect(text, readers, family, {...at, question: each}, found)
        if (!failure) continue
        batch.result = failure
        return failure
      }
    }
    batch.result = found
    if (question === 'now') this.#setApart(batch.members, found)
    return found
  }

  /** Whoever was refused alone keeps asking alone, until there is an answer. */
  #setApart(members: ReadonlyMap<string, Reader>, {refused}: Found): void {
    for (const uid of members.keys()) {
      if (refused.has(uid) && this.#readers.has(uid)) this.#apart.add(uid)
      else this.#apart.delete(uid)
    }
  }

  async #collect(
    text: string,
    readers: Reader[],
    family: CounterFamily,
    at: At,
    found: Found,
  ): Promise<MetricFailure | undefined> {
    const request = {query: text, at: at.at - (at.earlierMilliseconds ?? 0), maximumBytes: maximumAnswerBytes}
    const answer = await this.#asked<MetricAnswer>(() => this.#metrics.query(request))
    if (answer.kind === 'error') {
      if (!tooMuch.has(answer.reason)) return answer
      return readers.length === 1 ? this.#refuse(readers, answer, found) : this.#halves(readers, family, at, found)
    }
    if (at.question === 'times') {
      found.sampled = timesOf(answer.samples, found.sampled)
      return undefined
    }
    const own = new Set(readers.flatMap(reader => slotKeys(family, reader).map(({values}) => keyOf(values))))
    for (const sample of answer.samples) {
      const key = keyOf(family.keyLabels.map(label => sample.labels[label] ?? ''))
      // A selector by several labels finds series of others besides, whose own query may find them as well.
      if (!own.has(key)) continue
      const samples = found.samples.get(key)
      if (samples) samples.push(sample)
      else found.samples.set(key, [sample])
    }
    return undefined
  }

  async #halves(readers: Reader[], family: CounterFamily, at: At, found: Found): Promise<MetricFailure | undefined> {
    const middle = Math.ceil(readers.length / 2)
    for (const half of [readers.slice(0, middle), readers.slice(middle)]) {
      for (const query of queriesFor(at.question, family, half)) {
        const failure = await this.#collect(query.text, query.readers, family, at, found)
        if (failure) return failure
      }
    }
    return undefined
  }

  /** One Rollout that asks for too much must not keep the others from their counters. */
  #refuse([reader]: Reader[], failure: MetricFailure, {refused}: Found): MetricFailure | undefined {
    if (!reader || refused.size >= maximumRefused) return failure
    refused.set(reader.uid, failure)
    return undefined
  }

  /** The answer, unless it was given by a clock that is not ours: what it says of a time is then of another one. */
  async #asked<Answer extends MetricAnswer | MetricRangeAnswer>(
    send: () => Promise<Answer>,
  ): Promise<Answer | MetricFailure> {
    const from = this.#clock.now()
    const answer = await send()
    const serverTime = answer.kind === 'error' ? undefined : answer.serverTime
    if (serverTime === undefined) return answer
    const to = this.#clock.now()
    if (serverTime < from - maximumSkewMilliseconds) return skewed(from - serverTime, 'behind')
    return serverTime > to + maximumSkewMilliseconds ? skewed(serverTime - to, 'ahead of') : answer
  }
}

function keyFor(mesh: string, {kind, side}: CounterFamily, question: Question, at: number): string {
  return `${mesh} ${kind} ${side} ${question} ${at}`
}

function nothingFound(): Found {
  return {samples: new Map(), refused: new Map()}
}

/** When targets were last scraped, milliseconds: of one that is named twice the earlier time. */
export function timesOf(samples: readonly MetricSample[], known = new Map<string, number>()): Map<string, number> {
  for (const {labels, value} of samples) {
    const target = targetOf(labels)
    const time = Math.round(value * 1000)
    known.set(target, Math.min(time, known.get(target) ?? time))
  }
  return known
}

function hasFailed({result}: Batch): boolean {
  return result !== undefined && 'kind' in result
}

function isRefused({result}: Batch, {uid}: Reader): boolean {
  return result !== undefined && 'refused' in result && result.refused.has(uid)
}

function skewed(milliseconds: number, how: 'behind' | 'ahead of'): MetricFailure {
  const seconds = Math.round(milliseconds / 1000)
  const whose = how === 'behind' ? "behind the controller's" : "ahead of the controller's"
  const message = `the clock of Prometheus is ${seconds} s ${whose}: synchronise them`
  return {kind: 'error', reason: 'ClockSkew', message}
}

function samplesOf({samples}: Found, family: CounterFamily, reader: Reader): MetricSample[] {
  return slotKeys(family, reader).flatMap(({values}) => samples.get(keyOf(values)) ?? [])
}
