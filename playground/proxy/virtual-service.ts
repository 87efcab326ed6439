// Reads VirtualServices (networking.istio.io/v1) into the form in which requests are matched. The subset is what routes
// of Fairlead need; whatever else a route says is reported as a problem, and a rule that can't be kept to is dropped.
import type {KubeObject} from '../../crds/meta.ts'
import {hostInRoute} from './hosts.ts'
import {
  type Condition,
  type Loose,
  list,
  maximumPatternLength,
  type Route,
  type RouteDestination,
  type RouteRequest,
  type RouteRule,
} from './route-types.ts'

const ignoredRuleFields = ['rewrite', 'timeout', 'retries', 'fault', 'mirror', 'mirrors', 'corsPolicy', 'headers']
const refusedRuleFields = ['redirect', 'directResponse', 'delegate']

class Unsupported extends Error {}

/** The route of a VirtualService. It never throws: what can't be read is among the problems. */
export function readVirtualService(object: KubeObject): Route {
  const {name, namespace = '', creationTimestamp = ''} = object.metadata
  const id = `${namespace}/${name}`
  const problems: string[] = []
  const spec: Loose = object.spec ?? {}
  const rules: RouteRule[] = []
  // A tcp rule shares connections, where there are no requests to be seen; here it takes what no http rule takes.
  const written = (['http', 'tcp'] as const).flatMap(kind =>
    list(spec[kind]).map((rule, index) => ({rule, place: `VirtualService ${id}: ${kind}[${index}]`})),
  )
  for (const {rule, place} of written) {
    try {
      rules.push(readRule(rule, namespace))
      const ignored = ignoredRuleFields.filter(field => rule[field] !== undefined)
      problems.push(...ignored.map(field => `${place}.${field} is ignored by the playground`))
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      problems.push(`${place} is left out: ${error.message}`)
    }
  }
  const gateways = list(spec.gateways).map(gateway => qualifiedGateway(String(gateway), namespace))
  return {
    id,
    createdAt: creationTimestamp,
    hosts: [...new Set(list(spec.hosts).map(host => hostInRoute(String(host), namespace)))],
    gateways: gateways.length === 0 ? ['mesh'] : gateways,
    rules,
    problems,
  }
}

/** Whether a list of gateways takes a request. */
export function admits(gateways: readonly string[], request: RouteRequest): boolean {
  if (request.gateway !== undefined) return gateways.includes(request.gateway)
  return gateways.some(gateway => gateway !== 'mesh')
}

function qualifiedGateway(gateway: string, namespace: string): string {
  return gateway === 'mesh' || gateway.includes('/') ? gateway : `${namespace}/${gateway}`
}

function readRule(rule: Loose, namespace: string): RouteRule {
  const refused = refusedRuleFields.find(field => rule[field] !== undefined)
  if (refused !== undefined) throw new Unsupported(`${refused} is not supported`)
  const matches = list(rule.match).map(match => readMatch(match, namespace))
  return {
    matches: matches.length === 0 ? undefined : matches,
    destinations: readDestinations(list(rule.route), namespace),
  }
}

/** A single destination gets everything, whatever its weight says; beside others, one of weight 0 gets nothing. */
function readDestinations(routes: Loose[], namespace: string): RouteDestination[] {
  const destinations = routes.map(route => {
    const host = hostInRoute(String(route.destination?.host ?? ''), namespace)
    if (route.destination?.subset !== undefined) throw new Unsupported('destination.subset is not supported')
    const port = route.destination?.port?.number
    const weight = Number(route.weight ?? 0)
    if (!(weight >= 0)) throw new Unsupported(`weight is ${route.weight}; give a number of 0 or more`)
    return {host, weight, ...(typeof port === 'number' ? {port} : {})}
  })
  if (destinations.length === 1) return destinations.map(only => ({...only, weight: 1}))
  return destinations.filter(destination => destination.weight > 0)
}

function readMatch(match: Loose, namespace: string): Condition {
  const conditions: Condition[] = []
  for (const [field, value] of Object.entries<Loose>(match ?? {})) {
    if (field !== 'name' && value !== undefined) conditions.push(readCondition(field, value, namespace, match))
  }
  return request => conditions.every(condition => condition(request))
}

function readCondition(field: string, value: Loose, namespace: string, match: Loose): Condition {
  switch (field) {
    case 'port':
      return request => request.port === value
    case 'gateways': {
      const gateways = list(value).map(gateway => qualifiedGateway(String(gateway), namespace))
      return request => admits(gateways, request)
    }
    case 'uri': {
      const matches = readText(value, match.ignoreUriCase === true)
      return request => matches(request.path)
    }
    case 'ignoreUriCase':
      return () => true
    case 'method': {
      const matches = readText(value, false)
      return request => matches(request.method)
    }
    case 'authority': {
      const matches = readText(value, false)
      return request => matches(request.host)
    }
    case 'headers':
      return readHeaders(value)
    case 'withoutHeaders': {
      const conditions = Object.entries<Loose>(value ?? {}).map(([name, wanted]) => readHeaders({[name]: wanted}))
      return request => !conditions.some(condition => condition(request))
    }
    default:
      throw new Unsupported(`match.${field} is not supported`)
  }
}

function readHeaders(headers: Loose): Condition {
  const conditions = Object.entries<Loose>(headers ?? {}).map(([name, wanted]) => {
    // An empty match asks only that the header is there.
    const matches = Object.keys(wanted ?? {}).length === 0 ? () => true : readText(wanted, false)
    return (request: RouteRequest) => {
      const value = request.headers[name.toLowerCase()]
      return value !== undefined && matches(Array.isArray(value) ? value.join(',') : value)
    }
  })
  return request => conditions.every(condition => condition(request))
}

function readText(wanted: Loose, ignoreCase: boolean): (text: string) => boolean {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  if (typeof wanted?.exact === 'string') return text => fold(text) === fold(wanted.exact)
  if (typeof wanted?.prefix === 'string') return text => fold(text).startsWith(fold(wanted.prefix))
  if (typeof wanted?.regex !== 'string') throw new Unsupported('a text match needs exact, prefix or regex')
  if (wanted.regex.length > maximumPatternLength) {
    throw new Unsupported(`a regex is longer than ${maximumPatternLength} characters`)
  }
  try {
    const pattern = new RegExp(`^(?:${wanted.regex})$`, 'u')
    return text => pattern.test(text)
  } catch {
    throw new Unsupported(`regex "${wanted.regex}" cannot be read`)
  }
}
