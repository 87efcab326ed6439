// A mesh that says by a status whether a weight is in force, and is late with it.
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {annotations} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

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

function adopted(oracle: Oracle, spec: object = {}): ModelCluster {
  const cluster = new ModelCluster({...settings, spec}, oracle)
  until(cluster, 'Healthy')
  return cluster
}

/** A release whose first weight is written while the mesh's controller is down. */
function unconfirmed(oracle: Oracle = () => 'pass', spec: object = {}): ModelCluster {
  const cluster = adopted(oracle, spec)
  cluster.meshSilent = true
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  return cluster
}

const alerts = [{channelRef: {name: 'on-call'}, severity: 'warn'}]
const condition = (cluster: ModelCluster) => cluster.status.conditions?.find(one => one.type === 'RouteUnconfirmed')
const pausedCondition = (cluster: ModelCluster) => cluster.status.conditions?.find(one => one.type === 'Paused')
const replicas = (cluster: ModelCluster, slot: string) => cluster.find('Deployment', `checkout-${slot}`)?.spec.replicas

test('a weight waits for its confirmation, however long, and after a minute the release is paused and says why', () => {
  const cluster = unconfirmed(() => 'pass', {alerts})
  expect(pass(cluster, 55_000)).toEqual([])
  expect(condition(cluster)).toBeUndefined()
  expect(pass(cluster, 600_000)).toEqual(['PausedUnconfirmed', 'NoAnswer'])
  expect(cluster.status).toMatchObject({phase: 'Progressing', canaryWeight: 0, release: {weightsSeen: []}})
  expect(cluster.status.message).toBe('Paused: Unconfirmed')
  expect(pausedCondition(cluster)).toMatchObject({status: 'True', reason: 'Unconfirmed'})
  const why = 'Route shop/checkout, status: the controller has not answered; fix: start it'
  expect(cluster.status.alerts).toMatchObject([{event: 'PausedUnconfirmed', text: expect.stringContaining(why)}])
  expect(condition(cluster)).toMatchObject({
    status: 'True',
    reason: 'NoAnswer',
    message: 'Route shop/checkout, status: the controller has not answered. Fix: start it.',
  })
  cluster.meshSilent = false
  pass(cluster, 2000)
  expect(condition(cluster)).toBeUndefined()
  expect(pausedCondition(cluster)?.status).toBe('False')
  expect(cluster.status.canaryWeight).toBe(10)
  until(cluster, 'Baking')
  expect(cluster.dropped).toBe(0)
})

test('the promote command waits for the confirmation as well, and does not go on without it', () => {
  const cluster = unconfirmed()
  pass(cluster, 5000)
  cluster.annotate(annotations.promote, cluster.status.canary?.revision ?? '')
  expect(pass(cluster, 120_000)).toEqual(['PromoteCommand', 'PausedUnconfirmed', 'NoAnswer'])
  expect(cluster.status).toMatchObject({phase: 'Promoting', traffic: {wanted: {a: 90, b: 10}}})
  cluster.meshSilent = false
  until(cluster, 'Baking')
  expect(cluster.dropped).toBe(0)
})

test('so is one whose last weight is not confirmed, before the promotion and at the end of a holdback', () => {
  const cluster = adopted(() => 'pass', {alerts, bake: {duration: '20s', holdback: 20}})
  cluster.deploy('app:2')
  until(cluster, 'Promoting')
  cluster.meshSilent = true
  expect(pass(cluster, 120_000)).toContain('PausedUnconfirmed')
  expect(cluster.status).toMatchObject({phase: 'Promoting', message: 'Paused: Unconfirmed'})
  cluster.meshSilent = false
  until(cluster, 'Baking')
  expect(pausedCondition(cluster)?.status).toBe('False')
  runUntil(cluster, () => cluster.status.traffic?.wanted.b === 100, 60_000)
  cluster.meshSilent = true
  expect(pass(cluster, 600_000).filter(reason => reason === 'PausedUnconfirmed')).toHaveLength(1)
  expect(cluster.status).toMatchObject({phase: 'Baking', message: 'Paused: Unconfirmed'})
  expect(cluster.status.alerts?.at(-1)).toMatchObject({event: 'PausedUnconfirmed'})
  cluster.meshSilent = false
  until(cluster, 'Healthy')
  expect(cluster.status.history?.[0]?.outcome).toBe('Promoted')
})

test('a deletion waits for no mesh that says nothing any more', () => {
  const cluster = unconfirmed()
  pass(cluster, 5000)
  const {rollout} = cluster
  cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
  expect(runUntil(cluster, () => cluster.gone, 180_000)).toBe(true)
})

/** What callers do whom no weight moves, and the share of the canary that is seen then. */
const callers: [string, number, object][] = [
  ['users stay with a version', 0.9, {canary: {steps: [{weight: 10}, {weight: 50}], sticky: {}}}],
  ['requests go by a header', 0, {abTest: {match: [{headers: [{name: 'x', exact: 'y'}]}], weight: 5, duration: '10s'}}],
  ['streams stay open on the old version', 0, {canary: {steps: [{weight: 10}, {weight: 50}]}}],
]

test.each(callers)('where %s no weight waits for traffic that looks like it', (_, share, strategy) => {
  const says = {result: {verdict: 'pass' as const}, requests: {total: Math.round(share * 1000), failed: 0}}
  for (const mesh of ['model', 'istio', 'gatewayAPI'] as const) {
    const cluster = new ModelCluster({...settings, mesh, spec: {strategy}}, () => ({
      ...says,
      canaryRequestsPerSecond: share * 100,
    }))
    until(cluster, 'Healthy')
    cluster.deploy('app:2')
    const late: number[] = []
    const look = () => {
      const {inForceSince, confirmedAt, wanted, confirmed} = cluster.status.traffic ?? {}
      if (inForceSince && confirmedAt && JSON.stringify(wanted) === JSON.stringify(confirmed))
        late.push(Date.parse(confirmedAt) - Date.parse(inForceSince))
    }
    const baked = runUntil(cluster, () => cluster.status.phase === 'Baking', 300_000, {}, look)
    expect([mesh, baked]).toEqual([mesh, true])
    expect({mesh, late: [...new Set(late)]}).toEqual({mesh, late: [settings.settlingMilliseconds]})
  }
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
