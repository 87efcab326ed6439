// Hosts that two VirtualServices claim. In the mesh Istio obeys one of them, and says nothing; the other's rules, weights
// among them, have no effect.
import type {KubeObject} from '../../crds/meta.ts'
import {describe} from '../shared/own.ts'
import type {MeshContext, MeshProblem} from '../types.ts'
import {usersRoutes} from './claims.ts'
import {apexHost, isExported, istioOf, routeHosts, stringsOf, userGateways} from './context.ts'
import {coversHost, meshGateway, resolveGateway, resolveHost, serviceNames} from './hosts.ts'

/** What stands in the way of the hosts of Fairlead's route, or of the user's that carries the weights. */
export function hostProblems(context: MeshContext, routes: readonly KubeObject[]): MeshProblem[] {
  const {virtualService, delegate} = istioOf(context)
  if (!virtualService && !delegate) {
    return [...overlappingHosts(context), ...routes.flatMap(route => hostConflict(context, route))]
  }
  return usersRoutes(context, routes).flatMap(route =>
    routes.filter(other => other !== route).flatMap(other => meshConflict(context, route, other)),
  )
}

/** Another VirtualService that claims a host of the user's in the mesh. At a gateway Istio merges the two. */
function meshConflict(context: MeshContext, route: KubeObject, other: KubeObject): MeshProblem[] {
  if (!isExported(other) || ![route, other].every(one => gatewaysOf(one).includes(meshGateway))) return []
  const hosts = hostsOf(route)
  const host = hostsOf(other).find(
    one => hosts.includes(one) || (hosts.includes(apexHost(context)) && takesApex(context, one)),
  )
  if (host === undefined) return []
  return [
    {
      reason: 'HostConflict',
      object: describe(other),
      field: 'spec.hosts',
      problem: `it claims ${host} on gateway ${meshGateway}, as ${describe(route)} does, which carries the weights, and Istio obeys only one of them`,
      fix: `remove ${host} from it, or move its rules into ${describe(route)}`,
    },
  ]
}

/** The hosts of a VirtualService, as Istio resolves them. */
function hostsOf(route: KubeObject): string[] {
  return stringsOf(route.spec?.hosts).map(host => resolveHost(host, route.metadata.namespace ?? ''))
}

/** Istio's own validation refuses a VirtualService with such hosts. */
function overlappingHosts(context: MeshContext): MeshProblem[] {
  const hosts = routeHosts(context)
  const found = (problem: string, fix: string): MeshProblem => ({
    reason: 'InvalidHosts',
    object: `Rollout ${context.rollout.namespace}/${context.rollout.name}`,
    field: 'spec.traffic.istio.hosts',
    problem,
    fix,
  })
  if (hosts.includes('*')) {
    return [found('the host * is not allowed on the mesh gateway, which is always added', 'name the hosts one by one')]
  }
  return istioOf(context).hosts.flatMap(pattern => {
    const covered = hosts.find(host => host !== pattern && pattern.startsWith('*') && coversHost(pattern, host))
    return covered
      ? [found(`${pattern} covers ${covered}, and Istio refuses both in one VirtualService`, 'remove one of them')]
      : []
  })
}

/**
 * A VirtualService that claims one of our hosts where we claim it. One that is exported to some namespaces only counts
 * too: callers there would obey it and miss the release.
 */
function hostConflict(context: MeshContext, route: KubeObject): MeshProblem[] {
  if (!isExported(route) || isRoute(context, route)) return []
  const {namespace = ''} = route.metadata
  const theirs = new Set(gatewaysOf(route).map(gateway => resolveGateway(gateway, namespace)))
  const ours = [meshGateway, ...userGateways(context)]
  const shared = ours.filter(gateway => theirs.has(resolveGateway(gateway, context.rollout.namespace)))
  const host = stringsOf(route.spec?.hosts).find(one =>
    shared.some(gateway => clashes(context, resolveHost(one, namespace), gateway)),
  )
  if (host === undefined) return []
  return [
    {
      reason: 'HostConflict',
      object: describe(route),
      field: 'spec.hosts',
      problem: `it claims ${host} on gateway ${shared.join(', ')}, as this Rollout does, and Istio obeys only one of them`,
      fix: `remove ${host} from it, or delete it; hosts and gateways of this Service belong in spec.traffic.istio of the Rollout`,
    },
  ]
}

/**
 * Whether a host of theirs takes traffic of ours on a gateway that both use. On a real gateway the more specific host
 * wins, so a wildcard beside ours does no harm; in the mesh it takes the Service itself.
 */
function clashes(context: MeshContext, host: string, gateway: string): boolean {
  const {namespace} = context.rollout
  const hosts = routeHosts(context).map(one => resolveHost(one, namespace))
  if (hosts.includes(host)) return true
  return gateway === meshGateway && takesApex(context, host)
}

/** Whether a host takes requests to the apex Service in the mesh, by whichever of its names. */
function takesApex(context: MeshContext, host: string): boolean {
  return (
    serviceNames(context.apex.name, context.rollout.namespace).includes(host) || coversHost(host, apexHost(context))
  )
}

function isRoute(context: MeshContext, route: KubeObject): boolean {
  // One under our name that isn't ours is reported as foreign, once.
  return route.metadata.namespace === context.rollout.namespace && route.metadata.name === context.apex.name
}

function gatewaysOf(route: KubeObject): string[] {
  const gateways = stringsOf(route.spec?.gateways)
  return gateways.length > 0 ? gateways : [meshGateway]
}
