// The route: one HTTPRoute under the apex Service's name, with one rule. Slot a is always its first backend and slot b its
// second, at weight 0 too: Envoy Gateway names clusters, and so metrics, by a backend's place (docs/decisions/0005).
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {gatewayApiVersion, gatewayOf, liveRoute, parentsOf, routeMetadata} from './context.ts'
import {routedPort} from './ports.ts'

/** The slots in the order of their backends. It is part of the metrics' names: never change it. */
export const backendOrder = ['a', 'b'] as const

/** Request header that tells a pod which slot the gateway chose. */
const slotHeader = 'fairlead-slot'

/**
 * The HTTPRoute for the given weights.
 * @param weights percent per slot, together 100; weight 0 means no requests, by the definition of the Gateway API.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderHttpRoute(context: MeshContext, weights: Weights): KubeObject {
  checkWeights(weights)
  const {hosts} = gatewayOf(context)
  const port = routedPort(context)
  const backendRefs =
    port === undefined ? [] : backendOrder.map(slot => backend(context.slots[slot], slot, port, weights[slot]))
  return {
    apiVersion: gatewayApiVersion,
    kind: 'HTTPRoute',
    metadata: routeMetadata(context),
    spec: {
      parentRefs: parentsOf(context).map(parent => ({...parent})),
      ...(hosts.length > 0 ? {hostnames: [...new Set(hosts)]} : {}),
      rules: [{matches: [{path: {type: 'PathPrefix', value: '/'}}], backendRefs}],
    },
  }
}

function checkWeights({a, b}: Weights): void {
  if (Number.isInteger(a) && Number.isInteger(b) && a >= 0 && b >= 0 && a + b === 100) return
  throw new RangeError(`weights a ${a} and b ${b} are not whole percentages that sum to 100`)
}

/** One backend. Its filter makes Envoy Gateway give it a cluster of its own instead of one for the whole rule. */
function backend(service: string, slot: 'a' | 'b', port: number, weight: number): JsonObject {
  return {
    group: '',
    kind: 'Service',
    name: service,
    port,
    weight,
    filters: [{type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: slotHeader, value: slot}]}}],
  }
}

/**
 * The weights of the route in the cluster; undefined when there is none, when it doesn't take every path, or when any of
 * its rules does something else than share requests between the two slots in one proportion.
 */
export function readHttpRoute(context: MeshContext, objects: MeshObjects): Weights | undefined {
  const rules = listOf(liveRoute(context, objects)?.spec?.rules)
  const readings = rules.map(rule => readRule(context, rule))
  const [first] = readings
  if (!rules.some(takesEverything)) return undefined
  return readings.every(one => one && one.a === first?.a && one.b === first.b) ? first : undefined
}

/** Whether a rule takes every request of its hosts. */
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

function readRule(context: MeshContext, rule: JsonObject): Weights | undefined {
  if (listOf(rule.filters).some(filter => !harmlessFilters.includes(filter.type))) return undefined
  const backends = listOf(rule.backendRefs)
  const found = {a: 0, b: 0}
  for (const one of backends) {
    const slot = slotOf(context, one)
    const weight = one.weight ?? 1
    if (!slot || typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) return undefined
    found[slot] += weight
  }
  const total = found.a + found.b
  const share = {a: (100 * found.a) / total, b: (100 * found.b) / total}
  return Number.isInteger(share.a) && Number.isInteger(share.b) ? share : undefined
}

function slotOf(context: MeshContext, one: JsonObject): 'a' | 'b' | undefined {
  const {group = '', kind = 'Service', name, namespace = context.rollout.namespace} = one
  if (group !== '' || kind !== 'Service' || namespace !== context.rollout.namespace) return undefined
  return backendOrder.find(slot => context.slots[slot] === name)
}

/** The objects of a list; what is no object becomes an empty one. */
export function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(one => (isObject(one) ? one : {})) : []
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
