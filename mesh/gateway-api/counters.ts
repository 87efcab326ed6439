// Cluster statistics of the Envoy proxies that Envoy Gateway runs, as raw counters. Its names for clusters are those of
// the route's backends: httproute/<namespace>/<name>/rule/<place of the rule>/backend/<place of the backend>.
// Statistics: https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
import type {CounterFamily, MeshContext} from '../types.ts'
import {places} from './http-route.ts'

function keysOf({rollout, apex}: MeshContext, slot: 'a' | 'b'): string[][] {
  return places[slot].map(place => [`httproute/${rollout.namespace}/${apex.name}/${place}`])
}

/** A gateway is the callers' side, and no proxy stands beside the pods. */
const gateway = {
  side: 'caller',
  matchers: [],
  keyLabels: ['envoy_cluster_name'],
  keysOf,
  millisecondsPerBound: 1,
} as const

/**
 * Envoy's own refusals count as failures: no endpoint, no connection, a reset and an overflow as 503, a timeout as 504.
 * A request whose client hung up is counted nowhere; one that was tried again counts once, by its last answer. gRPC
 * failures under HTTP status 200 are not among these statistics, and durations are those of answered requests alone.
 */
export const counters: readonly CounterFamily[] = [
  {
    ...gateway,
    kind: 'requests',
    metrics: ['envoy_cluster_upstream_rq'],
    outcomeOf: ({envoy_response_code: code = ''}) => (code.startsWith('5') ? 'failed' : 'answered'),
  },
  {
    ...gateway,
    kind: 'durations',
    metrics: ['envoy_cluster_upstream_rq_time_bucket'],
    outcomeOf: () => 'answered',
  },
]
