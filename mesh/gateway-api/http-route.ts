// The route: one HTTPRoute under the apex Service's name, with three rules that are always there: both slots by weight, slot
// a alone, slot b alone. One of them takes every request, and the others are held back by a header that nobody sends. Envoy
// Gateway names clusters, and so metrics, by the places of rule and backend, and a cluster that is made only when its weight
// rises from 0 fails requests for some milliseconds (docs/decisions/0005).
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {gatewayApiVersion, gatewayOf, liveRoute, parentsOf, routeMetadata} from './context.ts'
import {routedPort} from './ports.ts'

const slotNames = ['a', 'b'] as const

/** Where each slot stands, as place of the rule and place of the backend. It is part of the metrics' names: never change it. */
export const places = {
  a: ['rule/0/backend/0', 'rule/1/backend/0'],
  b: ['rule/0/backend/1', 'rule/2/backend/0'],
} as const

/** Request header that tells a pod which slot the gateway chose. */
const slotHeader = 'fairlead-slot'

/** Request header that a rule demands which is not in use; its value is the Rollout's uid. */
const heldHeader = 'fairlead-held'

/** What the rule of both slots carries while it is held back: each slot has to have some weight, to have a cluster. */
const heldWeights: Weights = {a: 50, b: 50}

/**
 * The HTTPRoute for the given weights.
 * @param weights percent per slot, together 100; weight 0 means no requests, by the definition of the Gateway API.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderHttpRoute(context: MeshContext, weights: Weights): KubeObject {
  checkWeights(weights)
  const {hosts} = gatewayOf(context)
  const port = routedPort(context)
  const backends = ({a, b}: Weights) => [...backend(context, 'a', port, a), ...backend(context, 'b', port, b)]
  const split = weights.a > 0 && weights.b > 0
  return {
    apiVersion: gatewayApiVersion,
    kind: 'HTTPRoute',
    metadata: routeMetadata(context),
    spec: {
      parentRefs: parentsOf(context).map(parent => ({...parent})),
      ...(hosts.length > 0 ? {hostnames: [...new Set(hosts)]} : {}),
      rules: [
        {matches: matches(context, split), backendRefs: backends(split ? weights : heldWeights)},
        {matches: matches(context, weights.a === 100), backendRefs: backend(context, 'a', port, 1)},
        {matches: matches(context, weights.b === 100), backendRefs: backend(context, 'b', port, 1)},
      ],
    },
  }
}

function checkWeights({a, b}: Weights): void {
  if (Number.isInteger(a) && Number.isInteger(b) && a >= 0 && b >= 0 && a + b === 100) return
  throw new RangeError(`weights a ${a} and b ${b} are not whole percentages that sum to 100`)
}

/** Every request, or none: what nobody sends is a header with the Rollout's uid, which nobody outside the cluster knows. */
function matches(context: MeshContext, inUse: boolean): JsonObject[] {
  const path = {type: 'PathPrefix', value: '/'}
  return [inUse ? {path} : {path, headers: [{type: 'Exact', name: heldHeader, value: context.rollout.uid}]}]
}

/** One backend; none without a port. Its filter makes Envoy Gateway give it a cluster of its own, not one for the rule. */
function backend(context: MeshContext, slot: 'a' | 'b', port: number | undefined, weight: number): JsonObject[] {
  if (port === undefined) return []
  const filters = [{type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: slotHeader, value: slot}]}}]
  return [{group: '', kind: 'Service', name: context.slots[slot], port, weight, filters}]
}

/**
 * The weights of the route in the cluster; undefined when there is none, when it doesn't take every path, or when any of
 * its rules that are in use does something else than share requests between the two slots in one proportion.
 */
export function readHttpRoute(context: MeshContext, objects: MeshObjects): Weights | undefined {
  const rules = listOf(liveRoute(context, objects)?.spec?.rules).filter(rule => !isHeld(rule))
  const readings = rules.map(rule => readRule(context, rule))
  const [first] = readings
  if (!rules.some(takesEverything)) return undefined
  return readings.every(one => one && one.a === first?.a && one.b === first.b) ? first : undefined
}

/** Whether every match of a rule demands the header that nobody sends; whatever its value, since a restore gives a new uid. */
function isHeld(rule: JsonObject): boolean {
  const all = listOf(rule.matches)
  const demands = (match: JsonObject) =>
    listOf(match.headers).some(({name, type = 'Exact'}) => name === heldHeader && type === 'Exact')
  return all.length > 0 && all.every(demands)
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
  return slotNames.find(slot => context.slots[slot] === name)
}

/** The objects of a list; what is no object becomes an empty one. */
export function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(one => (isObject(one) ? one : {})) : []
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
