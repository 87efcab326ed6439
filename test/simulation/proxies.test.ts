// What the model of the proxies finds: each order of writes that is wrong, at once or by a proxy that hears of it late.
import {expect, test} from 'vitest'
import {labels} from '../../crds/names.ts'
import {pass} from './driver.ts'
import {ModelCluster} from './model-cluster.ts'
import {type Agreed, Proxies} from './proxies.ts'
import {settings} from './usual-settings.ts'

const stepMilliseconds = 250

/** A cluster at rest after its adoption, and what breaks it. */
function after(harm: (cluster: ModelCluster, wait: (steps: number) => void) => void, agreed?: Agreed): string[] {
  const cluster = new ModelCluster(settings, () => 'pass')
  const proxies = new Proxies(cluster, settings.settlingMilliseconds, agreed)
  const step = () => {
    cluster.advance(stepMilliseconds)
    proxies.look()
  }
  for (let passes = 0; cluster.status.phase !== 'Healthy' && passes < 200; passes++) {
    pass(cluster)
    step()
  }
  expect(proxies.unserved).toEqual([])
  const wait = (steps: number) => {
    for (let waited = 0; waited < steps; waited++) step()
  }
  harm(cluster, wait)
  wait(12)
  return proxies.unserved
}
const routeTo = (cluster: ModelCluster, spec: object) => {
  const route = cluster.find('Route', 'checkout')
  if (route) cluster.put({...route, spec})
}
const scale = (cluster: ModelCluster, name: string, replicas: number) => {
  const object = cluster.find('Deployment', name)
  if (object) cluster.put({...object, spec: {...object.spec, replicas}})
}

/** Pods in slot b. */
const fill = (cluster: ModelCluster) => {
  const other = cluster.find('Deployment', 'checkout-a')
  if (!other) throw new Error('slot a is missing')
  const {metadata, spec} = other
  const template = {...spec.template, metadata: {labels: {...spec.template.metadata.labels, [labels.slot]: 'b'}}}
  cluster.put({...other, metadata: {...metadata, name: 'checkout-b'}, spec: {...spec, template}})
}

test('a route before the pods', () => {
  expect(after(cluster => routeTo(cluster, {a: 90, b: 10}))).toHaveLength(1)
})

test('a route that is written as soon as the pods are ready', () => {
  const found = after((cluster, wait) => {
    fill(cluster)
    wait(5)
    expect(cluster.readyWith({[labels.slot]: 'b'})).toHaveLength(3)
    routeTo(cluster, {a: 90, b: 10})
  })
  expect(found).toEqual(['the route names slot b, and a pod of its is gone'])
})

test.each([
  ['together with the switch', 0, ['slot b has 100 % and answers 429']],
  ['the settling time before it', 8, []],
])('a limit that goes %s', (_, steps, expected) => {
  const limit = (cluster: ModelCluster, spec: object) => {
    const destination = cluster.find('Destination', 'checkout-b')
    if (destination) cluster.put({...destination, spec})
  }
  const found = after(
    (cluster, wait) => {
      fill(cluster)
      wait(8)
      routeTo(cluster, {a: 50, b: 50})
      wait(8)
      limit(cluster, {safeguards: {rateLimit: {requests: 5}}})
      wait(8)
      limit(cluster, {})
      wait(steps)
      routeTo(cluster, {a: 0, b: 100})
    },
    {limits: 50, faults: 0},
  )
  expect(found).toEqual(expected)
})

test('matched requests before the pods', () => {
  const apart = {slot: 'b', matched: true}
  expect(after(cluster => routeTo(cluster, {a: 100, b: 0, apart}))).toHaveLength(1)
})

test('a slot that is emptied while an older route may still lead to it', () => {
  const found = after(cluster => {
    scale(cluster, 'checkout', 3)
    for (let steps = 0; steps < 8; steps++) cluster.advance(stepMilliseconds)
    const service = cluster.find('Service', 'checkout')
    if (service) cluster.put({...service, spec: {...service.spec, selector: {app: 'checkout'}}})
    cluster.objects.delete('Route/checkout')
    for (const pod of cluster.pods) if (pod.object.metadata.labels?.[labels.slot]) pod.goneAt = cluster.now
    scale(cluster, 'checkout-a', 0)
  })
  expect(found).toContain('the route names slot a, and a pod of its is gone')
})

test('a destination that goes before the route', () => {
  expect(after(cluster => cluster.objects.delete('Destination/checkout-a'))).toEqual([
    'the route names slot a, which the proxy does not know',
  ])
})

test('an apex Service that selects nobody', () => {
  const found = after(cluster => {
    const service = cluster.find('Service', 'checkout')
    if (service) cluster.put({...service, spec: {...service.spec, selector: {app: 'nobody'}}})
  })
  expect(found).toEqual(['a pod that the apex Service selects is gone'])
})
