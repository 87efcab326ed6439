// What makes Linkerd pass over a borrowed route: it would be written, and then waited for in vain. Linkerd knows the Gateway
// API as of 1.2.1, and ignores a route whole that has anything newer, or a filter that it lacks (convert_gateway_filter in
// policy-controller/k8s/index of linkerd/linkerd2).
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {listOf, textOf} from '../shared/json.ts'
import {describe} from '../shared/own.ts'
import type {MeshContext, MeshProblem} from '../types.ts'
import {isApex, parentServices, routedPort} from './context.ts'

/** Fields of the standard channel of Gateway API 1.2.1. */
const known = {
  spec: ['parentRefs', 'hostnames', 'rules'],
  rule: ['matches', 'filters', 'backendRefs', 'timeouts'],
  match: ['path', 'headers', 'queryParams', 'method'],
  backend: ['group', 'kind', 'name', 'namespace', 'port', 'weight', 'filters'],
} as const

/** Filters that Linkerd's proxies have. */
const filters: readonly string[] = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect']

/** Why Linkerd would not obey a borrowed route, by field. */
export function unreadFields(context: MeshContext, route: KubeObject): MeshProblem[] {
  const object = describe(route)
  const found = [...parents(context, route), ...hostnames(route), ...fields(route)]
  return found.map(one => ({reason: 'RouteNotRead', object, ...one}))
}

type Finding = Pick<MeshProblem, 'field' | 'problem' | 'fix'>

function* parents(context: MeshContext, {spec, metadata}: KubeObject): Generator<Finding> {
  const {rollout, apex} = context
  if (parentServices(spec?.parentRefs, metadata.namespace ?? '').some(parent => isApex(context, parent))) return
  const port = routedPort(context)?.port
  const at = port === undefined ? '' : ` at port ${port}`
  yield {
    field: 'spec.parentRefs',
    problem: `none of them is Service ${rollout.namespace}/${apex.name}${at}, and Linkerd knows no other parent for the weights`,
    fix: `add {group: "", kind: Service, name: ${apex.name}${port === undefined ? '' : `, port: ${port}`}}`,
  }
}

function* hostnames({spec}: KubeObject): Generator<Finding> {
  if (listOf(spec?.hostnames).length === 0) return
  yield {
    field: 'spec.hostnames',
    problem:
      'Linkerd compares them with the name that a caller wrote, and requests by another name of the Service pass the weights by',
    fix: 'leave them out, and give a Gateway that needs them a route of its own',
  }
}

function* fields({spec}: KubeObject): Generator<Finding> {
  yield* unknown('spec', spec, known.spec)
  for (const [index, rule] of listOf(spec?.rules).entries()) {
    const at = `spec.rules[${index}]`
    yield* unknown(at, rule, known.rule)
    yield* filtersOf(at, rule)
    for (const [place, match] of listOf(rule.matches).entries())
      yield* unknown(`${at}.matches[${place}]`, match, known.match)
    for (const [place, backend] of listOf(rule.backendRefs).entries()) {
      yield* unknown(`${at}.backendRefs[${place}]`, backend, known.backend)
      yield* filtersOf(`${at}.backendRefs[${place}]`, backend)
    }
  }
}

function* unknown(at: string, value: JsonObject | undefined, fieldsOfIt: readonly string[]): Generator<Finding> {
  for (const field of Object.keys(value ?? {})) {
    if (fieldsOfIt.includes(field)) continue
    const instead = field === 'retry' ? ': retries are annotations of the Service (retry.linkerd.io)' : ''
    const named = field === 'name' ? ', and spec.traffic.linkerd.route.rules out of the Rollout' : ''
    yield {
      field: `${at}.${field}`,
      problem:
        'it is not in the standard channel of Gateway API 1.2.1, the release that Linkerd reads, which ignores the whole route for it',
      fix: `leave it out${named}${instead}`,
    }
  }
}

function* filtersOf(at: string, of: JsonObject): Generator<Finding> {
  for (const [index, {type}] of listOf(of.filters).entries()) {
    if (filters.includes(textOf(type))) continue
    yield {
      field: `${at}.filters[${index}]`,
      problem: `Linkerd has no filter ${textOf(type)}, and fails requests for it or ignores the whole route`,
      fix: 'leave it out',
    }
  }
}
