// What the proxy goes by at one time: immutable, built anew after a change, and replaced as a whole.
import type {KubeObject} from '../../crds/meta.ts'
import {playgroundAnnotations, serviceNameLabel} from '../workloads/index.ts'
import {readGatewayRoute} from './gateway-route.ts'
import {serviceHost} from './hosts.ts'
import type {Route} from './route-types.ts'
import {readVirtualService} from './virtual-service.ts'

/** One ready Pod behind a Service. */
export interface Endpoint {
  /** Differs between Pods, also where one gets the port that another had. */
  key: string
  address: string
  port: number
  workload: string
}

/** A Service with its ready endpoints. */
export interface SnapshotService {
  host: string
  name: string
  namespace: string
  ports: readonly number[]
  endpoints: readonly Endpoint[]
}

export interface Snapshot {
  version: number
  services: ReadonlyMap<string, SnapshotService>
  /** Routes by exact host, the oldest first. */
  routes: ReadonlyMap<string, readonly Route[]>
  /** Routes by wildcard, the longest first; `suffix` is what follows the `*`. */
  wildcards: readonly {suffix: string; route: Route}[]
  problems: readonly string[]
}

interface SnapshotObjects {
  services: Iterable<KubeObject>
  endpointSlices: Iterable<KubeObject>
  virtualServices: Iterable<KubeObject>
  /** HTTPRoutes and GRPCRoutes. */
  gatewayRoutes?: Iterable<KubeObject>
}

/** The snapshot of some objects. */
export function buildSnapshot(objects: SnapshotObjects, version: number): Snapshot {
  const endpoints = new Map<string, Endpoint[]>()
  for (const slice of objects.endpointSlices) {
    const host = serviceHost(slice.metadata.labels?.[serviceNameLabel] ?? '', slice.metadata.namespace ?? '')
    const known = endpoints.get(host) ?? []
    known.push(...readEndpoints(slice))
    endpoints.set(host, known)
  }
  const services = new Map<string, SnapshotService>()
  for (const service of objects.services) {
    const {name, namespace = ''} = service.metadata
    const host = serviceHost(name, namespace)
    const ports = (service.spec?.ports ?? []).map((port: {port: number}) => port.port)
    services.set(host, {host, name, namespace, ports, endpoints: endpoints.get(host) ?? []})
  }
  const found = [
    ...[...objects.virtualServices].map(readVirtualService),
    ...[...(objects.gatewayRoutes ?? [])].map(readGatewayRoute),
  ]
  found.sort((left, right) => compare(left.createdAt, right.createdAt) || compare(left.id, right.id))
  const routes = new Map<string, Route[]>()
  const wildcards: {suffix: string; route: Route}[] = []
  for (const route of found) {
    for (const host of route.hosts) {
      if (host.startsWith('*')) wildcards.push({suffix: host.slice(1), route})
      else routes.set(host, [...(routes.get(host) ?? []), route])
    }
  }
  wildcards.sort((left, right) => right.suffix.length - left.suffix.length)
  return {version, services, routes, wildcards, problems: found.flatMap(route => route.problems)}
}

function readEndpoints(slice: KubeObject): Endpoint[] {
  const port = slice.ports?.[0]?.port
  if (typeof port !== 'number') return []
  const workload = slice.metadata.annotations?.[playgroundAnnotations.workload] ?? 'unknown'
  const found: Endpoint[] = []
  for (const endpoint of slice.endpoints ?? []) {
    const {ready = true, terminating = false} = endpoint.conditions ?? {}
    const address = endpoint.addresses?.[0]
    if (!ready || terminating || address === undefined) continue
    found.push({key: `${endpoint.targetRef?.uid ?? ''}@${address}:${port}`, address, port, workload})
  }
  return found
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
