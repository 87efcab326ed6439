// Cluster statistics of the Envoy proxies that Envoy Gateway runs, as raw counters. Its names for clusters are those of
// the route's backends: <kind of the route>/<namespace>/<name>/rule/<place of the rule>/backend/<place of the backend>.
// Statistics: https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
import type {CounterFamily, MeshContext} from '../types.ts'
import {routeKind} from './context.ts'
import {places} from './route.ts'

function keysOf(context: MeshContext, slot: 'a' | 'b'): string[][] {
  const {rollout, apex} = context
  const kind = routeKind(context).toLowerCase()
  return places[slot].map(place => [`${kind}/${rollout.namespace}/${apex.name}/${place}`])
}

/** A gateway is the callers' side, and no proxy stands beside the pods. */
const gateway = {
  side: 'caller',
  matchers: [],
  keyLabels: ['envoy_cluster_name'],
  keysOf,
  millisecondsPerBound: 1,
} as const

/** What an HTTP status looks like; a series without one says nothing of its requests, which are left out. */
const httpStatus = /^[1-9][0-9]{2}$/

/** Name of the metric of requests by their HTTP status. */
const byHttpStatus = 'envoy_cluster_upstream_rq'

/**
 * The metrics of gRPC requests, one per status, which is the end of their names. Envoy takes the full name of a method apart
 * at its dots: the first two parts become labels, what is left stands in the metric's name (tried with Envoy 1.40:
 * /shop.Checkout/Pay is envoy_cluster_grpc_Pay_0, and /Checkout/Pay is envoy_cluster_grpc_0).
 */
const grpcStatuses = Array.from({length: 17}, (_, status) => status)
const byGrpcStatus = `envoy_cluster_grpc_(.+_)?(${grpcStatuses.join('|')})`
const grpcStatus = /^envoy_cluster_grpc_(?:.+_)?([0-9]+)$/

/**
 * gRPC statuses that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS.
 * Those that OpenTelemetry's semantic conventions for gRPC count as errors of a server span.
 */
const failedGrpcStatuses = new Set(['2', '4', '12', '13', '14', '15'])

/**
 * Envoy's own refusals count as failures: no endpoint, no connection, a reset and an overflow as 503, a time-out as 504. A
 * request that was tried again counts once, by its last answer. What is not to be seen here (tried with Envoy 1.40): a
 * request whose client hung up before there was an answer is counted nowhere, and an answer that broke off in its body counts
 * by its status, whoever broke it off.
 *
 * A gRPC failure comes under HTTP status 200, so requests of a GRPCRoute are counted by their gRPC status: Envoy Gateway has
 * Envoy keep it for listeners with a GRPCRoute, unless enableGRPCStats of its EnvoyProxy says no. A call that broke off
 * without a status is counted nowhere.
 */
const requests = {
  ...gateway,
  kind: 'requests',
  metrics: [byHttpStatus, byGrpcStatus],
  outcomeOf({__name__: metric = byHttpStatus, envoy_cluster_name: cluster = '', envoy_response_code: code = ''}) {
    const [, status] = grpcStatus.exec(metric) ?? []
    if (status !== undefined) return failedGrpcStatuses.has(status) ? 'failed' : 'answered'
    if (cluster.startsWith('grpcroute/') || !httpStatus.test(code)) return 'hungUp'
    return code.startsWith('5') ? 'failed' : 'answered'
  },
} as const satisfies CounterFamily

/**
 * Durations of whole answers alone: a time-out, a client that hung up and an answer that broke off are in none of the buckets
 * (tried with Envoy 1.40), so a version that hangs is found by its errors. Envoy adds them up every 5 seconds.
 */
const durations = {
  ...gateway,
  kind: 'durations',
  metrics: ['envoy_cluster_upstream_rq_time_bucket'],
  outcomeOf: () => 'answered',
} as const satisfies CounterFamily

export const counters: readonly CounterFamily[] = [requests, durations]
