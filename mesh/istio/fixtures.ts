// Objects that the tests of this folder share.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext, Routing, ServicePort} from '../types.ts'

/** A Rollout `checkout` in namespace `shop`, with one http port unless told otherwise. */
export function testContext(
  options: Partial<NonNullable<MeshContext['traffic']['istio']>> & {
    ports?: ServicePort[]
    labels?: Record<string, string>
    routing?: Routing
  } = {},
): MeshContext {
  const {ports = [{name: 'http', port: 80}], labels, routing, ...settings} = options
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
    apex: {name: 'checkout', ports, ...(labels ? {labels} : {})},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {istio: {hosts: [], gateways: [], settlingTime: '8s', ...settings}},
    ...(routing ? {routing} : {}),
  }
}

/** An object of the user's. */
export function userObject(
  kind: 'VirtualService' | 'DestinationRule' | 'EnvoyFilter',
  path: string,
  spec: JsonObject,
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  return {apiVersion: 'networking.istio.io/v1', kind, metadata: {name, namespace, ...metadata}, spec}
}
