// What stands in the way of moving traffic with Istio. istiod says nothing when two objects claim one host: it obeys one
// of them. So every such claim is refused before a release starts.
import type {KubeObject} from '../../crds/meta.ts'
import {describe, foreignRoute, isOwn} from '../shared/own.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {borrowedProblems} from './borrowed-problems.ts'
import {
  apexHost,
  isExported,
  istioOf,
  namedObject,
  objectsOf,
  routeHosts,
  slotHost,
  stringsOf,
  userGateways,
} from './context.ts'
import {coversHost, meshGateway, resolveGateway, resolveHost, serviceNames} from './hosts.ts'
import {portProtocol, routedPorts} from './ports.ts'
import {envoyFilterNames} from './safeguards.ts'

const foreignFix =
  'delete it and drop it from Git; its further hosts and gateways belong in spec.traffic.istio of the Rollout'

/** Problems that are reported at a time. */
const maximumProblems = 20

/** Every reason why traffic must not be moved, the Rollout's own first. */
export function problems(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const routes = objectsOf(objects, 'VirtualService')
  const rules = objectsOf(objects, 'DestinationRule')
  const {virtualService, delegate} = istioOf(context)
  return [
    ...unroutablePorts(context),
    ...borrowedProblems(context, objects),
    ...(virtualService ? [] : foreignRoute(context, namedObject(context, routes, context.apex.name), foreignFix)),
    // Hosts are the user's own, where the route is.
    ...(virtualService || delegate
      ? []
      : [...overlappingHosts(context), ...routes.flatMap(route => hostConflict(context, route))]),
    ...foreignRules(context, rules),
    ...foreignFilters(context, objects),
    ...rules.flatMap(rule => ruleConflict(context, rule)),
  ].slice(0, maximumProblems)
}

function unroutablePorts(context: MeshContext): MeshProblem[] {
  const {http, tcp} = routedPorts(context.apex.ports)
  if (http.length > 0 || tcp.length > 0) return []
  const tls = context.apex.ports.some(port => (port.protocol ?? 'TCP') === 'TCP' && portProtocol(port) === 'unrouted')
  return [
    {
      reason: 'NoRoutablePort',
      object: `Service ${context.rollout.namespace}/${context.apex.name}`,
      field: 'spec.ports',
      problem: tls
        ? 'it has no HTTP or TCP port: TLS that the pods terminate themselves has no requests that Istio could share out'
        : 'it has no HTTP or TCP port, and Istio routes nothing else',
      fix: 'add a TCP port whose name or appProtocol starts with http, grpc or tcp',
    },
  ]
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

function foreignFilters(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const names = (['a', 'b'] as const).flatMap(slot => Object.values(envoyFilterNames(context, slot)))
  return objectsOf(objects, 'EnvoyFilter')
    .filter(filter => filter.metadata.namespace === context.rollout.namespace && names.includes(filter.metadata.name))
    .filter(filter => !isOwn(context, filter))
    .map(filter => ({
      reason: 'ForeignEnvoyFilter',
      object: describe(filter),
      field: 'metadata.name',
      problem: 'it has a name that Fairlead needs, and was not made by this Rollout',
      fix: 'rename it, or delete it',
    }))
}

function foreignRules(context: MeshContext, rules: readonly KubeObject[]): MeshProblem[] {
  return (['a', 'b'] as const).flatMap(slot => {
    const live = namedObject(context, rules, context.slots[slot])
    if (!live || isOwn(context, live)) return []
    return [
      {
        reason: 'ForeignDestinationRule',
        object: describe(live),
        field: 'metadata.name',
        problem: `it has the name that Fairlead needs for slot ${slot}, and was not made by this Rollout`,
        fix: 'rename it, or delete it',
      },
    ]
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
  if (gateway !== meshGateway) return false
  return serviceNames(context.apex.name, namespace).includes(host) || coversHost(host, apexHost(context))
}

function ruleConflict(context: MeshContext, rule: KubeObject): MeshProblem[] {
  if (!isExported(rule)) return []
  const {namespace = '', name} = rule.metadata
  const host = resolveHost(String(rule.spec?.host ?? ''), namespace)
  const subsets = rule.spec?.subsets
  if (host === apexHost(context) && Array.isArray(subsets) && subsets.length > 0) return [apexSubsets(context, rule)]
  const slot = (['a', 'b'] as const).find(one => slotHost(context, one) === host)
  // One under a slot's own name is ours, or was reported as foreign.
  if (!slot || (namespace === context.rollout.namespace && name === context.slots[slot])) return []
  return [
    {
      reason: 'SlotHostConflict',
      object: describe(rule),
      field: 'spec.host',
      problem: `it is for ${host}, the Service of slot ${slot}, for which Fairlead writes a DestinationRule`,
      fix: `point it at ${apexHost(context)}: its trafficPolicy is carried over to both slots`,
    },
  ]
}

function apexSubsets(context: MeshContext, rule: KubeObject): MeshProblem {
  return {
    reason: 'ApexSubsets',
    object: describe(rule),
    field: 'spec.subsets',
    problem: `it divides ${apexHost(context)} into subsets, which the slots' Services do not have`,
    fix: 'remove spec.subsets from it; versions are told apart by Services of their own',
  }
}

function isRoute(context: MeshContext, route: KubeObject): boolean {
  // One under our name that isn't ours is reported as foreign, once.
  return route.metadata.namespace === context.rollout.namespace && route.metadata.name === context.apex.name
}

function gatewaysOf(route: KubeObject): string[] {
  const gateways = stringsOf(route.spec?.gateways)
  return gateways.length > 0 ? gateways : [meshGateway]
}
