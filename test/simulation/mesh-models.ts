// The meshes that the model cluster can have, and what a proxy takes from their objects: of the model's own, and of the real
// ones, whose manifests the playground's proxy reads by the rules of the mesh, not by the renderer that wrote them.
import type {KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {gatewayAPI} from '../../mesh/gateway-api/index.ts'
import {istio} from '../../mesh/istio/index.ts'
import {none} from '../../mesh/none/index.ts'
import {readGatewayRoute} from '../../playground/proxy/gateway-route.ts'
import {readVirtualService} from '../../playground/proxy/virtual-service.ts'
import {apexHost, interpreted, type MeshModel, named, type Origin, slots, slotsOf} from './mesh-reading.ts'
import {linkerdModel} from './model-linkerd.ts'
import {modelMesh} from './model-mesh.ts'

const publicHost = 'shop.example.com'
const gateway = 'shop/public'

function plainModel(): MeshModel {
  return {
    traffic: () => ({istio: {}}),
    mesh: modelMesh,
    objects: [],
    answered: object => object,
    read(objects) {
      const split = named(objects, 'Route')[0]?.spec as Split | undefined
      const destinations = named(objects, 'Destination')
      return {
        ...(split
          ? {route: {shares: split, reached: slots.filter(slot => split[slot] > 0 || isApart(split, slot))}}
          : {}),
        destinations: slots.filter(slot => destinations.some(({metadata}) => metadata.name === `checkout-${slot}`)),
        limited: slots.filter(slot =>
          destinations.some(({metadata, spec}) => metadata.name === `checkout-${slot}` && spec.safeguards?.rateLimit),
        ),
        faulted: slotsOf(named(objects, 'Fault')),
      }
    },
  }
}

/** Whether some requests go to a slot whatever its share; copies whose answers nobody sees are none. */
function isApart({apart}: Split, slot: SlotName): boolean {
  return apart?.slot === slot && (apart.matched === true || apart.session !== undefined)
}

function realIstio(): MeshModel {
  return {
    traffic: settling => ({istio: {settlingTime: `${settling}ms`}}),
    mesh: () => istio,
    objects: [],
    answered: object => object,
    read(objects) {
      const filters = named(objects, 'EnvoyFilter')
      const of = (purpose: string) => slotsOf(filters.filter(({metadata}) => metadata.name.endsWith(purpose)))
      return {
        ...interpreted(named(objects, 'VirtualService'), readVirtualService, {host: apexHost, gateway: 'mesh'}),
        destinations: slotsOf(named(objects, 'DestinationRule')),
        limited: of('-rate-limit'),
        faulted: of('-faults'),
      }
    },
  }
}

/** @param inside the parent is the Service itself (GAMMA): the callers are workloads of the mesh, and no gateway */
function realGatewayAPI(inside: boolean): MeshModel {
  const service = {group: '', kind: 'Service', name: 'checkout'}
  const gatewayRef = {group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'shop', name: 'public'}
  const from = inside ? {host: apexHost, gateway: 'mesh'} : {host: publicHost, gateway}
  const parents = inside ? {parentRefs: [service]} : {parentRefs: [{name: 'public'}], hosts: [publicHost]}
  return {
    traffic: settling => ({
      gatewayAPI: {
        ...parents,
        gatewayClass: {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'},
        settlingTime: `${settling}ms`,
      },
    }),
    mesh: () => gatewayAPI,
    objects: inside
      ? []
      : [
          {
            apiVersion: 'gateway.networking.k8s.io/v1',
            kind: 'Gateway',
            metadata: {name: 'public', namespace: 'shop'},
            spec: {gatewayClassName: 'model', listeners: [{name: 'http', port: 80, protocol: 'HTTP'}]},
          },
        ],
    answered(object) {
      if (object.kind !== 'HTTPRoute') return object
      const conditions = ['Accepted', 'ResolvedRefs'].map(type => ({
        type,
        status: 'True',
        reason: type,
        observedGeneration: object.metadata.generation,
      }))
      const parentRef = inside ? service : gatewayRef
      return {...object, status: {parents: [{parentRef, controllerName: 'model', conditions}]}}
    },
    // What obeys a route takes the endpoints of the Services that it names: nothing else has to be there.
    read: objects => ({
      ...interpreted(named(objects, 'HTTPRoute').filter(isFrom(from)), readGatewayRoute, from),
      destinations: [...slots],
      limited: [],
      faulted: [],
    }),
  }
}

/** Whether a route takes requests from there: by its parents and, through a gateway, by its hosts. */
function isFrom({host, gateway}: Origin): (object: KubeObject) => boolean {
  return object => {
    const {hosts, gateways} = readGatewayRoute(object)
    return gateway !== undefined && gateways.includes(gateway) && hosts.includes(host)
  }
}

/** No mesh: no route either, and every caller goes where the selector of the apex Service says. */
function withoutMesh(): MeshModel {
  return {
    traffic: settling => ({none: {settlingTime: `${settling}ms`}}),
    mesh: () => none,
    objects: [],
    answered: object => object,
    read: () => ({destinations: [...slots], limited: [], faulted: []}),
  }
}

export const meshModels = {
  model: plainModel(),
  istio: realIstio(),
  gatewayAPI: realGatewayAPI(false),
  'gatewayAPI, inside': realGatewayAPI(true),
  linkerd: linkerdModel(false),
  'linkerd, borrowed': linkerdModel(true),
  none: withoutMesh(),
}
