// One release at a time, on the model cluster: each thing that a person, Git or the world may do to it.
import {expect, test} from 'vitest'
import {annotations} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

const verdicts: Oracle = image => (image.includes('bad') ? 'fail' : image.includes('silent') ? 'noData' : 'pass')

function adopted(spec: object = {}, oracle: Oracle = verdicts): ModelCluster {
  const cluster = new ModelCluster({...settings, spec}, oracle)
  until(cluster, 'Healthy')
  return cluster
}

function until(cluster: ModelCluster, phase: string, limitMilliseconds = 120_000): void {
  const reached = runUntil(cluster, () => cluster.status.phase === phase, limitMilliseconds)
  expect(reached, `${phase} was not reached: ${cluster.status.phase}, ${cluster.status.message}`).toBe(true)
}

function pass(cluster: ModelCluster, milliseconds: number): void {
  runUntil(cluster, () => false, milliseconds)
}

function revisionOfCanary(cluster: ModelCluster): string {
  return cluster.status.canary?.revision ?? 'none'
}

function ended(cluster: ModelCluster): [string, string] {
  const [entry] = cluster.status.history ?? []
  return [entry?.outcome ?? 'none', entry?.reason ?? 'none']
}

function serves(cluster: ModelCluster, image: string): void {
  expect(cluster.status.primary?.image).toBe(image)
  expect(cluster.dropped).toBe(0)
}

test('adoption: the target serves until the slot does, and is parked afterwards', () => {
  const cluster = adopted()
  expect(cluster.find('Deployment', 'checkout')?.spec.replicas).toBe(0)
  expect(cluster.find('Deployment', 'checkout-a')?.spec.replicas).toBe(3)
  serves(cluster, 'app:1')
})

test('a Git revert during a release ends it at once, and starts no other one (peers 5)', () => {
  const cluster = adopted()
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  cluster.deploy('app:1')
  until(cluster, 'Healthy')
  expect(ended(cluster)).toEqual(['Reverted', 'Reverted'])
  pass(cluster, 30_000)
  expect(cluster.status.releases).toBe(1)
  serves(cluster, 'app:1')
})

test('a newer revision supersedes the one under way, in an emptied slot', () => {
  const cluster = adopted()
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  cluster.deploy('app:3')
  until(cluster, 'RollingBack')
  runUntil(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:3', 180_000)
  expect((cluster.status.history ?? []).map(entry => entry.outcome)).toEqual(['Promoted', 'Superseded'])
  serves(cluster, 'app:3')
})

test('a rejected revision is remembered until somebody says retry, each token once', () => {
  const cluster = adopted()
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  const revision = cluster.status.rejected?.[0]?.revision ?? ''
  pass(cluster, 20_000)
  expect(cluster.status.releases).toBe(1)
  cluster.annotate(annotations.retry, `${revision}@1`)
  until(cluster, 'Progressing')
  until(cluster, 'Failed')
  pass(cluster, 20_000)
  expect(cluster.status.releases).toBe(2)
  serves(cluster, 'app:1')
})

test('after a failed release the fix is released, and nothing of the bad version serves (peers 2)', () => {
  const cluster = adopted()
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  cluster.deploy('app:2')
  runUntil(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:2', 180_000)
  serves(cluster, 'app:2')
})

test.each([
  ['abort', annotations.abort, 'Failed', ['Aborted', 'Aborted'], 'app:1'],
  ['promote', annotations.promote, 'Baking', ['none', 'none'], 'app:silent'],
] as const)('the %s command acts on the revision that it names', (_, annotation, phase, outcome, image) => {
  const cluster = adopted()
  cluster.deploy('app:silent')
  until(cluster, 'Progressing')
  cluster.annotate(annotation, 'v1-another')
  pass(cluster, 10_000)
  expect(cluster.status.phase).toBe('Progressing')
  cluster.annotate(annotation, revisionOfCanary(cluster))
  until(cluster, phase)
  expect(ended(cluster)).toEqual(outcome)
  serves(cluster, image)
})

test('skip-step ends one step, and end-bake the bake', () => {
  const cluster = adopted({
    strategy: {canary: {steps: [{weight: 10, pause: {}}, {weight: 50}]}},
    bake: {duration: '1h'},
  })
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 20_000)
  expect(cluster.status.release?.paused?.reason).toBe('StepPause')
  cluster.annotate(annotations.skipStep, revisionOfCanary(cluster))
  until(cluster, 'Baking')
  pass(cluster, 60_000)
  expect(cluster.status.phase).toBe('Baking')
  cluster.annotate(annotations.endBake, cluster.status.primary?.revision ?? '')
  until(cluster, 'Healthy')
  serves(cluster, 'app:2')
})

test('pause holds the weight and still rolls back (peers 14)', () => {
  let broken = false
  const cluster = adopted({pause: true}, image => (broken && image === 'app:2' ? 'fail' : 'pass'))
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 30_000)
  expect(cluster.status.canaryWeight).toBe(10)
  broken = true
  until(cluster, 'Failed')
  expect(ended(cluster)).toEqual(['RolledBack', 'CheckFailed'])
  serves(cluster, 'app:1')
})

test('suspend starts nothing', () => {
  const cluster = adopted({suspend: true})
  cluster.deploy('app:2')
  pass(cluster, 20_000)
  expect([cluster.status.phase, cluster.status.releases]).toEqual(['Waiting', undefined])
  expect(cluster.status.conditions?.find(one => one.type === 'Waiting')?.reason).toBe('Suspended')
})

test('no data neither promotes nor rolls back; at the deadline the release pauses, and goes on when data comes (peers 8)', () => {
  let data = false
  const cluster = adopted(
    {
      analysis: {
        interval: '5s',
        window: '5s',
        inconclusiveDeadline: '30s',
        checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}],
      },
    },
    () => (data ? 'pass' : 'noData'),
  )
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 20_000)
  expect([cluster.status.phase, cluster.status.release?.paused]).toEqual(['Progressing', undefined])
  expect(cluster.status.conditions?.find(one => one.type === 'NoVerdict')?.status).toBe('True')
  pass(cluster, 60_000)
  expect([cluster.status.phase, cluster.status.canaryWeight, cluster.status.release?.paused?.reason]).toEqual([
    'Progressing',
    10,
    'Inconclusive',
  ])
  data = true
  until(cluster, 'Baking')
  serves(cluster, 'app:2')
})

test('no verdict with onInconclusive rollback goes back at the deadline, and not before', () => {
  const checks = [{name: 'success', compare: {metric: 'requestErrors'}}]
  const cluster = adopted(
    {analysis: {interval: '5s', window: '5s', inconclusiveDeadline: '30s', onInconclusive: 'rollback', checks}},
    () => ({result: {verdict: 'inconclusive'}}),
  )
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 20_000)
  expect(cluster.status.phase).toBe('Progressing')
  until(cluster, 'Failed')
  expect(ended(cluster)).toEqual(['RolledBack', 'Inconclusive'])
})

test.each(['fail', 'noData', 'error'] as const)(
  'a dry run that says %s counts for nothing, and is reported',
  verdict => {
    const checks = [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99, dryRun: true}}]
    const analysis = {interval: '5s', window: '5s', onInconclusive: 'rollback', checks}
    const cluster = adopted({analysis, bake: {duration: '20s'}}, () => ({result: {verdict, dryRun: true}}))
    cluster.deploy('app:2')
    until(cluster, 'Baking')
    pass(cluster, 10_000)
    expect(cluster.status.checks).toMatchObject([{verdict, dryRun: true}])
    expect(cluster.status.conditions?.find(one => one.type === 'NoVerdict')?.status).not.toBe('True')
    until(cluster, 'Healthy')
    expect(ended(cluster)[0]).toBe('Promoted')
    serves(cluster, 'app:2')
  },
)

test('failures below the limit hold the weight, and say how far they are from it', () => {
  const checks = [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99, failureLimit: {consecutive: 3}}}]
  const message = 'success rate 50 % is below 99 %; 2 of 3 failures in a row'
  const below = {result: {verdict: 'noData', reason: 'BelowFailureLimit', message}} as const
  const thresholds = [{name: 'success', through: '2026-01-01T00:00:00.000Z', outcomes: 'ff'}]
  const cluster = adopted({analysis: {interval: '5s', window: '5s', checks}}, () => ({...below, thresholds}))
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 60_000)
  expect([cluster.status.phase, cluster.status.canaryWeight]).toEqual(['Progressing', 10])
  expect(cluster.status.checks).toMatchObject([{message}])
  expect(cluster.status.message).toContain('BelowFailureLimit')
  expect(cluster.status.release?.thresholds).toEqual(thresholds)
})

test('a canary that never becomes ready is rolled back at the progress deadline, without having had traffic', () => {
  const cluster = adopted({progressDeadline: '20s'})
  cluster.deploy('app:never-ready')
  until(cluster, 'Failed')
  expect(ended(cluster)).toEqual(['RolledBack', 'ProgressDeadlineExceeded'])
  expect(cluster.served['app:never-ready']).toBeUndefined()
  serves(cluster, 'app:1')
})

test('a config change is a release, and its contents are copied', () => {
  const cluster = adopted()
  cluster.configure({colour: 'green'})
  until(cluster, 'Progressing')
  until(cluster, 'Healthy')
  // The copy of the version before is collected when its last pod is gone.
  pass(cluster, 10_000)
  const copies = [...cluster.objects.values()].filter(
    object => object.kind === 'ConfigMap' && object.metadata.name !== 'settings',
  )
  expect(copies.map(copy => copy.data)).toEqual([{colour: 'green'}])
  expect(ended(cluster)).toEqual(['Promoted', 'Promoted'])
})

test('during the bake a revert goes back at once, and a newer revision waits for the slot', () => {
  const reverted = adopted()
  reverted.deploy('app:2')
  until(reverted, 'Baking')
  reverted.deploy('app:1')
  until(reverted, 'Healthy')
  expect(ended(reverted)).toEqual(['Reverted', 'Reverted'])
  serves(reverted, 'app:1')
  const waiting = adopted()
  waiting.deploy('app:2')
  until(waiting, 'Baking')
  waiting.deploy('app:3')
  pass(waiting, 5000)
  expect(waiting.status.conditions?.find(one => one.type === 'Waiting')?.reason).toBe('SlotBusy')
  runUntil(waiting, () => waiting.status.primary?.image === 'app:3' && waiting.status.phase === 'Healthy', 180_000)
  serves(waiting, 'app:3')
})

test('an edited route is repaired, reported, and the step begins anew (peers 6)', () => {
  const cluster = adopted({strategy: {canary: {steps: [{weight: 10, pause: {duration: '20s'}}]}}})
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  pass(cluster, 10_000)
  const since = cluster.status.release?.stepSince
  const route = cluster.find('Route', 'checkout')
  if (route) cluster.put({...route, spec: {a: 100, b: 0}})
  const reasons: string[] = []
  runUntil(
    cluster,
    () => false,
    5000,
    {},
    notes => reasons.push(...notes.map(note => note.reason)),
  )
  expect(reasons).toContain('RouteDrift')
  expect(cluster.find('Route', 'checkout')?.spec).toEqual({a: 90, b: 10})
  expect(cluster.status.release?.stepSince).not.toBe(since)
})

test('an autoscaler that lowers the replicas during a release shrinks nothing (peers 15)', () => {
  const cluster = adopted({replicas: 4})
  cluster.deploy('app:2')
  until(cluster, 'Progressing')
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, replicas: 2}}
  pass(cluster, 5000)
  expect(cluster.find('Deployment', 'checkout-a')?.spec.replicas).toBe(4)
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 120_000)
  pass(cluster, 5000)
  expect(cluster.find('Deployment', 'checkout-b')?.spec.replicas).toBe(2)
})

test('a lost status is rebuilt: never the live template over a slot that serves (law 9)', () => {
  const idle = adopted()
  idle.deploy('app:2')
  idle.status = {}
  pass(idle, 1000)
  expect(idle.status.primary?.image).toBe('app:1')
  const midway = adopted()
  midway.deploy('app:2')
  until(midway, 'Progressing')
  pass(midway, 3000)
  midway.status = {}
  runUntil(midway, () => midway.status.phase === 'Healthy' && midway.status.primary?.image === 'app:2', 180_000)
  expect((midway.status.history ?? []).map(entry => entry.reason)).toContain('StatusLost')
  serves(midway, 'app:2')
})

test("deletion gives the target back on the primary's template, also where Git holds a rejected one", () => {
  const cluster = adopted()
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  cluster.rollout = {...cluster.rollout, metadata: {...cluster.rollout.metadata, deletionTimestamp: 'now'}}
  expect(runUntil(cluster, () => cluster.gone, 60_000)).toBe(true)
  pass(cluster, 3000)
  const target = cluster.find('Deployment', 'checkout')
  expect([target?.spec.replicas, target?.spec.template.spec.containers[0].image]).toEqual([3, 'app:1'])
  expect([...cluster.objects.keys()].sort()).toEqual(['ConfigMap/settings', 'Deployment/checkout', 'Service/checkout'])
  expect(cluster.dropped).toBe(0)
})

test('idle costs no writes', () => {
  const cluster = adopted()
  pass(cluster, 5000)
  const before = [cluster.writes, cluster.statusWrites]
  pass(cluster, 600_000)
  expect([cluster.writes, cluster.statusWrites]).toEqual(before)
})

test('a mesh that is slower than every drain drops nothing: each move waits for the one before to be in force (law 5)', () => {
  const slow = {
    startMilliseconds: 1000,
    terminationMilliseconds: 500,
    propagationMilliseconds: 7000,
    settlingMilliseconds: 8000,
  }
  const cluster = new ModelCluster({...slow, spec: {drainTime: '500ms', bake: {duration: '1s'}}}, verdicts)
  until(cluster, 'Healthy')
  cluster.deploy('app:2')
  runUntil(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:2', 180_000)
  pass(cluster, 20_000)
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  pass(cluster, 20_000)
  serves(cluster, 'app:2')
})
