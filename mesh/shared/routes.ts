// HTTPRoutes and GRPCRoutes (Gateway API), as more than one mesh reads and writes them.
import {canonicalJson} from '../../crds/json.ts'
import type {JsonObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {Match} from '../../crds/strategy.ts'
import type {MeshContext} from '../types.ts'
import {cookiePatterns} from './cookies.ts'
import {isObject, listOf} from './json.ts'

const slotNames = ['a', 'b'] as const

export type RouteKind = 'HTTPRoute' | 'GRPCRoute'

/** The match of every request; a GRPCRoute has it by having none. */
export function everything(kind: RouteKind): JsonObject[] {
  return kind === 'GRPCRoute' ? [] : [{path: {type: 'PathPrefix', value: '/'}}]
}

/** Longest value of a condition on a header, in the API's schema. */
const maximumHeaderValue = 4096

/**
 * Matches of a route's rule for one of the strategy's, any one of which is enough. Conditions on cookies are one on their
 * header, which may be in one match but once, and has a limit: so what is too long for one is several.
 */
export function matchesOf(kind: RouteKind, {headers = [], cookies = [], queryParams = []}: Match): JsonObject[] {
  const named = ({name, exact, regex}: {name: string; exact?: string | undefined; regex?: string | undefined}) =>
    exact === undefined ? {type: 'RegularExpression', name, value: whole(regex)} : {type: 'Exact', name, value: exact}
  const others = headers.map(named)
  const query = queryParams.length > 0 ? {queryParams: queryParams.map(named)} : {}
  if (cookies.length === 0) return [{...everything(kind)[0], ...(others.length > 0 ? {headers: others} : {}), ...query}]
  return cookiePatterns(cookies, maximumHeaderValue - whole('').length).map(pattern => ({
    ...everything(kind)[0],
    headers: [...others, {type: 'RegularExpression', name: 'cookie', value: whole(pattern)}],
    ...query,
  }))
}

/** An expression for the whole of a text, whether or not an implementation takes it so by itself: the API leaves that open. */
export function whole(regex: string | undefined): string {
  return `^(?:${regex ?? ''})$`
}

/** Whether a rule takes every request of its hosts and parents. */
export function takesEverything(rule: JsonObject): boolean {
  const matches = listOf(rule.matches)
  return matches.length === 0 || matches.some(isCatchAll)
}

/** What tells a rule's requests from others, one text for each of its matches: two rules with one in common compete for them. */
export function requestsOf(rule: JsonObject): string[] {
  const matches = listOf(rule.matches)
  return (matches.length > 0 ? matches : [{}]).map(({path, ...others}) =>
    canonicalJson({...others, path: {type: 'PathPrefix', value: '/', ...(isObject(path) ? path : {})}}),
  )
}

function isCatchAll(match: JsonObject): boolean {
  const {path, ...others} = match
  const {type = 'PathPrefix', value = '/'} = isObject(path) ? path : {}
  return Object.keys(others).length === 0 && type === 'PathPrefix' && value === '/'
}

/** Filters of a rule that leave its requests where the weights send them. */
const harmlessFilters: readonly unknown[] = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror']

/**
 * Shares of the slots in a rule, in percent; undefined where anything else gets requests, or a share is no whole number.
 * @param lone a backend alone gets everything, even with weight 0
 */
export function sharesOf(context: MeshContext, rule: JsonObject, lone: boolean): Weights | undefined {
  if (listOf(rule.filters).some(filter => !harmlessFilters.includes(filter.type))) return undefined
  const backends = listOf(rule.backendRefs)
  const found = {a: 0, b: 0}
  for (const one of backends) {
    const slot = slotOf(context, one)
    const weight = lone && backends.length === 1 ? 1 : (one.weight ?? 1)
    if (!slot || typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) return undefined
    found[slot] += weight
  }
  const total = found.a + found.b
  const share = {a: (100 * found.a) / total, b: (100 * found.b) / total}
  return Number.isInteger(share.a) && Number.isInteger(share.b) ? share : undefined
}

/** The slot that a backend names; undefined for any other. */
export function slotOf(context: MeshContext, backend: unknown): SlotName | undefined {
  return slotNames.find(slot => names(context, backend, context.slots[slot]))
}

/** Whether a backend is a Service of the Rollout's namespace; Linkerd writes the core group as `core`. */
export function names(context: MeshContext, backend: unknown, service: string): boolean {
  if (!isObject(backend)) return false
  const {group = '', kind = 'Service', name, namespace = context.rollout.namespace} = backend
  return (
    (group === '' || group === 'core') &&
    kind === 'Service' &&
    namespace === context.rollout.namespace &&
    name === service
  )
}
