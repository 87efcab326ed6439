import {afterEach, describe, expect, test} from 'vitest'
import {annotations, apiVersion, gitSyncFinalizer} from '../crds/names.ts'
import {configMap, gitSyncRef, minute, Setting} from './test-support/setting.ts'

const settings: Setting[] = []

afterEach(() => {
  for (const setting of settings.splice(0)) setting.git.remove()
})

function arrange(): Setting {
  const setting = new Setting()
  settings.push(setting)
  return setting
}

describe('a new commit', () => {
  test('is applied, stamped, recorded and reported once', async () => {
    const setting = arrange()
    const hash = setting.git.commit({'deploy/a.yaml': configMap('a')}, 'First words')
    await setting.start()
    expect(await setting.pass()).toBe(minute)
    const applied = await setting.object('ConfigMap', 'a')
    expect(applied?.metadata.annotations).toEqual({
      [annotations.commit]: hash,
      [annotations.commitAuthor]: 'Ada Example <ada@example.com>',
      [annotations.commitSubject]: 'First words',
      [annotations.gitSync]: 'shop/apps',
    })
    expect(await setting.status()).toMatchObject({
      lastAppliedCommit: hash,
      lastAttemptedCommit: hash,
      lastAppliedSubject: 'First words',
      observedGeneration: 1,
      inventory: [{apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'a'}],
    })
    expect(await setting.condition('Ready')).toMatchObject({status: 'True', reason: 'Applied'})
    expect(setting.events).toHaveLength(1)
    expect((await setting.cluster.get(gitSyncRef))?.metadata.finalizers).toEqual([gitSyncFinalizer])
  })

  test('is left alone while nothing changes: no write in many passes', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    const writes = setting.cluster.writes.length
    for (let index = 0; index < 5; index += 1) await setting.pass()
    expect(setting.cluster.writes).toHaveLength(writes)
  })

  test('does not ask the remote before the interval is over, unless triggered', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    setting.git.commit({'deploy/a.yaml': configMap('a', 'two')})
    expect(await setting.pass(1_000)).toBe(minute - 1_000)
    expect((await setting.object('ConfigMap', 'a'))?.data).toEqual({key: 'one'})
    setting.reconciler.trigger('shop/apps')
    await setting.pass(1_000)
    expect((await setting.object('ConfigMap', 'a'))?.data).toEqual({key: 'two'})
  })
})

describe('pruning', () => {
  test('removes what Git no longer holds, and what a force-push took away', async () => {
    const setting = arrange()
    const first = setting.git.commit({'deploy/a.yaml': configMap('a')})
    setting.git.commit({'deploy/b.yaml': configMap('b')})
    await setting.start()
    await setting.pass()
    expect(setting.cluster.names()).toContain('ConfigMap b')
    setting.git.git('reset', '--quiet', '--hard', first)
    setting.git.commit({'deploy/c.yaml': configMap('c')})
    await setting.pass()
    expect(setting.cluster.names()).toEqual(['ConfigMap a', 'ConfigMap c', 'GitSync apps'])
    expect(setting.events.at(-1)).toBe('Normal Pruned: Removed what Git no longer holds: ConfigMap shop/b')
  })

  test('keeps protected objects, foreign objects, and everything when prune is off', async () => {
    const setting = arrange()
    const files = Object.fromEntries(['a', 'b', 'c'].map(name => [`deploy/${name}.yaml`, configMap(name)]))
    setting.git.commit(files)
    await setting.start()
    await setting.pass()
    const ref = (name: string) => ({apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name})
    const manager = {fieldManager: 'user'}
    await setting.cluster.mergePatch(ref('b'), {metadata: {annotations: {'fairlead.dev/prune': 'disabled'}}}, manager)
    await setting.cluster.mergePatch(ref('c'), {metadata: {annotations: {[annotations.gitSync]: 'x/other'}}}, manager)
    setting.git.commit({'deploy/b.yaml': undefined, 'deploy/c.yaml': undefined})
    await setting.pass()
    expect(setting.cluster.names()).toEqual(['ConfigMap a', 'ConfigMap b', 'ConfigMap c', 'GitSync apps'])
    await setting.cluster.mergePatch(gitSyncRef, {spec: {prune: false}}, manager)
    setting.git.commit({'deploy/a.yaml': undefined})
    setting.git.commit({'deploy/d.yaml': configMap('d')})
    await setting.pass()
    expect(setting.cluster.names()).toContain('ConfigMap a')
  })
})

describe('drift', () => {
  test('is set back, with an event, without a status write', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    const ref = {apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'a'}
    await setting.cluster.mergePatch(ref, {data: {key: 'edited'}, spec: {x: 1}}, {fieldManager: 'user'})
    await setting.cluster.apply(
      {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a', namespace: 'shop'}, data: {key: 'edited'}},
      {fieldManager: 'user', force: true},
    )
    const writes = setting.cluster.writes.length
    await setting.pass(4 * minute)
    expect((await setting.object('ConfigMap', 'a'))?.data).toEqual({key: 'one'})
    expect(setting.cluster.writes.slice(writes)).toEqual(['apply ConfigMap a'])
    expect(setting.events.at(-1)).toContain('Normal DriftCorrected: Set back to what Git says: ConfigMap shop/a')
  })
})

describe('other cases', () => {
  test('a restart costs one pass and no write', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    const writes = setting.cluster.writes.length
    await setting.restart().reconcile('shop/apps')
    expect(setting.cluster.writes).toHaveLength(writes)
    expect(await setting.condition('Ready')).toMatchObject({status: 'True'})
  })

  test('suspend stops, and resuming goes on', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start({suspend: true})
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'Unknown', reason: 'Suspended'})
    expect(setting.cluster.names()).toEqual(['GitSync apps'])
    await setting.cluster.mergePatch(gitSyncRef, {spec: {suspend: false}}, {fieldManager: 'user'})
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'True'})
  })

  test('an object of another GitSync is refused, and taken over once that one is gone', async () => {
    const setting = arrange()
    const metadata = {name: 'a', namespace: 'shop', annotations: {[annotations.gitSync]: 'shop/other'}}
    const other = {apiVersion, kind: 'GitSync', metadata: {name: 'other', namespace: 'shop'}, spec: {}}
    await setting.cluster.create({apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {key: 'theirs'}})
    await setting.cluster.create(other)
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    expect((await setting.status()).message).toContain('GitSync shop/other applies it already')
    await setting.cluster.delete({apiVersion, kind: 'GitSync', namespace: 'shop', name: 'other'})
    await setting.pass()
    expect((await setting.object('ConfigMap', 'a'))?.data).toEqual({key: 'one'})
  })
})
