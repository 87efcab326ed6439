import {afterEach, describe, expect, test} from 'vitest'
import {annotations, apiVersion} from '../crds/names.ts'
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

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template: {metadata: {labels: {app: web}}}
`
const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`
const rollout = `apiVersion: fairlead.dev/v1alpha1
kind: Rollout
metadata: {name: web}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`

describe('fields that a Rollout owns', () => {
  test('are moved into annotations, and a release is never fought', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/all.yaml': [deployment, service, rollout].join('---\n')})
    await setting.start()
    await setting.pass()
    const target = await setting.object('Deployment', 'web', 'apps/v1')
    expect(target?.spec.replicas).toBe(1)
    expect(target?.metadata.annotations?.[annotations.replicas]).toBe('3')
    const apex = await setting.object('Service', 'web')
    expect(apex?.metadata.annotations?.[annotations.selector]).toBe('{"app":"web"}')
    expect(apex?.spec.selector).toEqual({app: 'web'})
    const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web'}
    await setting.cluster.scale(targetRef, 0, {fieldManager: 'fairlead'})
    const selector = {app: 'web', 'fairlead.dev/slot': 'a'}
    const metadata = {name: 'web', namespace: 'shop'}
    const ours = {fieldManager: 'fairlead', force: true}
    await setting.cluster.apply({apiVersion: 'v1', kind: 'Service', metadata, spec: {selector}}, ours)
    setting.git.commit({'README.md': 'another commit'})
    await setting.pass()
    expect((await setting.object('Deployment', 'web', 'apps/v1'))?.spec.replicas).toBe(0)
    expect((await setting.object('Service', 'web'))?.spec.selector).toEqual(selector)
  })

  test('keep their live value while nobody else owns them, so adopting an app drops nothing', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/web.yaml': [deployment, service].join('---\n')})
    await setting.start()
    await setting.pass()
    expect((await setting.object('Deployment', 'web', 'apps/v1'))?.spec.replicas).toBe(3)
    setting.git.commit({'deploy/rollout.yaml': rollout})
    await setting.pass()
    const target = await setting.object('Deployment', 'web', 'apps/v1')
    expect(target?.spec.replicas).toBe(3)
    expect(target?.metadata.annotations?.[annotations.replicas]).toBe('3')
    expect((await setting.object('Service', 'web'))?.spec.selector).toEqual({app: 'web'})
    const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web'}
    await setting.cluster.scale(targetRef, 0, {fieldManager: 'fairlead'})
    await setting.pass(4 * minute)
    expect((await setting.object('Deployment', 'web', 'apps/v1'))?.spec.replicas).toBe(0)
  })
})

describe('a race with the controller of the Rollout', () => {
  test('is settled within the pass, in its favour', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/web.yaml': deployment})
    await setting.start()
    await setting.pass()
    setting.git.commit({'deploy/rollout.yaml': rollout})
    const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web'}
    let scaled: Promise<void> | undefined
    setting.cluster.intercept = (verb, ref) => {
      if (verb === 'apply' && ref.kind === 'Deployment') {
        scaled ??= setting.cluster.scale(targetRef, 0, {fieldManager: 'fairlead'})
      }
      return undefined
    }
    await setting.pass()
    await scaled
    expect((await setting.object('Deployment', 'web', 'apps/v1'))?.spec.replicas).toBe(0)
    expect(await setting.condition('Ready')).toMatchObject({status: 'True'})
    expect(setting.events.filter(event => event.startsWith('Warning'))).toEqual([])
  })
})

describe('deletion', () => {
  test('removes the inventory, Rollouts first and awaited, then the finalizer', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/all.yaml': [deployment, service, rollout].join('---\n')})
    await setting.start()
    await setting.pass()
    const rolloutRef = {apiVersion, kind: 'Rollout', namespace: 'shop', name: 'web'}
    const manager = {fieldManager: 'fairlead'}
    await setting.cluster.mergePatch(rolloutRef, {metadata: {finalizers: ['fairlead.dev/rollout']}}, manager)
    setting.now = 0
    await setting.cluster.delete(gitSyncRef)
    await setting.pass(1_000)
    expect(setting.cluster.names()).toEqual(['Deployment web', 'GitSync apps', 'Rollout web', 'Service web'])
    await setting.cluster.mergePatch(rolloutRef, {metadata: {finalizers: []}}, manager)
    await setting.pass(6_000)
    expect(setting.cluster.names()).toEqual([])
  })

  test('leaves everything when prune is off', async () => {
    const setting = arrange()
    setting.git.commit({'deploy/a.yaml': configMap('a')})
    await setting.start({prune: false})
    await setting.pass()
    await setting.cluster.delete(gitSyncRef)
    await setting.pass()
    expect(setting.cluster.names()).toEqual(['ConfigMap a'])
  })
})
