// What the Services of a release have to have: each routed port on both sides (serviceRefs), and an apex Service, which may be
// taken away at any time, or be for Fairlead to make.
import {describe, expect, test} from 'vitest'
import {annotations, labels} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings, type Oracle, templateOf} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

const http = {name: 'http', port: 80, protocol: 'TCP'}
const admin = {name: 'admin', port: 9090, protocol: 'TCP'}

type More = Partial<ModelSettings> & {oracle?: Oracle}

function between(a: string, b: string, {oracle = () => 'pass', ...more}: More = {}): ModelCluster {
  const serviceRefs = {a, b, serve: 'a'}
  return new ModelCluster({...settings, ...more, spec: {targetRef: undefined, serviceRefs, ...more.spec}}, oracle)
}

function until(cluster: ModelCluster, holds: () => boolean, limitMilliseconds = 60_000): void {
  expect(runUntil(cluster, holds, limitMilliseconds), `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
}

const phase = (wanted: string) => (cluster: ModelCluster) => cluster.status.phase === wanted
const is = (cluster: ModelCluster, wanted: string) => until(cluster, () => phase(wanted)(cluster))

function portsOf(cluster: ModelCluster, name: string, ports: object[]): void {
  const service = cluster.find('Service', name)
  if (service) cluster.put({...service, spec: {...service.spec, ports}})
}

function serve(cluster: ModelCluster, slot: 'a' | 'b'): void {
  const {metadata, spec} = cluster.rollout
  const generation = (metadata.generation ?? 0) + 1
  const serviceRefs = {...spec.serviceRefs, serve: slot}
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, generation}, spec: {...spec, serviceRefs}}
}

const stalled = (cluster: ModelCluster) =>
  cluster.status.conditions?.find(({type, status}) => type === 'Stalled' && status === 'True')

function removed(cluster: ModelCluster): void {
  const {rollout} = cluster
  cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2023-11-14T22:13:20Z'}}
  until(cluster, () => cluster.gone, 200_000)
}

describe('ports of Services that are there', () => {
  test.each(['model', 'istio', 'gatewayAPI'] as const)('%s: one without a routed port is refused', mesh => {
    // The names that the real meshes' readings know.
    const cluster = between('checkout-a', 'checkout-b', {mesh})
    portsOf(cluster, 'checkout-b', [admin, {...http, protocol: 'UDP'}])
    runUntil(cluster, () => false, 5000)
    expect([cluster.status.phase, stalled(cluster)?.reason, stalled(cluster)?.message]).toEqual([
      'Initializing',
      'ServicePortMissing',
      'Service shop/checkout-b, spec.ports: it has no TCP port 80, to which requests for Service checkout go. Fix: add it.',
    ])
    portsOf(cluster, 'checkout-b', [http])
    is(cluster, 'Healthy')
  })

  test('ports that no route is for are none of its business', () => {
    const cluster = between('checkout-a', 'checkout-b', {mesh: 'gatewayAPI'})
    portsOf(cluster, 'checkout', [http, admin])
    is(cluster, 'Healthy')
  })

  test('a canary that loses one goes back, and a release that finds it missing waits', () => {
    const cluster = between('blue', 'green', {oracle: image => (image === 'green' ? 'noData' : 'pass')})
    is(cluster, 'Healthy')
    serve(cluster, 'b')
    until(cluster, () => cluster.status.canaryWeight === 10)
    portsOf(cluster, 'green', [admin])
    is(cluster, 'Failed')
    expect(cluster.status.history?.[0]).toMatchObject({
      reason: 'CanaryNotReady',
      message: 'The canary has traffic and no ready pod: Service green has no port 80.',
    })
    expect([cluster.find('Route', 'checkout')?.spec, stalled(cluster)?.reason]).toEqual([
      {a: 100, b: 0},
      'ServicePortMissing',
    ])
  })

  test('before it has traffic it is not ready', () => {
    const cluster = between('blue', 'green')
    is(cluster, 'Healthy')
    serve(cluster, 'b')
    is(cluster, 'Preparing')
    portsOf(cluster, 'green', [admin])
    runUntil(cluster, () => false, 20_000)
    expect([cluster.status.phase, cluster.status.message]).toEqual([
      'Preparing',
      'Canary: Service green has no port 80',
    ])
  })

  test('a rollback does not lead to a Service that has lost its port, but one that neither has holds nothing', () => {
    const spec = {strategy: {canary: {steps: [{weight: 50}]}}}
    const cluster = between('blue', 'green', {oracle: image => (image === 'green' ? 'noData' : 'pass'), spec})
    is(cluster, 'Healthy')
    serve(cluster, 'b')
    until(cluster, () => cluster.status.canaryWeight === 50)
    portsOf(cluster, 'blue', [admin])
    cluster.annotate(annotations.abort, 'green')
    runUntil(cluster, () => false, 10_000)
    expect([cluster.status.phase, cluster.find('Route', 'checkout')?.spec]).toEqual(['RollingBack', {a: 50, b: 50}])
    portsOf(cluster, 'green', [admin])
    is(cluster, 'Failed')
  })
})

describe('an apex Service that is taken away', () => {
  const routes = (cluster: ModelCluster) => JSON.stringify(cluster.find('HTTPRoute', 'checkout')?.spec)

  test('serviceRefs: route and Services stay as they are', () => {
    const cluster = between('checkout-a', 'checkout-b', {mesh: 'gatewayAPI'})
    is(cluster, 'Healthy')
    const before = routes(cluster)
    cluster.objects.delete('Service/checkout')
    runUntil(cluster, () => false, 10_000)
    expect([routes(cluster), stalled(cluster)?.reason]).toEqual([before, 'ServiceMissing'])
  })

  test.each(['istio', 'gatewayAPI'] as const)(
    '%s: slots of our own know its ports, so that a rollback goes on',
    mesh => {
      const kind = mesh === 'istio' ? 'VirtualService' : 'HTTPRoute'
      const spec = {strategy: {canary: {steps: [{weight: 50}]}}}
      const cluster = new ModelCluster({...settings, mesh, spec}, () => 'noData')
      is(cluster, 'Healthy')
      const before = JSON.stringify(cluster.find(kind, 'checkout')?.spec)
      const services = () => ['a', 'b'].map(slot => cluster.find('Service', `checkout-${slot}`)?.spec.ports)
      const ports = services()
      cluster.deploy('app:2')
      until(cluster, () => cluster.status.canaryWeight === 50)
      cluster.objects.delete('Service/checkout')
      cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
      is(cluster, 'Failed')
      expect(JSON.stringify(cluster.find(kind, 'checkout')?.spec)).toEqual(before)
      expect([services(), stalled(cluster)?.reason]).toEqual([ports, 'ServiceMissing'])
      // Without ports of its own Fairlead makes none.
      expect(cluster.find('Service', 'checkout')).toBeUndefined()
    },
  )
})

describe('an apex Service that Fairlead is to make', () => {
  const service = {ports: [{name: 'http', port: 80, targetPort: 8080}]}

  test.each<[string, object]>([
    ['a target', {}],
    ['a template', {targetRef: undefined, template: templateOf('app:1')}],
  ])('is made with a shared selector too, for %s, and stays so', (_, source) => {
    const spec = {...source, service: {...service, selector: 'shared'}, replicas: 3}
    const cluster = new ModelCluster({...settings, spec}, () => 'pass')
    cluster.objects.delete('Service/checkout')
    is(cluster, 'Healthy')
    const apex = () => cluster.find('Service', 'checkout')
    expect([apex()?.spec.selector, apex()?.spec.ports[0]?.port]).toEqual([{app: 'checkout'}, 80])
    cluster.deploy('app:2')
    is(cluster, 'Baking')
    expect(apex()?.spec.selector).toEqual({app: 'checkout'})
    cluster.objects.delete('Service/checkout')
    until(cluster, () => apex() !== undefined, 5000)
    expect(cluster.readyWith(apex()?.spec.selector).length).toBeGreaterThan(0)
  })

  test('a shared one of the user is left alone', () => {
    const spec = {service: {...service, selector: 'shared'}}
    const cluster = new ModelCluster({...settings, spec}, () => 'pass')
    is(cluster, 'Healthy')
    expect(cluster.find('Service', 'checkout')?.metadata.labels).toBeUndefined()
  })

  test('serviceRefs: is refused, since Fairlead makes the route alone there', () => {
    const cluster = between('blue', 'green', {spec: {service}})
    cluster.objects.delete('Service/checkout')
    runUntil(cluster, () => false, 5000)
    expect(stalled(cluster)).toMatchObject({
      reason: 'ServiceMissing',
      message:
        'Service shop/checkout, spec.service: there is no such Service, and none is made beside spec.serviceRefs. Fix: create it, with a selector for callers outside the mesh.',
    })
  })
})

test('Services that are there go as they came: without our label and without our annotation', () => {
  const cluster = between('blue', 'green')
  is(cluster, 'Healthy')
  expect(cluster.find('Service', 'blue')?.metadata).toMatchObject({
    labels: {[labels.rollout]: 'checkout'},
    annotations: {[annotations.applied]: expect.any(String)},
  })
  removed(cluster)
  for (const name of ['blue', 'green']) {
    const {labels: own, annotations: stamps} = cluster.find('Service', name)?.metadata ?? {}
    expect([own, stamps]).toEqual([undefined, undefined])
  }
})
