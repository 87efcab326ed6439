// Where a request goes, by one snapshot.
import type {Random} from '../../controller/ports.ts'
import {serviceHostOf, splitAuthority, splitServiceHost} from './hosts.ts'
import type {Counting, Route, RouteDestination, RouteRequest} from './route-types.ts'
import type {Snapshot, SnapshotService} from './snapshot.ts'
import {admits} from './virtual-service.ts'

/** The Service that a request goes to, or why it goes nowhere. */
type RouteDecision =
  | {kind: 'service'; service: SnapshotService; counted?: Counting}
  | {kind: 'no_route'; host: string}
  | {kind: 'no_cluster'; host: string; name: string; namespace: string}

/** What the proxy reads from a request. */
interface IncomingRoute {
  method: string
  url: string
  /** In lower case, as Node gives them. */
  headers: Readonly<Record<string, string | string[] | undefined>>
}

interface RoutingContext {
  clientNamespace: string
  /** The proxy's own port: in a Host header it says nothing about the port that is meant. */
  ownPort: number
}

/** Port that a request to a host outside of the cluster is taken to have. */
const defaultPort = 80

/**
 * Chooses the destination of a request. The host is taken from `x-playground-host` or else `host`; the port from
 * `x-playground-port`, the host's port, or the Service's first one; `x-playground-gateway: namespace/name` (or `mesh`)
 * says where the request comes from: by default the mesh for a Service's name, and any gateway for another name.
 */
export function chooseRoute(
  snapshot: Snapshot,
  incoming: IncomingRoute,
  context: RoutingContext,
  random: Random,
): RouteDecision {
  const {host, port} = splitAuthority(header(incoming, 'x-playground-host') ?? header(incoming, 'host') ?? '')
  const known = serviceHostOf(host, context.clientNamespace)
  const service = known === undefined ? undefined : snapshot.services.get(known)
  const inCluster = known !== undefined && (service !== undefined || snapshot.routes.has(known))
  // The name as it was sent comes first: a route may hold `checkout.shop` and mean just that.
  const names = inCluster ? [host, known] : [host]
  const name = names.at(-1) ?? host
  const statedPort = Number(header(incoming, 'x-playground-port')) || (port === context.ownPort ? undefined : port)
  const request: RouteRequest = {
    method: incoming.method,
    host,
    port: statedPort ?? service?.ports[0] ?? defaultPort,
    path: incoming.url.split('?', 1)[0] ?? '/',
    query: new URLSearchParams(incoming.url.split('?')[1] ?? ''),
    headers: incoming.headers,
    gateway: header(incoming, 'x-playground-gateway') ?? (inCluster ? 'mesh' : undefined),
  }
  const route = findRoute(snapshot, names, request)
  if (route === undefined) return service === undefined ? {kind: 'no_route', host: name} : {kind: 'service', service}
  const rule = route.rules.find(({matches}) => matches === undefined || matches.some(match => match(request)))
  const destination = rule === undefined ? undefined : draw(rule.destinations, random)
  return destination === undefined ? {kind: 'no_route', host: name} : resolve(snapshot, destination)
}

function header(incoming: IncomingRoute, name: string): string | undefined {
  const value = incoming.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The oldest VirtualService of the first of the names that takes requests from where this one comes from. */
function findRoute(snapshot: Snapshot, names: readonly string[], request: RouteRequest): Route | undefined {
  for (const name of names) {
    const exact = snapshot.routes.get(name)?.find(route => admits(route.gateways, request))
    if (exact !== undefined) return exact
  }
  const covers = (suffix: string) => names.some(name => name.endsWith(suffix))
  return snapshot.wildcards.find(({suffix, route}) => covers(suffix) && admits(route.gateways, request))?.route
}

function draw(destinations: readonly RouteDestination[], random: Random): RouteDestination | undefined {
  if (destinations.length < 2) return destinations[0]
  const total = destinations.reduce((sum, destination) => sum + destination.weight, 0)
  let left = random.next() * total
  for (const destination of destinations) {
    left -= destination.weight
    if (left < 0) return destination
  }
  return destinations.at(-1)
}

/** A destination whose Service, or whose port of it, doesn't exist is a cluster that the mesh doesn't know. */
function resolve(snapshot: Snapshot, {host, port, counted}: RouteDestination): RouteDecision {
  const service = snapshot.services.get(host)
  if (service !== undefined && (port === undefined || service.ports.includes(port)))
    return {kind: 'service', service, ...(counted ? {counted} : {})}
  return {kind: 'no_cluster', host, ...(splitServiceHost(host) ?? {name: host, namespace: 'unknown'})}
}
