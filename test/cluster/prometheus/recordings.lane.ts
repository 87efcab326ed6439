// The recording rules of the chart: by promtool, and in the real Prometheus beside the real telemetry, whose series they join
// with what proxies count. The dashboard of the documentation is asked of it as Grafana asks.
import {readFileSync} from 'node:fs'
import {createServer} from 'node:http'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {Telemetry} from '../../../controller/shell/telemetry.ts'
import {dashboardQueries} from '../../contract/dashboard.ts'
import {objectOf, renderChart} from '../chart.ts'
import {startMeshExporter} from '../release/mesh-exporter.ts'
import {promtool} from './promtool.ts'
import {type PrometheusServer, startPrometheus} from './server.ts'

/** Groups of the PrometheusRule that the chart makes. */
async function rulesWith(values: object): Promise<{groups: {name: string}[]}> {
  const {spec} = objectOf(await renderChart({prometheusRule: {enabled: true, ...values}}), 'PrometheusRule')
  return spec as {groups: {name: string}[]}
}

test('the switch leaves them out', async () => {
  expect((await rulesWith({})).groups.map(({name}) => name)).toEqual(['fairlead', 'fairlead-slots'])
  expect((await rulesWith({recordings: false})).groups.map(({name}) => name)).toEqual(['fairlead'])
})

const checkout = 'namespace="shop",rollout="checkout"'
const labels = (slot: string, role: string) =>
  `${checkout},slot="${slot}",role="${role}",revision="r-${slot}",workload="checkout-${slot}"`
/** 60 a minute are 1 a second. */
const perSecond = (count: number) => `0+${count * 60}x40`

/** Series of a mesh: `a` serves 10 a second, `b` 4 of which 1 fails, and everything takes some 100 ms. */
const counted: Record<
  string,
  {good: (slot: string) => string; bad: (slot: string) => string; bucket: string; bounds: string[]}
> = {
  istio: {
    good: slot => istio(slot, 'response_code="200",reporter="source"'),
    bad: slot => istio(slot, 'response_code="200",grpc_response_status="14",reporter="source"'),
    bucket: `istio_request_duration_milliseconds_bucket{destination_service_namespace="shop",destination_service_name="checkout-b",reporter="source"`,
    bounds: ['50', '100', '+Inf'],
  },
  linkerd: {
    good: slot => linkerd(slot, 'http_status="200"'),
    bad: slot => linkerd(slot, 'error="FAIL_FAST"'),
    bucket: `outbound_http_route_backend_response_duration_seconds_bucket{backend_kind="Service",backend_namespace="shop",backend_name="checkout-b"`,
    bounds: ['0.05', '0.1', '+Inf'],
  },
  gatewayAPI: {
    good: slot => envoy(slot, '200'),
    bad: slot => envoy(slot, '503'),
    bucket: `envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="httproute/shop/checkout/rule/2/backend/0"`,
    bounds: ['50', '100', '+Inf'],
  },
}

function istio(slot: string, further: string): string {
  return `istio_requests_total{destination_service_namespace="shop",destination_service_name="checkout-${slot}",${further}}`
}

function linkerd(slot: string, further: string): string {
  return `outbound_http_route_backend_response_statuses_total{backend_kind="Service",backend_namespace="shop",backend_name="checkout-${slot}",${further}}`
}

function envoy(slot: string, code: string): string {
  const place = slot === 'a' ? 'rule/0/backend/0' : 'rule/0/backend/1'
  return `envoy_cluster_upstream_rq{envoy_cluster_name="httproute/shop/checkout/${place}",envoy_response_code="${code}"}`
}

const roles = [
  // The release ends after ten minutes: the canary is the primary now.
  {series: `fairlead_slot_info{${labels('a', 'primary')},pod="x"}`, values: '1x9 _x30'},
  {series: `fairlead_slot_info{${labels('b', 'canary')},pod="x"}`, values: '1x9 _x30'},
  {series: `fairlead_slot_info{${labels('a', 'previous')},pod="x"}`, values: '_x10 1x29'},
  {series: `fairlead_slot_info{${labels('b', 'primary')},pod="x"}`, values: '_x10 1x29'},
  // Another controller was asked last while it led, and says what was so then.
  {series: `fairlead_slot_info{${labels('b', 'canary')},pod="y"}`, values: '1x12 _x27'},
]

describe.each(Object.keys(counted))('beside %s, by promtool', mesh => {
  const {good, bad, bucket, bounds} = counted[mesh] as (typeof counted)[string]
  const by = (slot: string, role: string) => `{${labels(slot, role)},mesh="${mesh}"}`
  const at = (time: string, record: string, samples: [string, string, number][]) => ({
    expr: `round(fairlead:${record}, 0.001)`,
    eval_time: time,
    exp_samples: samples.map(([slot, role, value]) => ({labels: by(slot, role), value})),
  })

  test('requests, failures and durations follow the roles', async () => {
    const verdict = promtool(await rulesWith({}), {
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [
            ...roles,
            {series: good('a'), values: perSecond(10)},
            {series: good('b'), values: perSecond(3)},
            {series: bad('b'), values: perSecond(1)},
            ...bounds.map((bound, index) => ({
              series: `${bucket},le="${bound}"}`,
              values: perSecond(index === 0 ? 0 : 4),
            })),
          ],
          promql_expr_test: [
            at('8m', 'slot_requests:rate', [
              ['a', 'primary', 10],
              ['b', 'canary', 4],
            ]),
            at('8m', 'slot_failures:rate', [
              ['a', 'primary', 0],
              ['b', 'canary', 1],
            ]),
            at('8m', 'slot_failures:ratio', [
              ['a', 'primary', 0],
              ['b', 'canary', 0.25],
            ]),
            at('8m', 'slot_duration_milliseconds:p95', [['b', 'canary', 97.5]]),
            at('30m', 'slot_requests:rate', [
              ['a', 'previous', 10],
              ['b', 'primary', 4],
            ]),
            // While two controllers say different things there is one answer, and no evaluation fails.
            {
              expr: 'count by (workload) (fairlead:slot_requests:rate)',
              eval_time: '11m',
              exp_samples: ['a', 'b'].map(slot => ({labels: `{workload="checkout-${slot}"}`, value: 1})),
            },
          ],
        },
      ],
    })
    expect(verdict).toContain('SUCCESS')
  })
})

test('a waypoint is heard rather than the sidecars that send through it', async () => {
  const through = (reporter: string) => istio('b', `response_code="200",reporter="${reporter}"`)
  const verdict = promtool(await rulesWith({}), {
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: [
          ...roles,
          {series: through('source'), values: perSecond(2)},
          {series: through('waypoint'), values: perSecond(5)},
        ],
        promql_expr_test: [
          {
            expr: 'fairlead:slot_requests:rate',
            eval_time: '8m',
            exp_samples: [{labels: `fairlead:slot_requests:rate{${labels('b', 'canary')},mesh="istio"}`, value: 5}],
          },
        ],
      },
    ],
  })
  expect(verdict).toContain('SUCCESS')
})

describe.each([
  ['Deployment', 'kube_deployment_status_replicas', 'deployment'],
  ['DaemonSet', 'kube_daemonset_status_number', 'daemonset'],
])('the pods of a %s, by promtool', (_, metric, label) => {
  const pods = (state: string, slot: string) =>
    `${metric}_${state}{namespace="shop",${label}="checkout-${slot}",pod="ksm"}`
  // The canary has one ready pod, the primary three of which none is left after a quarter of an hour, when it is slot b.
  const input_series = [
    ...roles,
    {series: pods('ready', 'a'), values: '3x40'},
    {series: pods('ready', 'b'), values: '1x40'},
    {series: pods('available', 'a'), values: '3x40'},
    {series: pods('available', 'b'), values: '1x15 0x24'},
    // The target is parked.
    {series: `${metric}_ready{namespace="shop",${label}="checkout",pod="ksm"}`, values: '0x40'},
  ]
  const verdict = async (promql_expr_test: object[]) =>
    promtool(await rulesWith({}), {
      evaluation_interval: '1m',
      tests: [{interval: '1m', input_series, promql_expr_test}],
    })

  test('are recorded under their role', async () => {
    const sample = (slot: string, role: string, value: number) => ({
      labels: `fairlead:slot_pods:ready{${labels(slot, role)}}`,
      value,
    })
    const at = (time: string, exp_samples: object[]) => ({
      expr: 'fairlead:slot_pods:ready',
      eval_time: time,
      exp_samples,
    })
    const found = await verdict([
      at('8m', [sample('a', 'primary', 3), sample('b', 'canary', 1)]),
      at('30m', [sample('a', 'previous', 3), sample('b', 'primary', 1)]),
    ])
    expect(found).toContain('SUCCESS')
  })

  test('and the queries of the documentation: by role, and the alert on a primary without any', async () => {
    const page = readFileSync(new URL('../../../docs/dashboards.md', import.meta.url), 'utf8')
    const queries = [...page.matchAll(/```promql\n([\s\S]*?)```/g)].map(([, query = '']) => query)
    const [byRole = '', alert = ''] = ['_ready', '_available'].map(state =>
      queries.find(query => query.includes(state)),
    )
    const of = (role: string, value: number) => ({labels: `{${checkout},role="${role}"}`, value})
    const found = await verdict([
      {expr: byRole, eval_time: '8m', exp_samples: [of('primary', 3), of('canary', 1)]},
      {expr: alert, eval_time: '8m', exp_samples: []},
      {expr: alert, eval_time: '14m', exp_samples: []},
      {expr: alert, eval_time: '30m', exp_samples: [{labels: `{${checkout}}`, value: 0}]},
    ])
    expect(found).toContain('SUCCESS')
  })
})

const scrapeIntervalMilliseconds = 500
const patience = {timeout: 150_000, interval: 100}

interface Monitoring {
  telemetry: Telemetry
  prometheus: PrometheusServer
  close(): Promise<void>
}

/** The real Prometheus with the rules, beside the controller's telemetry, Istio's proxies and kube-state-metrics. */
async function startMonitoring(): Promise<Monitoring> {
  const telemetry = new Telemetry({processMetrics: false})
  // One slot of each kind: the dashboard's panel has to show both.
  const pods = [
    'kube_deployment_status_replicas_ready{namespace="shop",deployment="checkout-a"} 3\n',
    'kube_daemonset_status_number_ready{namespace="shop",daemonset="checkout-b"} 3\n',
  ]
  const server = createServer((request, response) => {
    request.resume()
    void telemetry.render().then(({contentType, body}) => {
      response.writeHead(200, {'content-type': contentType}).end(`${body}${pods.join('')}`)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the telemetry has no port')
  const exporter = await startMeshExporter()
  exporter.set('shop', 'checkout-a', {requestsPerSecond: 50, failureShare: 0})
  exporter.set('shop', 'checkout-b', {requestsPerSecond: 50, failureShare: 0.5})
  const targets = [exporter.target, `127.0.0.1:${address.port}`]
  const prometheus = await startPrometheus({
    targets,
    scrapeIntervalMilliseconds,
    rules: await rulesWith({window: '5s'}),
  })
  return {
    telemetry,
    prometheus,
    async close() {
      await prometheus.stop()
      await exporter.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

async function ask(prometheus: PrometheusServer, query: string): Promise<{role: string; value: number}[]> {
  const answer = await fetch(`${prometheus.address}/api/v1/query?query=${encodeURIComponent(query)}`)
  const {status, data, error} = (await answer.json()) as {
    status: string
    error?: string
    data?: {result: {metric: Record<string, string>; value: [number, string]}[]}
  }
  if (status !== 'success') throw new Error(`${query}: ${error}`)
  return (data?.result ?? []).map(({metric, value}) => ({role: metric['role'] ?? '', value: Number(value[1])}))
}

/** Queries of the dashboard that have no answer. */
async function unanswered(prometheus: PrometheusServer): Promise<string[]> {
  const dashboard = readFileSync(new URL('../../../docs/grafana-dashboard.json', import.meta.url), 'utf8')
  const values = {namespace: 'shop', rollout: 'checkout', role: 'primary|canary', slot: 'a|b', revision: 'r-1|r-2'}
  const queries = dashboardQueries(dashboard, values)
  const answers = await Promise.all(queries.map(query => ask(prometheus, query)))
  return queries.filter((_, index) => answers[index]?.length === 0)
}

describe('in the real Prometheus', () => {
  let monitoring: Monitoring

  beforeAll(async () => {
    monitoring = await startMonitoring()
  })

  afterAll(async () => monitoring.close())

  /** Roles under which failures are recorded, with their share in percent. */
  async function failing(): Promise<string[]> {
    const found = await ask(monitoring.prometheus, 'fairlead:slot_failures:ratio')
    return found.map(({role, value}) => `${role} ${Math.round(value * 100)}`).toSorted()
  }

  async function ready(): Promise<string[]> {
    const found = await ask(monitoring.prometheus, 'fairlead:slot_pods:ready')
    return found.map(({role, value}) => `${role} ${value}`).toSorted()
  }

  test('what a slot serves is under its role, and changes with it; the dashboard shows all of it', async () => {
    const {telemetry, prometheus} = monitoring
    const show = (a: 'primary' | 'previous', b: 'canary' | 'primary') =>
      telemetry.setSlots('shop', 'checkout', [
        {role: a, slot: 'a', revision: 'r-1', workload: 'checkout-a'},
        {role: b, slot: 'b', revision: 'r-2', workload: 'checkout-b'},
      ])
    telemetry.setRollout('shop', 'checkout', 'Progressing', 50)
    telemetry.countRelease('shop', 'checkout', 'Promoted', 'Promoted')
    show('primary', 'canary')
    await expect.poll(failing, patience).toEqual(['canary 50', 'primary 0'])
    // Rules and panels come to their first answers one after the other.
    await expect.poll(() => unanswered(prometheus), patience).toEqual([])
    await expect.poll(ready, patience).toEqual(['canary 3', 'primary 3'])
    show('previous', 'primary')
    await expect.poll(failing, patience).toEqual(['previous 0', 'primary 50'])
  })
})
