// The route: one HTTPRoute or GRPCRoute under the apex Service's name, with the Service as its parent, so that it holds for
// every meshed caller in every namespace. Linkerd ignores a route whole that has any field newer than Gateway API 1.2.1.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {
  gatewayApiVersion,
  isApex,
  isObject,
  listOf,
  liveRoute,
  parentServices,
  routeKind,
  routeMetadata,
} from './context.ts'
import {linkerdOf, routedPort} from './ports.ts'

const slotNames = ['a', 'b'] as const

/**
 * The route for the given weights. A slot without weight is left out: the proxies give a backend that isn't ready no share,
 * and panic when the weights that remain sum to 0; a backend that stands alone gets everything, whatever its weight.
 * @param weights percent per slot, together 100.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderRoute(context: MeshContext, weights: Weights): KubeObject {
  checkWeights(weights)
  linkerdOf(context)
  const {rollout, apex} = context
  const kind = routeKind(context)
  const port = routedPort(context)?.port
  const named = port === undefined ? [] : slotNames.filter(slot => weights[slot] > 0)
  const backendRefs = named.map(slot => backend(context, slot, port, weights[slot]))
  const parent = {group: '', kind: 'Service', namespace: rollout.namespace, name: apex.name}
  const everything = {matches: [{path: {type: 'PathPrefix', value: '/'}}]}
  return {
    apiVersion: gatewayApiVersion,
    kind,
    metadata: routeMetadata(context),
    spec: {
      parentRefs: [port === undefined ? parent : {...parent, port}],
      // A rule of a GRPCRoute takes every call when it has no match.
      rules: [kind === 'GRPCRoute' ? {backendRefs} : {...everything, backendRefs}],
    },
  }
}

function checkWeights({a, b}: Weights): void {
  if (Number.isInteger(a) && Number.isInteger(b) && a >= 0 && b >= 0 && a + b === 100) return
  throw new RangeError(`weights a ${a} and b ${b} are not whole percentages that sum to 100`)
}

function backend(context: MeshContext, slot: 'a' | 'b', port: number | undefined, weight: number): JsonObject {
  return {group: '', kind: 'Service', name: context.slots[slot], ...(port === undefined ? {} : {port}), weight}
}

/**
 * The weights of the route in the cluster; undefined when there is none, when it is not for the routed port of the apex
 * Service, when it doesn't take every request, or when it does something else than share them between the two slots.
 */
export function readRoute(context: MeshContext, objects: MeshObjects): Weights | undefined {
  const route = liveRoute(context, objects)
  const {parentRefs, hostnames} = route?.spec ?? {}
  const rules = listOf(route?.spec?.rules)
  // Linkerd compares host names with what a caller wrote, so a route that has some doesn't take every request.
  if (Array.isArray(hostnames) && hostnames.length > 0) return undefined
  if (!parentServices(parentRefs, context.rollout.namespace).some(parent => isApex(context, parent))) return undefined
  if (!rules.some(takesEverything)) return undefined
  const readings = rules.map(rule => readRule(context, rule))
  const [first] = readings
  return readings.every(one => one && one.a === first?.a && one.b === first.b) ? first : undefined
}

/** Whether a rule takes every request of its parents. */
export function takesEverything(rule: JsonObject): boolean {
  const matches = listOf(rule.matches)
  return matches.length === 0 || matches.some(isCatchAll)
}

function isCatchAll(match: JsonObject): boolean {
  const {path, ...others} = match
  const {type = 'PathPrefix', value = '/'} = isObject(path) ? path : {}
  return Object.keys(others).length === 0 && type === 'PathPrefix' && value === '/'
}

/** Filters of a rule that leave its requests where the weights send them. */
const harmlessFilters: readonly unknown[] = ['RequestHeaderModifier', 'ResponseHeaderModifier']

/** A backend alone gets everything, even with weight 0; several get their shares. */
function readRule(context: MeshContext, rule: JsonObject): Weights | undefined {
  if (listOf(rule.filters).some(filter => !harmlessFilters.includes(filter.type))) return undefined
  const backends = listOf(rule.backendRefs)
  const found = {a: 0, b: 0}
  for (const one of backends) {
    const slot = slotOf(context, one)
    const weight = backends.length === 1 ? 1 : (one.weight ?? 1)
    if (!slot || typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) return undefined
    found[slot] += weight
  }
  const total = found.a + found.b
  const share = {a: (100 * found.a) / total, b: (100 * found.b) / total}
  return Number.isInteger(share.a) && Number.isInteger(share.b) ? share : undefined
}

function slotOf(context: MeshContext, one: JsonObject): 'a' | 'b' | undefined {
  const {group = '', kind = 'Service', name, namespace = context.rollout.namespace} = one
  if ((group !== '' && group !== 'core') || kind !== 'Service' || namespace !== context.rollout.namespace)
    return undefined
  return slotNames.find(slot => context.slots[slot] === name)
}
