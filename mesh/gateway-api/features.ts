// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import {failsAs200, saysGrpc} from '../shared/ports.ts'
import type {Feature, Limits, Mesh, MeshContext, MeshObjects} from '../types.ts'
import {gatewayOf, routeKind} from './context.ts'
import {type ExtendedFeature, lacking, uncounted} from './implementation.ts'

const noCallers = 'a gateway does not know the workloads that call it'
const noPolicy = 'the Gateway API has no object for it, only extensions of single implementations'

export const features: Mesh['features'] = {
  matchHeaders: {works: true, how: 'matches of the rule that leads to one slot alone'},
  matchCookies: {works: true, how: 'a regular expression on the Cookie header'},
  matchQueryParams: {works: true, how: 'matches of the rule that leads to one slot alone; not for a GRPCRoute'},
  matchSourceLabels: {works: false, why: noCallers},
  matchSourceNamespace: {works: false, why: noCallers},
  matchSourceRegion: {works: false, why: noCallers},
  mirror: {works: true, how: 'RequestMirror, where the implementation has it'},
  mirrorPercent: {
    works: true,
    how: 'percent of RequestMirror, where the implementation has it; Gateway API 1.3 or later',
  },
  sticky: {
    works: true,
    how: 'Set-Cookie by a ResponseHeaderModifier of the backend, where the implementation has such filters, and matches on the Cookie header; not for a GRPCRoute',
  },
  borrowedRoute: {works: true, how: 'spec.traffic.gatewayAPI.route; checks need queries of their own then'},
  grpc: {works: true, how: 'GRPCRoute, where the port has appProtocol grpc'},
  tcp: {works: false, why: 'Fairlead writes no TCPRoutes, which reached the standard channel with Gateway API 1.6'},
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
  previewMetrics: {works: false, why: 'requests to the preview Service pass no gateway, whose metrics these are'},
  circuitBreaker: {works: false, why: noPolicy},
  rateLimit: {works: false, why: noPolicy},
  faults: {works: false, why: noPolicy},
  plaintextGate: {works: false, why: "Envoy Gateway's metrics do not say how a request came"},
}

/**
 * What a borrowed route takes away, since Envoy Gateway counts by the places of rules and backends, which are the user's
 * there; else what a GRPCRoute does, and what nobody says that the implementation has.
 */
export function limits(context: MeshContext, objects: MeshObjects): Limits {
  return gatewayOf(context).route ? ofBorrowed : {...ofImplementation(context, objects), ...ofKind(context)}
}

const alone = 'in a route of yours Fairlead changes weights alone'
const ofBorrowed: Limits = {
  matchHeaders: {works: false, why: alone},
  matchCookies: {works: false, why: alone},
  matchQueryParams: {works: false, why: alone},
  mirror: {works: false, why: alone},
  mirrorPercent: {works: false, why: alone},
  sticky: {works: false, why: alone},
  comparison: {
    works: false,
    why: "Envoy Gateway names its metrics by the places of a route's rules and backends, and this route is yours",
    fix: 'give the check a query of its own (threshold.query, or a MetricTemplate)',
  },
}

/** Extended features of the API that a feature of Fairlead takes. */
const extended = {
  mirror: ['mirror'],
  mirrorPercent: ['mirror', 'mirrorPercent'],
  sticky: ['backendFilters', 'responseHeaders'],
  matchQueryParams: ['queryParams'],
} as const satisfies Partial<Record<Feature, readonly ExtendedFeature[]>>

function ofImplementation(context: MeshContext, objects: MeshObjects): Limits {
  const limited = Object.entries(extended).flatMap(([feature, needed]) => {
    const lack = lacking(context, objects, needed)
    return lack ? [[feature, {works: false, ...lack}] as const] : []
  })
  const blind = uncounted(context, objects)
  return {...Object.fromEntries(limited), ...(blind ? {comparison: {works: false, ...blind}} : {})}
}

/**
 * A GRPCRoute's matches are methods and headers, and its clients keep no cookies. An HTTPRoute counts by HTTP status, under
 * which gRPC fails as 200.
 */
function ofKind(context: MeshContext): Limits {
  if (routeKind(context) === 'HTTPRoute')
    return saysGrpc(context.apex.ports, gatewayOf(context).port) ? {comparison: failsAs200} : {}
  const why = 'the Service speaks gRPC: a GRPCRoute matches headers alone, and its clients keep no cookies'
  return {matchQueryParams: {works: false, why}, matchCookies: {works: false, why}, sticky: {works: false, why}}
}
