// Request metrics under the names of Istio, Envoy Gateway and Linkerd, in the Prometheus text format.

type Labels = Readonly<Record<string, string>>

/** Upper bounds of every histogram, in milliseconds: Istio's own. */
export const durationBoundsMilliseconds: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]

const counters = [
  'istio_requests_total',
  'envoy_cluster_upstream_rq',
  'outbound_http_route_backend_response_statuses_total',
  'response_total',
] as const

/** Histograms, with the milliseconds that 1 of their unit stands for. */
const histograms = {
  istio_request_duration_milliseconds: 1,
  envoy_cluster_upstream_rq_time: 1,
  outbound_http_route_backend_response_duration_seconds: 1000,
  response_latency_ms: 1,
} as const

type CounterName = (typeof counters)[number]
type HistogramName = keyof typeof histograms

/** Label sets that are kept; requests with further ones are only counted as lost. */
const maximumSeries = 2_000

interface Series {
  name: string
  labels: string
  count: number
  sumMilliseconds: number
  /** Requests per bucket, not cumulated; the last is +Inf. */
  buckets: number[]
}

/** Counts requests and their durations. Labels are written in the order in which they are given. */
export interface RequestMetrics {
  count(name: CounterName, labels: Labels): void
  observe(name: HistogramName, labels: Labels, durationMilliseconds: number): void
  /** Everything counted so far, as `text/plain; version=0.0.4`. */
  text(): string
}

export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, Series>()
  let lost = 0
  const find = (name: string, labels: Labels): Series | undefined => {
    const written = formatLabels(labels)
    const key = `${name}{${written}}`
    const known = series.get(key)
    if (known !== undefined) return known
    if (series.size >= maximumSeries) {
      lost++
      return undefined
    }
    const buckets = Array.from({length: durationBoundsMilliseconds.length + 1}, () => 0)
    const made = {name, labels: written, count: 0, sumMilliseconds: 0, buckets}
    series.set(key, made)
    return made
  }
  return {
    count(name, labels) {
      const known = find(name, labels)
      if (known) known.count++
    },
    observe(name, labels, durationMilliseconds) {
      const known = find(name, labels)
      if (!known) return
      known.count++
      known.sumMilliseconds += durationMilliseconds
      const found = durationBoundsMilliseconds.findIndex(bound => durationMilliseconds <= bound)
      const bucket = found === -1 ? durationBoundsMilliseconds.length : found
      known.buckets[bucket] = (known.buckets[bucket] ?? 0) + 1
    },
    text: () => formatMetrics([...series.values()], lost),
  }
}

function formatMetrics(series: readonly Series[], lost: number): string {
  const lines = [
    ...counters.flatMap(name => [
      `# HELP ${name} Requests that the mesh of the playground carried.`,
      `# TYPE ${name} counter`,
      ...series.filter(one => one.name === name).map(({labels, count}) => `${name}{${labels}} ${count}`),
    ]),
    ...(Object.keys(histograms) as HistogramName[]).flatMap(name => [
      `# HELP ${name} Duration of these requests.`,
      `# TYPE ${name} histogram`,
      ...series.filter(one => one.name === name).flatMap(one => formatHistogram(one, histograms[name])),
    ]),
    '# HELP playground_proxy_lost_series_total Requests not counted, because too many label sets are.',
    '# TYPE playground_proxy_lost_series_total counter',
    `playground_proxy_lost_series_total ${lost}`,
  ]
  return `${lines.join('\n')}\n`
}

function formatHistogram({name, labels, count, sumMilliseconds, buckets}: Series, unitMilliseconds: number): string[] {
  let cumulated = 0
  const lines = buckets.map((bucket, index) => {
    const bound = durationBoundsMilliseconds[index]
    cumulated += bucket
    return `${name}_bucket{${labels},le="${bound === undefined ? '+Inf' : bound / unitMilliseconds}"} ${cumulated}`
  })
  return [...lines, `${name}_sum{${labels}} ${sumMilliseconds / unitMilliseconds}`, `${name}_count{${labels}} ${count}`]
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
