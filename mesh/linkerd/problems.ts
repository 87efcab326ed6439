// What stands in the way of moving traffic with Linkerd. Routes and profiles in the namespaces of callers hold for those
// callers alone: they are left to them, for else anybody could stop anybody's releases.
import type {KubeObject} from '../../crds/meta.ts'
import {borrowedProblems} from '../shared/borrowed-routes.ts'
import {listOf} from '../shared/json.ts'
import {describe, foreignRoute, isOwn} from '../shared/own.ts'
import {unusablePort} from '../shared/ports.ts'
import {unwritableMatches} from '../shared/route-matches.ts'
import {takesEverything} from '../shared/routes.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {isApex, isRoute, linkerdOf, liveRoute, objectsOf, parentServices, routeKind} from './context.ts'
import {statusFinding} from './status.ts'
import {unreadFields} from './unread-fields.ts'

const foreignFix = 'delete it and drop it from Git'

const unroutable = {
  problem: 'it has no port that speaks HTTP or gRPC without TLS of its own, and Linkerd routes nothing else by weight',
  fix: 'add a TCP port whose appProtocol is http or grpc, or correct the one that misleads',
}

/** Problems that are reported at a time. */
const maximumProblems = 20

/** Every reason why traffic must not be moved, the Rollout's own first. */
export function problems(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const {route: borrowing} = linkerdOf(context)
  const live = liveRoute(context, objects)
  return [
    ...unusablePort(context, linkerdOf(context).port, 'spec.traffic.linkerd.port', unroutable),
    ...unwritableMatches(context, routeKind(context)),
    ...(borrowing
      ? [
          ...borrowedProblems(context, borrowing, objects, 'spec.traffic.linkerd.route'),
          ...(live ? unreadFields(context, live) : []),
        ]
      : foreignRoute(context, live, foreignFix)),
    ...refusal(context, objects),
    ...objectsOf(objects, 'ServiceProfile').flatMap(profile => overridingProfile(context, profile)),
    ...[...objectsOf(objects, 'HTTPRoute'), ...objectsOf(objects, 'GRPCRoute')].flatMap(route =>
      rivalRoute(context, route),
    ),
  ].slice(0, maximumProblems)
}

/**
 * What Linkerd refuses. A Service that was not found is left out: the slots' Services are written just before the route,
 * and Linkerd may see them after it.
 */
function refusal(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const live = liveRoute(context, objects)
  const found = live && (linkerdOf(context).route || isOwn(context, live)) ? statusFinding(context, objects) : undefined
  if (!found?.refused || found.problem.includes('BackendNotFound')) return []
  const {refused: _refused, ...problem} = found
  return [problem]
}

/**
 * A ServiceProfile of the apex Service with routes or overrides: the proxies then look at no route at all
 * (should_override_policy in linkerd2-proxy).
 */
function overridingProfile(context: MeshContext, profile: KubeObject): MeshProblem[] {
  const {rollout, apex} = context
  const {namespace, name} = profile.metadata
  if (namespace !== rollout.namespace || !name.startsWith(`${apex.name}.${rollout.namespace}.svc.`)) return []
  const field = ['routes', 'dstOverrides'].find(one => listOf(profile.spec?.[one]).length > 0)
  if (field === undefined) return []
  return [
    {
      reason: 'ServiceProfileOverrides',
      object: describe(profile),
      field: `spec.${field}`,
      problem: 'while it is there, Linkerd ignores every HTTPRoute and GRPCRoute of the apex Service',
      fix: 'delete it; retries and time-outs can be annotations of the Service: retry.linkerd.io, timeout.linkerd.io',
    },
  ]
}

/**
 * Another route of the apex Service in its own namespace that gets the requests: one of the same kind that takes all of
 * them, or any GRPCRoute beside our HTTPRoute, which Linkerd then refuses. One that takes certain paths only is none of our
 * business: sharing out a Service by path is what people use routes for.
 */
function rivalRoute(context: MeshContext, route: KubeObject): MeshProblem[] {
  const {namespace = ''} = route.metadata
  const ours = routeKind(context)
  if (namespace !== context.rollout.namespace || (route.kind === ours && isRoute(context, route))) return []
  if (!parentServices(route.spec?.parentRefs, namespace).some(parent => isApex(context, parent))) return []
  const wins = route.kind === ours ? listOf(route.spec?.rules).some(takesEverything) : route.kind === 'GRPCRoute'
  if (!wins) return []
  return [
    {
      reason: 'RouteConflict',
      object: describe(route),
      field: 'spec.parentRefs',
      problem: `it is for the same port of Service ${namespace}/${context.apex.name} as this Rollout's ${ours}, and Linkerd obeys one of them`,
      fix: 'delete it, or give it another port of the Service or narrower matches; a port with GRPCRoutes needs appProtocol grpc',
    },
  ]
}
