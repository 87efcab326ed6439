// Safeguards stand before the first request, go before everything comes, and leave nothing behind. Beside Istio's own objects.
import {expect, test} from 'vitest'
import {annotations} from '../../crds/names.ts'
import {pass, runUntil} from './driver.ts'
import {edit, faultsOf, faulty, merged, settings, until} from './guarded-release.ts'
import type {ModelCluster, Oracle} from './model-cluster.ts'

const failing: Oracle = image => (image === 'app:2' ? 'fail' : 'pass')
const limit = (cluster: ModelCluster, slot = 'b') => cluster.find('EnvoyFilter', `checkout-${slot}-rate-limit`)
const breaker = (cluster: ModelCluster, slot: string) =>
  cluster.find('DestinationRule', `checkout-${slot}`)?.spec.trafficPolicy?.outlierDetection

const safeguards = {rateLimit: {requests: 50}, circuitBreaker: {consecutiveErrors: 5}}
const guarded = {...faulty, safeguards}
const mine = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: {name: 'mine', namespace: 'shop', creationTimestamp: '2020-01-01T00:00:00Z'},
  spec: {host: 'checkout', trafficPolicy: {outlierDetection: {consecutive5xxErrors: 7, baseEjectionTime: '10s'}}},
}

test("a circuit breaker stands beside the user's own limits, which come back when it goes", () => {
  const cluster = merged(guarded, () => 'pass', [mine])
  until(cluster, () => cluster.status.canaryWeight === 10)
  expect(breaker(cluster, 'b')).toMatchObject({consecutive5xxErrors: 5})
  expect(breaker(cluster, 'a')).toEqual({consecutive5xxErrors: 7, baseEjectionTime: '10s'})
  until(cluster, () => cluster.status.phase === 'Baking')
  expect(breaker(cluster, 'b')).toEqual({consecutive5xxErrors: 7, baseEjectionTime: '10s'})
})

test('they stand before the first request, stay while a promotion is suspended, and go the settling time before it', () => {
  const cluster = merged({...guarded, suspend: false})
  const standing = () => [limit(cluster), breaker(cluster, 'b')].map(object => object !== undefined)
  until(cluster, () => (cluster.status.traffic?.wanted.b ?? 0) > 0)
  expect(standing()).toEqual([true, true])
  edit(cluster, {suspend: true})
  until(cluster, () => cluster.status.phase === 'WaitingPromotion')
  runUntil(cluster, () => false, 120_000)
  expect(standing()).toEqual([true, true])
  edit(cluster, {suspend: false})
  until(cluster, () => limit(cluster) === undefined)
  const lifted = cluster.now
  expect([cluster.status.traffic?.wanted.b, cluster.status.release?.safeguardsLifted]).toEqual([50, true])
  until(cluster, () => cluster.status.traffic?.wanted.b === 100)
  expect(cluster.now - lifted).toBeGreaterThanOrEqual(settings.settlingMilliseconds)
})

test('a rollback in the bake does not bring them back over a version that has everything', () => {
  const cluster = merged(guarded)
  until(cluster, () => cluster.status.phase === 'Baking')
  cluster.annotate(annotations.abort, cluster.status.primary?.revision ?? '')
  let seen = false
  until(cluster, () => {
    seen ||= limit(cluster) !== undefined || breaker(cluster, 'b') !== undefined
    return cluster.status.phase === 'Failed'
  })
  expect(seen).toBe(false)
})

const left = (cluster: ModelCluster) => [
  ...(['a', 'b'] as const).flatMap(slot => [faultsOf(cluster, slot), limit(cluster, slot), breaker(cluster, slot)]),
]

test.each([
  ['promoted', () => 'pass', 'Healthy'],
  ['rolled back', failing, 'Failed'],
] as [string, Oracle, string][])('a release that is %s leaves none, whenever the controller died', (_, oracle, end) => {
  let writes = Number.POSITIVE_INFINITY
  for (let dies = 0; dies < writes; dies += 4) {
    const cluster = merged(guarded, oracle)
    let asked = 0
    const over = () => cluster.status.phase === end && (cluster.status.history ?? []).length > 0
    expect(runUntil(cluster, over, 180_000, {crash: () => asked++ === dies}), `killed at ${dies}`).toBe(true)
    pass(cluster)
    expect(left(cluster), `killed at ${dies}`).toEqual(Array(6).fill(undefined))
    writes = asked
  }
  expect(writes).toBeGreaterThan(15)
})

test.each(['Progressing', 'Promoting', 'Baking'])('nor does one whose status is lost while %s', phase => {
  const cluster = merged(guarded)
  until(cluster, () => cluster.status.phase === phase && (phase !== 'Progressing' || faultsOf(cluster) !== undefined))
  cluster.status = {}
  cluster.deploy('app:1')
  until(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:1')
  until(cluster, () => cluster.find('Deployment', 'checkout-b')?.spec.replicas === 0)
  expect(left(cluster)).toEqual(Array(6).fill(undefined))
})
