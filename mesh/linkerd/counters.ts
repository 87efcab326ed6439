// Metrics of Linkerd's proxies as raw counters: https://linkerd.io/2/reference/proxy-metrics/. What the labels hold was read
// in linkerd/linkerd2-proxy: app/outbound/src/http/logical/policy/route/metrics/labels.rs, http/prom/src/record_response.rs,
// app/core/src/classify.rs and http/metrics/src/requests/service.rs.
import type {CounterFamily, MeshContext} from '../types.ts'

type Labels = Readonly<Record<string, string>>
type Outcome = ReturnType<CounterFamily['outcomeOf']>

/**
 * gRPC statuses that are the server's fault, as the callers' proxies write them and as the pods' own do: those that
 * OpenTelemetry's semantic conventions for gRPC count as errors of a server span.
 */
const failedGrpcStatuses = new Set([
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
  ...['2', '4', '12', '13', '14', '15'],
])

const httpStatus = /^[1-9][0-9]{2}$/

/**
 * A named error is a failure: no ready endpoint in time (FAIL_FAST), a time-out, a reset, a connection that broke. The error
 * UNKNOWN is one too where no HTTP status came before it. After one, it is the name for a caller that left in the middle of
 * the body; a caller that left earlier is counted nowhere. A gRPC stream that its caller left and one whose pod died look the
 * same, and count as failed. What has neither status nor error can't be read, and is left out like a caller that left.
 */
function callerOutcome({http_status: http, grpc_status: grpc, error = ''}: Labels): Outcome {
  if (grpc !== undefined) return error !== '' || failedGrpcStatuses.has(grpc) ? 'failed' : 'answered'
  const answered = http !== undefined && httpStatus.test(http)
  if (answered && http.startsWith('5')) return 'failed'
  if (error !== '') return answered && error === 'UNKNOWN' ? 'hungUp' : 'failed'
  return answered ? 'answered' : 'hungUp'
}

/**
 * By Linkerd's own classification, and by our list of gRPC statuses, which has UNIMPLEMENTED besides. A caller that left in
 * the middle of the body counts as answered there, one that left earlier nowhere.
 */
function destinationOutcome({classification, status_code: http = '', grpc_status: grpc = ''}: Labels): Outcome {
  if (classification === 'failure' || failedGrpcStatuses.has(grpc)) return 'failed'
  if (httpStatus.test(http)) return http.startsWith('5') ? 'failed' : 'answered'
  return 'hungUp'
}

/** `tls` is `true` for mutual TLS by Linkerd; else it says why there was none, such as `no_identity` or `loopback`. */
function isPlaintext({tls}: Labels): boolean | undefined {
  return tls === undefined || tls === '' ? undefined : tls !== 'true'
}

/** The Service of a slot is the callers' backend, and its pods' Deployment is named alike. */
function keysOf({rollout, slots}: MeshContext, slot: 'a' | 'b'): string[][] {
  return [[rollout.namespace, slots[slot]]]
}

/**
 * Every try counts, to whichever slot it went. A port has HTTP or gRPC routes, never both, so no request is in two metrics.
 * What a proxy makes up where no route is has the kind `default`, and is named after no Service.
 */
const caller = {
  side: 'caller',
  matchers: ['backend_kind="Service"'],
  keyLabels: ['backend_namespace', 'backend_name'],
  keysOf,
} as const
/** Without probes, and without what asks the proxy itself at its own port. */
const destination = {
  side: 'destination',
  matchers: ['direction="inbound"', 'route_name!="probe"', 'srv_port!="4191"'],
  keyLabels: ['namespace', 'deployment'],
  keysOf,
} as const

/** The callers' side first: only it sees requests that never reached a pod. */
export const counters: readonly CounterFamily[] = [
  {
    ...caller,
    kind: 'requests',
    metrics: [
      'outbound_http_route_backend_response_statuses_total',
      'outbound_grpc_route_backend_response_statuses_total',
    ],
    outcomeOf: callerOutcome,
    millisecondsPerBound: 1,
  },
  {
    // From the end of the request to the end of the response, in seconds, over all responses: the labels name no status.
    ...caller,
    kind: 'durations',
    metrics: [
      'outbound_http_route_backend_response_duration_seconds_bucket',
      'outbound_grpc_route_backend_response_duration_seconds_bucket',
    ],
    outcomeOf: () => 'answered',
    millisecondsPerBound: 1000,
  },
  {
    ...destination,
    kind: 'requests',
    metrics: ['response_total'],
    outcomeOf: destinationOutcome,
    isPlaintext,
    millisecondsPerBound: 1,
  },
  {
    // Until the first byte of the body, in milliseconds.
    ...destination,
    kind: 'durations',
    metrics: ['response_latency_ms_bucket'],
    outcomeOf: () => 'answered',
    millisecondsPerBound: 1,
  },
]
