// Random series of a fixed seed: counters with resets, gauges with gaps and NaN, histograms; those of every mesh too.
// Two rules keep apart what differs between Prometheus 2.42 (Debian's) and 3, whose rules the playground follows: no
// sample lies on the border of a window (that belonged to it before 3), and a counter never begins so low that the
// extrapolation of its start is cut at zero.
import type {Labels} from '../../../playground/metrics/store.ts'

export interface RandomSeries {
  labels: Labels
  samples: {at: number; value: number}[]
}

/** Milliseconds; within one block of two hours. */
export const firstSampleAt = Date.UTC(2026, 0, 5, 10, 5)
export const lastSampleAt = firstSampleAt + 40 * 60_000
const intervalMilliseconds = 5000
const largestStep = 50

type Random = () => number

export function randomSeries(random: Random): RandomSeries[] {
  const labelSets = [...ownCounters(), ...meshCounters()]
  const counters = labelSets.map(labels => ({labels, samples: counter(random)}))
  const gauges = ['a', 'b'].flatMap(slot =>
    ['x', 'y', 'z'].map(pod => ({labels: {__name__: 'memory_bytes', slot, pod}, samples: gauge(random)})),
  )
  const histograms = ['a', 'b'].flatMap(slot => [
    ...histogram(random, {__name__: 'latency_bucket', slot}),
    ...histogram(random, {
      __name__: 'istio_request_duration_milliseconds_bucket',
      reporter: 'source',
      destination_service_namespace: 'shop',
      destination_service_name: `c-${slot}`,
    }),
    ...histogram(random, {
      __name__: 'envoy_cluster_upstream_rq_time_bucket',
      envoy_cluster_name: `httproute/shop/c/rule/0/backend/${slot === 'a' ? 0 : 1}`,
    }),
    ...histogram(random, {
      __name__: 'outbound_http_route_backend_response_duration_seconds_bucket',
      backend_kind: 'Service',
      backend_namespace: 'shop',
      backend_name: `c-${slot}`,
    }),
    ...histogram(random, {
      __name__: 'response_latency_ms_bucket',
      direction: 'inbound',
      namespace: 'shop',
      deployment: `c-${slot}`,
    }),
  ])
  return [...counters, ...gauges, ...histograms]
}

function ownCounters(): Labels[] {
  return ['a', 'b'].flatMap(slot =>
    ['200', '404', '503'].flatMap(code => ['x', 'y'].map(pod => ({__name__: 'requests_total', slot, code, pod}))),
  )
}

function meshCounters(): Labels[] {
  return ['a', 'b'].flatMap(slot =>
    ['0', '200', '500', '503'].flatMap(code => [
      {
        __name__: 'istio_requests_total',
        reporter: 'source',
        destination_service_namespace: 'shop',
        destination_service_name: `c-${slot}`,
        response_code: code,
        grpc_response_status: code === '200' ? '14' : '',
      },
      {
        __name__: 'istio_requests_total',
        reporter: 'destination',
        destination_workload_namespace: 'shop',
        destination_workload: `c-${slot}`,
        response_code: code,
      },
      {
        __name__: 'envoy_cluster_upstream_rq',
        envoy_cluster_name: `httproute/shop/c/rule/0/backend/${slot === 'a' ? 0 : 1}`,
        envoy_response_code: code,
      },
      ...['http', 'grpc'].map(kind => ({
        __name__: `outbound_${kind}_route_backend_response_statuses_total`,
        backend_kind: 'Service',
        backend_namespace: 'shop',
        backend_name: `c-${slot}`,
        [`${kind}_status`]: code,
        error: '',
      })),
      {
        __name__: 'response_total',
        direction: 'inbound',
        namespace: 'shop',
        deployment: `c-${slot}`,
        status_code: code,
        route_name: code === '503' ? 'probe' : 'default',
      },
    ]),
  )
}

/** Times at which a series has samples: it begins and ends somewhere, and misses a scrape now and then. */
function times(random: Random): number[] {
  const always = random() < 0.6
  const from = always ? firstSampleAt : firstSampleAt + Math.floor(random() * 20) * 60_000
  const to = always ? lastSampleAt : from + Math.floor(2 + random() * 20) * 60_000
  const all: number[] = []
  for (let at = from; at <= Math.min(to, lastSampleAt); at += intervalMilliseconds) if (random() > 0.05) all.push(at)
  return all
}

function counter(random: Random): RandomSeries['samples'] {
  const [begin, idle] = [() => largestStep * (2 + Math.floor(random() * 3)), random() < 0.1]
  let value = begin()
  return times(random).map(at => {
    const step = Math.floor(random() * largestStep)
    const lower = begin()
    if (!idle) value = random() < 0.02 && lower < value ? lower : value + step
    return {at, value}
  })
}

function gauge(random: Random): RandomSeries['samples'] {
  return times(random).map(at => ({at, value: random() < 0.02 ? Number.NaN : Math.round((random() - 0.3) * 1e6) / 8}))
}

function histogram(random: Random, labels: Labels): RandomSeries[] {
  const bounds = ['5', '10', '50', '100', '500', '+Inf']
  const counts = bounds.map((_, index) => (index + 1) * largestStep * 4)
  const series: RandomSeries[] = bounds.map(le => ({labels: {...labels, le}, samples: []}))
  for (const at of times(random)) {
    let added = 0
    for (const [index, one] of series.entries()) {
      added += random() < 0.4 ? 0 : Math.floor(random() * 8)
      counts[index] = (counts[index] ?? 0) + added
      one.samples.push({at, value: counts[index] ?? 0})
    }
  }
  return series
}

/** The series as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`. */
export function openMetrics(all: readonly RandomSeries[]): string {
  const lines = all.flatMap(({labels: {__name__, ...labels}, samples}) => {
    const set = Object.entries(labels).filter(([, value]) => value !== '')
    const text = `${__name__}{${set.map(([name, value]) => `${name}="${value}"`).join(',')}}`
    return samples.map(({at, value}) => `${text} ${value} ${at / 1000}`)
  })
  return `${lines.join('\n')}\n# EOF\n`
}
