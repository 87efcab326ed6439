import {test} from 'vitest'
import type {Weights} from '../../../crds/rollout-status.ts'
import {linkerd} from '../../../mesh/linkerd/index.ts'
import type {MeshContext, ServicePort} from '../../../mesh/types.ts'
import {expectGolden} from './golden.ts'

function route(ports: ServicePort[], weights: Weights, port?: number) {
  const context: MeshContext = {
    rollout: {name: 'checkout', namespace: 'shop', uid: '11111111-2222-3333-4444-555555555555'},
    apex: {name: 'checkout', ports},
    slots: {a: 'checkout-a', b: 'checkout-b'},
    traffic: {linkerd: {settlingTime: '5s', ...(port === undefined ? {} : {port})}},
  }
  return [...linkerd.renderDestinations(context, ['a', 'b'], []), ...linkerd.renderRoutes(context, weights, [])]
}

const http: ServicePort = {name: 'http', port: 80, targetPort: 8080, protocol: 'TCP'}
const grpc: ServicePort = {name: 'api', port: 9090, appProtocol: 'grpc'}

test('one http port, by weight', () => {
  for (const [a, b] of [
    [100, 0],
    [95, 5],
    [0, 100],
  ] as const) {
    expectGolden(`linkerd-http-${a}-${b}`, route([http], {a, b}))
  }
})

test('gRPC, and the port that the user names', () => {
  expectGolden('linkerd-grpc', route([grpc], {a: 80, b: 20}))
  expectGolden('linkerd-chosen-port', route([http, grpc], {a: 0, b: 100}, 9090))
})
