// Queries over the cluster statistics of the Envoy proxies that Envoy Gateway runs. Its names for clusters are those of
// the route's backends: httproute/<namespace>/<name>/rule/<place of the rule>/backend/<place of the backend>.
// Statistics: https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
import type {MeshContext, MetricQuery, MetricQueryRequest} from '../types.ts'
import {places} from './http-route.ts'

type Counters = {side: MetricQuery['side']; total: string; failed: string}[]

/** Envoy's own refusals count too: no endpoint, no connection, a reset and an overflow as 503, a timeout as 504. */
const failed = 'envoy_response_code=~"5.."'
const succeeded = 'envoy_response_code!~"5.."'

/**
 * One query: a gateway is the callers' side, and no proxy stands beside the pods.
 * - `requestSuccessRate`: percent of the requests that were answered without a 5xx. 0 when all failed; NaN or no series
 *   without requests. A request whose client hung up before the answer is counted nowhere; one that was tried again
 *   counts once, by its last answer. gRPC failures under HTTP status 200 are not among these statistics.
 * - `requestDuration`: milliseconds at the quantile, over the requests that a pod answered. Envoy measures no duration of
 *   those that timed out or never reached a pod: they are failures.
 * @throws RangeError when the window isn't a PromQL duration or the quantile isn't between 0 and 1.
 */
export function metricQueries(context: MeshContext, request: MetricQueryRequest): MetricQuery[] {
  const {metric, slot, window, quantile} = request
  if (!/^([0-9]+(ms|[smhdwy]))+$/.test(window)) {
    throw new RangeError(`window "${window}" is not a PromQL duration: write one such as 60s`)
  }
  if (!(quantile > 0 && quantile < 1)) throw new RangeError(`quantile ${quantile} is not between 0 and 1`)
  const cluster = clusterMatcher(context, slot)
  const query =
    metric === 'requestSuccessRate' ? successRate(cluster, window) : durationQuantile(cluster, window, quantile)
  return [{side: 'caller', query}]
}

/** Raw counters of a slot's requests and of the failed ones among them, series by series. */
export function requestCounters(context: MeshContext, slot: 'a' | 'b'): Counters {
  const cluster = clusterMatcher(context, slot)
  const total = `envoy_cluster_upstream_rq{${cluster}}`
  return [{side: 'caller', total, failed: `envoy_cluster_upstream_rq{${cluster},${failed}}`}]
}

function clusterMatcher(context: MeshContext, slot: 'a' | 'b'): string {
  const route = `httproute/${context.rollout.namespace}/${context.apex.name}`
  return `envoy_cluster_name=~"${route}/(${places[slot].join('|')})"`
}

/** Where every request failed there is no series of successes, so zero times the total stands in for it. */
function successRate(cluster: string, window: string): string {
  const rate = (matchers: string) => `sum(rate(envoy_cluster_upstream_rq{${matchers}}[${window}]))`
  return `100 * (${rate(`${cluster},${succeeded}`)} or 0 * ${rate(cluster)}) / ${rate(cluster)}`
}

function durationQuantile(cluster: string, window: string, quantile: number): string {
  const buckets = `rate(envoy_cluster_upstream_rq_time_bucket{${cluster}}[${window}])`
  return `histogram_quantile(${quantile}, sum by (le) (${buckets}))`
}
