// Rollouts of every kind that a mesh makes a difference between: ports of the Service, and settings as a user writes them.
import type {KubeObject} from '../../../crds/meta.ts'
import {rolloutSpec} from '../../../crds/rollout.ts'
import type {meshes} from '../../../mesh/registry.ts'
import type {MeshContext, ServicePort} from '../../../mesh/types.ts'

/** Meshes with objects of their own: all but plain Kubernetes. A new one without an entry below doesn't compile. */
export type Routed = Exclude<keyof typeof meshes, 'none'>

export const namespace = 'rendered'

interface Settings {
  /** Under `spec.traffic.<mesh>`. */
  traffic: object
  ports: ServicePort[]
  /** A route of the user's, where it is borrowed. */
  users?: KubeObject
}

const http: ServicePort = {name: 'http', port: 80, targetPort: 8080, protocol: 'TCP'}
const grpc: ServicePort = {name: 'api', port: 9090, appProtocol: 'grpc'}
const tcp: ServicePort = {name: 'tcp-ledger', port: 7000}
const several: ServicePort[] = [
  http,
  grpc,
  tcp,
  {name: 'socket', port: 9092, appProtocol: 'kubernetes.io/ws'},
  {name: 'admin', port: 8081},
  {name: 'https', port: 443},
  {name: 'lookup', port: 53, protocol: 'UDP'},
]
const host = 'shop.example.com'

function virtualService(spec: object): KubeObject {
  return {apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: {name: 'users', namespace}, spec}
}

function gatewayRoute(kind: 'HTTPRoute' | 'GRPCRoute', parent: object, matches: object[]): KubeObject {
  const port = kind === 'HTTPRoute' ? 80 : 9090
  const rules = [
    {matches, backendRefs: [{name: 'legacy', port}]},
    {backendRefs: [{group: '', kind: 'Service', name: 'checkout', port, weight: 1}]},
  ]
  const spec = {parentRefs: [parent], rules}
  return {apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: {name: 'users', namespace}, spec}
}

const old = [{path: {type: 'PathPrefix', value: '/old'}}]
const oldMethod = [{method: {type: 'Exact', service: 'shop.Legacy'}}]
const gateway = {name: 'public', namespace: 'infra'}
/** Says that it has everything; without it what goes beyond the core of the API is refused. */
const gatewayClass = {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'}
const apex = {group: '', kind: 'Service', name: 'checkout'}
const borrowing = {name: 'users', ownership: 'exclusive'}

export const settings: Readonly<Record<Routed, Readonly<Record<string, Settings>>>> = {
  istio: {
    'HTTP inside the mesh': {traffic: {}, ports: [http]},
    'gRPC inside the mesh': {traffic: {}, ports: [grpc]},
    'TCP inside the mesh': {traffic: {}, ports: [tcp]},
    'several ports, hosts and gateways': {
      traffic: {hosts: [host, 'checkout'], gateways: ['infra/public', 'internal']},
      ports: several,
    },
    'TCP through a gateway': {traffic: {hosts: ['ledger.example.com'], gateways: ['infra/tcp']}, ports: [tcp]},
    'a delegate': {traffic: {delegate: true}, ports: several},
    'the ambient data plane': {traffic: {dataPlane: 'ambient', waypoint: 'namespace'}, ports: [http]},
    'a borrowed VirtualService': {
      traffic: {virtualService: borrowing},
      ports: [http],
      users: virtualService({
        hosts: ['checkout', host],
        gateways: ['mesh', 'infra/public'],
        http: [
          {match: [{uri: {prefix: '/fixed'}}], directResponse: {status: 418}},
          {name: 'rest', timeout: '3s', route: [{destination: {host: 'checkout'}}]},
        ],
      }),
    },
  },
  gatewayAPI: {
    'HTTP through a gateway': {traffic: {parentRefs: [gateway], hosts: [host], gatewayClass}, ports: [http]},
    'HTTP through a gateway that has the core alone': {traffic: {parentRefs: [gateway], hosts: [host]}, ports: [http]},
    'gRPC through a gateway': {traffic: {parentRefs: [gateway], gatewayClass}, ports: [grpc]},
    'gRPC through a gateway that has the core alone': {traffic: {parentRefs: [gateway]}, ports: [grpc]},
    'several parents, hosts and ports': {
      traffic: {
        parentRefs: [{...gateway, sectionName: 'https'}, {name: 'inner', port: 8080}, apex],
        hosts: [host, '*.shop.example.com'],
        port: 8081,
        gatewayClass,
      },
      ports: several,
    },
    'HTTP inside the mesh (GAMMA)': {traffic: {parentRefs: [apex], gatewayClass}, ports: [http]},
    'gRPC inside the mesh (GAMMA)': {traffic: {parentRefs: [{...apex, port: 9090}], gatewayClass}, ports: [grpc]},
    'a borrowed HTTPRoute': {
      traffic: {route: borrowing},
      ports: [http],
      users: gatewayRoute('HTTPRoute', gateway, old),
    },
    'a borrowed GRPCRoute': {
      traffic: {route: {...borrowing, kind: 'GRPCRoute'}},
      ports: [grpc],
      users: gatewayRoute('GRPCRoute', gateway, oldMethod),
    },
  },
  linkerd: {
    HTTP: {traffic: {}, ports: [http]},
    gRPC: {traffic: {}, ports: [grpc]},
    'the port that the user names': {traffic: {port: 8081}, ports: several},
    'a borrowed HTTPRoute': {traffic: {route: borrowing}, ports: [http], users: gatewayRoute('HTTPRoute', apex, old)},
    'a borrowed GRPCRoute': {
      traffic: {route: {...borrowing, kind: 'GRPCRoute'}},
      ports: [grpc],
      users: gatewayRoute('GRPCRoute', apex, oldMethod),
    },
  },
}

/** What a renderer gets of such a Rollout; the settings have the defaults that the API server gives them. */
export function contextOf(mesh: Routed, {traffic, ports}: Settings): MeshContext {
  const spec = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {[mesh]: traffic},
    strategy: {canary: {steps: [{weight: 5}]}},
  })
  return {
    rollout: {name: 'checkout', namespace, uid: '11111111-2222-3333-4444-555555555555'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: spec.traffic,
  }
}
