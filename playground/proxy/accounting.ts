// How each mesh counts a request that has ended.
import type {RequestMetrics} from './metrics.ts'
import type {Counting} from './route-types.ts'

type Labels = Readonly<Record<string, string>>

/** One request, as it ended. */
interface EndedRequest {
  /** Full name of the Service that it was sent to. */
  host: string
  service: {name: string; namespace: string}
  /** Workload of the pod that it reached, if any. */
  workload?: string
  sourceWorkload: string
  /** What the client saw; 0 when it hung up first. */
  status: string
  /** Envoy's response flags; `-` for none. */
  flags: string
  reached: boolean
  durationMilliseconds: number
}

/** Counts a request as the mesh of its route does; as Istio does where no route says otherwise. */
export function countRequest(metrics: RequestMetrics, ended: EndedRequest, counted: Counting | undefined): void {
  if (counted?.by === 'envoyGateway') return countByEnvoyGateway(metrics, ended, counted.cluster)
  if (counted?.by === 'linkerd') return countByLinkerd(metrics, ended, counted.route)
  countByIstio(metrics, ended)
}

/** As its caller's sidecar reports it, and as its destination's does where the request got there. */
function countByIstio(metrics: RequestMetrics, ended: EndedRequest): void {
  const {host, service, workload, status, flags, durationMilliseconds} = ended
  const labels: Labels = {
    reporter: 'source',
    source_workload: ended.sourceWorkload,
    destination_workload: workload ?? 'unknown',
    destination_workload_namespace: workload === undefined ? 'unknown' : service.namespace,
    destination_service: host,
    destination_service_name: service.name,
    destination_service_namespace: service.namespace,
    response_code: status,
    response_flags: flags,
    request_protocol: 'http',
    grpc_response_status: '',
    connection_security_policy: 'unknown',
  }
  const pods: Labels = {...labels, reporter: 'destination', connection_security_policy: 'none'}
  for (const one of ended.reached ? [labels, pods] : [labels]) {
    metrics.count('istio_requests_total', one)
    metrics.observe('istio_request_duration_milliseconds', one, durationMilliseconds)
  }
}

/** A client that hung up is counted nowhere, and the durations are those of whole answers. */
function countByEnvoyGateway(metrics: RequestMetrics, ended: EndedRequest, cluster: string): void {
  const {status, flags, durationMilliseconds} = ended
  if (status === '0') return
  const labels = {envoy_cluster_name: cluster}
  metrics.count('envoy_cluster_upstream_rq', {envoy_response_code: status, ...labels})
  if (flags === '-') metrics.observe('envoy_cluster_upstream_rq_time', labels, durationMilliseconds)
}

/** By the caller's proxy, and by the pod's where the request got there. A caller that left is counted nowhere. */
function countByLinkerd(metrics: RequestMetrics, ended: EndedRequest, route: Labels): void {
  const {status, flags, service, workload, durationMilliseconds} = ended
  if (status === '0') return
  const outcome = flags === '-' ? {http_status: status, error: ''} : {http_status: '', error: 'FAIL_FAST'}
  metrics.count('outbound_http_route_backend_response_statuses_total', {...route, ...outcome})
  metrics.observe('outbound_http_route_backend_response_duration_seconds', route, durationMilliseconds)
  if (!ended.reached || workload === undefined) return
  const pod = {direction: 'inbound', namespace: service.namespace, deployment: workload, tls: 'true'}
  const classification = status.startsWith('5') ? 'failure' : 'success'
  metrics.count('response_total', {...pod, classification, status_code: status})
  metrics.observe('response_latency_ms', pod, durationMilliseconds)
}
