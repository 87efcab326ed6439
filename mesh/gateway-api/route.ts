// The route: one HTTPRoute or GRPCRoute under the apex Service's name, with three rules that are always there: both slots by
// weight, slot a alone, slot b alone. What a rule gets is said by its matches alone, and one that gets nothing is held back by
// a header that nobody sends. Envoy Gateway names clusters, and so metrics, by the places of rule and backend, and a cluster
// that is made only when its weight rises from 0 fails requests for some milliseconds (docs/decisions/0005). The API prefers
// the more special match, whatever its place.
import {canonicalJson} from '../../crds/json.ts'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split, Weights} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {setCookie} from '../shared/cookies.ts'
import {isObject, listOf, textOf} from '../shared/json.ts'
import {ownMetadata} from '../shared/own.ts'
import {everything, matchesOf, sharesOf, slotOf, takesEverything} from '../shared/routes.ts'
import {agreed, checkWeights} from '../shared/weights.ts'
import {type MeshContext, type MeshObjects, sessionsOf} from '../types.ts'
import {gatewayApiVersion, gatewayOf, liveRoute, parentsOf, routedPort, routeKind} from './context.ts'
import {wantsBackendFilters} from './implementation.ts'

/**
 * Where each slot stands: place of the rule and place of the backend, and of the copies that the other slot's rule sends. It
 * is part of the metrics' names: never change it.
 */
export const places = {
  a: ['rule/0/backend/0', 'rule/1/backend/0', 'rule/2-mirror-0'],
  b: ['rule/0/backend/1', 'rule/2/backend/0', 'rule/1-mirror-0'],
} as const

/** Request header that tells a pod which slot the gateway chose. */
const slotHeader = 'fairlead-slot'

/** Request header that a match demands which is not in use; its value is the Rollout's uid. */
const heldHeader = 'fairlead-held'

/** What the rule of both slots carries while it is held back: each slot has to have some weight, to have a cluster. */
const heldWeights: Weights = {a: 50, b: 50}

/**
 * The route for a split: of core features alone, but for what the split asks for and what Envoy Gateway needs.
 * @param split percent per slot, together 100; weight 0 means no requests, by the definition of the Gateway API.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderRoute(context: MeshContext, split: Split, objects: MeshObjects): KubeObject {
  checkWeights(split)
  const {hosts} = gatewayOf(context)
  const marked = wantsBackendFilters(context, objects)
  return {
    apiVersion: gatewayApiVersion,
    kind: routeKind(context),
    metadata: ownMetadata(context, context.apex.name),
    spec: {
      parentRefs: parentsOf(context, []).map(parent => ({...parent})),
      ...(hosts.length > 0 ? {hostnames: [...new Set(hosts)]} : {}),
      rules: [
        sharedRule(context, split, marked),
        loneRule(context, split, 'a', marked),
        loneRule(context, split, 'b', marked),
      ],
    },
  }
}

function isShared({a, b}: Weights): boolean {
  return a > 0 && b > 0
}

/**
 * The rule of both slots, which takes what no other rule takes while both have a share.
 * @param marked each backend has a filter of its own
 */
function sharedRule(context: MeshContext, split: Split, marked: boolean): JsonObject {
  const inUse = isShared(split)
  const weights = inUse ? split : heldWeights
  const cookie = (slot: SlotName) => (inUse ? cookieFilter(context, split, slot) : [])
  const backends = (['a', 'b'] as const).flatMap(slot => {
    return backend(context, slot, weights[slot], [...markOf(slot, marked), ...cookie(slot)])
  })
  return rule(context, [], inUse, backends)
}

/** The rule of one slot: what is apart for it, users with its cookie, and everything where it has all of the requests. */
function loneRule(context: MeshContext, split: Split, slot: SlotName, marked: boolean): JsonObject {
  const {apart} = split
  const isApart = apart?.slot === slot
  const cookie = isApart ? cookieFilter(context, split, slot) : []
  const backends = backend(context, slot, 1, [...markOf(slot, marked), ...cookie])
  const mirrors =
    apart?.mirrorPercent === undefined || isApart ? [] : mirrorFilter(context, apart.slot, apart.mirrorPercent)
  return {
    ...rule(context, conditions(context, split, slot), split[slot] === 100, backends),
    ...(mirrors.length > 0 ? {filters: mirrors} : {}),
  }
}

/** Matches that send requests to one slot whatever its share. */
function conditions(context: MeshContext, split: Split, slot: SlotName): JsonObject[] {
  const {apart} = split
  const {matches = [], sticky} = context.routing ?? {}
  const kind = routeKind(context)
  const sessions = sessionsOf(split)
  const isApart = apart?.slot === slot
  const value = isApart ? sessions?.apart : sessions?.other
  const cookie = sticky && value !== undefined ? [{name: sticky.cookie, value}] : []
  return [
    ...(isApart && apart.matched ? matches.flatMap(match => matchesOf(kind, match)) : []),
    ...(cookie.length > 0 && (isShared(split) || (isApart && split[slot] === 0))
      ? matchesOf(kind, {cookies: cookie})
      : []),
  ]
}

/**
 * A rule by its matches: of what it gets, or of nothing. What nobody sends is a header with the Rollout's uid, which nobody
 * outside the cluster knows.
 */
function rule(context: MeshContext, special: JsonObject[], takesRest: boolean, backendRefs: JsonObject[]): JsonObject {
  const kind = routeKind(context)
  const nothing = {
    ...everything(kind)[0],
    headers: [{type: 'Exact', name: heldHeader, value: context.rollout.uid}],
  }
  // Whoever takes the rest needs no special match beside it.
  if (takesRest) return {...(kind === 'GRPCRoute' ? {} : {matches: everything(kind)}), backendRefs}
  return {matches: special.length > 0 ? special : [nothing], backendRefs}
}

/** One backend; none without a port. */
function backend(context: MeshContext, slot: SlotName, weight: number, filters: JsonObject[]): JsonObject[] {
  const port = routedPort(context)?.port
  if (port === undefined) return []
  const one = {group: '', kind: 'Service', name: context.slots[slot], port, weight}
  return [filters.length > 0 ? {...one, filters} : one]
}

/** The filter that makes Envoy Gateway give a backend a cluster of its own, not one for the rule. */
function markOf(slot: SlotName, marked: boolean): JsonObject[] {
  if (!marked) return []
  return [{type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: slotHeader, value: slot}]}}]
}

/** Gives users the cookie of the slot that answers them. */
function cookieFilter(context: MeshContext, split: Split, slot: SlotName): JsonObject[] {
  const {sticky} = context.routing ?? {}
  const sessions = sessionsOf(split)
  if (!sticky || !sessions) return []
  const value = slot === split.apart?.slot ? sessions.apart : sessions.other
  const cookie = setCookie({name: sticky.cookie, value}, sticky.maxAgeSeconds)
  return [{type: 'ResponseHeaderModifier', responseHeaderModifier: {add: [{name: 'Set-Cookie', value: cookie}]}}]
}

function mirrorFilter(context: MeshContext, slot: SlotName, percent: number): JsonObject[] {
  const port = routedPort(context)?.port
  if (port === undefined) return []
  const backendRef = {group: '', kind: 'Service', name: context.slots[slot], port}
  // Gateways older than the field copy every request, and know no other share.
  return [{type: 'RequestMirror', requestMirror: {backendRef, ...(percent === 100 ? {} : {percent})}}]
}

/**
 * What the route in the cluster carries; undefined when there is none, when it doesn't take every path, or when any of its
 * rules that are in use does something else than Fairlead writes.
 */
export function readRoute(context: MeshContext, objects: MeshObjects): Split | undefined {
  const rules = listOf(liveRoute(context, objects)?.spec?.rules)
  const inUse = rules.filter(one => !isHeld(one))
  const readings = inUse.filter(takesEverything).map(one => sharesOf(context, one, false))
  const first = agreed(readings)
  if (!first) return undefined
  if (inUse.every(one => takesEverything(one) && !givesApart(one))) return first
  return candidates(context, first, rules).find(split => {
    return canonicalJson(renderRoute(context, split, objects).spec.rules) === canonicalJson(rules)
  })
}

/** Whether a rule that takes every request does more for some of them. */
function givesApart(one: JsonObject): boolean {
  const filters = [one, ...listOf(one.backendRefs)].flatMap(({filters: list}) => listOf(list))
  return filters.some(({type}) => type === 'RequestMirror' || type === 'ResponseHeaderModifier')
}

/** Splits that the rules may have been written from: few, of which the rendered one is the same as what is there. */
function candidates(context: MeshContext, weights: Weights, rules: readonly JsonObject[]): Split[] {
  const filters = rules.flatMap(one => [one, ...listOf(one.backendRefs)]).flatMap(({filters: list}) => listOf(list))
  const mirror = filters.map(({requestMirror}) => requestMirror).find(isObject)
  const {percent = 100} = mirror ?? {}
  const mirrored = typeof percent === 'number' ? {mirrorPercent: percent} : {}
  const session = sessionIn(context, filters)
  const slots: SlotName[] = mirror ? [slotOf(context, mirror.backendRef) ?? 'a'] : ['a', 'b']
  return slots.flatMap(slot =>
    [{}, {matched: true as const}].map(matched => ({
      ...weights,
      apart: {slot, ...matched, ...(session === undefined ? {} : {session}), ...(mirror ? mirrored : {})},
    })),
  )
}

/** The value of the slot apart among the cookies that are set. */
function sessionIn(context: MeshContext, filters: readonly JsonObject[]): string | undefined {
  const prefix = `${context.routing?.sticky?.cookie ?? ''}=`
  return filters
    .flatMap(({responseHeaderModifier}) => (isObject(responseHeaderModifier) ? listOf(responseHeaderModifier.add) : []))
    .map(({value}) => textOf(value))
    .filter(value => value.startsWith(prefix))
    .map(value => value.slice(prefix.length).split(';', 1)[0] ?? '')
    .find(value => !value.includes('.not.'))
}

/** Whether every match of a rule demands the header that nobody sends; whatever its value, since a restore gives a new uid. */
function isHeld(one: JsonObject): boolean {
  const all = listOf(one.matches)
  const demands = (match: JsonObject) =>
    listOf(match.headers).some(({name, type = 'Exact'}) => name === heldHeader && type === 'Exact')
  return all.length > 0 && all.every(demands)
}
