// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import {failsAs200, saysGrpc} from '../shared/ports.ts'
import type {Limits, Mesh, MeshContext} from '../types.ts'
import {linkerdOf, routeKind} from './context.ts'

const noMirror = 'Linkerd has no mirroring: its routes refuse the filter RequestMirror'
const noCallers = 'a route of the Service holds for every meshed caller alike'

export const features: Mesh['features'] = {
  matchHeaders: {works: true, how: 'a rule that leads to one slot alone'},
  matchCookies: {works: true, how: 'a regular expression on the Cookie header; not for a GRPCRoute'},
  matchQueryParams: {works: true, how: 'a rule that leads to one slot alone; not for a GRPCRoute'},
  matchSourceLabels: {works: false, why: noCallers},
  matchSourceNamespace: {works: false, why: noCallers},
  matchSourceRegion: {works: false, why: noCallers},
  mirror: {works: false, why: noMirror},
  mirrorPercent: {works: false, why: noMirror},
  sticky: {
    works: false,
    why: "nothing in Linkerd's routes sets a cookie by the backend that answered, so a user would not stay with a version",
  },
  borrowedRoute: {works: true, how: 'spec.traffic.linkerd.route, whose parent is the Service'},
  grpc: {works: true, how: 'GRPCRoute, where the port has appProtocol grpc'},
  tcp: {works: false, why: 'Fairlead does not write the TCPRoutes of Linkerd'},
  gateways: {
    works: false,
    why: "Linkerd has no gateway for the callers outside: a meshed one, such as ingress-nginx, obeys the Service's route",
  },
  insideCallers: {works: true, how: 'HTTPRoute with the Service as parent'},
  baseline: {works: false, why: "Linkerd's metrics of a route know its backends, not their workloads"},
  comparison: {works: true, how: 'metrics of the proxies'},
  previewMetrics: {works: true, how: "the pods' proxies count whoever calls them"},
  circuitBreaker: {
    works: false,
    why: "Linkerd reads failure accrual from the Service that callers name, so a breaker can't hold for the canary alone",
  },
  rateLimit: {
    works: false,
    why: 'HTTPLocalRateLimitPolicy needs a Server, which refuses whatever no policy of yours admits',
  },
  faults: {works: false, why: 'Linkerd injects faults by a backend of your own that fails, not by its proxies'},
  plaintextGate: {works: true, how: "label tls of response_total, as the canary's proxies report it"},
}

/**
 * What a borrowed route takes away, and a GRPCRoute: its matches are methods and headers, its clients keep no cookies. An
 * HTTPRoute's metrics have HTTP statuses alone, under which gRPC fails as 200.
 */
export function limits(context: MeshContext): Limits {
  const {route, port} = linkerdOf(context)
  const blind: Limits =
    routeKind(context) === 'HTTPRoute' && saysGrpc(context.apex.ports, port) ? {comparison: failsAs200} : {}
  if (route) {
    const why = 'in a route of yours Fairlead changes weights alone'
    return {
      matchHeaders: {works: false, why},
      matchCookies: {works: false, why},
      matchQueryParams: {works: false, why},
      ...blind,
    }
  }
  if (routeKind(context) === 'HTTPRoute') return blind
  const why = 'the Service speaks gRPC: a GRPCRoute matches headers alone, and its clients keep no cookies'
  return {matchQueryParams: {works: false, why}, matchCookies: {works: false, why}}
}
