// Request metrics under Istio's names, in the Prometheus text format.

/** Labels in the order in which they are written. */
export interface RequestLabels {
  reporter: 'source' | 'destination'
  source_workload: string
  destination_workload: string
  destination_workload_namespace: string
  destination_service: string
  destination_service_name: string
  destination_service_namespace: string
  response_code: string
  response_flags: string
  request_protocol: 'http'
  grpc_response_status: ''
  connection_security_policy: string
}

/** Upper bounds of Istio's duration histogram, in milliseconds. */
export const durationBoundsMilliseconds: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]

/** Label sets that are kept; requests with further ones are only counted as lost. */
const maximumSeries = 2_000

interface Series {
  labels: string
  count: number
  sumMilliseconds: number
  /** Requests per bucket, not cumulated; the last is +Inf. */
  buckets: number[]
}

/** Counts requests and their durations. */
export interface RequestMetrics {
  record(labels: RequestLabels, durationMilliseconds: number): void
  /** Everything counted so far, as `text/plain; version=0.0.4`. */
  text(): string
}

export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, Series>()
  let lost = 0
  return {
    record(labels, durationMilliseconds) {
      const key = Object.values(labels).join('\u0000')
      let known = series.get(key)
      if (known === undefined) {
        if (series.size >= maximumSeries) {
          lost++
          return
        }
        known = {
          labels: formatLabels(labels),
          count: 0,
          sumMilliseconds: 0,
          buckets: Array.from({length: durationBoundsMilliseconds.length + 1}, () => 0),
        }
        series.set(key, known)
      }
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
    '# HELP istio_requests_total Requests that the mesh of the playground carried.',
    '# TYPE istio_requests_total counter',
    ...series.map(({labels, count}) => `istio_requests_total{${labels}} ${count}`),
    '# HELP istio_request_duration_milliseconds Duration of these requests.',
    '# TYPE istio_request_duration_milliseconds histogram',
    ...series.flatMap(formatHistogram),
    '# HELP playground_proxy_lost_series_total Requests not counted, because too many label sets are.',
    '# TYPE playground_proxy_lost_series_total counter',
    `playground_proxy_lost_series_total ${lost}`,
  ]
  return `${lines.join('\n')}\n`
}

function formatHistogram({labels, count, sumMilliseconds, buckets}: Series): string[] {
  const name = 'istio_request_duration_milliseconds'
  let cumulated = 0
  const lines = buckets.map((bucket, index) => {
    cumulated += bucket
    return `${name}_bucket{${labels},le="${durationBoundsMilliseconds[index] ?? '+Inf'}"} ${cumulated}`
  })
  return [...lines, `${name}_sum{${labels}} ${sumMilliseconds}`, `${name}_count{${labels}} ${count}`]
}

function formatLabels(labels: RequestLabels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
