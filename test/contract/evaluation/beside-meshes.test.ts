// What the proxies of a mesh count, in the series that they expose, judged: each version's requests are its own.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {interval, start} from './callers.ts'
import {JudgedRelease, metricsOf} from './judged-release.ts'

/** Labels of a series of one slot: of requests that went well, of failed ones, and of others that count for nobody. */
interface Series {
  metric: string
  slot(slot: string): string
  ok: string
  failed: string
  others: string[]
}

const ofProxies: Record<'istio' | 'linkerd', {callers: Series; pods: Series; encrypted: string; plain: string}> = {
  istio: {
    callers: {
      metric: 'istio_requests_total',
      slot: slot =>
        `reporter="source",destination_service_namespace="shop",destination_service_name="checkout-${slot}"`,
      ok: 'response_code="200"',
      failed: 'response_code="503"',
      others: [
        'reporter="source",destination_service_namespace="shop",destination_service_name="checkout",response_code="503"',
        'reporter="source",destination_service_namespace="web",destination_service_name="checkout-b",response_code="503"',
      ],
    },
    pods: {
      metric: 'istio_requests_total',
      slot: slot =>
        `reporter="destination",destination_workload_namespace="shop",destination_workload="checkout-${slot}"`,
      ok: 'response_code="200"',
      failed: 'response_code="503"',
      others: [
        'reporter="destination",destination_workload_namespace="shop",destination_workload="cart",response_code="503"',
      ],
    },
    encrypted: 'connection_security_policy="mutual_tls"',
    plain: 'connection_security_policy="none"',
  },
  linkerd: {
    callers: {
      metric: 'outbound_http_route_backend_response_statuses_total',
      slot: slot => `backend_kind="Service",backend_namespace="shop",backend_name="checkout-${slot}"`,
      ok: 'http_status="200",error=""',
      failed: 'http_status="503",error=""',
      others: [
        'backend_kind="default",backend_namespace="shop",backend_name="checkout-b",http_status="503",error=""',
        'backend_kind="Service",backend_namespace="shop",backend_name="checkout",http_status="503",error=""',
      ],
    },
    pods: {
      metric: 'response_total',
      slot: slot => `direction="inbound",namespace="shop",deployment="checkout-${slot}"`,
      ok: 'classification="success",status_code="200"',
      failed: 'classification="failure",status_code="503"',
      others: [
        'direction="outbound",namespace="shop",deployment="checkout-b",classification="failure",status_code="503"',
        'direction="inbound",route_name="probe",namespace="shop",deployment="checkout-b",classification="failure",status_code="503"',
        'direction="inbound",srv_port="4191",namespace="shop",deployment="checkout-b",classification="failure",status_code="503"',
      ],
    },
    encrypted: 'tls="true"',
    plain: 'tls="no_identity"',
  },
}

const polls = 8

/** The last observation of a release whose canary has 15 requests a poll, 1 of them failed, and the primary 150, none failed. */
async function judged(
  mesh: keyof typeof ofProxies,
  {metric, slot, ok, failed, others}: Series,
  check: object,
  more = '',
): Promise<AnalysisObservation | undefined> {
  const store = new MetricStore()
  const target = createTarget(store, {pod: 'x'})
  const series = (labels: string, count: number) => `${metric}{${labels}} ${count}`
  for (let poll = 0; poll <= polls; poll++) {
    const lines = [
      series([slot('a'), ok, more].filter(Boolean).join(), 1000 + poll * 150),
      series([slot('b'), ok, more].filter(Boolean).join(), 100 + poll * 14),
      series([slot('b'), failed, more].filter(Boolean).join(), poll),
      ...others.map(labels => series(labels, poll * 1000)),
    ]
    target.take(lines.join('\n'), start + poll * interval)
  }
  const analysis = {interval: '15s', checks: [{name: 'check', ...check}]}
  const release = new JudgedRelease({mesh, startedAt: start, analysis, metrics: metricsOf(store)})
  release.step(0, 10, start + interval)
  let last: AnalysisObservation | undefined
  for (let poll = 2; poll <= polls; poll++) {
    await release.settle(start + poll * interval + 5000, observation => {
      last = observation
    })
  }
  return last
}

const compared = {compare: {metric: 'requestErrors'}}
const gate = {threshold: {metric: 'plaintextRequests', max: 0}}
const counts = (primary: object, canary: object) => ({evidence: {primary, canary}})

describe.each(['istio', 'linkerd'] as const)('what the proxies of %s count', mesh => {
  const {callers, pods, encrypted, plain} = ofProxies[mesh]

  test('for their callers: the requests and failures of each version', async () => {
    const found = await judged(mesh, callers, compared)
    expect(found?.results[0]).toMatchObject(counts({failed: 0, total: 1050}, {failed: 7, total: 105}))
  })

  test('at their pods, whoever called: the requests and failures of each version', async () => {
    const found = await judged(mesh, pods, compared)
    expect(found?.results[0]).toMatchObject(counts({failed: 0, total: 1050}, {failed: 7, total: 105}))
  })

  test('at the pods of the canary: whether a request came in plaintext', async () => {
    expect((await judged(mesh, pods, gate, encrypted))?.results[0]?.verdict).toBe('pass')
    expect((await judged(mesh, pods, gate, plain))?.results[0]?.verdict).toBe('fail')
    // Series that do not say are no proof of anything.
    expect((await judged(mesh, pods, gate))?.results[0]?.verdict).not.toBe('pass')
  })
})
