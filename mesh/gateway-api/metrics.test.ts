import {describe, expect, test} from 'vitest'
import {testContext} from './fixtures.ts'
import {metricQueries, requestCounters} from './metrics.ts'

const context = testContext()
const request = {slot: 'b', window: '60s', quantile: 0.99} as const
/** The names that Envoy Gateway 1.9.1 gives the clusters of slot b, in the rule of both slots and in its own. */
const cluster = 'envoy_cluster_name=~"httproute/shop/checkout/(rule/0/backend/1|rule/2/backend/0)"'

describe('queries', () => {
  test('success rate: nothing but failures is 0, nothing at all is no series', () => {
    const good = `sum(rate(envoy_cluster_upstream_rq{${cluster},envoy_response_code!~"5.."}[60s]))`
    const all = `sum(rate(envoy_cluster_upstream_rq{${cluster}}[60s]))`
    expect(metricQueries(context, {...request, metric: 'requestSuccessRate'})).toEqual([
      {side: 'caller', query: `100 * (${good} or 0 * ${all}) / ${all}`},
    ])
  })

  test('duration at a quantile, whatever the bounds of the buckets', () => {
    const buckets = `rate(envoy_cluster_upstream_rq_time_bucket{${cluster}}[60s])`
    expect(metricQueries(context, {...request, metric: 'requestDuration'})).toEqual([
      {side: 'caller', query: `histogram_quantile(0.99, sum by (le) (${buckets}))`},
    ])
  })

  test('counters keep their labels, and those of failures are a part of all', () => {
    expect(requestCounters(context, 'b')).toEqual([
      {
        side: 'caller',
        total: `envoy_cluster_upstream_rq{${cluster}}`,
        failed: `envoy_cluster_upstream_rq{${cluster},envoy_response_code=~"5.."}`,
      },
    ])
  })

  test('slot a is the first backend, and the second rule', () => {
    const {total = ''} = requestCounters(context, 'a')[0] ?? {}
    expect(total).toContain('"httproute/shop/checkout/(rule/0/backend/0|rule/1/backend/0)"')
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
