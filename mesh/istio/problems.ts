// What stands in the way of moving traffic with Istio. istiod says nothing when two objects claim one host: it obeys one
// of them. So every such claim is refused before a release starts.
import type {KubeObject} from '../../crds/meta.ts'
import {describe, foreignRoute, isOwn} from '../shared/own.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {borrowedProblems} from './borrowed-problems.ts'
import {apexHost, isExported, istioOf, namedObject, objectsOf, slotHost} from './context.ts'
import {hostProblems} from './host-conflicts.ts'
import {resolveHost} from './hosts.ts'
import {portProtocol, routedPorts} from './ports.ts'
import {envoyFilterNames} from './safeguards.ts'

const foreignFix =
  'delete it and drop it from Git; its further hosts and gateways belong in spec.traffic.istio of the Rollout'

/** Label that names the waypoint of a Service. */
const useWaypoint = 'istio.io/use-waypoint'

/** Problems that are reported at a time. */
const maximumProblems = 20

/** Every reason why traffic must not be moved, the Rollout's own first. */
export function problems(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const routes = objectsOf(objects, 'VirtualService')
  const rules = objectsOf(objects, 'DestinationRule')
  const {virtualService} = istioOf(context)
  return [
    ...unroutablePorts(context),
    ...missingWaypoint(context),
    ...borrowedProblems(context, objects),
    ...(virtualService ? [] : foreignRoute(context, namedObject(context, routes, context.apex.name), foreignFix)),
    ...hostProblems(context, routes),
    ...foreignRules(context, rules),
    ...foreignFilters(context, objects),
    ...rules.flatMap(rule => ruleConflict(context, rule)),
  ].slice(0, maximumProblems)
}

function unroutablePorts(context: MeshContext): MeshProblem[] {
  const {http, tcp} = routedPorts(context.apex.ports)
  const object = `Service ${context.rollout.namespace}/${context.apex.name}`
  if (istioOf(context).delegate && http.length === 0 && tcp.length > 0) {
    return [
      {
        reason: 'NoRoutablePort',
        object,
        field: 'spec.ports',
        problem: 'it has no HTTP port, and only http rules can delegate to another VirtualService',
        fix: 'add a port whose name or appProtocol starts with http or grpc, or leave spec.traffic.istio.delegate out of the Rollout: a VirtualService of its own shares TCP connections out',
      },
    ]
  }
  if (http.length > 0 || tcp.length > 0) return []
  const tls = context.apex.ports.some(port => (port.protocol ?? 'TCP') === 'TCP' && portProtocol(port) === 'unrouted')
  return [
    {
      reason: 'NoRoutablePort',
      object,
      field: 'spec.ports',
      problem: tls
        ? 'it has no HTTP or TCP port: TLS that the pods terminate themselves has no requests that Istio could share out'
        : 'it has no HTTP or TCP port, and Istio routes nothing else',
      fix: 'add a TCP port whose name or appProtocol starts with http, grpc or tcp',
    },
  ]
}

/**
 * In the ambient data plane a waypoint reads the route; the proxies of nodes don't. A Service is told to use one by a label,
 * of its own before that of its namespace; `none` is none.
 */
function missingWaypoint({apex, rollout, traffic}: MeshContext): MeshProblem[] {
  const {dataPlane, waypoint} = traffic.istio ?? {}
  const label = apex.labels?.[useWaypoint]
  if (dataPlane !== 'ambient' || (label === undefined ? waypoint === 'namespace' : label !== 'none')) return []
  const own = `set it to the name of a waypoint (istioctl waypoint apply) that serves Services`
  const problem = label === 'none' ? 'it tells the Service to use no waypoint' : 'the Service has no such label'
  return [
    {
      reason: 'NoWaypoint',
      object: `Service ${rollout.namespace}/${apex.name}`,
      field: `metadata.labels[${useWaypoint}]`,
      problem: `${problem}, and without one the weights have no effect`,
      fix:
        label === 'none'
          ? own
          : `${own}; where its namespace has the label, set spec.traffic.istio.waypoint: namespace in the Rollout`,
    },
  ]
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
