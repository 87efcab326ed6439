// The queries that the product asks, on the playground's metrics: what they must say when all requests fail, when there
// are none, and when a service is idle.
import {expect, test} from 'vitest'
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import {meshes} from '../../mesh/registry.ts'
import type {MeshContext} from '../../mesh/types.ts'
import {startPrometheusApi} from '../../playground/metrics/index.ts'
import {createTarget} from '../../playground/metrics/scraper.ts'
import {MetricStore} from '../../playground/metrics/store.ts'

const context: MeshContext = {
  rollout: {name: 'c', namespace: 'shop', uid: 'u'},
  apex: {name: 'c', ports: []},
  slots: {a: 'c-a', b: 'c-b'},
  traffic: {istio: {hosts: [], gateways: [], settlingTime: '1s'}},
}
const request = {metric: 'requestSuccessRate', slot: 'b', window: '20s', quantile: 0.99} as const

function page(good: number, bad: number): string {
  const line = (code: string, count: number) =>
    `istio_requests_total{reporter="source",destination_service_namespace="shop",destination_service_name="c-b",response_code="${code}",grpc_response_status=""} ${count}`
  return `${line('200', good)}\n${line('503', bad)}`
}

test.each([
  ['three of four succeed', [page(0, 0), page(30, 10), page(60, 20)], [75]],
  ['all fail', [page(0, 0), page(0, 10), page(0, 20)], [0]],
  ['idle', [page(5, 5), page(5, 5), page(5, 5)], [Number.NaN]],
  ['none', ['other 1', 'other 1', 'other 1'], []],
])("Istio's success rate, through the controller's own provider: %s", async (_, pages, expected) => {
  const store = new MetricStore()
  const target = createTarget(store, {job: 't'})
  for (const [index, text] of pages.entries()) target.take(text, index * 10_000)
  const api = await startPrometheusApi({store})
  try {
    const [caller] = meshes.istio.metricQueries(context, request)
    const answer = await createPrometheusMetrics({address: api.url}).query({query: caller?.query ?? '', at: 20_000})
    expect(answer.kind === 'vector' ? answer.samples.map(sample => sample.value) : answer).toEqual(expected)
  } finally {
    await api.close()
  }
})
