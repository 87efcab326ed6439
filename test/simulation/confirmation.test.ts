// A mesh that says by a status whether a weight is in force, and is late with it.
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {annotations} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'

const settings = {
  startMilliseconds: 1000,
  terminationMilliseconds: 2000,
  propagationMilliseconds: 250,
  settlingMilliseconds: 1000,
}

function until(cluster: ModelCluster, phase: string): void {
  const reached = runUntil(cluster, () => cluster.status.phase === phase, 120_000)
  expect(reached, `${phase} was not reached: ${cluster.status.phase}, ${cluster.status.message}`).toBe(true)
}

function pass(cluster: ModelCluster, milliseconds: number): string[] {
  const reasons: string[] = []
  runUntil(
    cluster,
    () => false,
    milliseconds,
    {},
    notes => reasons.push(...notes.map(note => note.reason)),
  )
  return reasons
}

function adopted(oracle: Oracle): ModelCluster {
  const cluster = new ModelCluster(settings, oracle)
  until(cluster, 'Healthy')
  return cluster
}

/** A release whose first weight is written while the mesh's controller is down. */
function unconfirmed(oracle: Oracle = () => 'pass'): ModelCluster {
  const cluster = adopted(oracle)
  cluster.meshSilent = true
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  return cluster
}

const condition = (cluster: ModelCluster) => cluster.status.conditions?.find(one => one.type === 'RouteUnconfirmed')
const replicas = (cluster: ModelCluster, slot: string) => cluster.find('Deployment', `checkout-${slot}`)?.spec.replicas

test('a weight waits for its confirmation, however long, and says after a minute what it waits for', () => {
  const cluster = unconfirmed()
  expect(pass(cluster, 55_000)).toEqual([])
  expect(condition(cluster)).toBeUndefined()
  expect(pass(cluster, 600_000)).toEqual(['NoAnswer'])
  expect(cluster.status).toMatchObject({phase: 'Progressing', canaryWeight: 0, release: {weightsSeen: []}})
  expect(condition(cluster)).toMatchObject({
    status: 'True',
    reason: 'NoAnswer',
    message: 'Route shop/checkout, status: the controller has not answered. Fix: start it.',
  })
  cluster.meshSilent = false
  pass(cluster, 2000)
  expect(condition(cluster)).toBeUndefined()
  expect(cluster.status.canaryWeight).toBe(10)
  until(cluster, 'Baking')
  expect(cluster.dropped).toBe(0)
})

test('nothing but time has to bring the next pass: the deadline, and the end of a late drain', () => {
  const cluster = adopted(image => (image === 'app:2' ? 'fail' : 'pass'))
  cluster.deploy('app:2')
  runUntil(cluster, () => cluster.status.canaryWeight === 10, 60_000)
  cluster.meshSilent = true
  until(cluster, 'RollingBack')
  pass(cluster, 5000)
  const since = Date.parse(cluster.status.traffic?.inForceSince ?? '')
  expect(decide(cluster.observe()).again).toBe(since + settings.settlingMilliseconds + 60_000)
  until(cluster, 'Failed')
  cluster.meshSilent = false
  pass(cluster, 500)
  const confirmed = Date.parse(cluster.status.traffic?.confirmedAt ?? '')
  expect(replicas(cluster, 'b')).toBeGreaterThan(0)
  expect(decide(cluster.observe()).again).toBe(confirmed + 3000)
})

test('an adoption waits likewise, and touches no pod of the target meanwhile', () => {
  const cluster = new ModelCluster(settings, () => 'pass')
  cluster.meshSilent = true
  pass(cluster, 120_000)
  expect(cluster.status.phase).toBe('Initializing')
  expect(condition(cluster)?.reason).toBe('NoAnswer')
  expect(cluster.find('Deployment', 'checkout')?.spec.replicas).toBe(3)
  cluster.meshSilent = false
  until(cluster, 'Healthy')
  expect(cluster.dropped).toBe(0)
})

test('a rollback does not wait for the confirmation of the weight before', () => {
  const cluster = unconfirmed()
  pass(cluster, 5000)
  cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
  pass(cluster, 500)
  expect(cluster.status.phase).toBe('RollingBack')
  expect(cluster.find('Route', 'checkout')?.spec).toEqual({a: 100, b: 0})
})

test('a rollback ends without its own confirmation; the pods that may still be asked stay until it comes', () => {
  const cluster = adopted(image => (image === 'app:2' ? 'fail' : 'pass'))
  cluster.deploy('app:2')
  runUntil(cluster, () => cluster.status.canaryWeight === 10, 60_000)
  cluster.meshSilent = true
  until(cluster, 'Failed')
  expect(cluster.find('Route', 'checkout')?.spec).toEqual({a: 100, b: 0})
  pass(cluster, 120_000)
  expect(condition(cluster)?.reason).toBe('NoAnswer')
  expect(replicas(cluster, 'b')).toBeGreaterThan(0)
  cluster.deploy('app:3')
  pass(cluster, 20_000)
  expect(cluster.status).toMatchObject({phase: 'Waiting', message: expect.stringContaining('waits for old pods')})
  cluster.meshSilent = false
  until(cluster, 'Baking')
  expect(cluster.status.primary?.image).toBe('app:3')
  expect(cluster.dropped).toBe(0)
})

test('a canary that loses its pods while its weight is unconfirmed is rolled back', () => {
  const cluster = unconfirmed()
  pass(cluster, 5000)
  for (const pod of cluster.pods) if (pod.workload === 'checkout-b') pod.readyAt = Number.POSITIVE_INFINITY
  until(cluster, 'RollingBack')
  expect(cluster.status.release?.rollback?.reason).toBe('CanaryNotReady')
})
