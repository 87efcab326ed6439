// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import type {Limits, Mesh, MeshContext} from '../types.ts'
import {istioOf} from './context.ts'
import {isGrpcAlone, routedPorts} from './ports.ts'

export const features: Mesh['features'] = {
  matchHeaders: {works: true, how: 'http rules before the one with the weights'},
  matchCookies: {works: true, how: 'a regular expression on the Cookie header'},
  matchQueryParams: {works: true, how: 'http rules before the one with the weights'},
  matchSourceLabels: {works: true, how: 'sourceLabels; sidecars and the gateways that the VirtualService names'},
  matchSourceNamespace: {works: true, how: 'sourceNamespace; sidecars and the gateways that the VirtualService names'},
  matchSourceRegion: {works: true, how: "sourceLabels, with the region that istiod knows of the caller's node"},
  mirror: {works: true, how: 'mirror'},
  mirrorPercent: {works: true, how: 'mirrorPercentage'},
  sticky: {works: true, how: 'Set-Cookie by the destination, and rules on the Cookie header'},
  borrowedRoute: {works: true, how: 'spec.traffic.istio.virtualService, or delegation to a VirtualService of Fairlead'},
  grpc: {works: true, how: 'HTTP routes'},
  tcp: {works: true, how: 'TCP routes, by weight alone'},
  gateways: {works: true, how: 'spec.traffic.istio.gateways'},
  insideCallers: {works: true, how: 'gateway mesh'},
  baseline: {works: true, how: 'the workload in the metrics'},
  comparison: {works: true, how: 'istio_requests_total'},
  previewMetrics: {works: true, how: "the pods' sidecars count whoever calls them"},
  circuitBreaker: {works: true, how: "connectionPool and outlierDetection in the DestinationRule of the canary's slot"},
  rateLimit: {works: true, how: "an EnvoyFilter on the canary's pods"},
  faults: {works: true, how: "an EnvoyFilter on the canary's pods, for its calls to the named Services"},
  plaintextGate: {works: true, how: "connection_security_policy, as the canary's sidecars or the waypoint report it"},
}

const ofRequests = ['matchHeaders', 'matchCookies', 'matchQueryParams', 'mirror', 'mirrorPercent', 'sticky'] as const
const ofMetrics = ['comparison', 'previewMetrics', 'plaintextGate'] as const
const ofCallers = ['matchSourceLabels', 'matchSourceNamespace', 'matchSourceRegion'] as const

/** What a borrowed route, a delegate, the ambient data plane or a Service without HTTP takes away. */
export function limits(context: MeshContext): Limits {
  const {virtualService, delegate, dataPlane} = istioOf(context)
  const without = (names: readonly (keyof Limits)[], why: string): Limits =>
    Object.fromEntries(names.map(name => [name, {works: false, why}]))
  return {
    ...(routedPorts(context.apex.ports).http.length === 0
      ? {
          ...without(
            [...ofRequests, ...ofCallers],
            'the Service has no HTTP port, and TCP connections are shared by weight alone',
          ),
          ...without(ofMetrics, 'the Service has no HTTP port, and the built-in metrics count HTTP and gRPC requests'),
          ...without(['rateLimit'], 'the Service has no HTTP port, and the limit is one of HTTP requests'),
        }
      : {}),
    ...(isGrpcAlone(context.apex.ports)
      ? without(
          ['sticky', 'matchCookies', 'matchQueryParams'],
          'the Service speaks gRPC, whose clients keep no cookies and whose paths have no query',
        )
      : {}),
    ...(delegate
      ? without(ofCallers, 'a rule that delegates may name gateways, and istiod ignores callers beside them')
      : {}),
    ...(dataPlane === 'ambient'
      ? {
          ...without(ofCallers, 'a waypoint stands before the Service and does not know its callers as sidecars do'),
          ...without(['rateLimit', 'faults'], 'EnvoyFilters do not reach ztunnel and waypoints'),
          ...without(
            ['previewMetrics'],
            'without sidecars nobody counts requests that pass no waypoint of the Service',
          ),
        }
      : {}),
    ...(virtualService
      ? without(
          [...ofRequests, ...ofCallers],
          'in a VirtualService of yours Fairlead changes weights alone; use spec.traffic.istio.delegate for more',
        )
      : {}),
  }
}
