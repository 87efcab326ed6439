// The meshes that the model cluster can have, and what a proxy takes from their objects: of the model's own, and of the real
// ones, whose manifests the playground's proxy reads by the rules of the mesh, not by the renderer that wrote them.
import type {KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import type {Split, Weights} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {gatewayAPI} from '../../mesh/gateway-api/index.ts'
import {istio} from '../../mesh/istio/index.ts'
import type {Mesh} from '../../mesh/types.ts'
import {readGatewayRoute} from '../../playground/proxy/gateway-route.ts'
import type {Route, RouteRequest} from '../../playground/proxy/route-types.ts'
import {readVirtualService} from '../../playground/proxy/virtual-service.ts'
import {modelMesh} from './model-mesh.ts'

const slots = ['a', 'b'] as const
const apexHost = 'checkout.shop.svc.cluster.local'
const publicHost = 'shop.example.com'
const gateway = 'shop/public'

/** What the mesh's objects say to a proxy. */
export interface MeshReading {
  /** Where requests go; undefined while there is no route. */
  route?: {
    /** Shares of requests that nothing sets apart, percent. */
    shares: Weights
    /** Slots that some requests go to, be it those of a few users. */
    reached: SlotName[]
  }
  /** Slots that a route may name. */
  destinations: SlotName[]
  /** Slots whose pods answer 429 beyond a rate. */
  limited: SlotName[]
  /** Slots whose calls to others meet faults. */
  faulted: SlotName[]
}

export interface MeshModel {
  traffic(settlingMilliseconds: number): object
  mesh(settlingMilliseconds: number, silent: boolean): Mesh
  /** What the user has made. */
  objects: KubeObject[]
  /** An object with the status that the mesh's controller gives it. */
  answered(object: KubeObject): KubeObject
  /** @param objects those of the mesh's kinds */
  read(objects: readonly KubeObject[]): MeshReading
}

const named = (objects: readonly KubeObject[], kind: string) => objects.filter(object => object.kind === kind)
const slotsOf = (objects: readonly KubeObject[]) =>
  slots.filter(slot => objects.some(({metadata}) => metadata.labels?.[labels.slot] === slot))

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

function realGatewayAPI(): MeshModel {
  const parentRef = {group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'shop', name: 'public'}
  return {
    traffic: settling => ({
      gatewayAPI: {
        parentRefs: [{name: 'public'}],
        gatewayClass: {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'},
        hosts: [publicHost],
        settlingTime: `${settling}ms`,
      },
    }),
    mesh: () => gatewayAPI,
    objects: [
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
      return {...object, status: {parents: [{parentRef, controllerName: 'model', conditions}]}}
    },
    // A gateway takes the endpoints of the Services that a route names: nothing else has to be there.
    read: objects => ({
      ...interpreted(named(objects, 'HTTPRoute'), readGatewayRoute, {host: publicHost, gateway}),
      destinations: [...slots],
      limited: [],
      faulted: [],
    }),
  }
}

/** Where the only route sends each kind of request that it tells apart. */
function interpreted(
  objects: readonly KubeObject[],
  read: (object: KubeObject) => Route,
  from: {host: string; gateway: string},
): Pick<MeshReading, 'route'> {
  const [object] = objects
  if (!object) return {}
  const route = read(object)
  const request = (headers: Record<string, string>): RouteRequest => {
    return {method: 'GET', port: 80, path: '/', query: new URLSearchParams(), headers, ...from}
  }
  const cookies =
    JSON.stringify(object)
      .replaceAll('\\', '')
      .match(/fairlead-checkout=[\w.-]+/g) ?? []
  const requests = [request({'x-group': 'insiders'}), ...[...new Set(cookies)].map(cookie => request({cookie}))]
  const shares = sharesOf(route, request({}))
  const all = [shares, ...requests.map(one => sharesOf(route, one))]
  return {route: {shares, reached: slots.filter(slot => all.some(share => share[slot] > 0))}}
}

/** Percent per slot of requests of one kind. @throws Error where a request of ours has no rule: every one must have. */
function sharesOf(route: Route, request: RouteRequest): Weights {
  const rule = route.rules.find(({matches}) => matches === undefined || matches.some(match => match(request)))
  if (!rule) throw new Error(`${route.id} has no rule for ${JSON.stringify(request.headers)}`)
  const total = rule.destinations.reduce((sum, {weight}) => sum + weight, 0)
  const shares = {a: 0, b: 0}
  for (const {host, weight} of rule.destinations) {
    const slot = slots.find(one => host.startsWith(`checkout-${one}.`))
    if (!slot) throw new Error(`${route.id} leads to ${host}`)
    shares[slot] += (100 * weight) / total
  }
  return shares
}

export const meshModels = {model: plainModel(), istio: realIstio(), gatewayAPI: realGatewayAPI()}
