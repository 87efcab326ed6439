// What a Rollout may release besides a Deployment: a DaemonSet, a template of its own, and Services that are there.
import {expect, test} from 'vitest'
import {annotations} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings, type Oracle, templateOf} from './model-cluster.ts'
import {nodes} from './model-workloads.ts'
import {settings} from './usual-settings.ts'

const verdicts: Oracle = image => (image.includes('bad') ? 'fail' : 'pass')

function adopted(model: Partial<ModelSettings>, oracle: Oracle = verdicts): ModelCluster {
  const cluster = new ModelCluster({...settings, ...model}, oracle)
  until(cluster, 'Healthy')
  return cluster
}

function until(cluster: ModelCluster, phase: string, limitMilliseconds = 120_000): void {
  const reached = runUntil(cluster, () => cluster.status.phase === phase, limitMilliseconds)
  expect(reached, `${phase} was not reached: ${cluster.status.phase}, ${cluster.status.message}`).toBe(true)
}

function deleted(cluster: ModelCluster): void {
  const {metadata} = cluster.rollout
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
  expect(runUntil(cluster, () => cluster.gone, 120_000)).toBe(true)
}

function stalled(cluster: ModelCluster): [string, string] {
  const found = cluster.status.conditions?.find(({type, status}) => type === 'Stalled' && status === 'True')
  return [found?.reason ?? '', found?.message ?? '']
}

const daemons = {targetKind: 'DaemonSet'} as const
const parked = (cluster: ModelCluster) => cluster.find('DaemonSet', 'checkout')?.spec.template.spec.nodeName
const pods = (cluster: ModelCluster, workload: string) => cluster.pods.filter(pod => pod.workload === workload).length

test('a DaemonSet: is adopted with a pod on every node, and parked without one', () => {
  const cluster = adopted(daemons)
  cluster.advance(5000)
  expect([pods(cluster, 'checkout'), pods(cluster, 'checkout-a'), parked(cluster)]).toEqual([
    0,
    nodes,
    'parked.fairlead.dev',
  ])
  expect(cluster.find('DaemonSet', 'checkout-a')?.spec.template.spec.nodeName).toBeUndefined()
  expect([cluster.status.replicas, cluster.dropped]).toEqual([nodes, 0])
})

test('a DaemonSet: a merge starts no pod of its own, and its release is no release of the parking', () => {
  const cluster = adopted(daemons)
  runUntil(cluster, () => false, 20_000)
  expect([cluster.status.phase, cluster.status.releases]).toEqual(['Healthy', undefined])
  cluster.deploy('app:2')
  const seen: number[] = []
  const look = () => void seen.push(pods(cluster, 'checkout'))
  expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 120_000, {}, look)).toBe(true)
  expect(Math.max(...seen)).toBe(0)
  expect(cluster.find('DaemonSet', 'checkout-b')?.spec.template.spec).toEqual({
    containers: [expect.objectContaining({image: 'app:2'})],
  })
  until(cluster, 'Healthy')
  // The slot that lost its traffic is gone: a DaemonSet can't have no pods.
  cluster.advance(10_000)
  expect([cluster.find('DaemonSet', 'checkout-a'), pods(cluster, 'checkout-a'), cluster.dropped]).toEqual([
    undefined,
    0,
    0,
  ])
})

test('a DaemonSet: a bad version goes with its slot, and the next one is tried', () => {
  const cluster = adopted(daemons)
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  runUntil(cluster, () => false, 10_000)
  expect([cluster.find('DaemonSet', 'checkout-b'), cluster.dropped]).toEqual([undefined, 0])
  cluster.deploy('app:3')
  until(cluster, 'Baking')
  expect(cluster.status.primary?.image).toBe('app:3')
})

test('a DaemonSet: a node that is down holds no release up', () => {
  const cluster = adopted(daemons)
  const lost = cluster.pods.find(pod => pod.workload === 'checkout-a')
  if (lost) lost.readyAt = Number.POSITIVE_INFINITY
  cluster.deploy('app:2')
  // The same node runs no pod of the new version either.
  const down = () => {
    const broken = cluster.pods.filter(pod => pod.workload === 'checkout-b')[0]
    if (broken) broken.readyAt = Number.POSITIVE_INFINITY
  }
  expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 120_000, {}, down)).toBe(true)
})

test('a DaemonSet: is given back with its pods', () => {
  const cluster = adopted(daemons)
  cluster.deploy('app:2')
  until(cluster, 'Baking')
  deleted(cluster)
  const {template} = cluster.find('DaemonSet', 'checkout')?.spec ?? {}
  expect([template.spec.nodeName, template.spec.containers[0].image]).toEqual([undefined, 'app:2'])
  expect([cluster.find('DaemonSet', 'checkout-b'), cluster.dropped]).toEqual([undefined, 0])
})

test('a DaemonSet: whoever takes the parking away is told, and it is parked again', () => {
  const cluster = adopted(daemons)
  runUntil(cluster, () => false, 10_000)
  const target = cluster.find('DaemonSet', 'checkout')
  if (target) cluster.put({...target, spec: {...target.spec, template: templateOf('app:1')}})
  const reasons: string[] = []
  const again = () => parked(cluster) !== undefined
  expect(runUntil(cluster, again, 10_000, {}, notes => reasons.push(...notes.map(one => one.reason)))).toBe(true)
  expect(reasons).toContain('PodsInTarget')
})

test('a DaemonSet: status that was lost is rebuilt from its slot', () => {
  const cluster = adopted(daemons)
  cluster.deploy('app:2')
  runUntil(cluster, () => false, 1000)
  cluster.status = {}
  runUntil(cluster, () => cluster.status.phase !== undefined, 5000)
  expect(cluster.status.primary?.image).toBe('app:1')
  expect(cluster.dropped).toBe(0)
})

const own = (spec: object = {}) => ({
  spec: {targetRef: undefined, template: templateOf('app:1'), replicas: 3, ...spec},
})
const promoted = (cluster: ModelCluster) => {
  const {metadata} = cluster.rollout
  const found = cluster.status.conditions?.find(one => one.type === 'Promoted')
  return found?.observedGeneration === metadata.generation && found?.status === 'True'
}

test('a template in the Rollout: is run in the first slot at once, and there is no other workload', () => {
  const cluster = adopted(own())
  expect([...cluster.objects.values()].filter(one => one.kind === 'Deployment').map(one => one.metadata.name)).toEqual([
    'checkout-a',
  ])
  expect(cluster.find('Deployment', 'checkout-a')?.spec.replicas).toBe(3)
  cluster.dropped = 0
  cluster.advance(5000)
  expect(cluster.dropped).toBe(0)
})

test('a template in the Rollout: a merge moves its generation: Promoted is true for it once it has all of the traffic, and never before', () => {
  const cluster = adopted(own())
  cluster.dropped = 0
  expect(promoted(cluster)).toBe(true)
  cluster.deploy('app:2')
  const wrong: string[] = []
  const look = () => {
    if (promoted(cluster) && cluster.status.primary?.image !== 'app:2') wrong.push(cluster.status.phase ?? '')
  }
  expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 120_000, {}, look)).toBe(true)
  expect([wrong, promoted(cluster), cluster.dropped]).toEqual([[], true, 0])
})

test('a template in the Rollout: a change of anything else in the spec is no release', () => {
  const cluster = adopted(own())
  const {metadata, spec} = cluster.rollout
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, generation: 9}, spec: {...spec, drainTime: '4s'}}
  runUntil(cluster, () => false, 20_000)
  expect([cluster.status.phase, cluster.status.releases, promoted(cluster)]).toEqual(['Healthy', undefined, true])
})

test('a template in the Rollout: a rejected one stays rejected whatever else changes', () => {
  const cluster = adopted(own())
  cluster.deploy('app:bad')
  until(cluster, 'Failed')
  const {metadata, spec} = cluster.rollout
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, generation: 99}, spec: {...spec, drainTime: '4s'}}
  runUntil(cluster, () => false, 20_000)
  expect([cluster.status.phase, cluster.status.releases]).toEqual(['Failed', 1])
})

test('a template in the Rollout: its ConfigMaps are part of the revision, as those of a target', () => {
  const cluster = adopted(own())
  cluster.configure({colour: 'green'})
  until(cluster, 'Baking')
  expect(cluster.status.releases).toBe(1)
})

test('a template in the Rollout: everything goes with it', () => {
  const cluster = adopted(own())
  deleted(cluster)
  const left = [...cluster.objects.values()].map(({kind, metadata}) => `${kind} ${metadata.name}`)
  expect(left).toEqual(['Service checkout', 'ConfigMap settings'])
  expect(cluster.find('Service', 'checkout')?.spec.selector).toEqual({app: 'checkout'})
})

const refs = {a: 'blue', b: 'green'}
const between = (serve: 'a' | 'b', spec: object = {}) => ({
  spec: {targetRef: undefined, serviceRefs: {...refs, serve}, ...spec},
})
const serve = (cluster: ModelCluster, slot: 'a' | 'b') => {
  const {metadata, spec} = cluster.rollout
  const generation = (metadata.generation ?? 0) + 1
  const serviceRefs = {...spec.serviceRefs, serve: slot}
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, generation}, spec: {...spec, serviceRefs}}
}

test('Services that are there: are adopted as they are: nothing is made but the route', () => {
  const cluster = adopted(between('a'))
  expect(cluster.find('Route', 'checkout')?.spec).toEqual({a: 100, b: 0})
  const names = [...cluster.objects.values()].filter(one => one.kind === 'Deployment').map(one => one.metadata.name)
  expect(names).toEqual(['blue', 'green'])
  expect(cluster.find('Service', 'checkout')?.spec.selector).toEqual({app: 'checkout'})
  expect([cluster.status.primary?.image, cluster.status.replicas, cluster.dropped]).toEqual(['blue', 2, 0])
})

test('Services that are there: a change of serve moves the traffic step by step', () => {
  const cluster = adopted(between('a'))
  serve(cluster, 'b')
  const weights: number[] = []
  const look = () => {
    const now = cluster.status.traffic?.confirmed?.b
    if (now !== undefined && now !== weights.at(-1)) weights.push(now)
  }
  expect(
    runUntil(
      cluster,
      () => cluster.status.phase === 'Healthy' && cluster.status.primary?.slot === 'b',
      120_000,
      {},
      look,
    ),
  ).toBe(true)
  expect([weights, cluster.dropped]).toEqual([[0, 10, 50, 100], 0])
  expect(cluster.find('Deployment', 'blue')?.spec.replicas).toBe(2)
  serve(cluster, 'a')
  until(cluster, 'Baking')
  expect(cluster.status.primary?.image).toBe('blue')
})

test('Services that are there: the other one may be the first to serve', () => {
  const cluster = adopted(between('b'))
  expect([cluster.find('Route', 'checkout')?.spec, cluster.status.primary?.slot]).toEqual([{a: 0, b: 100}, 'b'])
})

test('Services that are there: a bad one is rolled back, stays so, and is tried again once Git has gone back in between', () => {
  const cluster = adopted(between('a'), image => (image === 'green' ? 'fail' : 'pass'))
  serve(cluster, 'b')
  until(cluster, 'Failed')
  runUntil(cluster, () => false, 20_000)
  expect([cluster.status.phase, cluster.status.primary?.image, cluster.dropped]).toEqual(['Failed', 'blue', 0])
  serve(cluster, 'a')
  until(cluster, 'Healthy')
  serve(cluster, 'b')
  until(cluster, 'Progressing')
})

test('Services that are there: one without a ready pod gets nothing', () => {
  const cluster = adopted(between('a'))
  const green = cluster.find('Deployment', 'green')
  if (green) cluster.put({...green, spec: {...green.spec, replicas: 0}})
  serve(cluster, 'b')
  runUntil(cluster, () => false, 30_000)
  expect([cluster.status.phase, cluster.status.traffic?.wanted]).toEqual(['Preparing', {a: 100, b: 0}])
  expect(cluster.status.message).toContain('has no ready pod')
})

test('Services that are there: status that was lost is rebuilt from the route, and a release goes back', () => {
  const cluster = adopted(between('a'))
  serve(cluster, 'b')
  runUntil(cluster, () => cluster.status.canaryWeight === 50, 60_000)
  cluster.status = {}
  runUntil(cluster, () => cluster.status.phase !== undefined, 2000)
  expect([cluster.status.phase, cluster.status.primary?.image]).toEqual(['RollingBack', 'blue'])
  runUntil(cluster, () => cluster.status.phase === 'Progressing', 60_000)
  expect(cluster.dropped).toBe(0)
})

test('Services that are there: they stay when the Rollout goes, without its label', () => {
  const cluster = adopted(between('a'))
  expect(cluster.find('Service', 'blue')?.metadata.labels).toEqual({'fairlead.dev/rollout': 'checkout'})
  deleted(cluster)
  expect([...cluster.objects.values()].map(({kind, metadata}) => `${kind} ${metadata.name}`)).toEqual([
    'Service checkout',
    'ConfigMap settings',
    'Service blue',
    'Deployment blue',
    'Service green',
    'Deployment green',
  ])
  expect(cluster.find('Service', 'blue')?.metadata.labels).toBeUndefined()
})

test.each<[string, object]>([
  ['ServiceMissing', {}],
  ['ServiceIsApex', {serviceRefs: {a: 'checkout', b: 'green', serve: 'b'}}],
  ['UnsupportedByServices', {safeguards: {rateLimit: {requests: 5}}}],
  ['UnsupportedByServices', {traffic: {none: {}}, analysis: {checks: []}}],
])('Services that are there: %s: %j', (reason, spec) => {
  const cluster = new ModelCluster({...settings, ...between('a', spec)}, verdicts)
  if (reason === 'ServiceMissing') cluster.objects.delete('Service/blue')
  runUntil(cluster, () => false, 2000)
  expect(stalled(cluster)[0]).toBe(reason)
  expect(cluster.find('Route', 'checkout')).toBeUndefined()
})

test('Services that are there: a command that names the revision names the Service', () => {
  const cluster = adopted(between('a'), () => 'noData')
  serve(cluster, 'b')
  until(cluster, 'Progressing')
  cluster.annotate(annotations.abort, 'green')
  until(cluster, 'Failed')
  expect(cluster.status.rejected?.[0]?.revision).toBe('green')
})
