// The queries of docs/dashboards.md, of its Grafana dashboard and of the recording rules: PromQL, and about metrics that exist.
import {readFileSync} from 'node:fs'
import {parser} from '@prometheus-io/lezer-promql'
import {describe, expect, test} from 'vitest'
import {Telemetry} from '../../controller/shell/telemetry.ts'
import {meshes} from '../../mesh/registry.ts'
import {recordings, type Selector, sources, windowToken} from '../../scripts/chart/recordings.ts'
import {dashboardQueries, dashboardVariables} from './dashboard.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/dashboards.md')
const dashboard = read('docs/grafana-dashboard.json')
const queries = [...page.matchAll(/```promql\n([\s\S]*?)```/g)].map(([, query = '']) => query)
const recorded = new Map(recordings.map(({record, expr}) => [record, expr.replaceAll(windowToken, '2m')]))
const asked = dashboardQueries(dashboard, {namespace: 'shop', rollout: 'cart', role: '.+', slot: 'a|b', revision: '.+'})

/** Names of the metrics that a query selects, the labels that it names, and whether it is PromQL. */
function parsed(query: string): {valid: boolean; metrics: string[]; labels: string[]} {
  let valid = true
  const metrics: string[] = []
  const labels: string[] = []
  parser.parse(query).iterate({
    enter({type, from, to, node}) {
      if (type.isError) valid = false
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(query.slice(from, to))
      if (type.name === 'LabelName') labels.push(query.slice(from, to))
    },
  })
  return {valid, metrics, labels}
}

async function own(): Promise<string[]> {
  const telemetry = new Telemetry({processMetrics: false})
  return [...(await telemetry.render()).body.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
}
const ofMeshes = Object.values(meshes).flatMap(mesh => mesh.counters.flatMap(({metrics}) => metrics))

/** Metrics of kube-state-metrics: what it tells of a Deployment, and the same of a DaemonSet, which a slot may be as well. */
const ofWorkloads: Readonly<Record<string, string>> = {
  kube_deployment_status_replicas_ready: 'kube_daemonset_status_number_ready',
  kube_deployment_status_replicas_available: 'kube_daemonset_status_number_available',
}

/** Those that nobody exposes or records. */
async function unknown(named: readonly string[]): Promise<string[]> {
  const known = new Set([...(await own()), ...ofMeshes, ...recorded.keys(), ...Object.entries(ofWorkloads).flat()])
  return named.filter(name => !known.has(name))
}

describe('docs/dashboards.md', () => {
  test.each(queries)('is PromQL, and joins on what the slots hold: %s', query => {
    const {valid, metrics} = parsed(query)
    expect(valid).toBe(true)
    expect(metrics).toContain('fairlead_slot_info')
  })

  test('names metrics that somebody exposes', async () => {
    const named = queries.flatMap(query => parsed(query).metrics)
    expect(named.length).toBeGreaterThan(queries.length)
    expect(await unknown(named)).toEqual([])
  })

  test('tells of every recording rule, and of no other', () => {
    const told = [...page.matchAll(/^\| `(fairlead:[a-z0-9_:]+)` \|/gm)].map(([, name = '']) => name)
    expect(told.toSorted()).toEqual([...recorded.keys()].toSorted())
  })
})

describe('the dashboard', () => {
  test.each(asked)('asks in PromQL for what somebody exposes or records: %s', async query => {
    const {valid, metrics} = parsed(query)
    expect(valid).toBe(true)
    expect(metrics.length).toBeGreaterThan(0)
    expect(await unknown(metrics)).toEqual([])
  })

  test('has a variable for role, slot and revision, and every panel about slots obeys them', () => {
    const variables = dashboardVariables(dashboard)
    expect(Object.keys(variables)).toEqual(['namespace', 'rollout', 'role', 'slot', 'revision'])
    for (const [name, {series, label}] of Object.entries(variables)) {
      expect(label).toBe(name)
      expect(parsed(series.replaceAll('$', '')).metrics).toEqual(['fairlead_slot_info'])
    }
    const ofSlots = asked.filter(query => query.includes('fairlead:slot_'))
    expect(ofSlots.length).toBeGreaterThan(3)
    for (const query of ofSlots) expect(new Set(parsed(query).labels)).toEqual(new Set(Object.keys(variables)))
  })

  test('a query that is wrong is found out', async () => {
    expect(parsed('sum(rate(up[2m])').valid).toBe(false)
    expect(await unknown(parsed('fairlead:slot_request:rate').metrics)).toEqual(['fairlead:slot_request:rate'])
  })
})

describe('recording rules', () => {
  test.each([...recorded])('%s is PromQL, and about what is exposed, or recorded before', async (record, expr) => {
    const {valid, metrics} = parsed(expr)
    expect(valid).toBe(true)
    const before = [...recorded.keys()].slice(0, [...recorded.keys()].indexOf(record))
    expect(await unknown(metrics)).toEqual([])
    expect(metrics.filter(name => recorded.has(name) && !before.includes(name))).toEqual([])
  })

  test('there are some beside every mesh that counts', () => {
    const counting = Object.values(meshes).filter(({counters}) => counters.length > 0)
    expect(sources.map(({mesh}) => mesh).toSorted()).toEqual(counting.map(({name}) => name).toSorted())
  })
})

test('what asks for pods finds them be a slot a Deployment or a DaemonSet', () => {
  const asking = [...queries, ...asked, ...recorded.values()]
    .map(query => parsed(query).metrics.filter(name => name.startsWith('kube_')))
    .filter(metrics => metrics.length > 0)
  // The recording rule, the query by role and the alert.
  expect(asking.length).toBeGreaterThanOrEqual(3)
  for (const [first = '', ...others] of asking) expect([first, others]).toEqual([first, [ofWorkloads[first]]])
})

/** Values that a label may have; undefined where the series lacks it. */
const labelValues: Readonly<Record<string, readonly (string | undefined)[]>> = {
  response_code: [undefined, '0', '200', '404', '500', '503'],
  grpc_response_status: [undefined, '0', '2', '5', '14'],
  http_status: [undefined, '200', '404', '503'],
  grpc_status: [undefined, 'OK', 'UNKNOWN', 'NOT_FOUND', 'UNAVAILABLE'],
  error: [undefined, 'UNKNOWN', 'FAIL_FAST', 'RESPONSE_HEADERS_TIMEOUT'],
  envoy_response_code: [undefined, '0', '200', '429', '503'],
}
/** A value that the selector of the mesh's own side has. */
const sideValues: Readonly<Record<string, string>> = {envoy_cluster_name: 'httproute/shop/cart/rule/0/backend/0'}

function holds(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([label, [op, value]]) => {
    const actual = labels[label] ?? ''
    if (op === '=') return actual === value
    return new RegExp(`^(?:${value})$`).test(actual) === (op === '=~')
  })
}

/** Every combination of values of the labels. */
function combinations(names: readonly string[]): Record<string, string>[] {
  return names.reduce<Record<string, string>[]>(
    (all, name) =>
      all.flatMap(labels =>
        (labelValues[name] ?? []).map(value => (value === undefined ? labels : {...labels, [name]: value})),
      ),
    [{}],
  )
}

const counted = sources.flatMap(({mesh, requests}) => requests.map(one => ({mesh, ...one})))

test.each(counted)(
  'what counts as failed is what the judge takes for it: $mesh, $metric',
  ({mesh, metric, of, ended, failed}) => {
    const family = Object.values(meshes)
      .find(({name}) => name === mesh)
      ?.counters.find(({metrics, side}) => side === 'caller' && metrics.includes(metric))
    const side = Object.fromEntries(Object.entries(of).map(([label, [, value]]) => [label, sideValues[label] ?? value]))
    const all = combinations([...new Set([...ended, ...failed].flatMap(way => Object.keys(way)))])
    expect(all.length).toBeGreaterThan(3)
    for (const labels of all.map(one => ({...side, ...one, __name__: metric}))) {
      const outcome = family?.outcomeOf(labels)
      const any = (ways: readonly Selector[]) => ways.some(way => holds(way, labels))
      expect([labels, any(ended), any(failed)]).toEqual([labels, outcome !== 'hungUp', outcome === 'failed'])
    }
  },
)
