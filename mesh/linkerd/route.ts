// The route: one HTTPRoute or GRPCRoute under the apex Service's name, with the Service as its parent, so that it holds for
// every meshed caller in every namespace. Linkerd ignores a route whole that has any field newer than Gateway API 1.2.1.
import {canonicalJson} from '../../crds/json.ts'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {listOf} from '../shared/json.ts'
import {ownMetadata} from '../shared/own.ts'
import {everything, matchesOf, sharesOf, takesEverything} from '../shared/routes.ts'
import {agreed, checkWeights} from '../shared/weights.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {gatewayApiVersion, isApex, linkerdOf, liveRoute, parentServices, routedPort, routeKind} from './context.ts'

const slotNames = ['a', 'b'] as const

/**
 * The route for a split. A slot without weight is left out: the proxies give a backend that isn't ready no share,
 * and panic when the weights that remain sum to 0; a backend that stands alone gets everything, whatever its weight.
 * @param split percent per slot, together 100.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderRoute(context: MeshContext, split: Split): KubeObject {
  checkWeights(split)
  linkerdOf(context)
  const {rollout, apex} = context
  const port = routedPort(context)?.port
  const parent = {group: '', kind: 'Service', namespace: rollout.namespace, name: apex.name}
  return {
    apiVersion: gatewayApiVersion,
    kind: routeKind(context),
    metadata: ownMetadata(context, context.apex.name),
    spec: {parentRefs: [port === undefined ? parent : {...parent, port}], rules: rulesOf(context, split)},
  }
}

/** What is apart first, for whoever reads it: Linkerd prefers the more special match, as the API wants it. */
function rulesOf(context: MeshContext, split: Split): JsonObject[] {
  const kind = routeKind(context)
  const port = routedPort(context)?.port
  const named = port === undefined ? [] : slotNames.filter(slot => split[slot] > 0)
  const backendRefs = named.map(slot => backend(context, slot, port, split[slot]))
  const rest = {...(kind === 'GRPCRoute' ? {} : {matches: everything(kind)}), backendRefs}
  const {matches = []} = context.routing ?? {}
  if (!split.apart?.matched || matches.length === 0) return [rest]
  const lone = port === undefined ? [] : [backend(context, split.apart.slot, port, 1)]
  return [{matches: matches.flatMap(match => matchesOf(kind, match)), backendRefs: lone}, rest]
}

function backend(context: MeshContext, slot: SlotName, port: number | undefined, weight: number): JsonObject {
  return {group: '', kind: 'Service', name: context.slots[slot], ...(port === undefined ? {} : {port}), weight}
}

/**
 * What the route in the cluster carries; undefined when there is none, when it is not for the routed port of the apex
 * Service, when it doesn't take every request, or when it does something else than Fairlead writes.
 */
export function readRoute(context: MeshContext, objects: MeshObjects): Split | undefined {
  const route = liveRoute(context, objects)
  const {parentRefs, hostnames} = route?.spec ?? {}
  const rules = listOf(route?.spec?.rules)
  // Linkerd compares host names with what a caller wrote, so a route that has some doesn't take every request.
  if (Array.isArray(hostnames) && hostnames.length > 0) return undefined
  if (!parentServices(parentRefs, context.rollout.namespace).some(parent => isApex(context, parent))) return undefined
  const readings = rules.filter(takesEverything).map(rule => sharesOf(context, rule, true))
  const first = agreed(readings)
  if (!first) return undefined
  if (rules.every(takesEverything)) return first
  const written = canonicalJson(rules)
  return slotNames
    .map((slot): Split => ({...first, apart: {slot, matched: true}}))
    .find(split => canonicalJson(rulesOf(context, split)) === written)
}
