// Which Rollouts an Istio object may matter to: those that name one of its hosts. So a change among thousands of objects
// concerns a few Rollouts, and a Rollout looks at a few objects.
import type {KubeObject} from '../../crds/meta.ts'
import {isObject, listOf, textOf} from '../shared/json.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {borrowedRoute} from './borrowed.ts'
import {istioOf, objectsOf, routeHosts, slotHost, stringsOf} from './context.ts'
import {resolveHost, serviceNames} from './hosts.ts'
import {envoyFilterNames} from './safeguards.ts'

/**
 * Full hosts that the object is for, its own name, and the routes that it delegates to; undefined for a wildcard, which may
 * cover any Service. An EnvoyFilter matters to whom it was made for, and to whom its name is needed.
 */
export function claims(object: KubeObject): string[] | undefined {
  const {name, namespace = ''} = object.metadata
  if (object.kind === 'EnvoyFilter') return [filterName(namespace, name)]
  const written = object.kind === 'VirtualService' ? stringsOf(object.spec?.hosts) : [String(object.spec?.host ?? '')]
  const hosts = written.map(host => resolveHost(host, namespace))
  if (hosts.some(host => host.startsWith('*'))) return undefined
  return object.kind === 'VirtualService' ? [...hosts, routeName(namespace, name), ...delegates(object)] : hosts
}

/** A VirtualService by its name; no host looks like it. */
function routeName(namespace: string, name: string): string {
  return `VirtualService ${namespace}/${name}`
}

/** An EnvoyFilter by its name. */
function filterName(namespace: string, name: string): string {
  return `EnvoyFilter ${namespace}/${name}`
}

/** VirtualServices, as `VirtualService namespace/name`, to which rules of another lead. */
export function delegates(route: KubeObject): string[] {
  const {namespace = ''} = route.metadata
  return listOf(route.spec?.http).flatMap(({delegate}) =>
    isObject(delegate) ? [routeName(textOf(delegate.namespace) || namespace, textOf(delegate.name))] : [],
  )
}

/** The user's routes that carry the weights: the borrowed one, or those that delegate to Fairlead's. */
export function usersRoutes(context: MeshContext, routes: readonly KubeObject[]): KubeObject[] {
  const borrowed = borrowedRoute(context, routes)
  if (borrowed) return [borrowed]
  const ours = routeName(context.rollout.namespace, context.apex.name)
  return istioOf(context).delegate ? routes.filter(route => delegates(route).includes(ours)) : []
}

/**
 * Hosts that the Rollout routes, those of its slots, the route that it borrows or is delegated to and the hosts of it, and
 * the names of the EnvoyFilters that a release may make.
 */
export function interests(context: MeshContext, own: MeshObjects = []): string[] {
  const {namespace} = context.rollout
  const users = usersRoutes(context, objectsOf(own, 'VirtualService'))
  return [
    ...users.flatMap(route =>
      stringsOf(route.spec?.hosts).map(host => resolveHost(host, route.metadata.namespace ?? '')),
    ),
    routeName(namespace, istioOf(context).virtualService?.name ?? context.apex.name),
    ...routeHosts(context).map(host => resolveHost(host, namespace)),
    ...serviceNames(context.apex.name, namespace),
    slotHost(context, 'a'),
    slotHost(context, 'b'),
    ...(['a', 'b'] as const).flatMap(slot =>
      Object.values(envoyFilterNames(context, slot)).map(name => filterName(namespace, name)),
    ),
  ]
}
