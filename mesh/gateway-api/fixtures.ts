// Objects that the tests of this folder share.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext, Routing, ServicePort} from '../types.ts'
import type {ParentRef} from './context.ts'
import {renderRoute} from './route.ts'

interface ContextOptions {
  ports?: ServicePort[]
  hosts?: string[]
  parentRefs?: (ParentRef & {name: string})[]
  port?: number
  visibleNamespace?: string
  routing?: Routing
  /** One of the user's, instead of parents and hosts. */
  route?: NonNullable<MeshContext['traffic']['gatewayAPI']>['route']
  /** Who serves the parents, as the Rollout says; Envoy Gateway unless told otherwise, `unsaid` to leave it to the objects. */
  gatewayClass?: GatewayClass | 'unsaid'
}

type GatewayClass = NonNullable<NonNullable<MeshContext['traffic']['gatewayAPI']>['gatewayClass']>

export const envoyGateway: GatewayClass = {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'}

/** A Rollout `checkout` in namespace `shop`, behind Gateway `infra/public` unless told otherwise. */
export function testContext(options: ContextOptions = {}): MeshContext {
  const {ports = [{name: 'http', port: 80}], hosts = ['shop.example.com'], port, visibleNamespace} = options
  const {parentRefs = [{name: 'public', namespace: 'infra'}], gatewayClass = envoyGateway} = options
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {
      gatewayAPI: {
        ...(options.route ? {hosts: [], route: options.route} : {hosts, parentRefs}),
        settlingTime: '2s',
        ...(port === undefined ? {} : {port}),
        ...(gatewayClass === 'unsaid' ? {} : {gatewayClass}),
      },
    },
    ...(visibleNamespace === undefined ? {} : {visibleNamespace}),
    ...(options.routing ? {routing: options.routing} : {}),
  }
}

/** An object of the user's. */
export function userObject(kind: 'HTTPRoute' | 'GRPCRoute' | 'Gateway', path: string, spec: JsonObject): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  return {apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: {name, namespace}, spec}
}

/** Conditions by type: status, reason and observedGeneration (`none` for an absent one). */
type Conditions = Record<string, [status: string, reason?: string, observedGeneration?: number | 'none']>

/** One entry of a route's `status.parents`; the generation is 3 unless told otherwise. */
export function answer(parentRef: ParentRef, conditions: Conditions): JsonObject {
  return {
    parentRef: {...parentRef},
    controllerName: 'example.com/gateway',
    conditions: Object.entries(conditions).map(([type, [status, reason = type, generation = 3]]) => ({
      type,
      status,
      reason,
      message: `${reason} was said`,
      ...(generation === 'none' ? {} : {observedGeneration: generation}),
    })),
  }
}

/** The route of generation 3 that carries 90 and 10, with a status. */
export function routeWith(context: MeshContext, ...parents: JsonObject[]): KubeObject {
  const route = renderRoute(context, {a: 90, b: 10}, [])
  return {...route, metadata: {...route.metadata, generation: 3}, status: {parents}}
}
