import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {configMap, newStore, refusalOf, widget, widgetDefinition} from './fixtures.ts'

function owned(name: string, owner: KubeObject, extra: object = {}): KubeObject {
  const {apiVersion, kind, metadata} = owner
  const reference = {apiVersion, kind, name: metadata.name, uid: metadata.uid, blockOwnerDeletion: true}
  return configMap(name, {}, {ownerReferences: [reference], ...extra})
}

test('a finalizer holds an object back until it is taken away', () => {
  const store = newStore()
  store.create(configMap('c', {}, {finalizers: ['example.com/hold']}))
  const {object, gone} = store.delete('configmaps', 'shop', 'c')
  expect(gone).toBe(false)
  expect(object.metadata).toMatchObject({deletionTimestamp: '2030-01-01T00:00:00Z', deletionGracePeriodSeconds: 0})
  const more = () =>
    store.patch('configmaps', 'shop', 'c', 'merge', {metadata: {finalizers: ['example.com/hold', 'a.b/c']}})
  expect(refusalOf(more).message).toContain('no new finalizers can be added')
  store.patch('configmaps', 'shop', 'c', 'merge', {metadata: {finalizers: null}})
  expect(store.get('configmaps', 'shop', 'c')).toBeUndefined()
})

test('preconditions hold', () => {
  const store = newStore()
  store.create(configMap('c', {}))
  const remove = (preconditions: object) => () => store.delete('configmaps', 'shop', 'c', {preconditions})
  expect(refusalOf(remove({uid: 'other'}))).toMatchObject({status: 409, reason: 'Conflict'})
  expect(refusalOf(remove({resourceVersion: '1'}))).toMatchObject({status: 409, reason: 'Conflict'})
})

test('dependents go with their last owner, in the background', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  const child = store.create(owned('child', owner))
  store.create(owned('grandchild', child))
  store.delete('configmaps', 'shop', 'owner')
  expect(store.list('configmaps').items).toEqual([])
})

test('dependents go before their owner, in the foreground', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  store.create(owned('child', owner, {finalizers: ['example.com/hold']}))
  const {object, gone} = store.delete('configmaps', 'shop', 'owner', {propagationPolicy: 'Foreground'})
  expect(gone).toBe(false)
  expect(object.metadata.finalizers).toEqual(['foregroundDeletion'])
  store.patch('configmaps', 'shop', 'child', 'merge', {metadata: {finalizers: null}})
  expect(store.list('configmaps').items).toEqual([])
})

test('orphans lose their owner and stay; who names an unknown owner goes', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  store.create(owned('child', owner))
  store.delete('configmaps', 'shop', 'owner', {propagationPolicy: 'Orphan'})
  expect(store.get('configmaps', 'shop', 'child')?.metadata.ownerReferences).toBeUndefined()
  store.create(owned('late', owner))
  expect(store.get('configmaps', 'shop', 'late')).toBeUndefined()
})

test('a namespace takes its content along, and waits for what is held back', () => {
  const store = newStore()
  store.create(configMap('free', {}))
  store.create(configMap('held', {}, {finalizers: ['example.com/hold']}))
  store.delete('namespaces', undefined, 'shop')
  expect(store.get('namespaces', undefined, 'shop')?.['status']).toEqual({phase: 'Terminating'})
  expect(refusalOf(() => store.create(configMap('new', {})))).toMatchObject({status: 403, reason: 'Forbidden'})
  expect(store.get('configmaps', 'shop', 'free')).toBeUndefined()
  store.patch('configmaps', 'shop', 'held', 'merge', {metadata: {finalizers: null}})
  expect(store.get('namespaces', undefined, 'shop')).toBeUndefined()
})

test('a definition goes after its instances', () => {
  const store = newStore()
  store.create(widgetDefinition({type: 'object'}))
  store.create(widget({}, {finalizers: ['example.com/hold']}))
  expect(store.delete('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.com').gone).toBe(
    false,
  )
  store.patch('widgets.example.com', 'shop', 'w', 'merge', {metadata: {finalizers: null}})
  expect(refusalOf(() => store.list('widgets.example.com')).status).toBe(404)
})

test('a pod on a node ends in two steps, one without a node in one', () => {
  const store = newStore()
  const spec = {containers: [{name: 'a', image: 'a:1'}]}
  const pod = (name: string, more: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {name, namespace: 'shop'},
    spec: {...spec, ...more},
  })
  store.create(pod('bound', {nodeName: 'node', terminationGracePeriodSeconds: 10}))
  store.create(pod('free', {}))
  expect(store.delete('pods', 'shop', 'free').gone).toBe(true)
  const {object, gone} = store.delete('pods', 'shop', 'bound')
  expect(gone).toBe(false)
  expect(object.metadata).toMatchObject({deletionTimestamp: '2030-01-01T00:00:10Z', deletionGracePeriodSeconds: 10})
  expect(store.delete('pods', 'shop', 'bound', {gracePeriodSeconds: 0}).gone).toBe(true)
})

test('a dependent with another owner stays, whichever way the first owner goes', () => {
  for (const propagationPolicy of ['Background', 'Foreground'] as const) {
    const store = newStore()
    const first = store.create(configMap('first', {}))
    const second = store.create(configMap('second', {}))
    const references = [first, second].flatMap(owner => owned('x', owner).metadata.ownerReferences ?? [])
    store.create(configMap('child', {}, {ownerReferences: references}))
    expect(store.delete('configmaps', 'shop', 'first', {propagationPolicy}).gone).toBe(true)
    const left = store.get('configmaps', 'shop', 'child')?.metadata.ownerReferences
    expect(left?.map(reference => reference.name)).toEqual(['second'])
    store.delete('configmaps', 'shop', 'second')
    expect(store.list('configmaps').items).toEqual([])
  }
})

test('a dependent that does not block its owner is not waited for', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  const [reference] = owned('x', owner).metadata.ownerReferences ?? []
  const ownerReferences = [{...reference, blockOwnerDeletion: false}]
  store.create(configMap('child', {}, {ownerReferences, finalizers: ['example.com/hold']}))
  expect(store.delete('configmaps', 'shop', 'owner', {propagationPolicy: 'Foreground'}).gone).toBe(true)
  expect(store.get('configmaps', 'shop', 'child')?.metadata.deletionTimestamp).toMatch(/./)
})

test('an owner waits no longer for a dependent that is taken from it', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  store.create(owned('child', owner, {finalizers: ['example.com/hold']}))
  expect(store.delete('configmaps', 'shop', 'owner', {propagationPolicy: 'Foreground'}).gone).toBe(false)
  store.patch('configmaps', 'shop', 'child', 'merge', {metadata: {ownerReferences: null}})
  expect(store.get('configmaps', 'shop', 'owner')).toBeUndefined()
})

test('who comes to name an unknown owner later goes too', () => {
  const store = newStore()
  const owner = store.create(configMap('owner', {}))
  store.delete('configmaps', 'shop', 'owner')
  store.create(configMap('child', {}))
  const {ownerReferences} = owned('child', owner).metadata
  store.patch('configmaps', 'shop', 'child', 'merge', {metadata: {ownerReferences}})
  expect(store.get('configmaps', 'shop', 'child')).toBeUndefined()
})

test('a second delete of a pod may only shorten its grace period, and writes nothing otherwise', () => {
  const store = newStore()
  const spec = {nodeName: 'node', containers: [{name: 'a', image: 'a:1'}]}
  store.create({apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p', namespace: 'shop'}, spec})
  const remove = (options: object) => store.delete('pods', 'shop', 'p', options).object.metadata
  const first = remove({gracePeriodSeconds: 20})
  expect(remove({})).toEqual(first)
  expect(remove({gracePeriodSeconds: 40})).toEqual(first)
  const shortened = remove({gracePeriodSeconds: 5})
  expect(shortened).toMatchObject({deletionTimestamp: '2030-01-01T00:00:05Z', deletionGracePeriodSeconds: 5})
  expect(remove({})).toEqual(shortened)
})

test('a pod needs both: no finalizers, and a delete without grace', () => {
  const store = newStore()
  const spec = {nodeName: 'node', containers: [{name: 'a', image: 'a:1'}]}
  const metadata = {namespace: 'shop', finalizers: ['example.com/hold']}
  const release = (name: string) => store.patch('pods', 'shop', name, 'merge', {metadata: {finalizers: null}})
  for (const name of ['a', 'b']) {
    store.create({apiVersion: 'v1', kind: 'Pod', metadata: {...metadata, name}, spec})
    expect(store.delete('pods', 'shop', name).gone).toBe(false)
  }
  release('a')
  expect(store.get('pods', 'shop', 'a')).toBeDefined()
  expect(store.delete('pods', 'shop', 'a', {gracePeriodSeconds: 0}).gone).toBe(true)
  expect(store.delete('pods', 'shop', 'b', {gracePeriodSeconds: 0}).gone).toBe(false)
  release('b')
  expect(store.get('pods', 'shop', 'b')).toBeUndefined()
})

test('the namespaces of the system stay; a definition that goes takes no new instances', () => {
  const store = newStore()
  for (const name of ['default', 'kube-system']) {
    const error = refusalOf(() => store.delete('namespaces', undefined, name))
    expect(error).toMatchObject({status: 403, reason: 'Forbidden'})
  }
  store.create(widgetDefinition({type: 'object'}))
  store.create(widget({}, {finalizers: ['example.com/hold']}))
  store.delete('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.com')
  const error = refusalOf(() => store.create(widget({}, {name: 'late'})))
  expect(error).toMatchObject({status: 405, reason: 'MethodNotAllowed'})
})
