// What every part of the Linkerd mesh asks of its context and of the objects in the cluster.
import type {KubeObject} from '../../crds/meta.ts'
import {listOf} from '../shared/json.ts'
import {type PortProtocol, portForRoute} from '../shared/ports.ts'
import type {RouteKind} from '../shared/routes.ts'
import type {MeshContext, MeshObjects} from '../types.ts'

const gatewayGroup = 'gateway.networking.k8s.io'
export const gatewayApiVersion = `${gatewayGroup}/v1`
const linkerdGroup = 'linkerd.io'
export const linkerdApiVersion = `${linkerdGroup}/v1alpha2`

type Kind = RouteKind | 'ServiceProfile'

type LinkerdTraffic = NonNullable<MeshContext['traffic']['linkerd']>

/**
 * The Rollout's settings for Linkerd.
 * @throws RangeError when the Rollout names another mesh.
 */
export function linkerdOf(context: MeshContext): LinkerdTraffic {
  const {linkerd} = context.traffic
  if (!linkerd) throw new RangeError('spec.traffic.linkerd is not set: this Rollout does not use Linkerd')
  return linkerd
}

/** The port of the Service that the route is for; undefined where it has none. */
export function routedPort(context: MeshContext): {port: number; protocol: PortProtocol} | undefined {
  return portForRoute(context.apex.ports, linkerdOf(context).port)
}

/** The kind of the route: GRPCRoute where the routed port says that it speaks gRPC, else HTTPRoute. */
export function routeKind(context: MeshContext): RouteKind {
  const {route} = linkerdOf(context)
  if (route) return route.kind ?? 'HTTPRoute'
  return routedPort(context)?.protocol === 'grpc' ? 'GRPCRoute' : 'HTTPRoute'
}

/** Objects of one kind, in whichever version they were read. */
export function objectsOf(objects: MeshObjects, kind: Kind): KubeObject[] {
  const group = kind === 'ServiceProfile' ? linkerdGroup : gatewayGroup
  return objects.filter(object => object.kind === kind && object.apiVersion.startsWith(`${group}/`))
}

/** Name of the route, the user's or Fairlead's. */
export function routeName(context: MeshContext): string {
  return linkerdOf(context).route?.name ?? context.apex.name
}

/** Whether an object is the route, by its name. */
export function isRoute(context: MeshContext, {metadata}: KubeObject): boolean {
  return metadata.namespace === context.rollout.namespace && metadata.name === routeName(context)
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
