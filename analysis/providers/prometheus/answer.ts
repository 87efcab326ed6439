// From what Prometheus says (https://prometheus.io/docs/prometheus/latest/querying/api/) to an answer of the port.
import {z} from 'zod'
import type {
  MetricAnswer,
  MetricErrorReason,
  MetricFailure,
  MetricRangeAnswer,
  MetricSample,
  MetricSeries,
} from '../../../controller/ports.ts'

const maximumErrorTextLength = 400
/** A bound of bytes alone would allow millions of empty ones. */
const maximumSeries = 200_000

/** Go's strconv.FormatFloat, as Prometheus writes values. `Number` alone would read an empty text as 0. */
const finiteValue = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const namedValues = new Map([
  ['NaN', Number.NaN],
  ['Inf', Number.POSITIVE_INFINITY],
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
])

const point = z.tuple([z.number(), z.string()])
const series = z.object({
  metric: z.record(z.string(), z.string()),
  value: point.optional(),
  histogram: z.unknown().optional(),
})
const rangeSeries = z.object({
  metric: z.record(z.string(), z.string()),
  values: z.array(point).optional(),
  histograms: z.unknown().optional(),
})
const success = z.object({
  status: z.literal('success'),
  /** VictoriaMetrics says so when storage nodes were missing. */
  isPartial: z.boolean().optional(),
  data: z.discriminatedUnion('resultType', [
    z.object({resultType: z.literal('vector'), result: z.array(series)}),
    z.object({resultType: z.literal('scalar'), result: point}),
    z.object({resultType: z.literal('string')}),
    z.object({resultType: z.literal('matrix'), result: z.array(rangeSeries)}),
  ]),
})
const failure = z.object({status: z.literal('error'), errorType: z.string().default(''), error: z.string().default('')})

type Data = z.infer<typeof success>['data']

/** The answer that a response to an instant query stands for; its `text` is the whole body. */
export function answerOf(status: number, text: string): MetricAnswer {
  const data = dataOf(status, text)
  return 'kind' in data ? data : instantOf(data)
}

/** The answer that a response to a range query stands for. */
export function rangeAnswerOf(status: number, text: string): MetricRangeAnswer {
  const data = dataOf(status, text)
  if ('kind' in data) return data
  if (data.resultType !== 'matrix') return problem('BadAnswer', `a range query was answered by a ${data.resultType}`)
  return matrixOf(data.result)
}

function dataOf(status: number, text: string): Data | MetricFailure {
  const body = parseJson(text)
  const failed = failure.safeParse(body)
  const said = failed.success ? `: ${oneLine(failed.data.error)}` : ''
  if (failed.success && (failed.data.errorType === 'timeout' || failed.data.errorType === 'canceled')) {
    return problem('Timeout', `Prometheus gave the query up${said}`)
  }
  if (status === 401 || status === 403) return problem('Unauthorized', `Prometheus refused the query (HTTP ${status})`)
  if (status === 400 || status === 422 || (status === 200 && failed.success)) {
    return problem('BadQuery', `Prometheus rejected the query${said || ` (HTTP ${status})`}`)
  }
  if (status === 408 || status === 504) return problem('Timeout', `Prometheus took too long (HTTP ${status})${said}`)
  if (status === 429 || status >= 500) return problem('Unreachable', `Prometheus can't answer (HTTP ${status})${said}`)
  if (status !== 200) {
    return problem('BadAnswer', `the query API is not there (HTTP ${status}): correct the address of Prometheus`)
  }
  return successOf(body)
}

function successOf(body: unknown): Data | MetricFailure {
  if (countOf(body) > maximumSeries) return problem('TooLarge', `the answer has more than ${maximumSeries} series`)
  const parsed = success.safeParse(body)
  if (!parsed.success) {
    return problem('BadAnswer', 'the answer is not one of the Prometheus query API: correct the address of Prometheus')
  }
  if (parsed.data.isPartial)
    return problem('BadAnswer', 'the answer is partial: a storage node is missing; bring it back')
  return parsed.data.data
}

/** Of an answer that wasn't validated yet: that takes longer than to read it. */
function countOf(body: unknown): number {
  const result = (body as {data?: {result?: unknown}} | null | undefined)?.data?.result
  return Array.isArray(result) ? result.length : 0
}

function instantOf(data: Data): MetricAnswer {
  switch (data.resultType) {
    case 'vector':
      return vectorOf(data.result)
    case 'scalar':
      return vectorOf([{metric: {}, value: data.result}])
    case 'matrix':
      return problem('BadAnswer', 'the query yields a range vector: use a function such as rate() or avg_over_time()')
    case 'string':
      return problem('BadAnswer', 'the query yields a string: write one that yields a number')
  }
}

function matrixOf(result: z.infer<typeof rangeSeries>[]): MetricRangeAnswer {
  const found: MetricSeries[] = []
  const seen = new Set<string>()
  for (const {metric, values, histograms} of result) {
    if (!values || histograms !== undefined) {
      return problem('BadAnswer', 'the query yields native histograms, which have no counters to read')
    }
    if (isRepeated(metric, seen)) return duplicate()
    const points: MetricSeries['points'] = []
    for (const [seconds, text] of values) {
      const value = parseValue(text)
      if (value === undefined) return notAValue(text)
      const at = Math.round(seconds * 1000)
      if (at <= (points.at(-1)?.at ?? Number.NEGATIVE_INFINITY)) {
        return problem('BadAnswer', 'the points of a series are not in the order of their times')
      }
      points.push({at, value})
    }
    found.push({labels: metric, points})
  }
  return {kind: 'matrix', series: found}
}

function vectorOf(result: z.infer<typeof series>[]): MetricAnswer {
  const samples: MetricSample[] = []
  const seen = new Set<string>()
  for (const {metric, value, histogram} of result) {
    if (!value || histogram !== undefined) {
      return problem('BadAnswer', 'the query yields a native histogram: use histogram_quantile() or histogram_avg()')
    }
    if (isRepeated(metric, seen)) return duplicate()
    const number = parseValue(value[1])
    if (number === undefined) return notAValue(value[1])
    samples.push({labels: metric, value: number})
  }
  return {kind: 'vector', samples}
}

/** Whether these labels were there before; they are from now on. */
function isRepeated(labels: Record<string, string>, seen: Set<string>): boolean {
  const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
  if (seen.has(key)) return true
  seen.add(key)
  return false
}

function duplicate(): MetricFailure {
  return problem('BadAnswer', 'a series is there twice: the replicas behind this address are not de-duplicated')
}

function notAValue(text: string): MetricFailure {
  return problem('BadAnswer', `"${text.slice(0, 40)}" is not a value of Prometheus`)
}

function parseValue(text: string): number | undefined {
  return finiteValue.test(text) ? Number(text) : namedValues.get(text)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, maximumErrorTextLength)
}

/** An answer that says why there is none. */
export function problem(reason: MetricErrorReason, message: string): MetricFailure {
  return {kind: 'error', reason, message}
}
