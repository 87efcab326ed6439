import {describe, expect, it} from 'vitest'
import {parseMetrics} from './fixtures.ts'
import {createRequestMetrics, durationBoundsMilliseconds, type RequestMetrics} from './metrics.ts'

const labels = {
  reporter: 'source',
  source_workload: 'client',
  destination_workload: 'checkout-a',
  destination_workload_namespace: 'shop',
  destination_service: 'checkout-a.shop.svc.cluster.local',
  destination_service_name: 'checkout-a',
  destination_service_namespace: 'shop',
  response_code: '200',
  response_flags: '-',
  request_protocol: 'http',
  grpc_response_status: '',
  connection_security_policy: 'unknown',
}

/** One request, counted as Istio counts it. */
function record(metrics: RequestMetrics, labelled: Record<string, string>, milliseconds: number): void {
  metrics.count('istio_requests_total', labelled)
  metrics.observe('istio_request_duration_milliseconds', labelled, milliseconds)
}

describe('request metrics', () => {
  it('count requests and durations per label set', () => {
    const metrics = createRequestMetrics()
    for (const duration of [0.5, 0.6, 30, 9_999_999]) record(metrics, labels, duration)
    record(metrics, {...labels, response_code: '500'}, 3)
    const samples = parseMetrics(metrics.text())
    const totals = samples.filter(sample => sample.name === 'istio_requests_total')
    expect(totals.map(({labels: {response_code}, value}) => [response_code, value])).toEqual([
      ['200', 4],
      ['500', 1],
    ])
    expect(totals[0]?.labels).toEqual(labels)
    const good = samples.filter(sample => sample.labels['response_code'] === '200')
    const buckets = good.filter(sample => sample.name.endsWith('_bucket'))
    expect(buckets.map(bucket => bucket.labels['le'])).toEqual([...durationBoundsMilliseconds.map(String), '+Inf'])
    const counts = Object.fromEntries(buckets.map(bucket => [bucket.labels['le'], bucket.value]))
    expect(counts).toMatchObject({'0.5': 1, '1': 2, '25': 2, '50': 3, '3600000': 3, '+Inf': 4})
    expect(good.find(sample => sample.name.endsWith('_count'))?.value).toBe(4)
    expect(good.find(sample => sample.name.endsWith('_sum'))?.value).toBeCloseTo(10_000_030.1)
  })

  it('are written in the unit of their histogram', () => {
    const metrics = createRequestMetrics()
    metrics.observe('outbound_http_route_backend_response_duration_seconds', {backend_name: 'b'}, 30)
    const samples = parseMetrics(metrics.text())
    const bounds = samples.flatMap(({labels: {le}, value}) => (le !== undefined && value === 1 ? [le] : []))
    expect(bounds[0]).toBe('0.05')
    expect(samples.find(sample => sample.name.endsWith('_sum'))?.value).toBe(0.03)
  })

  it('escape label values', () => {
    const metrics = createRequestMetrics()
    const strange = 'a"b\\c\nd'
    record(metrics, {...labels, destination_service: strange}, 1)
    expect(parseMetrics(metrics.text())[0]?.labels['destination_service']).toBe(strange)
  })

  it('are bounded, and say what they lost', () => {
    const metrics = createRequestMetrics()
    for (let host = 0; host < 1_010; host++) record(metrics, {...labels, destination_service: `host-${host}`}, 1)
    const samples = parseMetrics(metrics.text())
    expect(samples.filter(sample => sample.name === 'istio_requests_total')).toHaveLength(1_000)
    expect(samples.find(sample => sample.name === 'playground_proxy_lost_series_total')?.value).toBe(20)
  })
})
