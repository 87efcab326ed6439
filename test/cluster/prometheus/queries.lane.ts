// Every built-in query of every mesh, and every verdict, on a real Prometheus that scrapes a source which the test steers:
// through the product's own evaluator and provider.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {createPrometheusMetrics} from '../../../analysis/providers/prometheus/index.ts'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {Threshold} from '../../../crds/rollout.ts'
import type {CheckResult} from '../../../crds/rollout-status.ts'
import type {meshes} from '../../../mesh/registry.ts'
import {JudgedRelease} from '../../contract/evaluation/judged-release.ts'
import {type PrometheusServer, startPrometheus} from './server.ts'
import {type Source, startSource} from './source.ts'

/** Meshes that count requests. */
type MeshName = Exclude<keyof typeof meshes, 'none'>
/** The gate for plaintext has figures of its own. */
type Metric = Exclude<NonNullable<Threshold['metric']>, 'plaintextRequests'>

let source: Source
let prometheus: PrometheusServer

beforeAll(async () => {
  source = await startSource()
  prometheus = await startPrometheus({targets: [source.target], scrapeIntervalMilliseconds: 500})
  await untilScraped()
})

afterAll(async () => {
  await prometheus.stop()
  await source.close()
})

/** Prometheus takes some seconds after its start to find its targets. */
async function untilScraped(): Promise<void> {
  const metrics = createPrometheusMetrics({address: prometheus.address})
  const since = Date.now()
  for (let scraped = false; !scraped; await pause(200)) {
    const answer = await metrics.query({query: 'timestamp(up)', at: Date.now()})
    scraped = answer.kind === 'vector' && answer.samples.some(({value}) => value * 1000 > since)
  }
}

const window = '5s'
const windowMilliseconds = 5000
const pods = ['x', 'y']

interface Arm {
  /** A counter of the slot's requests with a status code, from one pod. */
  requests(code: string, pod: string): string
  /** A bucket of the slot's durations, from one pod. */
  bucket(bound: string, pod: string): string
  /** What only the series of this arm contain. */
  mark: string
}

/** The series of the judged slot, `b`, as each mesh exposes them. A mesh that is missing here does not compile. */
const arms: Record<MeshName, (namespace: string) => Arm> = {
  istio(namespace) {
    const labels = `reporter="source",destination_service_namespace="${namespace}",destination_service_name="c-b"`
    return {
      requests: (code, pod) =>
        `istio_requests_total{${labels},response_code="${code}",grpc_response_status="",pod="${pod}"}`,
      bucket: (bound, pod) => `istio_request_duration_milliseconds_bucket{${labels},le="${bound}",pod="${pod}"}`,
      mark: labels,
    }
  },
  gatewayAPI(namespace) {
    const labels = `envoy_cluster_name="httproute/${namespace}/c/rule/0/backend/1"`
    return {
      requests: (code, pod) => `envoy_cluster_upstream_rq{${labels},envoy_response_code="${code}",pod="${pod}"}`,
      bucket: (bound, pod) => `envoy_cluster_upstream_rq_time_bucket{${labels},le="${bound}",pod="${pod}"}`,
      mark: labels,
    }
  },
  linkerd(namespace) {
    const labels = `backend_kind="Service",backend_namespace="${namespace}",backend_name="c-b"`
    const seconds = (bound: string) => (bound === '+Inf' ? bound : String(Number(bound) / 1000))
    return {
      requests: (code, pod) =>
        `outbound_http_route_backend_response_statuses_total{${labels},http_status="${code}",error="",pod="${pod}"}`,
      bucket: (bound, pod) =>
        `outbound_http_route_backend_response_duration_seconds_bucket{${labels},le="${seconds(bound)}",pod="${pod}"}`,
      mark: labels,
    }
  },
}

/** Hundreds of requests per second and pod; 70 % of them take up to 10 ms, 99.5 % up to 50 ms, and all up to 100 ms. */
function serve(arm: Arm, succeedingShare: number, failingShare: number): void {
  // So many that fractions, which the source serves and no real counter does, are lost in rounding.
  const [succeeding, failing] = [100 * succeedingShare, 100 * failingShare]
  const total = succeeding + failing
  const shares = {'5': 0, '10': 0.7, '50': 0.995, '100': 1, '+Inf': 1}
  const rates = pods.flatMap(pod => [
    [arm.requests('200', pod), succeeding] as const,
    [arm.requests('503', pod), failing] as const,
    ...Object.entries(shares).map(([bound, share]) => [arm.bucket(bound, pod), total * share] as const),
  ])
  source.grow(Object.fromEntries(rates))
}

/** Judges a check as the controller does, at this moment: what it observes of a release that began a while ago. */
async function observe(
  mesh: MeshName,
  namespace: string,
  threshold: Threshold,
  options: {maximumBytes?: number; template?: string} = {},
): Promise<AnalysisObservation> {
  const {template, ...bounds} = options
  const metrics = createPrometheusMetrics({address: prometheus.address, timeoutMilliseconds: 2000, ...bounds})
  const now = Date.now()
  const startedAt = now - 4 * windowMilliseconds
  const analysis = {interval: '1s', window, checks: [{name: 'check', threshold}]}
  const release = new JudgedRelease({
    name: 'c',
    namespace,
    mesh,
    startedAt,
    analysis,
    metrics,
    ...(template === undefined ? {} : {template}),
  })
  release.step(0, 10, startedAt)
  let last: AnalysisObservation | undefined
  const deadline = now + 30_000
  // Slow answers are looked for again.
  for (let at = now; !last && at < deadline; at = Date.now()) {
    if (at > now) await pause(500)
    await release.settle(at, observation => {
      if (!observation.awaiting) last = observation
    })
  }
  if (!last) throw new Error('nothing was observed')
  return last
}

async function judge(...parameters: Parameters<typeof observe>): Promise<CheckResult> {
  const [result] = (await observe(...parameters)).results
  if (!result) throw new Error('no result')
  return result
}

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))
/** As long as it takes until a whole window knows nothing but the present figures. */
const settled = () => pause(windowMilliseconds + 1500)

/** What each built-in metric says of the flow that `serve(arm, 49, 1)` makes. A new metric does not compile without. */
const expectations: Record<Metric, {value: number; within: number; passing: Threshold; failing: Threshold}> = {
  requestSuccessRate: {
    value: 98,
    within: 0.1,
    passing: {metric: 'requestSuccessRate', min: 97},
    failing: {metric: 'requestSuccessRate', min: 99},
  },
  requestDuration: {
    // The 99th of 100: (0.99 - 0.7) / (0.995 - 0.7) of the way from 10 to 50.
    value: 10 + (40 * 0.29) / 0.295,
    // The source counts in fractions, which are rounded poll by poll.
    within: 1,
    passing: {metric: 'requestDuration', max: 50},
    failing: {metric: 'requestDuration', max: 45},
  },
}

const names = Object.keys(arms) as MeshName[]

describe.concurrent.each(names)('queries of %s', name => {
  test.each(Object.entries(expectations))(
    '%s: the figures of all pods, and both verdicts',
    async (metric, expected) => {
      const namespace = `value-${metric.toLowerCase()}`
      serve(arms[name](namespace), 49, 1)
      await settled()
      const passing = await judge(name, namespace, expected.passing)
      expect(passing).toMatchObject({verdict: 'pass', reason: 'Passed'})
      expect(Math.abs((passing.value ?? Number.NaN) - expected.value)).toBeLessThan(expected.within)
      const failing = await judge(name, namespace, expected.failing)
      expect(failing.verdict).toBe('fail')
      expect(failing.reason).toBe(expected.failing.min === undefined ? 'AboveMaximum' : 'BelowMinimum')
    },
  )

  test('all requests fail', async () => {
    for (const pod of pods) source.grow({[arms[name]('all-fail').requests('503', pod)]: 10})
    await settled()
    expect(await judge(name, 'all-fail', expectations.requestSuccessRate.failing)).toMatchObject({
      verdict: 'fail',
      value: 0,
    })
  })

  test.each(Object.entries(expectations))(
    '%s without traffic is no data, and without series as well',
    async (metric, {passing}) => {
      const namespace = `idle-${metric.toLowerCase()}`
      serve(arms[name](namespace), 0, 0)
      await settled()
      expect(await judge(name, namespace, passing)).toMatchObject({verdict: 'noData', reason: 'NotANumber'})
      expect(await judge(name, 'nobody', passing)).toMatchObject({verdict: 'noData', reason: 'NoSeries'})
    },
  )

  test('its raw counters count what has happened', async () => {
    const arm = arms[name]('counters')
    serve(arm, 0, 0)
    await pause(1500)
    serve(arm, 40, 10)
    await pause(3000)
    serve(arm, 0, 0)
    await pause(2500)
    const {failed, total} = (await observe(name, 'counters', expectations.requestSuccessRate.passing)).requests
    expect(total / failed).toBeCloseTo(5, 1)
    expect(Math.abs(total - 30_000)).toBeLessThan(1500)
  })
})

/** Requests at the pods of slot b, with mutual TLS and without, as the meshes that can tell expose them. */
const atPods = {
  istio: (namespace: string, encrypted: boolean) =>
    `istio_requests_total{reporter="destination",destination_workload_namespace="${namespace}",destination_workload="c-b",response_code="200",connection_security_policy="${encrypted ? 'mutual_tls' : 'none'}"}`,
  linkerd: (namespace: string, encrypted: boolean) =>
    `response_total{direction="inbound",namespace="${namespace}",deployment="c-b",status_code="200",classification="success",tls="${encrypted ? 'true' : 'no_identity'}"}`,
}

describe.concurrent.each(Object.keys(atPods) as (keyof typeof atPods)[])('the gate for plaintext of %s', name => {
  const gate: Threshold = {metric: 'plaintextRequests', max: 0}

  test('passes on requests with mutual TLS, and on no others', async () => {
    source.grow({[atPods[name]('encrypted', true)]: 100})
    source.grow({[atPods[name]('mixed', true)]: 100, [atPods[name]('mixed', false)]: 10})
    source.grow({[atPods[name]('silent', true)]: 0})
    await settled()
    expect(await judge(name, 'encrypted', gate)).toMatchObject({verdict: 'pass', value: 0})
    expect(await judge(name, 'mixed', gate)).toMatchObject({verdict: 'fail', reason: 'AboveMaximum'})
    expect(await judge(name, 'silent', gate)).toMatchObject({verdict: 'noData'})
    expect(await judge(name, 'nobody', gate)).toMatchObject({verdict: 'noData', reason: 'NoSeries'})
  })
})

describe.concurrent.each(names)('series of %s that change', name => {
  test('counters that begin again move no figure', async () => {
    const arm = arms[name]('reset')
    serve(arm, 49, 1)
    await settled()
    source.reset(arm.requests('200', 'x'))
    source.reset(arm.requests('503', 'x'))
    for (let look = 0; look < 8; look++) {
      await pause(500)
      const {value} = await judge(name, 'reset', expectations.requestSuccessRate.passing)
      expect(Math.abs((value ?? Number.NaN) - 98)).toBeLessThan(0.5)
    }
  })

  test('a pod that is replaced takes its series along, and the window forgets them', async () => {
    const arm = arms[name]('replaced')
    serve(arm, 10, 10)
    await settled()
    source.remove(`${arm.mark}`)
    const passing = expectations.requestSuccessRate.passing
    expect(await judge(name, 'replaced', passing)).toMatchObject({verdict: 'fail'})
    await settled()
    expect(await judge(name, 'replaced', passing)).toMatchObject({verdict: 'noData', reason: 'NoSeries'})
    source.grow({[arm.requests('200', 'z')]: 20}, 5000)
    await pause(700)
    // A series of a new pod begins at 0: what it counted before its first scrape was in this window.
    const {value} = await judge(name, 'replaced', passing)
    expect([undefined, 100]).toContain(value)
    await settled()
    expect(await judge(name, 'replaced', passing)).toMatchObject({verdict: 'pass', value: 100})
  })
})

test.concurrent.each(names)('the interval of a release beside %s follows the scrapes', async name => {
  serve(arms[name]('scraped'), 10, 0)
  const metrics = createPrometheusMetrics({address: prometheus.address})
  const analysis = {checks: [{name: 'errors', compare: {metric: 'requestErrors'}}]}
  const release = (namespace: string) =>
    new JudgedRelease({name: 'c', namespace, mesh: name, startedAt: Date.now(), analysis, metrics})
  // Twenty-three scrapes of half a second are those of two minutes with an interval of 5 s.
  const deadline = Date.now() + 30_000
  let found: number | undefined
  for (; found !== 5000 && Date.now() < deadline; await pause(500)) found = await release('scraped').found(Date.now())
  expect(found).toBe(5000)
  expect(await release('nobody').found(Date.now())).toBeUndefined()
})

describe('what a check can meet', () => {
  test.each<[string, Threshold, {maximumBytes?: number; template?: string}, Partial<CheckResult>]>([
    ['several series', {query: 'up or vector(1)', min: 1}, {}, {verdict: 'error', reason: 'SeveralSeries'}],
    ['an infinite value', {query: 'vector(1) / 0', min: 1}, {}, {verdict: 'error', reason: 'Infinite'}],
    ['no bound', {query: 'vector(1)'}, {}, {verdict: 'error', reason: 'NoBound'}],
    ['no PromQL', {query: 'sum(', min: 1}, {}, {verdict: 'error', reason: 'BadQuery'}],
    ['a matrix', {query: 'up[5m]', min: 1}, {}, {verdict: 'error', reason: 'BadAnswer'}],
    ['an answer that is too large', {query: 'up', min: 1}, {maximumBytes: 20}, {verdict: 'error', reason: 'TooLarge'}],
    [
      'a template of the wrong type',
      {templateRef: {name: 't'}, min: 1},
      {template: 'vector(1) and on () vector(count_over_time(up[{{ window }}]) > bool 0) or vector(2)'},
      {verdict: 'error', reason: 'BadQuery'},
    ],
    [
      'a template that is right',
      {templateRef: {name: 't'}, max: 3},
      {template: 'label_replace(vector(2), "of", "{{ canary.workload }}", "", "")'},
      {verdict: 'pass', value: 2},
    ],
  ])('%s', async (_, threshold, options, expected) => {
    expect(await judge('istio', 'any', threshold, options)).toMatchObject(expected)
  })
})

test.each(['SIGTERM', 'SIGKILL'] as const)('Prometheus ends by %s: an error, then the figures again', async signal => {
  const namespace = `ended-${signal.toLowerCase()}`
  const passing = expectations.requestSuccessRate.passing
  serve(arms.istio(namespace), 49, 1)
  await settled()
  expect(await judge('istio', namespace, passing)).toMatchObject({verdict: 'pass'})
  await prometheus.halt(signal)
  expect(await judge('istio', namespace, passing)).toMatchObject({verdict: 'error', reason: 'Unreachable'})
  await prometheus.start()
  const {verdict} = await judge('istio', namespace, passing)
  expect(['pass', 'noData']).toContain(verdict)
  await untilScraped()
  await settled()
  const {value} = await judge('istio', namespace, passing)
  expect(Math.abs((value ?? Number.NaN) - 98)).toBeLessThan(0.1)
})

test('Prometheus hangs: a time-out is an error', async () => {
  prometheus.signal('SIGSTOP')
  try {
    const result = await judge('istio', 'any', {query: 'vector(1)', min: 1})
    expect(result).toMatchObject({verdict: 'error', reason: 'Timeout'})
  } finally {
    prometheus.signal('SIGCONT')
  }
})
