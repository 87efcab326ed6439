import {expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import type {Weights} from '../../../crds/rollout-status.ts'
import {istio} from '../../../mesh/istio/index.ts'
import type {MeshContext, MeshObjects, ServicePort} from '../../../mesh/types.ts'
import {expectGolden} from './golden.ts'

function contextOf(ports: ServicePort[], hosts: string[] = [], gateways: string[] = []): MeshContext {
  return {
    rollout: {name: 'checkout', namespace: 'shop', uid: '11111111-2222-3333-4444-555555555555'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {istio: {hosts, gateways, settlingTime: '8s'}},
  }
}

function manifests(context: MeshContext, weights: Weights, objects: MeshObjects = []): KubeObject[] {
  return [...istio.renderDestinations(context, ['a', 'b'], objects), ...istio.renderRoutes(context, weights, objects)]
}

const http: ServicePort = {name: 'http', port: 80, targetPort: 8080, protocol: 'TCP'}

const severalPorts: ServicePort[] = [
  {name: 'http-web', port: 80, targetPort: 'web'},
  {name: 'grpc', port: 9090},
  {name: 'browser', port: 9091, appProtocol: 'grpc-web'},
  {name: 'socket', port: 9092, appProtocol: 'kubernetes.io/ws'},
  {name: 'admin', port: 8081},
  {name: 'tcp-ledger', port: 7000},
  {name: 'cache', port: 6379, appProtocol: 'redis'},
  {name: 'https', port: 443},
  {name: 'http-looks', port: 8443, appProtocol: 'tls'},
  {name: 'lookup', port: 53, protocol: 'UDP'},
]

const apexRule: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: {name: 'checkout-policy', namespace: 'shop'},
  spec: {
    host: 'checkout',
    exportTo: ['.', 'web'],
    trafficPolicy: {
      connectionPool: {http: {http1MaxPendingRequests: 100}},
      outlierDetection: {consecutive5xxErrors: 5, interval: '10s'},
    },
  },
}

test('one http port, by weight', () => {
  for (const [a, b] of [
    [100, 0],
    [95, 5],
    [0, 100],
  ] as const) {
    expectGolden(`istio-http-${a}-${b}`, manifests(contextOf([http]), {a, b}))
  }
})

test('several ports: HTTP, gRPC, TCP, detected, TLS and UDP', () => {
  expectGolden('istio-several-ports', manifests(contextOf(severalPorts), {a: 80, b: 20}))
})

test("the user's hosts and gateways", () => {
  const hosts = ['checkout.example.com', 'checkout', 'checkout.example.com', 'checkout.shop.svc.cluster.local']
  const gateways = ['istio-ingress/public', 'mesh', 'internal', 'shop/internal']
  const ports = [{name: 'admin', port: 8081}, http, {name: 'tcp', port: 7000}]
  expectGolden('istio-hosts-and-gateways', manifests(contextOf(ports, hosts, gateways), {a: 50, b: 50}))
})

test("a TCP Service behind the user's gateway", () => {
  const context = contextOf([{name: 'tcp', port: 7000}], ['ledger.example.com'], ['istio-ingress/tcp'])
  expectGolden('istio-tcp-gateway', manifests(context, {a: 90, b: 10}))
})

test("the apex host's own policy is carried over", () => {
  const rendered = manifests(contextOf([http]), {a: 95, b: 5}, [apexRule])
  expectGolden('istio-apex-policy', rendered)
  expect(rendered[0]?.spec.trafficPolicy).not.toBe(apexRule.spec.trafficPolicy)
})
