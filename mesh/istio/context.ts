// What every part of the Istio mesh asks of its context and of the objects in the cluster.
import type {KubeObject} from '../../crds/meta.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {meshGateway, resolveGateway, resolveHost, serviceHost} from './hosts.ts'

const istioGroup = 'networking.istio.io'
export const istioApiVersion = `${istioGroup}/v1`

type IstioTraffic = NonNullable<MeshContext['traffic']['istio']>

/**
 * The Rollout's settings for Istio.
 * @throws RangeError when the Rollout names another mesh.
 */
export function istioOf(context: MeshContext): IstioTraffic {
  const {istio} = context.traffic
  if (!istio) throw new RangeError('spec.traffic.istio is not set: this Rollout does not use Istio')
  return istio
}

/** Full host of the apex Service. */
export function apexHost(context: MeshContext): string {
  return serviceHost(context.apex.name, context.rollout.namespace)
}

/** Full host of a slot's Service. */
export function slotHost(context: MeshContext, slot: 'a' | 'b'): string {
  return serviceHost(context.slots[slot], context.rollout.namespace)
}

/** Hosts of the route: the apex Service's full name, then the user's, each once however it is written. */
export function routeHosts(context: MeshContext): string[] {
  const users = istioOf(context).hosts.map(host => {
    return resolveHost(host, context.rollout.namespace) === apexHost(context) ? apexHost(context) : host
  })
  return [...new Set([apexHost(context), ...users])]
}

/** The user's gateways as written, each once and without `mesh`. */
export function userGateways(context: MeshContext): string[] {
  const {namespace} = context.rollout
  const byName = new Map(istioOf(context).gateways.map(gateway => [resolveGateway(gateway, namespace), gateway]))
  byName.delete(meshGateway)
  return [...byName.values()]
}

/** Istio objects of one kind, in whichever version they were read. */
export function objectsOf(
  objects: MeshObjects,
  kind: 'VirtualService' | 'DestinationRule' | 'EnvoyFilter',
): KubeObject[] {
  return objects.filter(object => object.kind === kind && object.apiVersion.startsWith(`${istioGroup}/`))
}

/** The object with this name in the Rollout's namespace. */
export function namedObject(
  context: MeshContext,
  objects: readonly KubeObject[],
  name: string,
): KubeObject | undefined {
  return objects.find(({metadata}) => metadata.namespace === context.rollout.namespace && metadata.name === name)
}

/** The strings of a list that a user wrote; empty when it is no list. */
export function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}

/** Whether any proxy at all sees an object: `~` hides it from every namespace. */
export function isExported(object: KubeObject): boolean {
  return !stringsOf(object.spec?.exportTo).includes('~')
}
