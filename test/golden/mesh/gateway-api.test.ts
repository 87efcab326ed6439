import {test} from 'vitest'
import type {Weights} from '../../../crds/rollout-status.ts'
import {gatewayAPI} from '../../../mesh/gateway-api/index.ts'
import type {MeshContext, ServicePort} from '../../../mesh/types.ts'
import {expectGolden} from './golden.ts'

type Settings = Partial<NonNullable<MeshContext['traffic']['gatewayAPI']>>

const envoyGateway = {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'}

function route(ports: ServicePort[], settings: Settings, weights: Weights) {
  const context: MeshContext = {
    rollout: {name: 'checkout', namespace: 'shop', uid: '11111111-2222-3333-4444-555555555555'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {
      gatewayAPI: {parentRefs: [{name: 'public', namespace: 'infra'}], hosts: [], settlingTime: '2s', ...settings},
    },
  }
  return [...gatewayAPI.renderDestinations(context, ['a', 'b'], []), ...gatewayAPI.renderRoutes(context, weights, [])]
}

const http: ServicePort = {name: 'http', port: 80, targetPort: 8080, protocol: 'TCP'}

test('one http port, by weight', () => {
  for (const [a, b] of [
    [100, 0],
    [95, 5],
    [0, 100],
  ] as const) {
    const settings = {hosts: ['shop.example.com'], gatewayClass: envoyGateway}
    expectGolden(`gateway-api-${a}-${b}`, route([http], settings, {a, b}))
  }
})

test('nobody says what serves the Gateway: core features alone', () => {
  expectGolden('gateway-api-core', route([http], {hosts: ['shop.example.com']}, {a: 95, b: 5}))
})

test("the user's hosts, parents and port", () => {
  const settings: Settings = {
    hosts: ['shop.example.com', '*.shop.example.com', 'shop.example.com'],
    parentRefs: [
      {name: 'public', namespace: 'infra', sectionName: 'https'},
      {name: 'inner', port: 8080},
      {group: '', kind: 'Service', name: 'checkout'},
    ],
    port: 9090,
    gatewayClass: envoyGateway,
  }
  const ports = [http, {name: 'grpc', port: 9090, appProtocol: 'kubernetes.io/h2c'}]
  expectGolden('gateway-api-hosts-and-parents', route(ports, settings, {a: 50, b: 50}))
})
