// Which Rollouts an object of the Gateway API may matter to: a route to those that name one of its hosts at one of its
// parents, be they the Rollout's or those of the route that it borrows, a Gateway to those that attach to it; a GatewayClass,
// and what tells the release of the API, to all.
import type {KubeObject} from '../../crds/meta.ts'
import {routeClaim} from '../shared/borrowed-routes.ts'
import {listOf} from '../shared/json.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {
  fullParent,
  gatewayGroup,
  gatewayOf,
  hostnamesOf,
  hostsOf,
  type Parent,
  type ParentRef,
  parentsOf,
  routeKind,
} from './context.ts'
import {isRouteDefinition} from './implementation.ts'

/** Stands for the host of a route that names none. */
const anyHost = ''

/** What every Rollout of this mesh hears of. */
const installation = 'installation'

/** A route's name, and every pair of its parents and hosts; the Gateway itself. */
export function claims(object: KubeObject): string[] {
  const {namespace = '', name} = object.metadata
  if (object.kind === 'GatewayClass') return [installation]
  if (object.kind === 'CustomResourceDefinition') return isRouteDefinition(object) ? [installation] : []
  if (object.kind === 'Gateway') return [parentClaim({group: gatewayGroup, kind: 'Gateway', namespace, name})]
  const parents = listOf(object.spec?.parentRefs).map(ref => fullParent(ref as ParentRef, namespace))
  return [routeClaim(object.kind, namespace, name), ...pairs(parents, hostnamesOf(object))]
}

/** Every pair of parent and host of the route, its parents, and where it is borrowed the route itself. */
export function interests(context: MeshContext, own: MeshObjects = []): string[] {
  const {route} = gatewayOf(context)
  const borrowed = route ? [routeClaim(routeKind(context), context.rollout.namespace, route.name)] : []
  const parents = parentsOf(context, own)
  return [...borrowed, ...parents.map(parentClaim), ...pairs(parents, hostsOf(context, own)), installation]
}

function parentClaim({group, kind, namespace, name}: Parent): string {
  return `${group}/${kind} ${namespace}/${name}`
}

function pairs(parents: readonly Parent[], hosts: readonly unknown[]): string[] {
  const named = hosts.length > 0 ? hosts : [anyHost]
  return parents.flatMap(parent => named.map(host => `${parentClaim(parent)} ${host}`))
}
