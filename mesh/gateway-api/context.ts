// What every part of the Gateway API mesh asks of its context and of the objects in the cluster.
import type {KubeObject} from '../../crds/meta.ts'
import {listOf} from '../shared/json.ts'
import {type PortProtocol, portForRoute} from '../shared/ports.ts'
import type {RouteKind} from '../shared/routes.ts'
import type {MeshContext, MeshObjects} from '../types.ts'

export const gatewayGroup = 'gateway.networking.k8s.io'
export const gatewayApiVersion = `${gatewayGroup}/v1`

type GatewayTraffic = NonNullable<MeshContext['traffic']['gatewayAPI']>

/** A parent of the route with every default filled in; `namespace` is the Rollout's own where the user gave none. */
export interface Parent {
  group: string
  kind: string
  namespace: string
  name: string
  sectionName?: string
  port?: number
}

/** A `parentRef` as it is written. */
export type ParentRef = {[field in keyof Parent]?: Parent[field] | undefined}

/**
 * The Rollout's settings for the Gateway API.
 * @throws RangeError when the Rollout names another mesh.
 */
export function gatewayOf(context: MeshContext): GatewayTraffic {
  const {gatewayAPI} = context.traffic
  if (!gatewayAPI) throw new RangeError('spec.traffic.gatewayAPI is not set: this Rollout does not use the Gateway API')
  return gatewayAPI
}

/** The port of the slots' Services that the route names; undefined where the Service has none. */
export function routedPort(context: MeshContext): {port: number; protocol: PortProtocol} | undefined {
  return portForRoute(context.apex.ports, gatewayOf(context).port)
}

/** The parents that the Rollout names; those of a borrowed route, as it is in the cluster, where it borrows one. */
export function parentsOf(context: MeshContext, objects: MeshObjects): Parent[] {
  const {parentRefs, route} = gatewayOf(context)
  const refs = route ? listOf(liveRoute(context, objects)?.spec?.parentRefs) : (parentRefs ?? [])
  return refs.map(ref => fullParent(ref as ParentRef, context.rollout.namespace))
}

/** The hosts that the Rollout names, or those of a borrowed route; empty for every host of the listeners. */
export function hostsOf(context: MeshContext, objects: MeshObjects): readonly string[] {
  const {hosts, route} = gatewayOf(context)
  return route ? hostnamesOf(liveRoute(context, objects)) : hosts
}

/** The host names of a route. */
export function hostnamesOf(route: KubeObject | undefined): string[] {
  const names: unknown = route?.spec?.hostnames
  return Array.isArray(names) ? names.filter(one => typeof one === 'string') : []
}

/** A `parentRef` as it stands in a route of the given namespace, with the API's defaults. */
export function fullParent(ref: ParentRef, namespace: string): Parent {
  return {
    group: ref.group ?? gatewayGroup,
    kind: ref.kind ?? 'Gateway',
    namespace: ref.namespace || namespace,
    name: ref.name ?? '',
    ...(ref.sectionName ? {sectionName: ref.sectionName} : {}),
    ...(ref.port === undefined ? {} : {port: ref.port}),
  }
}

/** Whether two references mean the same object, whatever the listener. */
export function sameObject(left: Parent, right: Parent): boolean {
  const {group, kind, namespace, name} = left
  return group === right.group && kind === right.kind && namespace === right.namespace && name === right.name
}

/** Whether two references mean the same listener of the same object, or all of its listeners. */
export function sameParent(left: Parent, right: Parent): boolean {
  return sameObject(left, right) && left.sectionName === right.sectionName && left.port === right.port
}

/** How a message names a parent. */
export function describeParent(parent: Parent): string {
  const section = parent.sectionName === undefined ? '' : `, listener ${parent.sectionName}`
  const port = parent.port === undefined ? '' : `, port ${parent.port}`
  return `${parent.kind} ${parent.namespace}/${parent.name}${section}${port}`
}

/** Objects of one kind of the Gateway API, in whichever version they were read. */
export function objectsOf(objects: MeshObjects, kind: RouteKind | 'Gateway' | 'GatewayClass'): KubeObject[] {
  return objects.filter(object => object.kind === kind && object.apiVersion.startsWith(`${gatewayGroup}/`))
}

/**
 * The kind of the route: GRPCRoute where the routed port says that it speaks gRPC, since a gateway may talk HTTP/1 to the
 * backends of an HTTPRoute; else HTTPRoute.
 */
export function routeKind(context: MeshContext): RouteKind {
  const {route} = gatewayOf(context)
  if (route) return route.kind ?? 'HTTPRoute'
  return routedPort(context)?.protocol === 'grpc' ? 'GRPCRoute' : 'HTTPRoute'
}

/** Name of the route, the user's or Fairlead's. */
export function routeName(context: MeshContext): string {
  return gatewayOf(context).route?.name ?? context.apex.name
}

/** The route under the name and of the kind that Fairlead writes, whoever made it. */
export function liveRoute(context: MeshContext, objects: MeshObjects): KubeObject | undefined {
  return objectsOf(objects, routeKind(context)).find(({metadata}) => {
    return metadata.namespace === context.rollout.namespace && metadata.name === routeName(context)
  })
}
