// Which Rollouts an object of the Gateway API may matter to: a route to those that name one of its hosts at one of its
// parents, a Gateway to those that attach to it.
import type {KubeObject} from '../../crds/meta.ts'
import type {MeshContext} from '../types.ts'
import {fullParent, gatewayGroup, gatewayOf, type Parent, type ParentRef, parentsOf} from './context.ts'
import {listOf} from './http-route.ts'

/** Stands for the host of a route that names none. */
const anyHost = ''

/** Every pair of parent and host of a route; the Gateway itself. */
export function claims(object: KubeObject): string[] {
  const {namespace = '', name} = object.metadata
  if (object.kind === 'Gateway') return [parentClaim({group: gatewayGroup, kind: 'Gateway', namespace, name})]
  const parents = listOf(object.spec?.parentRefs).map(ref => fullParent(ref as ParentRef, namespace))
  const {hostnames} = object.spec ?? {}
  return pairs(parents, Array.isArray(hostnames) ? hostnames : [])
}

/** Every pair of parent and host that the Rollout names, and its parents. */
export function interests(context: MeshContext): string[] {
  const parents = parentsOf(context)
  return [...parents.map(parentClaim), ...pairs(parents, gatewayOf(context).hosts)]
}

function parentClaim({group, kind, namespace, name}: Parent): string {
  return `${group}/${kind} ${namespace}/${name}`
}

function pairs(parents: readonly Parent[], hosts: readonly unknown[]): string[] {
  const named = hosts.length > 0 ? hosts : [anyHost]
  return parents.flatMap(parent => named.map(host => `${parentClaim(parent)} ${host}`))
}
