// Reads raw counters for many Rollouts at once. The grid of reading times is the same for all, so the first that asks for
// a time asks for everybody in a release, and the number of queries doesn't grow with the number of Rollouts.
import type {Arm} from '../../analysis/counters.ts'
import type {CounterFamily, Mesh, MeshContext} from '../../mesh/types.ts'
import type {Clock, MetricFailure, MetricRangeAnswer, MetricSample, Metrics} from '../ports.ts'

/** Passes of the same moment find each other within this time. */
const gatherMilliseconds = 20
/** Grid times whose answers are kept. */
const maximumKept = 16
/** A joint answer may be this large; one that is larger is asked for again in two halves. */
const maximumAnswerBytes = 64 << 20
/** How far back a series counts as seen before: those are back after a gap, not new. */
const seenWithin = '6h'

/** A Rollout whose counters are read. */
export interface Reader {
  /** Tells Rollouts apart. */
  uid: string
  mesh: Mesh
  context: MeshContext
}

/** One family's samples for one Rollout at one time. */
export type CounterAnswer = {kind: 'samples'; samples: MetricSample[]} | MetricFailure

/** `now`: the counters as they are; `before`: every series that was there within the last hours. */
type What = 'now' | 'before'

interface Batch {
  members: Map<string, Reader>
  open: boolean
  answer: Promise<Map<string, MetricSample[]> | MetricFailure>
}

export class CounterReader {
  readonly #metrics: Metrics
  readonly #clock: Clock
  /** Rollouts in a release, by uid. */
  readonly #readers = new Map<string, Reader>()
  /** Batches by family, kind of question and time; the oldest first. */
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
  }

  /** The counters of one family at a time (milliseconds), or every series seen before it. */
  async read(reader: Reader, family: CounterFamily, at: number, what: What): Promise<CounterAnswer> {
    const batch = this.#batchWith(reader, family, at, what)
    const answer = await batch.answer
    if (!(answer instanceof Map)) return answer
    return {kind: 'samples', samples: samplesOf(answer, family, reader)}
  }

  /** One Rollout's counters at many times, both ends included. */
  readRange(
    reader: Reader,
    family: CounterFamily,
    range: {from: number; to: number; stepMilliseconds: number},
  ): Promise<MetricRangeAnswer> {
    return this.#metrics.queryRange({
      query: selectorOf(family, [reader]),
      ...range,
      maximumBytes: maximumAnswerBytes,
    })
  }

  #batchWith(reader: Reader, family: CounterFamily, at: number, what: What): Batch {
    const key = `${reader.mesh.name} ${family.kind} ${family.side} ${what} ${at}`
    const batches = this.#batches.get(key) ?? []
    const known = batches.find(batch => batch.members.has(reader.uid))
    if (known) return known
    const open = batches.find(batch => batch.open)
    if (open) {
      open.members.set(reader.uid, reader)
      return open
    }
    const asked = new Set(batches.flatMap(batch => [...batch.members.keys()]))
    const members = new Map([[reader.uid, reader]])
    // Who is back after a gap is asked by few; the counters themselves by everybody.
    if (what === 'now') {
      for (const other of this.#readers.values()) {
        if (other.mesh.name === reader.mesh.name && !asked.has(other.uid)) members.set(other.uid, other)
      }
    }
    const batch: Batch = {members, open: true, answer: Promise.resolve(new Map())}
    batch.answer = this.#ask(batch, family, at, what)
    this.#keep(key, [...batches, batch])
    return batch
  }

  #keep(key: string, batches: Batch[]): void {
    this.#batches.delete(key)
    this.#batches.set(key, batches)
    // Several families are read at each time.
    for (const old of [...this.#batches.keys()].slice(0, -maximumKept)) this.#batches.delete(old)
  }

  async #ask(
    batch: Batch,
    family: CounterFamily,
    at: number,
    what: What,
  ): Promise<Map<string, MetricSample[]> | MetricFailure> {
    await new Promise<void>(resolve => this.#clock.after(gatherMilliseconds, resolve))
    batch.open = false
    const found = new Map<string, MetricSample[]>()
    const failure = await this.#collect([...batch.members.values()], family, at, what, found)
    return failure ?? found
  }

  async #collect(
    readers: Reader[],
    family: CounterFamily,
    at: number,
    what: What,
    found: Map<string, MetricSample[]>,
  ): Promise<MetricFailure | undefined> {
    const selector = selectorOf(family, readers)
    const query = what === 'now' ? selector : `last_over_time(${selector}[${seenWithin}])`
    const answer = await this.#metrics.query({query, at, maximumBytes: maximumAnswerBytes})
    if (answer.kind === 'error') {
      if (answer.reason !== 'TooLarge' || readers.length === 1) return answer
      const half = Math.ceil(readers.length / 2)
      const first = await this.#collect(readers.slice(0, half), family, at, what, found)
      return first ?? this.#collect(readers.slice(half), family, at, what, found)
    }
    const {serverTime} = answer
    if (serverTime !== undefined && serverTime + 1000 < at) return skewed(at - serverTime)
    for (const sample of answer.samples) {
      const key = keyOf(family.keyLabels.map(label => sample.labels[label] ?? ''))
      const samples = found.get(key)
      if (samples) samples.push(sample)
      else found.set(key, [sample])
    }
    return undefined
  }
}

function skewed(milliseconds: number): MetricFailure {
  const seconds = Math.round(milliseconds / 1000)
  const message = `the clock of Prometheus is ${seconds} s behind the controller's: synchronise them`
  return {kind: 'error', reason: 'ClockSkew', message}
}

function samplesOf(answer: Map<string, MetricSample[]>, family: CounterFamily, reader: Reader): MetricSample[] {
  return slotKeys(family, reader).flatMap(({values}) => answer.get(keyOf(values)) ?? [])
}

/** What tells a Rollout's slots apart in a family, and its baseline where that has a key of its own. */
export function slotKeys(family: CounterFamily, {context}: Reader): {slot: Arm; values: string[]}[] {
  const slots = (['a', 'b'] as const).flatMap(slot => family.keysOf(context, slot).map(values => ({slot, values})))
  const baseline = family.baselineKey?.(context)
  return baseline ? [...slots, {slot: 'baseline', values: baseline}] : slots
}

/** The identity of a tuple of label values. */
export function keyOf(values: readonly string[]): string {
  return JSON.stringify(values)
}

/** PromQL that selects the series of all slots of the given Rollouts, and maybe those of others. */
export function selectorOf(family: CounterFamily, readers: readonly Reader[]): string {
  const tuples = readers.flatMap(reader => slotKeys(family, reader).map(({values}) => values))
  const matchers = family.keyLabels.map((label, index) => {
    const values = [...new Set(tuples.map(tuple => tuple[index] ?? ''))].sort()
    return `${label}=~"${values.map(literal).join('|')}"`
  })
  const [metric = '', ...others] = family.metrics
  const all = [...family.matchers, ...matchers]
  return others.length === 0
    ? `${metric}{${all.join(',')}}`
    : `{${[`__name__=~"${family.metrics.join('|')}"`, ...all].join(',')}}`
}

/** A regular expression for just this text: names of Kubernetes objects and what meshes make of them. */
function literal(value: string): string {
  return value.replace(/[^a-zA-Z0-9_/:-]/g, character => (character === '.' ? '[.]' : `\\\\${character}`))
}
