// Objects that the tests of this folder share.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext, ServicePort} from '../types.ts'
import {renderRoute} from './route.ts'

/** A Rollout `checkout` in namespace `shop`. */
export function testContext(options: {ports?: ServicePort[]; port?: number} = {}): MeshContext {
  const {ports = [{name: 'http', port: 80}], port} = options
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {linkerd: {settlingTime: '2s', ...(port === undefined ? {} : {port})}},
  }
}

/** The same behind a port that speaks gRPC. */
export function grpcContext(): MeshContext {
  return testContext({ports: [{name: 'api', port: 9090, appProtocol: 'grpc'}]})
}

/** An object of the user's. */
export function userObject(kind: string, path: string, spec: JsonObject): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  const apiVersion = kind === 'ServiceProfile' ? 'linkerd.io/v1alpha2' : 'gateway.networking.k8s.io/v1'
  return {apiVersion, kind, metadata: {name, namespace}, spec}
}

/** Conditions by type: status, reason and observedGeneration, which Linkerd never writes. */
type Conditions = Record<string, [status: string, reason?: string, observedGeneration?: number]>

/** One entry of a route's `status.parents`, as Linkerd writes it for port 80 of Service `shop/checkout`. */
export function answer(conditions: Conditions, others: JsonObject = {}): JsonObject {
  return {
    parentRef: {group: 'core', kind: 'Service', namespace: 'shop', name: 'checkout', port: 80},
    controllerName: 'linkerd.io/policy-controller',
    conditions: Object.entries(conditions).map(([type, [status, reason = type, generation]]) => ({
      type,
      status,
      reason,
      message: '',
      ...(generation === undefined ? {} : {observedGeneration: generation}),
    })),
    ...others,
  }
}

/** The route of generation 3 that carries 90 and 10, with a status. */
export function routeWith(context: MeshContext, ...parents: JsonObject[]): KubeObject {
  const route = renderRoute(context, {a: 90, b: 10})
  return {...route, metadata: {...route.metadata, generation: 3}, status: {parents}}
}
