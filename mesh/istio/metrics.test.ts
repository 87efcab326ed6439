import {describe, expect, test} from 'vitest'
import {testContext} from './fixtures.ts'
import {istio} from './index.ts'
import {metricQueries, requestCounters} from './metrics.ts'

const context = testContext()
const caller = 'reporter="source",destination_service_namespace="shop",destination_service_name="checkout-b"'
const destination = 'reporter="destination",destination_workload_namespace="shop",destination_workload="checkout-b"'
const grpc = '"2|4|12|13|14|15"'
const request = {slot: 'b', window: '60s', quantile: 0.99} as const

describe('queries', () => {
  test('success rate: nothing but failures is 0, nothing at all is no series', () => {
    const queries = metricQueries(context, {...request, metric: 'requestSuccessRate'})
    expect(queries.map(query => query.side)).toEqual(['caller', 'destination'])
    const good = `sum(rate(istio_requests_total{${caller},response_code!~"0|5..",grpc_response_status!~${grpc}}[60s]))`
    const all = `sum(rate(istio_requests_total{${caller},response_code!="0"}[60s]))`
    expect(queries[0]?.query).toBe(`100 * (${good} or 0 * ${all}) / ${all}`)
  })

  test('duration at a quantile, whatever the bounds of the buckets', () => {
    const [, query] = metricQueries(context, {...request, metric: 'requestDuration'})
    const buckets = `rate(istio_request_duration_milliseconds_bucket{${destination}}[60s])`
    expect(query).toEqual({side: 'destination', query: `histogram_quantile(0.99, sum by (le) (${buckets}))`})
  })

  test('counters keep their labels, and those of failures are a part of all', () => {
    const counters = requestCounters(context, 'b')
    expect(counters.map(counter => counter.side)).toEqual(['caller', 'destination'])
    const requests = (matchers: string) => `istio_requests_total{${destination},${matchers}}`
    expect(counters[1]?.total).toBe(requests('response_code!="0"'))
    expect(counters[1]?.failed).toBe(
      `${requests('response_code=~"5.."')} or ${requests(`response_code!~"0|5..",grpc_response_status=~${grpc}`)}`,
    )
  })

  test.each(['', '60', '1.5m', '60s]'])('refuses window %j', window => {
    const wrong = {...request, window, metric: 'requestDuration'} as const
    expect(() => metricQueries(context, wrong)).toThrow(/PromQL duration/)
  })

  test.each([0, 1, 99, Number.NaN])('refuses quantile %d', quantile => {
    const wrong = {...request, quantile, metric: 'requestDuration'} as const
    expect(() => metricQueries(context, wrong)).toThrow(/between 0 and 1/)
  })
})

test('a route is confirmed after the settling time of the Rollout', () => {
  const slow = testContext({settlingTime: '1m30s'})
  expect(istio.confirmed(slow, [], 1000, 90_999)).toEqual({confirmed: false, again: 91_000})
  expect(istio.confirmed(slow, [], 1000, 91_000)).toEqual({confirmed: true})
})
