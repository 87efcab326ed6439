// Istio's standard metrics as raw counters: https://istio.io/latest/docs/reference/config/metrics/
import type {CounterFamily, MeshContext} from '../types.ts'
import {istioOf} from './context.ts'

/**
 * gRPC status codes that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and
 * DATA_LOSS. Those that OpenTelemetry's semantic conventions for gRPC count as errors of a server span; the others
 * (NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED, …) are answers to a bad request, as 4xx is. They arrive under HTTP
 * status 200. Codes: https://grpc.io/docs/guides/status-codes/
 */
const failedGrpcStatuses = new Set(['2', '4', '12', '13', '14', '15'])

/** What an HTTP status looks like. Envoy reports 0 when the client hung up before there was an answer. */
const httpStatus = /^[1-9][0-9]{2}$/

type Labels = Readonly<Record<string, string>>

/**
 * Envoy's own refusals have a status too: no healthy endpoint, a reset and an overflow 503, a time-out 504. Without a status,
 * as after a Telemetry object that removes response_code, nobody can tell good from bad: such requests are left out, like
 * those of clients that hung up, so that they make no verdict.
 */
function outcomeOf({
  response_code: code = '',
  grpc_response_status: grpc = '',
}: Labels): 'answered' | 'failed' | 'hungUp' {
  if (!httpStatus.test(code)) return 'hungUp'
  return code.startsWith('5') || failedGrpcStatuses.has(grpc) ? 'failed' : 'answered'
}

/** Known to the pods' sidecars and to waypoints alone; callers' sidecars say `unknown`. */
function isPlaintext({connection_security_policy: policy}: Labels): boolean | undefined {
  if (policy === 'none') return true
  return policy === 'mutual_tls' ? false : undefined
}

const requests = {
  kind: 'requests',
  metrics: ['istio_requests_total'],
  outcomeOf,
  isPlaintext,
  millisecondsPerBound: 1,
} as const
/** All durations count: what a client waited before it hung up too, else a version that is too slow would look fast. */
const durations = {
  ...requests,
  kind: 'durations',
  metrics: ['istio_request_duration_milliseconds_bucket'],
} as const

/** What callers' proxies report names the slot's Service; what the pods' own report names the workload. Both have one name. */
function keyOf(context: MeshContext, slot: 'a' | 'b'): string[] {
  return [context.rollout.namespace, context.slots[slot]]
}

/**
 * Sidecars and gateways; in the ambient data plane the Service's waypoint. A sidecar, and a gateway that is told to
 * (istio.io/ingress-use-waypoint), sends requests through the waypoint and reports them as well: both together would count
 * one request twice (findServiceWaypoint in istio/istio, pilot/pkg/xds/endpoints).
 */
const caller = {
  side: 'caller',
  matchers: [],
  keyLabels: ['reporter', 'destination_service_namespace', 'destination_service_name'],
  keysOf: (context: MeshContext, slot: 'a' | 'b') => [
    [istioOf(context).dataPlane === 'ambient' ? 'waypoint' : 'source', ...keyOf(context, slot)],
  ],
  workloadLabel: 'destination_workload',
} as const
const destination = {
  side: 'destination',
  matchers: ['reporter="destination"'],
  keyLabels: ['destination_workload_namespace', 'destination_workload'],
  keysOf: (context: MeshContext, slot: 'a' | 'b') => [keyOf(context, slot)],
  baselineKey: ({rollout, baseline}: MeshContext) =>
    baseline === undefined ? undefined : [rollout.namespace, baseline],
} as const

/** The callers' side first: only it sees requests that never reached a pod. */
export const counters: readonly CounterFamily[] = [
  {...caller, ...requests},
  {...caller, ...durations},
  {...destination, ...requests},
  {...destination, ...durations},
]
