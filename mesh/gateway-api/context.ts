// What every part of the Gateway API mesh asks of its context and of the objects in the cluster.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
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

/** The parents that the Rollout names. */
export function parentsOf(context: MeshContext): Parent[] {
  return gatewayOf(context).parentRefs.map(ref => fullParent(ref, context.rollout.namespace))
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

/** Objects of one kind of the Gateway API, in whichever version they were read. */
export function objectsOf(objects: MeshObjects, kind: 'HTTPRoute' | 'Gateway'): KubeObject[] {
  return objects.filter(object => object.kind === kind && object.apiVersion.startsWith(`${gatewayGroup}/`))
}

/** The route under the name that Fairlead writes, whoever made it. */
export function liveRoute(context: MeshContext, objects: MeshObjects): KubeObject | undefined {
  return objectsOf(objects, 'HTTPRoute').find(({metadata}) => {
    return metadata.namespace === context.rollout.namespace && metadata.name === context.apex.name
  })
}
