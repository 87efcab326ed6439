// Istio's standard metrics as raw counters: https://istio.io/latest/docs/reference/config/metrics/
import type {CounterFamily, MeshContext} from '../types.ts'

/**
 * gRPC status codes that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and
 * DATA_LOSS. Those that OpenTelemetry's semantic conventions for gRPC count as errors of a server span; the others
 * (NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED, …) are answers to a bad request, as 4xx is. They arrive under HTTP
 * status 200. Codes: https://grpc.io/docs/guides/status-codes/
 */
const failedGrpcStatuses = new Set(['2', '4', '12', '13', '14', '15'])

/** Envoy reports 0 when the client hung up before there was an answer. */
const hungUp = '0'

type Labels = Readonly<Record<string, string>>

function outcomeOf({
  response_code: code = '',
  grpc_response_status: grpc = '',
}: Labels): 'answered' | 'failed' | 'hungUp' {
  if (code === hungUp) return 'hungUp'
  return code.startsWith('5') || failedGrpcStatuses.has(grpc) ? 'failed' : 'answered'
}

const requests = {kind: 'requests', metrics: ['istio_requests_total'], outcomeOf, millisecondsPerBound: 1} as const
/** All durations count: what a client waited before it hung up too, else a version that is too slow would look fast. */
const durations = {
  ...requests,
  kind: 'durations',
  metrics: ['istio_request_duration_milliseconds_bucket'],
} as const

/** What callers' proxies report names the slot's Service; what the pods' own report names the workload. Both have one name. */
function keysOf(context: MeshContext, slot: 'a' | 'b'): string[][] {
  return [[context.rollout.namespace, context.slots[slot]]]
}

const caller = {
  side: 'caller',
  matchers: ['reporter="source"'],
  keyLabels: ['destination_service_namespace', 'destination_service_name'],
  keysOf,
} as const
const destination = {
  side: 'destination',
  matchers: ['reporter="destination"'],
  keyLabels: ['destination_workload_namespace', 'destination_workload'],
  keysOf,
} as const

/** The callers' side first: only it sees requests that never reached a pod. */
export const counters: readonly CounterFamily[] = [
  {...caller, ...requests},
  {...caller, ...durations},
  {...destination, ...requests},
  {...destination, ...durations},
]
