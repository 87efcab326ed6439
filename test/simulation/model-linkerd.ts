// Linkerd on the model cluster: the real renderer, and what Linkerd's policy controller and its proxies make of the routes, by
// the rules of linkerd/linkerd2 as they were read there, not by what Fairlead's own checks of a route say.
import type {KubeObject} from '../../crds/meta.ts'
import {linkerd} from '../../mesh/linkerd/index.ts'
import {readGatewayRoute} from '../../playground/proxy/gateway-route.ts'
import {type Loose, list, type Route} from '../../playground/proxy/route-types.ts'
import {apexHost, interpreted, type MeshModel, named, slots} from './mesh-reading.ts'

export const insideCaller = {host: apexHost, gateway: 'mesh'}

/** The standard channel of Gateway API 1.2.1: a route with anything newer is ignored whole. */
const fields = {
  spec: ['parentRefs', 'hostnames', 'rules'],
  rule: ['matches', 'filters', 'backendRefs', 'timeouts'],
  match: ['path', 'headers', 'queryParams', 'method'],
  backend: ['group', 'kind', 'name', 'namespace', 'port', 'weight', 'filters'],
}
const filters = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect']

const has = (allowed: readonly string[]) => (of: Loose) => Object.keys(of).every(field => allowed.includes(field))
const known = (of: Loose) => list(of.filters).every(({type}) => filters.includes(type))

function isUnderstood({spec}: KubeObject): boolean {
  const rules = list(spec?.rules)
  const backends = rules.flatMap(rule => list(rule.backendRefs))
  const matches = rules.flatMap(rule => list(rule.matches))
  return (
    has(fields.spec)(spec) &&
    rules.every(has(fields.rule)) &&
    matches.every(has(fields.match)) &&
    backends.every(has(fields.backend)) &&
    [...rules, ...backends].every(known)
  )
}

/** A parent that is the apex Service, at its port or at all of them. */
function isParent({group, kind, name, namespace = 'shop', port = 80}: Loose): boolean {
  return (
    (group === '' || group === 'core') && kind === 'Service' && `${namespace}/${name}:${port}` === 'shop/checkout:80'
  )
}

/** Hosts of a route are compared with the name that a caller wrote, which may be any of the Service's. */
function isForEverybody({spec}: KubeObject): boolean {
  return list(spec?.hostnames).length === 0
}

/** The routes that the proxies have for the apex Service: a port with GRPCRoutes has no HTTPRoute. */
function routesIn(objects: readonly KubeObject[]): KubeObject[] {
  const grpc = attached(named(objects, 'GRPCRoute'))
  return grpc.length > 0 ? grpc : attached(named(objects, 'HTTPRoute'))
}

function attached(routes: readonly KubeObject[]): KubeObject[] {
  return routes.filter(one => list(one.spec?.parentRefs).some(isParent) && isUnderstood(one) && isForEverybody(one))
}

/**
 * A backend that isn't ready gets no share, and a proxy panics when the weights that are left sum to 0: so no backend may have
 * weight 0 beside another, whose pods may go.
 * @throws Error for what may make a proxy panic
 */
function readRoute(object: KubeObject): Route {
  for (const {backendRefs} of list(object.spec.rules)) {
    const backends = list(backendRefs)
    if (backends.length > 1 && backends.some(({weight = 1}) => weight === 0))
      throw new Error(`${object.kind} ${object.metadata.name}: once weight 0 alone is ready, the proxy panics`)
  }
  return readGatewayRoute(object)
}

/** The route that the proxies go by; undefined while there is none that Linkerd takes. */
export function linkerdRoute(objects: readonly KubeObject[]): Route | undefined {
  const [route] = routesIn(objects)
  return route && readRoute(route)
}

/** The policy controller answers for a Service's routes, and never says which generation it has seen. */
function answered(object: KubeObject): KubeObject {
  if (attached([object]).length === 0) return object
  const conditions = ['Accepted', 'ResolvedRefs'].map(type => ({type, status: 'True', reason: type, message: ''}))
  const parents = list(object.spec.parentRefs)
    .filter(isParent)
    .map(parentRef => ({
      parentRef: {...parentRef, group: 'core'},
      controllerName: 'linkerd.io/policy-controller',
      conditions,
    }))
  return {...object, status: {parents}}
}

/** The user's own route of the Service, the only one, as Linkerd reads it: no names of rules, no hosts. */
export const usersRoute: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: {name: 'users', namespace: 'shop', labels: {team: 'shop'}},
  spec: {
    parentRefs: [{group: '', kind: 'Service', name: 'checkout', port: 80}],
    rules: [
      {
        matches: [{path: {type: 'PathPrefix', value: '/legacy'}}],
        backendRefs: [{group: '', kind: 'Service', name: 'legacy', port: 80, weight: 1}],
      },
      {
        matches: [{path: {type: 'PathPrefix', value: '/'}}],
        filters: [{type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: 'x-users', value: 'kept'}]}}],
        timeouts: {request: '3s'},
        backendRefs: [{group: '', kind: 'Service', name: 'checkout', port: 80, weight: 1}],
      },
    ],
  },
}

/** @param borrowed the route is the user's */
export function linkerdModel(borrowed: boolean): MeshModel {
  const route = borrowed ? {route: {name: usersRoute.metadata.name}} : {}
  return {
    traffic: settling => ({linkerd: {settlingTime: `${settling}ms`, ...route}}),
    mesh: () => linkerd,
    objects: borrowed ? [usersRoute] : [],
    answered,
    // A proxy takes the endpoints of the Services that a route names, and has neither limits nor faults of ours.
    read: objects => ({
      ...interpreted(routesIn(objects), readRoute, insideCaller),
      destinations: [...slots],
      limited: [],
      faulted: [],
    }),
  }
}
