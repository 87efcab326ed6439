// Deletion: finalizers, owners and dependents, namespaces.
import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type Bench, pathOf, refOf, refusal, type StartTarget, until, useBench} from './bench.ts'
import {configMap, deployment, unscheduledPod} from './objects.ts'

export function describeDeletion(startTarget: StartTarget): void {
  describe('finalizers', () => {
    defineFinalizers(useBench(startTarget, 'finalizers'))
  })
  describe('owners and dependents', () => {
    defineGarbageCollection(useBench(startTarget, 'garbage'))
  })
  describe('deletion of workloads', () => {
    defineWorkloadDeletion(useBench(startTarget, 'workloads'))
  })
  describe('namespaces', () => {
    defineNamespaces(useBench(startTarget, 'namespaces'))
  })
}

function defineFinalizers(bench: () => Bench): void {
  test('an object stays until its last finalizer goes', async () => {
    const {client, namespace} = bench()
    const object = configMap(namespace, 'held')
    object.metadata.finalizers = ['example.com/a', 'example.com/b']
    const created = await client.create(object)
    expect(await client.delete(refOf(object), {})).toBe(true)
    const marked = await client.get(refOf(object))
    expect(marked?.metadata).toMatchObject({
      uid: created.metadata.uid,
      deletionTimestamp: expect.stringMatching(/^\d{4}-/),
      deletionGracePeriodSeconds: 0,
      finalizers: ['example.com/a', 'example.com/b'],
    })
    const options = {fieldManager: 'contract'}
    const added = {metadata: {finalizers: ['example.com/a', 'example.com/b', 'example.com/c']}}
    expect(await refusal(client.mergePatch(refOf(object), added, options))).toMatchObject({
      status: 422,
      message: expect.stringMatching(/metadata\.finalizers: Forbidden: no new finalizers can be added/),
    })
    const changed = await client.mergePatch(refOf(object), {data: {key: 'late'}}, options)
    expect(changed['data']).toEqual({key: 'late'})
    await client.mergePatch(refOf(object), {metadata: {finalizers: ['example.com/b']}}, options)
    expect(await client.get(refOf(object))).toBeDefined()
    await client.mergePatch(refOf(object), {metadata: {finalizers: null}}, options)
    expect(await client.get(refOf(object))).toBeUndefined()
  })

  test('what a deletion answers', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'plain'))
    const answer = await send({method: 'DELETE', path: pathOf(namespace, 'configmaps', 'plain')})
    const {uid} = created.metadata
    expect(answer).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {name: 'plain', kind: 'configmaps', uid},
    })
    await client.create(unscheduledPod(namespace, 'pod'))
    const pod = await send({method: 'DELETE', path: pathOf(namespace, 'pods', 'pod')})
    expect(pod).toMatchObject({kind: 'Pod', metadata: {name: 'pod'}})
    expect(await client.get({apiVersion: 'v1', kind: 'Pod', namespace, name: 'pod'})).toBeUndefined()
  })

  test('a collection goes by its selector', async () => {
    const {client, namespace, send} = bench()
    for (const name of ['c1', 'c2']) await client.create(configMap(namespace, name, {collection: 'yes'}))
    await client.create(configMap(namespace, 'c3'))
    await send({method: 'DELETE', path: `${pathOf(namespace, 'configmaps')}?labelSelector=collection%3Dyes`})
    const left = await client.list({apiVersion: 'v1', kind: 'ConfigMap', namespace})
    const names = left.map(item => item.metadata.name)
    expect(names).toContain('c3')
    expect(names).not.toContain('c1')
    expect(names).not.toContain('c2')
  })
}

interface Family {
  owner: KubeObject
  child: KubeObject
}

async function family(bench: Bench, name: string, blocks: boolean, childFinalizers?: string[]): Promise<Family> {
  const {client, namespace} = bench
  const owner = await client.create(configMap(namespace, `${name}-owner`))
  const child = configMap(namespace, `${name}-child`)
  const {apiVersion, kind, metadata} = owner
  const reference = {apiVersion, kind, name: metadata.name, uid: metadata.uid ?? ''}
  child.metadata.ownerReferences = [blocks ? {...reference, blockOwnerDeletion: true} : reference]
  if (childFinalizers !== undefined) child.metadata.finalizers = childFinalizers
  return {owner, child: await client.create(child)}
}

function defineGarbageCollection(bench: () => Bench): void {
  const gone = (object: KubeObject) => async () => (await bench().client.get(refOf(object))) === undefined

  test('in the background: the owner at once, its dependents after it', async () => {
    const {client} = bench()
    const {owner, child} = await family(bench(), 'background', true)
    await client.delete(refOf(owner), {propagation: 'Background'})
    expect(await client.get(refOf(owner))).toBeUndefined()
    await until(gone(child), 'end of the dependent')
  })

  test('in the foreground: the owner after the dependents that block it', async () => {
    const {client} = bench()
    const {owner, child} = await family(bench(), 'foreground', true, ['example.com/hold'])
    await client.delete(refOf(owner), {propagation: 'Foreground'})
    await until(async () => (await client.get(refOf(child)))?.metadata.deletionTimestamp, 'deletion of the dependent')
    const waiting = await client.get(refOf(owner))
    expect(waiting?.metadata).toMatchObject({
      finalizers: ['foregroundDeletion'],
      deletionTimestamp: expect.any(String),
    })
    await client.mergePatch(refOf(child), {metadata: {finalizers: null}}, {fieldManager: 'contract'})
    await until(gone(owner), 'end of the owner')
    expect(await client.get(refOf(child))).toBeUndefined()
  })

  test('orphaning: the dependents stay, without their owner', async () => {
    const {client} = bench()
    const {owner, child} = await family(bench(), 'orphan', true)
    await client.delete(refOf(owner), {propagation: 'Orphan'})
    await until(gone(owner), 'end of the owner')
    const left = await client.get(refOf(child))
    expect(left?.metadata).toMatchObject({uid: child.metadata.uid})
    expect(left?.metadata.ownerReferences ?? []).toEqual([])
  })

  test('a dependent whose owner never was goes; one with another owner stays', async () => {
    const {client, namespace} = bench()
    const {owner, child} = await family(bench(), 'shared', false)
    const other = await client.create(configMap(namespace, 'other-owner'))
    const reference = {apiVersion: 'v1', kind: 'ConfigMap', name: 'other-owner', uid: other.metadata.uid ?? ''}
    const ownerReferences = [...(child.metadata.ownerReferences ?? []), reference]
    await client.mergePatch(refOf(child), {metadata: {ownerReferences}}, {fieldManager: 'contract'})
    await client.delete(refOf(owner), {propagation: 'Background'})
    const left = await until(async () => {
      const current = await client.get(refOf(child))
      return current?.metadata.ownerReferences?.length === 1 && current
    }, 'dependent with one owner')
    expect(left.metadata.ownerReferences?.[0]).toMatchObject({name: 'other-owner'})
    const stray = configMap(namespace, 'stray')
    stray.metadata.ownerReferences = [{...reference, name: 'never', uid: '00000000-0000-0000-0000-000000000001'}]
    await client.create(stray)
    await until(gone(stray), 'end of the stray dependent')
  })
}

function defineWorkloadDeletion(bench: () => Bench): void {
  const gone = (object: KubeObject) => async () => (await bench().client.get(refOf(object))) === undefined

  test.each(['Background', 'Foreground'] as const)('the Pods of a Deployment go with it: %s', async propagation => {
    const {client, namespace} = bench()
    const name = `app-${propagation.toLowerCase()}`
    const object = await client.create(deployment(namespace, name, 1))
    const query = {apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: `app=${name}`}
    await until(async () => (await client.list(query)).length === 1, 'Pod')
    await client.delete(refOf(object), {propagation})
    await until(async () => (await client.list(query)).length === 0, 'end of the Pods')
    await until(gone(object), 'end of the Deployment')
  })

  test('the Pods of a Deployment stay when they are orphaned', async () => {
    const {client, namespace} = bench()
    const object = await client.create(deployment(namespace, 'app-orphan', 1))
    const query = {apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: 'app=app-orphan'}
    const [pod] = await until(async () => {
      const pods = await client.list(query)
      return pods.length === 1 && pods
    }, 'Pod')
    await client.delete(refOf(object), {propagation: 'Orphan'})
    await until(gone(object), 'end of the Deployment')
    const left = await client.list(query)
    expect(left.map(item => item.metadata.uid)).toEqual([pod?.metadata.uid])
    expect(left[0]?.metadata).not.toHaveProperty('deletionTimestamp')
  })
}

function defineNamespaces(bench: () => Bench): void {
  test('a namespace that ends takes nothing in, empties, and goes', async () => {
    const {client, namespace} = bench()
    const name = `${namespace}-ending`
    const created = await client.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name}})
    expect(created).toMatchObject({
      spec: {finalizers: ['kubernetes']},
      status: {phase: 'Active'},
      metadata: {labels: {'kubernetes.io/metadata.name': name}},
    })
    const held = configMap(name, 'held')
    held.metadata.finalizers = ['example.com/hold']
    await client.create(held)
    await client.create(configMap(name, 'free'))
    const ref = {apiVersion: 'v1', kind: 'Namespace', name}
    await client.delete(ref, {})
    await until(async () => (await client.get(ref))?.['status']?.phase === 'Terminating', 'end that has begun')
    const late = await refusal(client.create(configMap(name, 'late')))
    expect(late).toMatchObject({status: 403, reason: 'Forbidden'})
    expect(late.message).toMatch(/because it is being terminated/)
    expect((late as unknown as {causes: string[]}).causes).toEqual([
      expect.stringMatching(/^metadata\.namespace: namespace \S+ is being terminated/),
    ])
    await until(async () => (await client.get(refOf(configMap(name, 'free')))) === undefined, 'end of the content')
    expect(await client.get(ref)).toBeDefined()
    await client.mergePatch(refOf(held), {metadata: {finalizers: null}}, {fieldManager: 'contract'})
    await until(async () => (await client.get(ref)) === undefined, 'end of the namespace')
  })

  test('some namespaces are never deleted', async () => {
    const {client} = bench()
    const refused = await refusal(client.delete({apiVersion: 'v1', kind: 'Namespace', name: 'default'}, {}))
    expect(refused).toMatchObject({status: 403, reason: 'Forbidden'})
  })
}
