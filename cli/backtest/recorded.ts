// Metrics from memory: a recorded or generated range, asked like a Prometheus.
import type {MetricRequest, MetricSample, MetricSeries, Metrics} from '../../controller/ports.ts'
import {isOfOneTime, isOfScrapes, questionOf, type Recording} from './recording.ts'

/** How far back `last_over_time` of the counters looks: as the controller's own question does. */
const seenWithinMilliseconds = 6 * 3_600_000

/** What is known of a range. */
export interface Known {
  /** Counters. */
  series: readonly MetricSeries[]
  instants?: Recording['instants']
  ranges?: Recording['ranges']
}

/** The series of a recording, as the port gives them. */
export function seriesOf(recorded: Recording['series']): MetricSeries[] {
  return recorded.map(({labels, points}) => ({
    labels,
    points: points.map(([at, value]) => ({at, value: Number(value)})),
  }))
}

/** Whether a question was asked when the range was recorded. */
export function knows({instants = [], ranges = []}: Known, request: Pick<MetricRequest, 'query' | 'address'>): boolean {
  const query = questionOf(request)
  return instants.some(one => one.query === query) || ranges.some(one => one.query === query)
}

/**
 * Answers as was recorded; what was not asked then, and is a question about counters, is answered from their series: with
 * all that its selector can mean, since the reader sorts out which are its own.
 */
export function metricsOf({series, instants = [], ranges = []}: Known): Metrics {
  const answers = new Map(instants.map(one => [`${one.at} ${one.query}`, one.samples]))
  const wholes = new Map(ranges.map(one => [one.query, seriesOf(one.series)]))
  return {
    async query(request) {
      const {query, at} = request
      const question = questionOf(request)
      const recorded = answers.get(`${at} ${question}`)
      if (recorded)
        return {kind: 'vector', samples: recorded.map(([labels, value]) => ({labels, value: Number(value)}))}
      const whole = wholes.get(question)
      if (whole) return {kind: 'vector', samples: whole.flatMap(one => sampleOf(one, at, at))}
      if (isOfScrapes(query)) {
        const scraped = scrapedWithin(series, query, {from: at, to: at, stepMilliseconds: 1})
        return {kind: 'vector', samples: scraped.flatMap(one => sampleOf(one, at, at))}
      }
      const earliest = isOfOneTime(query) ? at - seenWithinMilliseconds : at
      const samples = isOfCounters(query) ? selected(series, query).flatMap(one => sampleOf(one, earliest, at)) : []
      return {kind: 'vector', samples}
    },
    async queryRange({query, from, to, stepMilliseconds}) {
      const whole =
        wholes.get(query) ??
        (isOfScrapes(query) ? scrapedWithin(series, query, {from, to, stepMilliseconds}) : selected(series, query))
      const found = whole.map(({labels, points}) => ({
        labels,
        points: points.filter(({at}) => at >= from && at <= to),
      }))
      return {kind: 'matrix', series: found.filter(({points}) => points.length > 0)}
    },
  }
}

/** The last sample between two times, both included. */
function sampleOf({labels, points}: MetricSeries, earliest: number, latest: number): MetricSample[] {
  const point = points.findLast(({at}) => at <= latest)
  return point && point.at >= earliest ? [{labels, value: point.value}] : []
}

/**
 * When targets were scraped, at each time of a range: nobody recorded it, so the times at which the series have points,
 * without a target's name.
 */
function scrapedWithin(
  series: readonly MetricSeries[],
  query: string,
  {from, to, stepMilliseconds}: {from: number; to: number; stepMilliseconds: number},
): MetricSeries[] {
  const selectors = [...query.matchAll(/timestamp\(([^()]*)\)/g)].map(([, selector = '']) => selector)
  const oldest = new Map<number, number>()
  for (const {points} of selectors.flatMap(selector => selected(series, selector))) {
    let next = 0
    for (let at = from; at <= to; at += stepMilliseconds) {
      while ((points[next]?.at ?? Number.POSITIVE_INFINITY) <= at) next++
      const last = points[next - 1]
      if (last) oldest.set(at, Math.min(last.at, oldest.get(at) ?? last.at))
    }
  }
  const points = [...oldest].map(([at, time]) => ({at, value: time / 1000}))
  return points.length === 0 ? [] : [{labels: {}, points: points.sort((left, right) => left.at - right.at)}]
}

/** A selector, or who was seen by it: no other question can be answered from counters alone. */
function isOfCounters(query: string): boolean {
  return /^(last_over_time\()?[a-zA-Z_:][a-zA-Z0-9_:]*\{[^}]*\}(\[\w+\]\))?$|^(last_over_time\()?\{[^}]*\}(\[\w+\]\))?$/.test(
    query,
  )
}

function selected(series: readonly MetricSeries[], query: string): MetricSeries[] {
  const wanted = matchers(query)
  return series.filter(({labels}) => wanted.every(([label, pattern]) => pattern.test(labels[label] ?? '')))
}

/** The matchers of the selectors that the reader writes: a name, and labels with = or =~. */
function matchers(query: string): [string, RegExp][] {
  const selector = /([a-zA-Z_:][a-zA-Z0-9_:]*)?\{([^}]*)\}/.exec(query)
  const found: [string, RegExp][] = []
  if (selector?.[1] !== undefined) found.push(['__name__', new RegExp(`^(?:${selector[1]})$`)])
  for (const [, label = '', operator, value = ''] of (selector?.[2] ?? '').matchAll(
    /(\w+)(=~|!=|!~|=)"((?:[^"\\]|\\.)*)"/g,
  )) {
    const text = value.replaceAll('\\\\', '\\')
    const source = operator === '=' || operator === '!=' ? text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : text
    found.push([label, operator?.startsWith('!') ? new RegExp(`^(?!(?:${source})$)`) : new RegExp(`^(?:${source})$`)])
  }
  return found
}
