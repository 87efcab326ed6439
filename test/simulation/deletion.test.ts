// A Rollout that is deleted gives the Service back to the target's pods first, and to whatever the user selected once the
// slots' pods, which bear the same labels, are gone.
import {describe, expect, test} from 'vitest'
import {hashOf} from '../../controller/core/apex.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

const hash = 'pod-template-hash'

function deleted(more: Partial<ModelSettings> = {}): ModelCluster {
  const cluster = new ModelCluster({...settings, ...more}, () => 'pass')
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)
  cluster.deploy('app:2')
  const ended = () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:2'
  expect(runUntil(cluster, ended, 120_000)).toBe(true)
  remove(cluster)
  return cluster
}

function remove(cluster: ModelCluster): void {
  const {rollout} = cluster
  cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2023-11-14T22:13:20Z'}}
}

const selectorOf = (cluster: ModelCluster) =>
  cluster.find('Service', 'checkout')?.spec.selector as Record<string, string>
const selected = (cluster: ModelCluster) =>
  new Set(cluster.readyWith(selectorOf(cluster)).map(({workload}) => workload))
const stage = (cluster: ModelCluster) => cluster.status.terminating?.stage

describe('a Rollout that is deleted', () => {
  test.each([
    ['Deployment', {}, hash],
    ['DaemonSet', {targetKind: 'DaemonSet'}, 'controller-revision-hash'],
  ] as const)('of a %s: its Service selects the target alone until the slots are gone', (_, kind, label) => {
    const cluster = deleted(kind)
    expect(runUntil(cluster, () => stage(cluster) === 'drain', 60_000)).toBe(true)
    expect(selectorOf(cluster)).toEqual({app: 'checkout', [label]: expect.any(String)})
    expect(selected(cluster)).toEqual(new Set(['checkout']))
    expect(runUntil(cluster, () => stage(cluster) === 'remove', 60_000)).toBe(true)
    expect(selected(cluster)).toEqual(new Set(['checkout']))
    expect(runUntil(cluster, () => cluster.gone, 60_000)).toBe(true)
    expect(selectorOf(cluster)).toEqual({app: 'checkout'})
    expect(cluster.dropped).toBe(0)
  })

  test('whose target is updated meanwhile leaves it pods to serve', () => {
    const cluster = deleted()
    expect(runUntil(cluster, () => stage(cluster) === 'drain', 60_000)).toBe(true)
    // An update adds a pod before it takes one away.
    const [pod] = cluster.pods.filter(({workload}) => workload === 'checkout')
    if (!pod) throw new Error('the target has no pod')
    const {metadata} = pod.object
    const update = {...metadata, name: 'checkout-new', labels: {...metadata.labels, [hash]: 'new'}}
    const ownerReferences = metadata.ownerReferences?.map(owner => ({...owner, name: 'checkout-new'}))
    cluster.pods.push({
      ...pod,
      object: {...pod.object, metadata: {...update, ...(ownerReferences ? {ownerReferences} : {})}},
    })
    expect(runUntil(cluster, () => selectorOf(cluster)[hash] === undefined, 10_000)).toBe(true)
    expect(stage(cluster)).not.toBeUndefined()
    for (const old of cluster.pods) if (old.object.metadata.labels?.[hash] !== 'new') old.goneAt = cluster.now
    expect(runUntil(cluster, () => cluster.gone, 60_000)).toBe(true)
    expect(selectorOf(cluster)).toEqual({app: 'checkout'})
  })
})

describe('a Rollout that is deleted, otherwise', () => {
  test('in the moment of a rollback out of its bake leaves nobody with the bad version', () => {
    const cluster = new ModelCluster(settings, () => 'pass')
    const until = (holds: () => boolean) => expect(runUntil(cluster, holds, 120_000)).toBe(true)
    until(() => cluster.status.phase === 'Healthy')
    cluster.deploy('app:2')
    until(() => cluster.status.phase === 'Baking')
    // The write of the selector fails until the Rollout is deleted.
    cluster.refuses = intent =>
      intent.kind === 'apply' && intent.manifest.metadata.name === 'checkout' && intent.manifest.kind === 'Service'
    cluster.annotate('fairlead.dev/abort', cluster.status.primary?.revision ?? '')
    until(() => cluster.status.phase === 'RollingBack')
    expect(selectorOf(cluster)[labels.slot]).toBe('b')
    cluster.refuses = () => false
    remove(cluster)
    const since = cluster.now
    until(() => cluster.gone)
    expect(cluster.now - since).toBeLessThan(30_000)
    expect(cluster.dropped).toBe(0)
  })

  test("ends whatever the user's selector is", () => {
    const cluster = deleted()
    expect(runUntil(cluster, () => stage(cluster) === 'drain', 60_000)).toBe(true)
    const service = cluster.find('Service', 'checkout')
    if (!service) throw new Error('no Service')
    const selector = {app: 'checkout', [hash]: 'x'}
    const kept = {[annotations.selector]: JSON.stringify(selector)}
    cluster.put({...service, metadata: {...service.metadata, annotations: {...service.metadata.annotations, ...kept}}})
    expect(runUntil(cluster, () => cluster.gone, 120_000)).toBe(true)
    expect(selectorOf(cluster)).toMatchObject({app: 'checkout'})
  })

  test('and never moved the selector does not touch it', () => {
    const cluster = deleted({spec: {service: {selector: 'shared'}}})
    const version = cluster.find('Service', 'checkout')?.metadata.resourceVersion
    expect(runUntil(cluster, () => cluster.gone, 120_000)).toBe(true)
    expect(cluster.find('Service', 'checkout')?.metadata.resourceVersion).toBe(version)
  })
})

describe("what tells a target's pods from others", () => {
  const target = {apiVersion: 'apps/v1', kind: 'Deployment', metadata: {name: 'web'}}
  const pod = (own: Record<string, string>, owner: string, status = 'True'): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      labels: {app: 'web', ...own},
      ownerReferences: [{apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: '1', controller: true}],
    },
    status: {conditions: [{type: 'Ready', status}]},
  })

  test.each<[string, KubeObject[], Record<string, string> | undefined]>([
    ['pods of one template', [pod({[hash]: 'x'}, 'web-x'), pod({[hash]: 'x'}, 'web-x')], {[hash]: 'x'}],
    ['pods of two templates', [pod({[hash]: 'x'}, 'web-x'), pod({[hash]: 'y'}, 'web-y')], undefined],
    ['one of them not ready', [pod({[hash]: 'x'}, 'web-x'), pod({[hash]: 'y'}, 'web-y', 'False')], {[hash]: 'x'}],
    ["somebody else's", [pod({[hash]: 'x'}, 'web-x'), pod({[hash]: 'y'}, 'other-y')], {[hash]: 'x'}],
    ["a slot's", [pod({[hash]: 'x', [labels.rollout]: 'web', [labels.slot]: 'a'}, 'web-x')], undefined],
    ['no hash', [pod({}, 'web-x')], undefined],
    ['nobody', [], undefined],
  ])('%s', (_, pods, expected) => {
    expect(hashOf(target, pods)).toEqual(expected)
  })
})
