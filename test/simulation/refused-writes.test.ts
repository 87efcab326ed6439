// Writes that the API server refuses, for as long as anybody likes: an admission policy against an image, a denied scale-up.
// Whatever is refused, traffic goes back to a primary that has pods, and never to one that has none.
import {describe, expect, test} from 'vitest'
import type {Intent} from '../../controller/core/intents.ts'
import {annotations, labels} from '../../crds/names.ts'
import {Controller, runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {Proxies} from './proxies.ts'
import {settings} from './usual-settings.ts'

const step = {strategy: {canary: {steps: [{weight: 50}]}}}

/** One that stays at its weight, or in its bake, until something happens to it. */
const undecided: Oracle = image => (image === 'app:2' ? 'noData' : 'pass')

const condition = (cluster: ModelCluster, wanted: string) =>
  cluster.status.conditions?.find(({type, status}) => type === wanted && status === 'True')
const route = (cluster: ModelCluster) => cluster.find('Route', 'checkout')?.spec
const applies = (name: string) => (intent: Intent) =>
  intent.kind === 'apply' && intent.manifest.kind === 'Deployment' && intent.manifest.metadata.name === name
const scales = (name: string) => (intent: Intent) => intent.kind === 'scale' && intent.ref.name === name

function until(cluster: ModelCluster, holds: () => boolean, limitMilliseconds = 60_000, crash = () => false): void {
  const held = runUntil(cluster, holds, limitMilliseconds, {crash})
  expect(held, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
}

function released(oracle: Oracle, spec: object = {}): ModelCluster {
  const cluster = new ModelCluster({...settings, spec: {...step, replicas: 3, ...spec}}, oracle)
  until(cluster, () => cluster.status.phase === 'Healthy')
  cluster.deploy('app:2')
  return cluster
}

/** A release that stands at half of the traffic, of which nothing has been dropped. */
function halfway(oracle: Oracle = undecided, spec: object = {}): ModelCluster {
  const cluster = released(oracle, spec)
  until(cluster, () => cluster.status.canaryWeight === 50)
  cluster.dropped = 0
  return cluster
}

/** Somebody takes a slot's Deployment away, and the API server takes no other. */
function taken(cluster: ModelCluster, name: string): void {
  cluster.objects.delete(`Deployment/${name}`)
  cluster.pods = cluster.pods.filter(pod => pod.workload !== name)
  cluster.refuses = applies(name)
}

/** More replicas, which the API server does not grant. */
function cramped(cluster: ModelCluster): void {
  const {rollout} = cluster
  cluster.rollout = {...rollout, spec: {...rollout.spec, replicas: 6}}
  cluster.refuses = intent => intent.kind === 'scale' && intent.replicas > 3
}

const back = {a: 100, b: 0}

/** Runs the controller as the shell does, until something holds; whether it did. */
function woken(cluster: ModelCluster, holds: () => boolean, look = () => {}): boolean {
  const controller = new Controller(cluster)
  const end = cluster.now + 30_000
  while (cluster.now < end && !holds()) {
    controller.wake()
    look()
    cluster.advance(250)
    look()
  }
  return holds()
}

describe('a canary that was deleted and is not taken again', () => {
  test('is rolled back at once, and not made again meanwhile', () => {
    const cluster = halfway()
    taken(cluster, 'checkout-b')
    until(cluster, () => cluster.status.phase === 'Failed', 10_000)
    expect([route(cluster), cluster.refusedWrites]).toEqual([back, []])
    expect(cluster.status.history?.[0]).toMatchObject({outcome: 'RolledBack', reason: 'CanaryNotReady'})
    // Half of the requests until the next pass, and until the proxy has heard of it: two bursts at the most.
    expect(cluster.dropped).toBeLessThanOrEqual(100)
  })

  test.each([0, 1, 2, 3, 4])('nor does a controller that dies before write %i of the rollback hold it', kill => {
    const cluster = halfway()
    taken(cluster, 'checkout-b')
    let asked = 0
    until(
      cluster,
      () => cluster.status.phase === 'Failed',
      15_000,
      () => asked++ === kill,
    )
    expect([route(cluster), asked > kill]).toEqual([back, true])
  })

  test('before it had anything: the release ends at its deadline, and says what was refused', () => {
    const cluster = released(undecided, {progressDeadline: '20s'})
    cluster.refuses = applies('checkout-b')
    until(cluster, () => cluster.status.phase === 'Preparing' && condition(cluster, 'WriteRefused') !== undefined)
    expect(condition(cluster, 'WriteRefused')?.message).toBe('Deployment shop/checkout-b: denied')
    until(cluster, () => cluster.status.phase === 'Failed')
    const [entry] = cluster.status.history ?? []
    expect([entry?.reason, entry?.message]).toEqual([
      'ProgressDeadlineExceeded',
      'The canary was not ready within 20s: slot b is being filled; Deployment shop/checkout-b: denied.',
    ])
    expect(cluster.dropped).toBe(0)
  })
})

describe('a scale-up that is denied', () => {
  test('does not hold a rollback, and stays visible', () => {
    let verdict: 'noData' | 'fail' = 'noData'
    const cluster = halfway(image => (image === 'app:2' ? verdict : 'pass'))
    cramped(cluster)
    until(cluster, () => condition(cluster, 'WriteRefused') !== undefined)
    verdict = 'fail'
    until(cluster, () => cluster.status.phase === 'Failed', 20_000)
    // The canary's pods go, whatever else is refused.
    until(cluster, () => cluster.readyWith({[labels.slot]: 'b'}).length === 0, 10_000)
    expect([route(cluster), cluster.dropped]).toEqual([back, 0])
    expect(condition(cluster, 'WriteRefused')?.message).toBe('Deployment shop/checkout-a: denied')
  })

  test('every proxy, however late, finds pods all the while', () => {
    const cluster = halfway()
    const proxies = new Proxies(cluster, settings.settlingMilliseconds)
    cramped(cluster)
    cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
    const isOver = () => cluster.status.phase === 'Failed' && cluster.readyWith({[labels.slot]: 'b'}).length === 0
    expect([woken(cluster, isOver, () => proxies.look()), proxies.unserved]).toEqual([true, []])
  })

  test.each([0, 1, 2, 3])('nor with a controller that dies before write %i', kill => {
    const cluster = halfway()
    cramped(cluster)
    let asked = 0
    cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
    until(
      cluster,
      () => cluster.status.phase === 'Failed',
      15_000,
      () => asked++ === kill,
    )
    expect([route(cluster), cluster.dropped, asked > kill]).toEqual([back, 0, true])
  })

  test.each<[string, (cluster: ModelCluster) => void]>([
    ['Aborted', cluster => cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')],
    ['Reverted', cluster => cluster.deploy('app:1')],
    ['Superseded', cluster => cluster.deploy('app:3')],
  ])('nor where it is %s', (outcome, happens) => {
    const cluster = halfway()
    cramped(cluster)
    happens(cluster)
    until(cluster, () => cluster.status.history?.[0]?.outcome === outcome, 20_000)
    expect([route(cluster), cluster.dropped]).toEqual([back, 0])
  })

  test('nor with a selector for a route', () => {
    const checks = [{name: 'success', threshold: {query: 'up', min: 1}}]
    const analysis = {interval: '5s', window: '5s', checks}
    const cluster = halfway(undecided, {traffic: {none: {settlingTime: '1s'}}, analysis})
    cramped(cluster)
    cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
    until(cluster, () => cluster.status.phase === 'Failed', 20_000)
    expect([cluster.find('Service', 'checkout')?.spec.selector[labels.slot], cluster.dropped]).toEqual(['a', 0])
  })

  test('nor a deletion', () => {
    const cluster = halfway()
    cramped(cluster)
    until(cluster, () => condition(cluster, 'WriteRefused') !== undefined)
    const {rollout} = cluster
    cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2023-11-14T22:13:20Z'}}
    until(cluster, () => route(cluster)?.a === 100, 5000)
    expect(cluster.dropped).toBe(0)
  })
})

describe('in the bake', () => {
  const baked = () => {
    const cluster = released(() => 'pass', {bake: {duration: '5m'}})
    until(cluster, () => cluster.status.phase === 'Baking', 120_000)
    cluster.dropped = 0
    return cluster
  }
  const abort = (cluster: ModelCluster) => cluster.annotate(annotations.abort, cluster.status.primary?.revision ?? '')

  test('whatever is refused of the new version, the old one gets everything and the callers outside', () => {
    const cluster = baked()
    cramped(cluster)
    const denied = cluster.refuses
    cluster.refuses = intent => denied(intent) || applies('checkout-b')(intent)
    abort(cluster)
    until(cluster, () => cluster.status.phase === 'Failed', 20_000)
    expect([route(cluster), cluster.dropped]).toEqual([back, 0])
    expect(cluster.find('Service', 'checkout')?.spec.selector[labels.slot]).toBe('a')
  })

  test('an old version that was deleted and is not taken again gets nothing: the new one keeps its traffic', () => {
    const cluster = baked()
    taken(cluster, 'checkout-a')
    abort(cluster)
    runUntil(cluster, () => false, 60_000)
    expect([cluster.status.phase, route(cluster), cluster.dropped]).toEqual(['RollingBack', {a: 0, b: 100}, 0])
    expect(condition(cluster, 'WriteRefused')?.message).toBe('Deployment shop/checkout-a: denied')
    cluster.refuses = () => false
    until(cluster, () => cluster.status.phase === 'Failed', 30_000)
    expect([route(cluster), cluster.dropped]).toEqual([back, 0])
  })
})

test('no slot is filled with a revision whose snapshot is refused', () => {
  const cluster = released(undecided)
  cluster.refuses = intent => intent.kind === 'apply' && intent.manifest.kind === 'ControllerRevision'
  until(cluster, () => condition(cluster, 'WriteRefused') !== undefined)
  runUntil(cluster, () => false, 5000)
  expect([cluster.status.phase, cluster.find('Deployment', 'checkout-b')]).toEqual(['Preparing', undefined])
})

test('an old primary that lost its pods and is only given some of them gets the traffic once these are known', () => {
  const cluster = halfway()
  cluster.objects.delete('Deployment/checkout-a')
  cluster.pods = cluster.pods.filter(pod => pod.workload !== 'checkout-a')
  cluster.refuses = scales('checkout-a')
  cluster.deploy('app:1')
  woken(cluster, () => route(cluster)?.a === 100)
  expect([route(cluster), cluster.readyWith({[labels.slot]: 'a'}).length]).toEqual([back, 1])
})
