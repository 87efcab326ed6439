// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import type {Mesh, MeshContext} from '../types.ts'
import {gatewayOf, routeKind} from './context.ts'

const noCallers = 'a gateway does not know the workloads that call it'
const noPolicy = 'the Gateway API has no object for it, only extensions of single implementations'

export const features: Mesh['features'] = {
  matchHeaders: {works: true, how: 'matches of the rule that leads to one slot alone'},
  matchCookies: {works: true, how: 'a regular expression on the Cookie header'},
  matchQueryParams: {works: true, how: 'matches of the rule that leads to one slot alone; not for a GRPCRoute'},
  matchSourceLabels: {works: false, why: noCallers},
  matchSourceNamespace: {works: false, why: noCallers},
  matchSourceRegion: {works: false, why: noCallers},
  mirror: {works: true, how: 'RequestMirror; a share below 100 needs Gateway API 1.3 or later'},
  sticky: {
    works: true,
    how: 'Set-Cookie by a ResponseHeaderModifier of the backend, and matches on the Cookie header; not for a GRPCRoute',
  },
  borrowedRoute: {works: true, how: 'spec.traffic.gatewayAPI.route; checks need queries of their own then'},
  grpc: {works: true, how: 'GRPCRoute, where the port has appProtocol grpc'},
  tcp: {works: false, why: 'TCPRoute is not in the standard channel of the Gateway API'},
  gateways: {works: true, how: 'parentRefs of kind Gateway'},
  insideCallers: {
    works: true,
    how: 'parentRefs of kind Service (GAMMA), where the implementation has it; checks need queries of their own then',
  },
  baseline: {works: false, why: "Envoy Gateway's metrics know Services, not workloads"},
  comparison: {
    works: true,
    how: "Envoy Gateway's metrics; with other implementations checks need queries of their own",
  },
  circuitBreaker: {works: false, why: noPolicy},
  rateLimit: {works: false, why: noPolicy},
  faults: {works: false, why: noPolicy},
  plaintextGate: {works: false, why: "Envoy Gateway's metrics do not say how a request came"},
}

/**
 * What a GRPCRoute takes away: its matches are methods and headers, and its clients keep no cookies. And what a borrowed
 * route does: Envoy Gateway counts by the places of rules and backends, which are the user's there.
 */
export function limits(context: MeshContext): ReturnType<NonNullable<Mesh['limits']>> {
  if (gatewayOf(context).route) {
    const why = 'in a route of yours Fairlead changes weights alone'
    const counts =
      "Envoy Gateway names its metrics by the places of a route's rules and backends, and this route is yours"
    return {
      matchHeaders: {works: false, why},
      matchCookies: {works: false, why},
      matchQueryParams: {works: false, why},
      mirror: {works: false, why},
      sticky: {works: false, why},
      comparison: {works: false, why: counts},
    }
  }
  if (routeKind(context) === 'HTTPRoute') return {}
  const why = 'the Service speaks gRPC: a GRPCRoute matches headers alone, and its clients keep no cookies'
  return {matchQueryParams: {works: false, why}, matchCookies: {works: false, why}, sticky: {works: false, why}}
}
