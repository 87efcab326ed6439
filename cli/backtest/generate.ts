// A range that never was: two versions of a service under a steady rate of requests, from a seed.
import type {MetricSeries} from '../../controller/ports.ts'
import {slotKeys} from '../../controller/shell/counter-selectors.ts'
import type {CounterFamily, Mesh, MeshContext} from '../../mesh/types.ts'

export interface Generation {
  /** Requests per second to both versions. */
  rate: number
  /** Percent of them that the canary gets. */
  weight: number
  /** Percent of the primary's and of the canary's requests that fail. */
  primary: number
  canary: number
  /** Median duration of the primary's requests, milliseconds, and by what factor the canary's are longer. */
  median: number
  slower: number
  /** Seconds after which the canary begins to fail and to be slow; until then it is like the primary. */
  onset: number
  seed: number
}

/** Milliseconds since the epoch. */
interface Range {
  from: number
  read: number
  to: number
  intervalMilliseconds: number
}

const defaults: Generation = {rate: 100, weight: 10, primary: 0.1, canary: 5, median: 40, slower: 1, onset: 0, seed: 1}
/** Bounds of the made-up histograms, milliseconds, and how far durations scatter, as the sigma of a lognormal. */
const bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, Number.POSITIVE_INFINITY]
const scatter = 0.8

/** Settings from a text such as `canary=5,rate=100`. @throws Error that names the setting and the fix */
export function parseGeneration(text: string): Generation {
  const found = {...defaults}
  for (const part of text.split(',').filter(one => one.trim() !== '')) {
    const [name = '', value = ''] = part.split('=').map(one => one.trim())
    if (!(name in found)) throw new Error(`--generate: ${name} is none of ${Object.keys(found).join(', ')}`)
    const number = Number(value)
    if (value === '' || !Number.isFinite(number) || number < 0) {
      throw new Error(`--generate: ${name}=${value} must be a number of 0 or more, such as ${name}=1`)
    }
    const percent = name === 'weight' || name === 'primary' || name === 'canary'
    if (percent && number > 100) throw new Error(`--generate: ${name}=${value} is a percentage, at most 100`)
    found[name as keyof Generation] = number
  }
  return found
}

/** Counters of both versions, one point per interval from `read` on; the canary's from `from` on. */
export function generate(
  mesh: Mesh,
  context: MeshContext,
  canary: 'a' | 'b',
  range: Range,
  settings: Generation,
): MetricSeries[] {
  const families = (['requests', 'durations'] as const).map(kind =>
    mesh.counters.find(one => one.kind === kind && one.side === 'caller'),
  )
  const [requests, durations] = families
  if (!requests || !durations) throw new Error(`the mesh ${mesh.name} has no counters of the callers' side`)
  const random = generator(settings.seed)
  return (['a', 'b'] as const).flatMap(slot => {
    const series = {
      ...outcomeSeries(requests, context, slot, mesh),
      buckets: bucketSeries(durations, context, slot, mesh),
    }
    draw(series, slot === canary, range, settings, random)
    return [series.answered, series.failed, ...series.buckets]
  })
}

interface SlotSeries {
  answered: MetricSeries
  failed: MetricSeries
  /** One per bound. */
  buckets: MetricSeries[]
}

/** Fills the series of one slot, interval by interval. */
function draw(
  {answered, failed, buckets}: SlotSeries,
  isCanary: boolean,
  {from, read, to, intervalMilliseconds}: Range,
  settings: Generation,
  random: () => number,
): void {
  const rate = (settings.rate * (isCanary ? settings.weight : 100 - settings.weight)) / 100
  const requests = Math.round((rate * intervalMilliseconds) / 1000)
  const totals = {answered: 0, failed: 0, buckets: bounds.map(() => 0)}
  // Before the release the primary has everything.
  for (let at = isCanary ? from : read; at <= to; at += intervalMilliseconds) {
    const bad = isCanary && at - from >= settings.onset * 1000
    const share = (bad ? settings.canary : settings.primary) / 100
    const median = settings.median * (bad ? settings.slower : 1)
    for (let request = 0; request < requests; request++) {
      totals[random() < share ? 'failed' : 'answered']++
      const duration = median * Math.exp(scatter * normal(random))
      for (const [index, bound] of bounds.entries())
        if (duration <= bound) totals.buckets[index] = (totals.buckets[index] ?? 0) + 1
    }
    answered.points.push({at, value: totals.answered})
    if (totals.failed > 0) failed.points.push({at, value: totals.failed})
    for (const [index, bucket] of buckets.entries()) bucket.points.push({at, value: totals.buckets[index] ?? 0})
  }
}

/** Standard normal, after Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function bucketSeries(family: CounterFamily, context: MeshContext, slot: 'a' | 'b', mesh: Mesh): MetricSeries[] {
  const labels = labelsOf(family, context, slot, mesh)
  return bounds.map(bound => {
    const le = Number.isFinite(bound) ? String(bound / family.millisecondsPerBound) : '+Inf'
    return {labels: {...labels, le}, points: []}
  })
}

/** What every series of a slot carries. A matcher such as reporter="source" is a label too. */
function labelsOf(family: CounterFamily, context: MeshContext, slot: 'a' | 'b', mesh: Mesh): Record<string, string> {
  const key = slotKeys(family, {uid: '', mesh, context}).find(one => one.slot === slot)?.values ?? []
  const matched = family.matchers.flatMap(matcher => {
    const [, label, value] = /^(\w+)=~?"([^"|]*)/.exec(matcher) ?? []
    return label === undefined || value === undefined ? [] : [[label, value] as const]
  })
  const keys = family.keyLabels.map((label, index) => [label, key[index] ?? ''] as const)
  return Object.fromEntries([['__name__', family.metrics[0] ?? ''], ...matched, ...keys])
}

/** Two series of a slot, told apart by the labels that the mesh's own reading of outcomes tells apart. */
function outcomeSeries(family: CounterFamily, context: MeshContext, slot: 'a' | 'b', mesh: Mesh) {
  const labels = labelsOf(family, context, slot, mesh)
  const codes = ['response_code', 'envoy_response_code', 'http_status', 'status_code']
  const named = (outcome: 'answered' | 'failed'): MetricSeries => {
    const code = outcome === 'answered' ? '200' : '503'
    const telling = codes.find(
      label => family.outcomeOf({...labels, [label]: '503'}) !== family.outcomeOf({...labels, [label]: '200'}),
    )
    return {labels: {...labels, ...(telling === undefined ? {} : {[telling]: code})}, points: []}
  }
  return {answered: named('answered'), failed: named('failed')}
}

/** Mulberry32: small, and good enough to draw failures. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
