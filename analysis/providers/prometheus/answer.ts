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
  const parsed = success.safeParse(body)
  if (!parsed.success) {
    return problem('BadAnswer', 'the answer is not one of the Prometheus query API: correct the address of Prometheus')
  }
  if (parsed.data.isPartial)
    return problem('BadAnswer', 'the answer is partial: a storage node is missing; bring it back')
  return parsed.data.data
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
  for (const {metric, values} of result) {
    if (!values) return problem('BadAnswer', 'the query yields native histograms, which have no counters to read')
    const points: MetricSeries['points'] = []
    for (const [seconds, text] of values) {
      const value = parseValue(text)
      if (value === undefined) return problem('BadAnswer', `"${text.slice(0, 40)}" is not a value of Prometheus`)
      points.push({at: Math.round(seconds * 1000), value})
    }
    found.push({labels: metric, points})
  }
  return {kind: 'matrix', series: found}
}

function vectorOf(result: z.infer<typeof series>[]): MetricAnswer {
  const samples: MetricSample[] = []
  for (const {metric, value} of result) {
    if (!value)
      return problem('BadAnswer', 'the query yields a native histogram: use histogram_quantile() or histogram_avg()')
    const number = parseValue(value[1])
    if (number === undefined) return problem('BadAnswer', `"${value[1].slice(0, 40)}" is not a value of Prometheus`)
    samples.push({labels: metric, value: number})
  }
  return {kind: 'vector', samples}
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
