// The PromQL that reads raw counters of many Rollouts at once: selectors, and how many Rollouts fit into one.
import {type Arm, targetLabels} from '../../analysis/counters.ts'
import {scrapesSeconds} from '../../analysis/grid.ts'
import type {CounterFamily, Mesh, MeshContext} from '../../mesh/types.ts'
import {alternatives, literal} from './alternatives.ts'

/** A Rollout whose counters are read. */
export interface Reader {
  /** Tells Rollouts apart. */
  uid: string
  mesh: Mesh
  context: MeshContext
  /** The last grid time that may be read now, milliseconds: what failed is asked for again once there is a later one. */
  asOf?: number
}

/**
 * `now`: the counters as they are. `before`: every series that was there within the last hours. `times`: when each target was
 * last scraped. `scrapes`: how often the one that is scraped most often was, lately.
 */
export type Question = 'now' | 'before' | 'times' | 'scrapes'

/** How far back a series counts as seen before: those are back after a gap, not new. */
const seenWithin = '6h'

/** VictoriaMetrics takes queries of at most 16,384 bytes unless told otherwise (-search.maxQueryLen); others take more. */
const maximumQueryBytes = 16_000

/** A metric that isn't told by a regular expression. */
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

/** A question about as many Rollouts as fit into one query. */
export interface Query {
  text: string
  readers: Reader[]
}

/** The queries that a question about these Rollouts takes: one, as long as their names fit into it. */
export function queriesFor(question: Question, family: CounterFamily, readers: readonly Reader[]): Query[] {
  const whole = queryOf(question, family, readers)
  const bytes = Buffer.byteLength(whole)
  if (bytes <= maximumQueryBytes || readers.length < 2) return [{text: whole, readers: [...readers]}]
  // Names that begin alike stand together, and their beginning is written once.
  const sorted = [...readers].sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))
  for (let count = Math.ceil(bytes / maximumQueryBytes); ; count++) {
    const parts = split(sorted, count).map(part => ({text: queryOf(question, family, part), readers: part}))
    const fit = parts.every(part => part.readers.length === 1 || Buffer.byteLength(part.text) <= maximumQueryBytes)
    if (fit) return parts
  }
}

function nameOf({context}: Reader): string {
  return `${context.rollout.namespace}/${context.rollout.name}`
}

/** So many parts of about one size, none of them empty. */
function split<T>(all: readonly T[], count: number): T[][] {
  const parts = Math.min(count, all.length)
  return Array.from({length: parts}, (_, index) =>
    all.slice(Math.floor((index * all.length) / parts), Math.floor(((index + 1) * all.length) / parts)),
  )
}

/** Names are written one by one, which Prometheus looks up fastest, as long as there is room for that. */
function queryOf(question: Question, family: CounterFamily, readers: readonly Reader[]): string {
  const plain = textOf(question, family, readers, oneByOne)
  return Buffer.byteLength(plain) <= maximumQueryBytes ? plain : textOf(question, family, readers, alternatives)
}

function textOf(
  question: Question,
  family: CounterFamily,
  readers: readonly Reader[],
  pattern: (values: readonly string[]) => string,
): string {
  const selector = (metrics: readonly string[]) => selectorFor(family, metrics, readers, pattern)
  const named = family.metrics.filter(metric => metricName.test(metric))
  switch (question) {
    case 'now':
      return selector(family.metrics)
    case 'before':
      return `last_over_time(${selector(family.metrics)}[${seenWithin}])`
    // What takes the name of a metric away is asked of one metric after the other: without it series of two may be the same.
    // Those of an expression come from the very scrapes of one with a name.
    case 'times': {
      const times = named.map(metric => `timestamp(${selector([metric])})`)
      return `min by (${targetLabels.join(', ')}) (${times.join(' or ')})`
    }
    case 'scrapes': {
      const scrapes = named.map(metric => `count_over_time(${selector([metric])}[${scrapesSeconds}s])`)
      return `max(${scrapes.join(' or ')})`
    }
    default:
      return question satisfies never
  }
}

function oneByOne(values: readonly string[]): string {
  return values.map(literal).join('|')
}

function selectorFor(
  family: CounterFamily,
  [metric = '', ...others]: readonly string[],
  readers: readonly Reader[],
  pattern: (values: readonly string[]) => string,
): string {
  const tuples = readers.flatMap(reader => slotKeys(family, reader).map(({values}) => values))
  const matchers = family.keyLabels.map((label, index) => {
    const values = [...new Set(tuples.map(tuple => tuple[index] ?? ''))].sort()
    return `${label}=~"${pattern(values)}"`
  })
  const all = [...family.matchers, ...matchers]
  return others.length === 0
    ? `${metric}{${all.join(',')}}`
    : `{${[`__name__=~"${[metric, ...others].join('|')}"`, ...all].join(',')}}`
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
