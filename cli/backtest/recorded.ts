// Metrics from memory: a recorded or generated range, asked like a Prometheus.
import {readFileSync, writeFileSync} from 'node:fs'
import {z} from 'zod'
import type {MetricSeries, Metrics} from '../../controller/ports.ts'

/** A recorded range: the answers of Prometheus, as points in milliseconds. */
const recording = z.strictObject({
  fairleadRecording: z.literal(1),
  from: z.number(),
  to: z.number(),
  stepMilliseconds: z.number().positive(),
  series: z.array(
    z.strictObject({
      labels: z.record(z.string(), z.string()),
      points: z.array(z.tuple([z.number(), z.number()])),
    }),
  ),
})
export type Recording = z.infer<typeof recording>

/** @throws Error that names the file and what is wrong with it */
export function readRecording(file: string): Recording {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`--file ${file}: ${error instanceof Error ? error.message : 'not readable'}`)
  }
  const parsed = recording.safeParse(content)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`--file ${file}: ${issue?.path.join('.')}: ${issue?.message}: make it with --record`)
}

export function writeRecording(file: string, content: Recording): void {
  writeFileSync(file, `${JSON.stringify(content)}\n`)
}

/** The series of a recording, as the port gives them. */
export function seriesOf({series}: Recording): MetricSeries[] {
  return series.map(({labels, points}) => ({labels, points: points.map(([at, value]) => ({at, value}))}))
}

/** Answers every query with all series that its selector can mean: the reader sorts out which are its own. */
export function metricsOf(series: readonly MetricSeries[]): Metrics {
  const named = (query: string) =>
    series.filter(({labels}) => {
      const name = labels.__name__ ?? ''
      return matchers(query).every(([label, pattern]) =>
        pattern.test(label === '__name__' ? name : (labels[label] ?? '')),
      )
    })
  return {
    async query({query, at}) {
      const samples = named(query).flatMap(({labels, points}) => {
        const point = points.findLast(one => one.at <= at)
        return point ? [{labels, value: point.value}] : []
      })
      return {kind: 'vector', samples}
    },
    async queryRange({query, from, to}) {
      const found = named(query).map(({labels, points}) => ({
        labels,
        points: points.filter(({at}) => at >= from && at <= to),
      }))
      return {kind: 'matrix', series: found.filter(({points}) => points.length > 0)}
    },
  }
}

/** Remembers what a metrics system answered to range queries. */
export function recorderOf(metrics: Metrics): {metrics: Metrics; series: MetricSeries[]} {
  const series: MetricSeries[] = []
  return {
    series,
    metrics: {
      query: request => metrics.query(request),
      async queryRange(request) {
        const answer = await metrics.queryRange(request)
        if (answer.kind === 'matrix') series.push(...answer.series)
        return answer
      },
    },
  }
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
