// What stands in the way of moving traffic with the Gateway API. Of two routes that take the same requests the older one
// gets them, and neither's status says so: every such pair is refused before a release starts.
import type {KubeObject} from '../../crds/meta.ts'
import {borrowedProblems, chosenRules} from '../shared/borrowed-routes.ts'
import {listOf} from '../shared/json.ts'
import {describe, foreignRoute, isOwn} from '../shared/own.ts'
import {unusablePort} from '../shared/ports.ts'
import {unwritableMatches} from '../shared/route-matches.ts'
import {requestsOf} from '../shared/routes.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {
  describeParent,
  fullParent,
  gatewayGroup,
  gatewayOf,
  hostnamesOf,
  hostsOf,
  liveRoute,
  objectsOf,
  type Parent,
  type ParentRef,
  parentsOf,
  routeKind,
  routeName,
  sameObject,
} from './context.ts'
import {statusFindings} from './status.ts'

const foreignFix =
  'delete it and drop it from Git; its hostnames and parentRefs belong in spec.traffic.gatewayAPI of the Rollout'

const unroutable = {
  problem: 'it has no port that speaks HTTP without TLS, and a route leads to nothing else',
  fix: 'add a TCP port whose appProtocol or name starts with http, grpc or ws, or correct the one that misleads',
}

/** Problems that are reported at a time. */
const maximumProblems = 20

/** Every reason why traffic must not be moved, the Rollout's own first. */
export function problems(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const {route: borrowing} = gatewayOf(context)
  const own = borrowing
    ? borrowedProblems(context, borrowing, objects, 'spec.traffic.gatewayAPI.route')
    : [
        ...unusablePort(context, gatewayOf(context).port, 'spec.traffic.gatewayAPI.port', unroutable),
        ...unwritableMatches(context, routeKind(context)),
        ...foreignRoute(context, liveRoute(context, objects), foreignFix),
      ]
  return [
    ...own,
    ...missingGateways(context, objects),
    ...refusals(context, objects),
    ...[...objectsOf(objects, 'HTTPRoute'), ...objectsOf(objects, 'GRPCRoute')].flatMap(route =>
      hostConflict(context, route, objects),
    ),
  ].slice(0, maximumProblems)
}

/** A Gateway that isn't there. Where the controller sees one namespace only, those of others can't be known. */
function missingGateways(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const visible = (namespace: string) => (context.visibleNamespace ?? namespace) === namespace
  const gateways = objectsOf(objects, 'Gateway')
  return parentsOf(context, objects)
    .filter(({group, kind, namespace}) => group === gatewayGroup && kind === 'Gateway' && visible(namespace))
    .filter(({namespace, name}) => {
      return !gateways.some(({metadata}) => metadata.namespace === namespace && metadata.name === name)
    })
    .map(({namespace, name}) => ({
      reason: 'GatewayNotFound',
      object: `Gateway ${namespace}/${name}`,
      field: 'metadata.name',
      problem: 'spec.traffic.gatewayAPI.parentRefs of the Rollout names it, and there is none',
      fix: 'create it, or name another in parentRefs',
    }))
}

/**
 * What the controllers of our parents refuse. A Service that was not found is left out: the slots' Services are written
 * just before the route, and a controller may see them after it.
 */
function refusals(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const live = liveRoute(context, objects)
  if (!live || !(gatewayOf(context).route || isOwn(context, live))) return []
  return statusFindings(context, objects)
    .filter(({refused, problem}) => refused && !problem.includes('BackendNotFound'))
    .map(({refused: _refused, ...problem}) => problem)
}

/**
 * Another route that takes the same requests of one of our hosts at one of our parents: every one, or those that meet a
 * match of a borrowed rule. One that takes certain paths only is none of our business: sharing out a host by path is what
 * people use routes for.
 */
function hostConflict(context: MeshContext, route: KubeObject, objects: MeshObjects): MeshProblem[] {
  const {namespace = '', name} = route.metadata
  if (namespace === context.rollout.namespace && name === routeName(context) && route.kind === routeKind(context))
    return []
  const theirs = listOf(route.spec?.parentRefs).map(ref => fullParent(ref as ParentRef, namespace))
  const parent = parentsOf(context, objects).find(ours => theirs.some(one => overlaps(ours, one)))
  const host = sharedHost(hostsOf(context, objects), hostnamesOf(route))
  const requests = ourRequests(context, objects)
  const competes = listOf(route.spec?.rules)
    .flatMap(requestsOf)
    .some(one => requests.includes(one))
  if (!parent || host === undefined || !competes) return []
  const {route: borrowing} = gatewayOf(context)
  const whose = borrowing
    ? `${routeKind(context)} ${context.rollout.namespace}/${borrowing.name} does, which carries the weights`
    : 'this Rollout does'
  return [
    {
      reason: 'HostConflict',
      object: describe(route),
      field: 'spec.hostnames',
      problem: `it takes ${borrowing ? 'the same requests' : 'every request'} of ${host} at ${describeParent(parent)}, as ${whose}, and only one of them gets them`,
      fix: 'delete it, or give it other hostnames or narrower matches',
    },
  ]
}

/** What the rules with the weights take: everything, or what the user's rules do where they are borrowed. */
function ourRequests(context: MeshContext, objects: MeshObjects): string[] {
  const {route: borrowing} = gatewayOf(context)
  if (!borrowing) return requestsOf({})
  const live = liveRoute(context, objects)
  return live ? chosenRules(context, borrowing, live).flatMap(({rule}) => requestsOf(rule)) : []
}

/** Whether two references share a listener. */
function overlaps(left: Parent, right: Parent): boolean {
  const agree = (one: unknown, other: unknown) => one === undefined || other === undefined || one === other
  return sameObject(left, right) && agree(left.sectionName, right.sectionName) && agree(left.port, right.port)
}

/** A host that both routes name. A route without hosts stands for every host, and loses to one that names it. */
function sharedHost(ours: readonly string[], theirs: readonly string[]): string | undefined {
  if (ours.length === 0 && theirs.length === 0) return 'every host'
  return ours.find(host => theirs.includes(host))
}
