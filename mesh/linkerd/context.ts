// What every part of the Linkerd mesh asks of its context and of the objects in the cluster.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {routedPort} from './ports.ts'

const gatewayGroup = 'gateway.networking.k8s.io'
export const gatewayApiVersion = `${gatewayGroup}/v1`
const linkerdGroup = 'linkerd.io'
export const linkerdApiVersion = `${linkerdGroup}/v1alpha2`

export type RouteKind = 'HTTPRoute' | 'GRPCRoute'
type Kind = RouteKind | 'ServiceProfile'

/** The kind of the route: GRPCRoute where the routed port says that it speaks gRPC, else HTTPRoute. */
export function routeKind(context: MeshContext): RouteKind {
  return routedPort(context)?.protocol === 'grpc' ? 'GRPCRoute' : 'HTTPRoute'
}

/** Metadata of the route; no owner reference, so that pruning a Rollout never deletes production. */
export function routeMetadata(context: MeshContext): KubeObject['metadata'] {
  const {rollout, apex} = context
  return {
    name: apex.name,
    namespace: rollout.namespace,
    labels: {[labels.rollout]: rollout.name},
    annotations: {[annotations.owner]: rollout.uid},
  }
}

/** Whether an object bears this Rollout's label, in its namespace; whatever the uid, since a restore gives a new one. */
export function isOwn(context: MeshContext, object: KubeObject): boolean {
  const {name, namespace} = context.rollout
  return object.metadata.namespace === namespace && object.metadata.labels?.[labels.rollout] === name
}

/** Objects of one kind, in whichever version they were read. */
export function objectsOf(objects: MeshObjects, kind: Kind): KubeObject[] {
  const group = kind === 'ServiceProfile' ? linkerdGroup : gatewayGroup
  return objects.filter(object => object.kind === kind && object.apiVersion.startsWith(`${group}/`))
}

/** Whether an object is the route that Fairlead writes, by its name. */
export function isRoute(context: MeshContext, {metadata}: KubeObject): boolean {
  return metadata.namespace === context.rollout.namespace && metadata.name === context.apex.name
}

/** The route under the name and of the kind that Fairlead writes, whoever made it. */
export function liveRoute(context: MeshContext, objects: MeshObjects): KubeObject | undefined {
  return objectsOf(objects, routeKind(context)).find(object => isRoute(context, object))
}

/** A Service that a route attaches to. */
export interface ParentService {
  namespace: string
  name: string
  /** Absent: every port. */
  port?: number
}

/** The Services among parent references of a route in the given namespace; Linkerd writes the core group as `core`. */
export function parentServices(references: unknown, namespace: string): ParentService[] {
  return listOf(references)
    .filter(({group = gatewayGroup, kind}) => kind === 'Service' && (group === '' || group === 'core'))
    .map(reference => ({
      namespace:
        typeof reference.namespace === 'string' && reference.namespace !== '' ? reference.namespace : namespace,
      name: typeof reference.name === 'string' ? reference.name : '',
      ...(typeof reference.port === 'number' ? {port: reference.port} : {}),
    }))
}

/** Whether a parent is the apex Service, at the routed port or at all of its ports. */
export function isApex(context: MeshContext, parent: ParentService): boolean {
  const {rollout, apex} = context
  const samePort = parent.port === undefined || parent.port === routedPort(context)?.port
  return parent.namespace === rollout.namespace && parent.name === apex.name && samePort
}

/** The objects of a list; what is no object becomes an empty one. */
export function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(one => (isObject(one) ? one : {})) : []
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
