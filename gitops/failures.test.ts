import {afterEach, describe, expect, test} from 'vitest'
import {ClusterError} from '../controller/ports.ts'
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

describe('failures', () => {
  test('an empty path is refused, and healed by the next commit', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a'), 'deploy/README.md': 'words'})
    await setting.start()
    await setting.pass()
    setting.git.commit({'deploy/a.yaml': undefined})
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'False', reason: 'PruneRefused'})
    expect(await setting.condition('Stalled')).toMatchObject({status: 'True'})
    expect(setting.cluster.names()).toContain('ConfigMap a')
    setting.git.commit({'deploy/b.yaml': configMap('b')})
    await setting.pass()
    expect(setting.cluster.names()).toEqual(['ConfigMap b', 'GitSync apps'])
    expect(await setting.condition('Ready')).toMatchObject({status: 'True'})
  })

  test('an invalid manifest applies nothing, names the place, and is not retried', async () => {
    const setting = arrange()
    const hash = setting.git.commit({'deploy/a.yaml': configMap('a'), 'deploy/b.yaml': 'kind: ConfigMap\n'})
    await setting.start()
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'False', reason: 'InvalidManifest'})
    expect((await setting.status()).message).toBe('"deploy/b.yaml", document 1: apiVersion is missing or not a text')
    expect((await setting.status()).lastAttemptedCommit).toBe(hash)
    expect(setting.cluster.names()).toEqual(['GitSync apps'])
    const writes = setting.cluster.writes.length
    await setting.pass(30 * minute)
    expect(setting.cluster.writes).toHaveLength(writes)
    expect(setting.events).toHaveLength(1)
  })

  test('one bad object does not stop the others; nothing is pruned; retries wait longer and longer', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/old.yaml': configMap('old')})
    await setting.start()
    await setting.pass()
    setting.git.commit({'deploy/old.yaml': undefined, 'deploy/a.yaml': configMap('a'), 'deploy/b.yaml': configMap('b')})
    let attempts = 0
    setting.cluster.intercept = (verb, ref) => {
      if (verb !== 'apply' || ref.name !== 'a') return undefined
      attempts += 1
      return new ClusterError(422, 'Invalid', 'ConfigMap a is invalid', ['data.key: too strange'])
    }
    await setting.pass()
    expect(setting.cluster.names()).toEqual(['ConfigMap b', 'ConfigMap old', 'GitSync apps'])
    const {message, inventory} = await setting.status()
    expect(message).toContain(
      '"deploy/a.yaml", document 1: ConfigMap shop/a: ConfigMap a is invalid; data.key: too strange',
    )
    expect(message).toContain('correct the named field in Git')
    expect(inventory).toHaveLength(3)
    for (let second = 0; second < 300; second += 5) await setting.pass(5_000)
    expect(attempts).toBeGreaterThan(3)
    expect(attempts).toBeLessThan(10)
    setting.cluster.intercept = () => undefined
    await setting.pass(20 * minute)
    expect(setting.cluster.names()).toEqual(['ConfigMap a', 'ConfigMap b', 'GitSync apps'])
  })
})

describe('more failures', () => {
  test('Git out of reach shows, keeps everything, and heals', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start({ref: {branch: 'later'}})
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'False', reason: 'RefNotFound'})
    const {lastTransitionTime} = await setting.condition('Ready')
    await setting.pass()
    expect((await setting.condition('Ready')).lastTransitionTime).toBe(lastTransitionTime)
    setting.git.git('branch', 'later')
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({status: 'True'})
    expect((await setting.condition('Ready')).lastTransitionTime).not.toBe(lastTransitionTime)
  })

  test('an invalid spec, a missing Secret and a missing folder name the field', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start({interval: 'soon'})
    await setting.pass()
    expect((await setting.status()).message).toContain('spec.interval')
    const manager = {fieldManager: 'user'}
    await setting.cluster.mergePatch(gitSyncRef, {spec: {interval: '1m', auth: {secretRef: {name: 'git'}}}}, manager)
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({reason: 'AuthenticationFailed'})
    expect((await setting.status()).message).toContain('Secret shop/git (spec.auth.secretRef) does not exist')
    const secret = {apiVersion: 'v1', kind: 'Secret', metadata: {name: 'git', namespace: 'shop'}}
    await setting.cluster.create({...secret, data: {token: Buffer.from('hunter22').toString('base64')}})
    await setting.cluster.mergePatch(gitSyncRef, {spec: {path: 'nowhere'}}, manager)
    await setting.pass()
    expect(await setting.condition('Ready')).toMatchObject({reason: 'PathNotFound'})
    expect((await setting.status()).message).toContain('correct spec.path')
  })

  test('a lost race ends the pass and the next one settles', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start()
    let races = 1
    setting.cluster.intercept = verb => {
      if (verb !== 'updateStatus' || races === 0) return undefined
      races -= 1
      return new ClusterError(409, 'Conflict', 'modified')
    }
    expect(await setting.pass()).toBeLessThan(1_000)
    expect(setting.cluster.names()).not.toContain('ConfigMap a')
    await setting.pass(200)
    expect(setting.cluster.names()).toContain('ConfigMap a')
  })
})

describe('custom resources', () => {
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: toys.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Toy}}
`
  const toy = 'apiVersion: example.com/v1\nkind: Toy\nmetadata: {name: bear}\n'

  test('and their definition may come in one commit', async () => {
    const setting = arrange()
    setting.unknownKinds.add('Toy')
    setting.git.commit({'deploy/a-toy.yaml': toy, 'deploy/b-definition.yaml': definition})
    await setting.start()
    await setting.pass()
    expect(setting.cluster.names()).toContain('Toy bear')
    const applies = setting.cluster.writes.filter(write => write.startsWith('apply'))
    expect(applies).toEqual(['apply CustomResourceDefinition toys.example.com', 'apply Toy bear'])
  })

  test('without a definition are named, and applied once it is there', async () => {
    const setting = arrange()
    setting.unknownKinds.add('Toy')
    setting.git.commit({'deploy/toy.yaml': toy, 'deploy/a.yaml': configMap('a')})
    await setting.start()
    await setting.pass()
    expect((await setting.status()).message).toContain('does not know example.com/v1/Toy: install its Custom')
    expect(setting.cluster.names()).toContain('ConfigMap a')
    setting.unknownKinds.clear()
    await setting.pass()
    expect(setting.cluster.names()).toContain('Toy bear')
  })
})
