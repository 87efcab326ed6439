// Reads HTTPRoutes and GRPCRoutes (gateway.networking.k8s.io/v1) whose parents are Gateways or Services, by the Gateway API's
// own rules: the most special match wins, whatever its place, and a backend with weight 0 gets nothing.
import type {KubeObject} from '../../crds/meta.ts'
import {serviceHost} from './hosts.ts'
import {
  type Condition,
  type Counting,
  type Loose,
  list,
  maximumPatternLength,
  type Route,
  type RouteDestination,
} from './route-types.ts'

const gatewayGroup = 'gateway.networking.k8s.io'

interface Place {
  kind: string
  namespace: string
  name: string
  rule: number
}

/** The route of an HTTPRoute or GRPCRoute. It never throws: what can't be read is among the problems. */
export function readGatewayRoute(object: KubeObject): Route {
  const {kind, metadata, spec} = object
  const {name, namespace = '', creationTimestamp = ''} = metadata
  const id = `${kind} ${namespace}/${name}`
  const problems: string[] = []
  const parents = list(spec?.parentRefs).map(ref => ({
    isService: ref.kind === 'Service' && (ref.group ?? gatewayGroup) !== gatewayGroup,
    host: serviceHost(String(ref.name), String(ref.namespace ?? namespace)),
    gateway: `${ref.namespace ?? namespace}/${ref.name}`,
  }))
  const inMesh = parents.some(({isService}) => isService)
  const gateways = parents.filter(({isService}) => !isService).map(({gateway}) => gateway)
  const hostnames = list(spec?.hostnames).map(String)
  const entries = list(spec?.rules).flatMap((rule, index) => {
    const place = {kind, namespace, name, rule: index}
    problems.push(...unread(rule).map(field => `${id}: rules[${index}].${field} is ignored by the playground`))
    const destinations = destinationsOf(rule, place, inMesh)
    const matches = list(rule.matches)
    return (matches.length === 0 ? [{}] : matches).map(match => ({...matchOf(match), destinations}))
  })
  entries.sort((left, right) => compare(right.special, left.special))
  return {
    id,
    createdAt: creationTimestamp,
    hosts: [
      ...parents.filter(({isService}) => isService).map(({host}) => host),
      ...(gateways.length === 0 ? [] : hostnames.length === 0 ? ['*'] : hostnames),
    ],
    gateways: [...(inMesh ? ['mesh'] : []), ...gateways],
    rules: entries.map(({condition, destinations}) => ({matches: [condition], destinations})),
    problems,
  }
}

function unread(rule: Loose): string[] {
  return ['filters', 'timeouts', 'retry', 'sessionPersistence'].filter(field => rule[field] !== undefined)
}

function destinationsOf(rule: Loose, place: Place, inMesh: boolean): RouteDestination[] {
  const backends = list(rule.backendRefs)
  // Envoy Gateway gives each backend a cluster of its own where one of them has filters; else the rule has one.
  const apart = backends.some(backend => list(backend.filters).length > 0)
  const destinations = backends.map((backend, index): RouteDestination => {
    const namespace = String(backend.namespace ?? place.namespace)
    const weight = Number(backend.weight ?? 1)
    return {
      host: serviceHost(String(backend.name), namespace),
      // Linkerd sends everything to a backend that stands alone.
      weight: inMesh && backends.length === 1 ? 1 : weight,
      ...(typeof backend.port === 'number' ? {port: backend.port} : {}),
      counted: inMesh
        ? linkerdLabels(place, String(backend.name), namespace)
        : {by: 'envoyGateway', cluster: clusterOf(place, apart ? index : undefined)},
    }
  })
  return destinations.filter(({weight}) => weight > 0)
}

function clusterOf({kind, namespace, name, rule}: Place, backend: number | undefined): string {
  const own = `${kind.toLowerCase()}/${namespace}/${name}/rule/${rule}`
  return backend === undefined ? own : `${own}/backend/${backend}`
}

function linkerdLabels({kind, namespace, name}: Place, backend: string, backendNamespace: string): Counting {
  return {
    by: 'linkerd',
    route: {
      route_kind: kind,
      route_namespace: namespace,
      route_name: name,
      backend_kind: 'Service',
      backend_namespace: backendNamespace,
      backend_name: backend,
    },
  }
}

/** Exact path, longest prefix, method, number of headers, number of query parameters: the API's order of preference. */
type Special = readonly [number, number, number, number, number]

function matchOf(match: Loose): {condition: Condition; special: Special} {
  const {type = 'PathPrefix', value = '/'} = match.path ?? {}
  const headers = list(match.headers)
  const query = list(match.queryParams)
  const conditions: Condition[] = [
    pathCondition(String(type), String(value)),
    ...(typeof match.method === 'string' ? [(request => request.method === match.method) as Condition] : []),
    ...headers.map(header => headerCondition(header)),
    ...query.map((param): Condition => {
      const fits = textCondition(param)
      return request => fits(request.query.get(String(param.name)) ?? undefined)
    }),
  ]
  return {
    condition: request => conditions.every(condition => condition(request)),
    special: [
      type === 'Exact' ? 1 : 0,
      type === 'PathPrefix' ? String(value).length : 0,
      match.method === undefined ? 0 : 1,
      headers.length,
      query.length,
    ],
  }
}

function compare(left: Special, right: Special): number {
  const difference = left.findIndex((value, index) => value !== right[index])
  return difference === -1 ? 0 : (left[difference] ?? 0) - (right[difference] ?? 0)
}

function pathCondition(type: string, value: string): Condition {
  if (type === 'Exact') return ({path}) => path === value
  if (type === 'PathPrefix') {
    const prefix = value.replace(/\/$/, '')
    return ({path}) => path === prefix || path.startsWith(`${prefix}/`)
  }
  const fits = textCondition({type: 'RegularExpression', value})
  return ({path}) => fits(path)
}

function headerCondition(header: Loose): Condition {
  const fits = textCondition(header)
  return ({headers}) => {
    const value = headers[String(header.name).toLowerCase()]
    return fits(Array.isArray(value) ? value.join(',') : value)
  }
}

/** A condition on a text; one that can't be read holds for none. */
function textCondition({type = 'Exact', value}: Loose): (text: string | undefined) => boolean {
  if (type === 'Exact') return text => text === value
  if (typeof value !== 'string' || value.length > maximumPatternLength) return () => false
  try {
    const pattern = new RegExp(`^(?:${value})$`, 'u')
    return text => text !== undefined && pattern.test(text)
  } catch {
    return () => false
  }
}
