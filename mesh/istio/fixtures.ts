// Objects that the tests of this folder share.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext, ServicePort} from '../types.ts'

/** A Rollout `checkout` in namespace `shop`, with one http port unless told otherwise. */
export function testContext(
  options: {ports?: ServicePort[]; hosts?: string[]; gateways?: string[]; settlingTime?: string} = {},
): MeshContext {
  const {ports = [{name: 'http', port: 80}], hosts = [], gateways = [], settlingTime = '8s'} = options
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {istio: {hosts, gateways, settlingTime}},
  }
}

/** An object of the user's. */
export function userObject(
  kind: 'VirtualService' | 'DestinationRule',
  path: string,
  spec: JsonObject,
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  return {apiVersion: 'networking.istio.io/v1', kind, metadata: {name, namespace, ...metadata}, spec}
}
