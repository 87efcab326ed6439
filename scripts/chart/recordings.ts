// Recording rules that follow the roles: what a slot's proxies count, under the names of its Rollout, its role and its
// revision. What counts as failed is what the judge takes for failed (`outcomeOf` of a mesh's counters); a test holds both
// together.
import {meshes} from '../../mesh/registry.ts'
import type {MeshContext} from '../../mesh/types.ts'

/** Conditions that all hold; an expression is for the whole of a label's value, and a label that is absent has an empty one. */
export type Selector = Readonly<Record<string, readonly ['=' | '=~' | '!~', string]>>

/** One metric of one kind of proxy. */
interface Counted {
  metric: string
  /** Of the mesh's own side of which one hears. */
  of: Selector
  /** Requests that ended so that one can tell how, in any of these ways; and those among them that failed. */
  ended: readonly Selector[]
  failed: readonly Selector[]
}

interface Source {
  mesh: string
  /** Value of the chart that turns it on. */
  when: 'meshes.istio' | 'meshes.gatewayAPI' | 'meshes.linkerd'
  /** Labels that together tell the slot. */
  keys: readonly string[]
  /** The first that has anything of a slot is taken. */
  requests: readonly Counted[]
  durations: readonly {metric: string; of: Selector; millisecondsPerBound: number}[]
  /** Gives series that have the keys the labels `namespace` and `workload` of the slot. */
  named(expression: string): string
}

const anyStatus = ['=~', '[1-9][0-9]{2}'] as const
const noStatus = ['!~', '[1-9][0-9]{2}'] as const
const present = ['=~', '.+'] as const
const failedStatus = ['=~', '5[0-9]{2}'] as const
/** gRPC statuses that are the server's fault, as proxies write them. */
const failedGrpc = [
  '=~',
  'UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|2|4|12|13|14|15',
] as const

/** The waypoint, where there is one, counts what the callers' proxies count as well. */
const istioReporters: readonly Selector[] = [{reporter: ['=', 'waypoint']}, {reporter: ['=', 'source']}]
const linkerdBackend: Selector = {backend_kind: ['=', 'Service']}
const gatewayCluster: Selector = {envoy_cluster_name: ['=~', 'httproute/.+']}

/** What is recorded beside each mesh: the callers' side. */
export const sources: readonly Source[] = [
  {
    mesh: 'istio',
    when: 'meshes.istio',
    keys: ['destination_service_namespace', 'destination_service_name'],
    requests: istioReporters.map(of => ({
      metric: 'istio_requests_total',
      of,
      ended: [{response_code: anyStatus}],
      failed: [{response_code: failedStatus}, {response_code: anyStatus, grpc_response_status: failedGrpc}],
    })),
    durations: istioReporters.map(of => ({
      metric: 'istio_request_duration_milliseconds_bucket',
      of,
      millisecondsPerBound: 1,
    })),
    named: byNames('destination_service_namespace', 'destination_service_name'),
  },
  {
    mesh: 'linkerd',
    when: 'meshes.linkerd',
    keys: ['backend_namespace', 'backend_name'],
    requests: [
      {
        metric: 'outbound_http_route_backend_response_statuses_total',
        of: linkerdBackend,
        ended: [
          {http_status: anyStatus, error: ['=', '']},
          {http_status: failedStatus},
          {error: ['!~', 'UNKNOWN|']},
          {http_status: noStatus, error: ['=', 'UNKNOWN']},
        ],
        failed: [
          {http_status: failedStatus},
          {error: ['!~', 'UNKNOWN|']},
          {http_status: noStatus, error: ['=', 'UNKNOWN']},
        ],
      },
      {
        metric: 'outbound_grpc_route_backend_response_statuses_total',
        of: linkerdBackend,
        ended: [{grpc_status: present}, {error: present}],
        failed: [{error: present}, {grpc_status: failedGrpc}],
      },
    ],
    durations: ['http', 'grpc'].map(kind => ({
      metric: `outbound_${kind}_route_backend_response_duration_seconds_bucket`,
      of: linkerdBackend,
      millisecondsPerBound: 1000,
    })),
    named: byNames('backend_namespace', 'backend_name'),
  },
  {
    mesh: 'gatewayAPI',
    when: 'meshes.gatewayAPI',
    keys: ['envoy_cluster_name'],
    requests: [
      {
        metric: 'envoy_cluster_upstream_rq',
        of: gatewayCluster,
        ended: [{envoy_response_code: anyStatus}],
        failed: [{envoy_response_code: failedStatus}],
      },
    ],
    durations: [{metric: 'envoy_cluster_upstream_rq_time_bucket', of: gatewayCluster, millisecondsPerBound: 1}],
    named: byPlaces,
  },
]

function byNames(namespace: string, name: string) {
  return (expression: string) =>
    relabelled(relabelled(expression, 'workload', '$1', name, '(.+)'), 'namespace', '$1', namespace, '(.+)')
}

/** A Rollout beside a gateway: where its slots stand in the route is the same in every one. */
const anyRollout: MeshContext = {
  rollout: {name: 'checkout', namespace: 'shop', uid: ''},
  apex: {name: 'checkout', ports: [{name: 'http', port: 80}]},
  slots: {a: 'checkout-a', b: 'checkout-b'},
  traffic: {gatewayAPI: {hosts: [], parentRefs: [{name: 'public'}], settlingTime: '2s'}},
}

/** Places of a slot in a route, as they end the names of Envoy Gateway's clusters. */
function placesOf(slot: 'a' | 'b'): string[] {
  const [requests] = meshes.gatewayAPI.counters
  const names = (requests?.keysOf(anyRollout, slot) ?? []).map(([name = '']) => name)
  return names.map(name => name.replace('httproute/shop/checkout/', ''))
}

/** Envoy Gateway names clusters by places in a route, which has the name of the Service: that of the target, by default. */
function byPlaces(expression: string): string {
  const name = 'envoy_cluster_name'
  const named = (['a', 'b'] as const).reduce((inner, slot) => {
    const pattern = `httproute/[^/]+/([^/]+)/(?:${placesOf(slot).join('|')})`
    return relabelled(inner, 'workload', `$1-${slot}`, name, pattern)
  }, expression)
  return relabelled(named, 'namespace', '$1', name, 'httproute/([^/]+)/.+')
}

function relabelled(expression: string, label: string, to: string, from: string, pattern: string): string {
  return `label_replace(${expression}, "${label}", "${to}", "${from}", "${pattern}")`
}

/** Stands for the time over which rates are taken: a value of the chart. */
export const windowToken = 'WINDOW'

function selectorText(...selectors: Selector[]): string {
  const conditions = selectors
    .flatMap(one => Object.entries(one))
    .map(([label, [op, value]]) => `${label}${op}"${value}"`)
  return `{${conditions.join(',')}}`
}

/** Per second, by the labels, whichever of the selectors holds. */
function summed(labels: readonly string[], metric: string, of: Selector, ways: readonly Selector[]): string {
  const rates = ways.map(way => `rate(${metric}${selectorText(of, way)}[${windowToken}])`)
  return `sum by (${labels.join(', ')}) (${rates.join(' or ')})`
}

const slotLabels = ['namespace', 'rollout', 'slot', 'role', 'revision', 'workload']

/** Series with the labels `namespace` and `workload`, joined with what the slot holds. */
function joined(expression: string, further: readonly string[] = []): string {
  const labels = [...slotLabels, ...further].join(', ')
  const roles = 'on (namespace, workload) group_left (rollout, slot, role, revision) fairlead:slot_info'
  return `sum by (${labels}) (${expression} * ${roles})`
}

export interface Recording {
  record: string
  expr: string
  labels?: Record<string, string>
  when?: Source['when']
}

function recordingsOf({mesh, when, keys, requests, durations, named}: Source): Recording[] {
  const first = (expressions: string[]) => expressions.join(' or ')
  const ended = ({metric, of, ended: ways}: Counted) => summed(keys, metric, of, ways)
  const failed = (one: Counted) => `(${summed(keys, one.metric, one.of, one.failed)} or ${ended(one)} * 0)`
  const buckets = durations.map(({metric, of, millisecondsPerBound: factor}) => {
    const quantile = `histogram_quantile(0.95, ${joined(named(summed([...keys, 'le'], metric, of, [{}])), ['le'])})`
    return factor === 1 ? quantile : `${quantile} * ${factor}`
  })
  const rule = (record: string, expr: string) => ({record: `fairlead:${record}`, expr, labels: {mesh}, when})
  return [
    rule('slot_requests:rate', joined(named(first(requests.map(ended))))),
    rule('slot_failures:rate', joined(named(first(requests.map(failed))))),
    rule('slot_duration_milliseconds:p95', first(buckets)),
  ]
}

/** All rules, in the order in which they need one another. */
export const recordings: readonly Recording[] = [
  {
    // One answer per slot, also while one controller hands over to another.
    record: 'fairlead:slot_info',
    expr: `topk by (namespace, workload) (1, max by (${slotLabels.join(', ')}) (fairlead_slot_info))`,
  },
  ...sources.flatMap(recordingsOf),
  {
    record: 'fairlead:slot_failures:ratio',
    expr: 'fairlead:slot_failures:rate / (fairlead:slot_requests:rate > 0)',
  },
  {
    // A slot is a Deployment or a DaemonSet, as its target is.
    record: 'fairlead:slot_pods:ready',
    expr: joined(
      `max by (namespace, workload) (${relabelled('kube_deployment_status_replicas_ready', 'workload', '$1', 'deployment', '(.+)')} or ${relabelled('kube_daemonset_status_number_ready', 'workload', '$1', 'daemonset', '(.+)')})`,
    ),
  },
]

/** The rules as a named template of the chart, each under the mesh that it is for. */
export function recordingsTemplate(notice: string): string {
  const blocks = recordings.map(({record, expr, labels, when}, index) => {
    const [before, after] = [recordings[index - 1], recordings[index + 1]]
    return [
      ...(when && before?.when !== when ? [`{{- if .Values.${when} }}`] : []),
      `- record: ${record}`,
      `  expr: '${expr.replaceAll(windowToken, '{{ .Values.prometheusRule.window }}')}'`,
      ...(labels ? [`  labels: {mesh: ${labels['mesh']}}`] : []),
      ...(when && after?.when !== when ? ['{{- end }}'] : []),
    ]
  })
  return [`{{- /* ${notice} */ -}}`, '{{- define "fairlead.recordings" -}}', ...blocks.flat(), '{{- end -}}', ''].join(
    '\n',
  )
}
