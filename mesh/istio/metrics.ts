// Queries over Istio's standard metrics: https://istio.io/latest/docs/reference/config/metrics/
import type {MeshContext, MetricQuery, MetricQueryRequest} from '../types.ts'

type Side = MetricQuery['side']

/** The callers' side first: only it sees requests that never reached a pod. */
const sides: readonly Side[] = ['caller', 'destination']

/**
 * gRPC status codes that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and
 * DATA_LOSS. Those that OpenTelemetry's semantic conventions for gRPC count as errors of a server span; the others
 * (NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED, …) are answers to a bad request, as 4xx is. They arrive under HTTP
 * status 200. Codes: https://grpc.io/docs/guides/status-codes/
 */
const failedGrpcStatus = '2|4|12|13|14|15'

/** Envoy reports 0 when the client hung up before there was an answer: neither a success nor a failure. */
const hungUp = 'response_code!="0"'
const succeeded = `response_code!~"0|5..",grpc_response_status!~"${failedGrpcStatus}"`
const failedByHttp = 'response_code=~"5.."'
const failedByGrpc = `response_code!~"0|5..",grpc_response_status=~"${failedGrpcStatus}"`

/**
 * One query per side, each with at most one series.
 * - `requestSuccessRate`: percent of the requests that were answered without a 5xx or a failed gRPC status, without those
 *   whose client hung up. 0 when all failed; NaN or no series without requests.
 * - `requestDuration`: milliseconds at the quantile, over all requests: what a client waited before it hung up counts,
 *   else a version that is too slow would look fast. Bucket bounds come from `le`.
 * @throws RangeError when the window isn't a PromQL duration or the quantile isn't between 0 and 1.
 */
export function metricQueries(context: MeshContext, request: MetricQueryRequest): MetricQuery[] {
  const {metric, slot, window, quantile} = request
  if (!/^([0-9]+(ms|[smhdwy]))+$/.test(window)) {
    throw new RangeError(`window "${window}" is not a PromQL duration: write one such as 60s`)
  }
  if (!(quantile > 0 && quantile < 1)) throw new RangeError(`quantile ${quantile} is not between 0 and 1`)
  return sides.map(side => {
    const selector = selectorOf(context, slot, side)
    const query =
      metric === 'requestSuccessRate' ? successRate(selector, window) : durationQuantile(selector, window, quantile)
    return {side, query}
  })
}

/** Raw counters of a slot's requests and of the failed ones among them, series by series; without hung-up requests. */
export function requestCounters(context: MeshContext, slot: 'a' | 'b'): {side: Side; total: string; failed: string}[] {
  return sides.map(side => {
    const requests = (matchers: string) => `istio_requests_total{${selectorOf(context, slot, side)},${matchers}}`
    return {side, total: requests(hungUp), failed: `${requests(failedByHttp)} or ${requests(failedByGrpc)}`}
  })
}

function selectorOf(context: MeshContext, slot: 'a' | 'b', side: Side): string {
  const name = context.slots[slot]
  const {namespace} = context.rollout
  return side === 'caller'
    ? `reporter="source",destination_service_namespace="${namespace}",destination_service_name="${name}"`
    : `reporter="destination",destination_workload_namespace="${namespace}",destination_workload="${name}"`
}

/** Where every request failed there is no series of successes, so zero times the total stands in for it. */
function successRate(selector: string, window: string): string {
  const rate = (matchers: string) => `sum(rate(istio_requests_total{${selector},${matchers}}[${window}]))`
  return `100 * (${rate(succeeded)} or 0 * ${rate(hungUp)}) / ${rate(hungUp)}`
}

function durationQuantile(selector: string, window: string, quantile: number): string {
  const buckets = `rate(istio_request_duration_milliseconds_bucket{${selector}}[${window}])`
  return `histogram_quantile(${quantile}, sum by (le) (${buckets}))`
}
