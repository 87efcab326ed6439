// The rarer transitions of the state machine, each once.
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {annotations} from '../../crds/names.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import {pass as onePass, runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

const checks = [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}]

function adopted(spec: object, oracle: Oracle): ModelCluster {
  const cluster = new ModelCluster({...settings, spec}, oracle)
  until(cluster, 'Healthy')
  return cluster
}

function until(cluster: ModelCluster, phase: string): void {
  const reached = runUntil(cluster, () => cluster.status.phase === phase, 120_000)
  expect(reached, `${phase} was not reached: ${cluster.status.phase}, ${cluster.status.message}`).toBe(true)
}

function pass(cluster: ModelCluster, milliseconds: number): void {
  runUntil(cluster, () => false, milliseconds)
}

type Verdict = CheckResult['verdict']

/** A cluster in the bake of app:2, whose verdict may be changed. */
function baking(analysis: object): {cluster: ModelCluster; say(verdict: Verdict): void} {
  let verdict: Verdict = 'pass'
  const cluster = adopted(
    {analysis: {interval: '5s', window: '5s', inconclusiveDeadline: '30s', checks, ...analysis}},
    image => ({result: {verdict: image === 'app:2' ? verdict : 'pass'}}),
  )
  cluster.deploy('app:2')
  until(cluster, 'Baking')
  return {
    cluster,
    say(next) {
      verdict = next
    },
  }
}

test('every step, and the end, is written with the evidence that allowed it', () => {
  const strategy = {canary: {steps: [{weight: 10}, {weight: 30}, {weight: 50}]}}
  const analysis = {interval: '5s', window: '5s', checks}
  const cluster = adopted({strategy, analysis, bake: {duration: '20s'}}, () => 'pass')
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  const window = 5000
  const judgedAt = () => Date.parse(cluster.status.checks?.[0]?.evaluatedAt ?? '')
  let step = cluster.status.release
  let steps = 0
  runUntil(
    cluster,
    () => {
      const now = cluster.status.release
      if (now?.stepIndex !== step?.stepIndex) {
        steps++
        expect(judgedAt(), `step ${step?.stepIndex}`).toBeGreaterThanOrEqual(Date.parse(step?.stepSince ?? '') + window)
      }
      step = now
      return cluster.status.phase === 'Baking'
    },
    120_000,
  )
  expect(steps).toBe(2)
  const bakingSince = Date.parse(cluster.status.release?.phaseSince ?? '')
  until(cluster, 'Healthy')
  // The last grid time before the end of the bake, and its lag.
  expect(judgedAt()).toBeGreaterThanOrEqual(bakingSince + 20_000 - 2 * window)
})

test('Progressing -> WaitingPromotion while suspended -> Promoting', () => {
  const cluster = adopted({}, () => 'pass')
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: true}}
  until(cluster, 'WaitingPromotion')
  pass(cluster, 30_000)
  expect([cluster.status.phase, cluster.status.canaryWeight]).toEqual(['WaitingPromotion', 50])
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: false}}
  until(cluster, 'Baking')
  expect(cluster.dropped).toBe(0)
})

test('WaitingPromotion -> RollingBack on a failed check, also while suspended', () => {
  let broken = false
  const cluster = adopted({}, () => (broken ? 'fail' : 'pass'))
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: true}}
  until(cluster, 'WaitingPromotion')
  broken = true
  until(cluster, 'Failed')
  expect(cluster.status.primary?.image).toBe('app:1')
})

test('Baking -> RollingBack: the warm previous version serves again within seconds, with full capacity', () => {
  const {cluster, say} = baking({})
  say('fail')
  const before = cluster.now
  until(cluster, 'Failed')
  expect(cluster.now - before).toBeLessThan(20_000)
  expect([
    cluster.status.primary?.image,
    cluster.find('Deployment', 'checkout-a')?.spec.replicas,
    cluster.dropped,
  ]).toEqual(['app:1', 3, 0])
})

test.each([
  ['pause', 'Baking', 'app:2'],
  ['promote', 'Healthy', 'app:2'],
  ['rollback', 'Failed', 'app:1'],
])('Baking without a verdict, onInconclusive %s -> %s', (onInconclusive, phase, image) => {
  const {cluster, say} = baking({onInconclusive})
  say('inconclusive')
  pass(cluster, 90_000)
  expect([cluster.status.phase, cluster.status.primary?.image]).toEqual([phase, image])
})

test('Baking -> RollingBack by the abort command', () => {
  const {cluster} = baking({})
  cluster.annotate(annotations.abort, cluster.status.primary?.revision ?? '')
  until(cluster, 'Failed')
  expect([cluster.status.history?.[0]?.outcome, cluster.status.primary?.image]).toEqual(['Aborted', 'app:1'])
})

test('Progressing -> RollingBack at once when the canary has traffic and no ready pod', () => {
  const cluster = adopted({}, () => 'noData')
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 5000)
  for (const pod of cluster.pods) if (pod.object.image === 'app:2') pod.readyAt = Number.POSITIVE_INFINITY
  pass(cluster, 1000)
  expect(cluster.status.phase).toBe('RollingBack')
  expect(cluster.status.release?.rollback?.reason).toBe('CanaryNotReady')
})

test('Promoting -> RollingBack on a revert in Git', () => {
  const cluster = adopted({}, () => 'pass')
  cluster.deploy('app:2')
  until(cluster, 'Promoting')
  cluster.deploy('app:1')
  until(cluster, 'Healthy')
  expect([cluster.status.primary?.image, cluster.status.history?.[0]?.outcome, cluster.dropped]).toEqual([
    'app:1',
    'Reverted',
    0,
  ])
})

test('Waiting: a missing ConfigMap starts nothing', () => {
  const cluster = adopted({}, () => 'pass')
  cluster.objects.delete('ConfigMap/settings')
  cluster.deploy('app:2')
  pass(cluster, 20_000)
  expect([cluster.status.phase, cluster.status.conditions?.find(one => one.type === 'Waiting')?.reason]).toEqual([
    'Waiting',
    'InputsMissing',
  ])
})

test('inputs that carry one commit count at once', () => {
  const cluster = adopted({revision: {settle: '1h'}}, () => 'pass')
  cluster.deploy('app:2')
  pass(cluster, 5000)
  expect(cluster.status.phase).toBe('Waiting')
  const target = cluster.find('Deployment', 'checkout')
  if (target)
    cluster.put({
      ...target,
      metadata: {...target.metadata, annotations: {[annotations.commit]: 'abc', [annotations.commitSubject]: 'two'}},
    })
  pass(cluster, 1000)
  expect([cluster.status.phase, cluster.status.canary?.commit]).toEqual(['Preparing', {hash: 'abc', subject: 'two'}])
})

test('Terminating steps aside when the namespace goes', () => {
  const cluster = adopted({}, () => 'pass')
  cluster.rollout = {...cluster.rollout, metadata: {...cluster.rollout.metadata, deletionTimestamp: 'now'}}
  cluster.namespaceTerminating = true
  expect(decide(cluster.observe()).intents).toEqual([{kind: 'finalizer', present: false}])
})

test('an ambiguous lost status stalls and touches nothing', () => {
  const cluster = adopted({}, () => 'pass')
  cluster.deploy('app:2')
  until(cluster, 'Baking')
  cluster.status = {}
  cluster.objects.delete('Route/checkout')
  onePass(cluster)
  expect(cluster.status.conditions?.find(one => one.type === 'Stalled')?.reason).toBe('StatusLost')
  expect(decide(cluster.observe()).intents).toEqual([])
})

test('an alert stands in the outbox until it is delivered, once per release and event', () => {
  const cluster = adopted({alerts: [{channelRef: {name: 'on-call'}, severity: 'warn'}]}, image =>
    image.includes('bad') ? 'fail' : 'pass',
  )
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  pass(cluster, 10_000)
  const alerts = cluster.status.alerts ?? []
  expect(alerts.map(alert => [alert.event, alert.channels])).toEqual([['RolledBack', ['on-call']]])
  const [alert] = alerts
  expect(alert?.text).toContain('The canary had answered 100 requests and failed 50 of them.')
  expect(alert?.fields).toMatchObject({
    'canary image': 'app:bad',
    'primary image': 'app:1',
    'failed check': 'success',
    minimum: '99',
  })
  const delivered = decide({...cluster.observe(), delivered: [{id: alert?.id ?? '', channel: 'on-call'}]})
  expect(delivered.status.alerts).toBeUndefined()
})
