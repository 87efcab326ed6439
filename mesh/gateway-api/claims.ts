// Which Rollouts an object of the Gateway API may matter to: a route to those that name one of its hosts at one of its
// parents, a Gateway to those that attach to it and to those that borrow a route, whose parents are not known here; a
// GatewayClass, and what tells the release of the API, to all.
import type {KubeObject} from '../../crds/meta.ts'
import {routeClaim} from '../shared/borrowed-routes.ts'
import {listOf} from '../shared/json.ts'
import type {MeshContext} from '../types.ts'
import {fullParent, gatewayGroup, gatewayOf, type Parent, type ParentRef} from './context.ts'
import {isRouteDefinition} from './implementation.ts'

/** Stands for the host of a route that names none. */
const anyHost = ''

/** What every Rollout of this mesh hears of. */
const installation = 'installation'
/** Every Gateway. */
const anyGateway = 'Gateways'

/** A route's name, and every pair of its parents and hosts; the Gateway itself. */
export function claims(object: KubeObject): string[] {
  const {namespace = '', name} = object.metadata
  if (object.kind === 'GatewayClass') return [installation]
  if (object.kind === 'CustomResourceDefinition') return isRouteDefinition(object) ? [installation] : []
  if (object.kind === 'Gateway')
    return [parentClaim({group: gatewayGroup, kind: 'Gateway', namespace, name}), anyGateway]
  const parents = listOf(object.spec?.parentRefs).map(ref => fullParent(ref as ParentRef, namespace))
  const {hostnames} = object.spec ?? {}
  return [routeClaim(object.kind, namespace, name), ...pairs(parents, Array.isArray(hostnames) ? hostnames : [])]
}

/** Every pair of parent and host that the Rollout names, and its parents; or the route that it borrows. */
export function interests(context: MeshContext): string[] {
  const {route, parentRefs, hosts} = gatewayOf(context)
  const {namespace} = context.rollout
  if (route) return [routeClaim(route.kind ?? 'HTTPRoute', namespace, route.name), anyGateway, installation]
  const parents = (parentRefs ?? []).map(ref => fullParent(ref, namespace))
  return [...parents.map(parentClaim), ...pairs(parents, hosts), installation]
}

function parentClaim({group, kind, namespace, name}: Parent): string {
  return `${group}/${kind} ${namespace}/${name}`
}

function pairs(parents: readonly Parent[], hosts: readonly unknown[]): string[] {
  const named = hosts.length > 0 ? hosts : [anyHost]
  return parents.flatMap(parent => named.map(host => `${parentClaim(parent)} ${host}`))
}
