import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {deployment, newStore, refusalOf} from './fixtures.ts'
import type {Store} from './store.ts'

function apply(store: Store, object: KubeObject, fieldManager: string, force = false): KubeObject {
  return store.apply(object, {fieldManager, force})
}

function fieldsOf(object: KubeObject, manager: string): object | undefined {
  return object.metadata.managedFields?.find(entry => entry.manager === manager)?.fieldsV1
}

function containers(env: object[]): object {
  const labels = {app: 'web'}
  return {template: {metadata: {labels}, spec: {containers: [{name: 'app', image: 'example.com/app:1', env}]}}}
}

test('owned fields are named in fieldsV1, list items by their keys', () => {
  const store = newStore()
  const fields = fieldsOf(apply(store, deployment('web', {replicas: 2}), 'one'), 'one')
  expect(fields).toEqual({
    'f:spec': {
      'f:replicas': {},
      'f:selector': {},
      'f:template': {
        'f:metadata': {'f:labels': {'f:app': {}}},
        'f:spec': {'f:containers': {'k:{"name":"app"}': {'.': {}, 'f:image': {}, 'f:name': {}}}},
      },
    },
  })
})

test('a field that its only manager stops applying falls back to the default', () => {
  const store = newStore()
  apply(store, deployment('web', {replicas: 3}), 'one')
  expect(apply(store, deployment('web'), 'one')['spec'].replicas).toBe(1)
})

test('a field that someone else owns too stays', () => {
  const store = newStore()
  apply(store, deployment('web', {replicas: 3}), 'one')
  apply(store, deployment('web', {replicas: 3}), 'two')
  expect(apply(store, deployment('web'), 'one')['spec'].replicas).toBe(3)
  expect(apply(store, deployment('web'), 'two')['spec'].replicas).toBe(1)
})

test('a field set through scale stays when the applier drops it', () => {
  const store = newStore()
  apply(store, deployment('web', {replicas: 3}), 'git')
  store.patch(
    'deployments.apps',
    'shop',
    'web',
    'merge',
    {spec: {replicas: 7}},
    {subresource: 'scale', fieldManager: 'hpa'},
  )
  const scaled = store.get('deployments.apps', 'shop', 'web') as KubeObject
  expect(scaled.metadata.managedFields?.find(entry => entry.manager === 'hpa')).toMatchObject({
    operation: 'Update',
    subresource: 'scale',
    fieldsV1: {'f:spec': {'f:replicas': {}}},
  })
  expect(apply(store, deployment('web'), 'git')['spec'].replicas).toBe(7)
  expect(apply(store, deployment('web', {replicas: 3}), 'git', true)['spec'].replicas).toBe(3)
})

test('keyed lists are merged item by item and taken apart again', () => {
  const store = newStore()
  apply(store, deployment('web', containers([{name: 'A', value: '1'}])), 'one')
  const both = apply(store, deployment('web', containers([{name: 'B', value: '2'}])), 'two')
  const env = (object: KubeObject) => object['spec'].template.spec.containers[0].env
  expect(env(both)).toEqual([
    {name: 'A', value: '1'},
    {name: 'B', value: '2'},
  ])
  expect(env(apply(store, deployment('web', containers([])), 'one'))).toEqual([{name: 'B', value: '2'}])
})

test('the selector of a Service is one field', () => {
  const store = newStore()
  const service = (selector: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {name: 'web', namespace: 'shop'},
    spec: {ports: [{port: 80}], selector},
  })
  apply(store, service({app: 'web'}), 'flux')
  const error = refusalOf(() => apply(store, service({app: 'web', slot: 'a'}), 'fairlead'))
  expect(error).toMatchObject({status: 409, reason: 'Conflict'})
  expect(error.details.causes).toEqual([
    {reason: 'FieldManagerConflict', message: 'conflict with "flux"', field: '.spec.selector'},
  ])
  const forced = apply(store, service({slot: 'a'}), 'fairlead', true)
  expect(forced['spec'].selector).toEqual({slot: 'a'})
  expect(fieldsOf(forced, 'flux')).not.toHaveProperty('f:spec.f:selector')
})

test('an ordinary write takes what it changes from the appliers', () => {
  const store = newStore()
  apply(store, deployment('web', {replicas: 3}), 'one')
  const patch = {spec: {replicas: 4}}
  const patched = store.patch('deployments.apps', 'shop', 'web', 'merge', patch, {fieldManager: 'person'})
  expect(fieldsOf(patched, 'person')).toEqual({'f:spec': {'f:replicas': {}}})
  expect(JSON.stringify(fieldsOf(patched, 'one'))).not.toContain('replicas')
})

test('the second of two equal applies changes nothing; an undeclared field is refused', () => {
  const store = newStore()
  const first = apply(store, deployment('web', {replicas: 3}), 'one')
  expect(apply(store, deployment('web', {replicas: 3}), 'one')).toBe(first)
  const error = refusalOf(() => apply(store, deployment('web', {replicaz: 3}), 'one'))
  expect(error.message).toContain('.spec.replicaz: field not declared in schema')
})

test('status is applied through its subresource alone', () => {
  const store = newStore()
  apply(store, deployment('web'), 'one')
  const {apiVersion, kind} = deployment('web')
  const status = {apiVersion, kind, metadata: {name: 'web', namespace: 'shop'}, status: {replicas: 4}}
  const applied = store.apply(status, {fieldManager: 'runner', subresource: 'status'})
  expect(applied['status']).toEqual({replicas: 4})
  const entry = applied.metadata.managedFields?.find(item => item.manager === 'runner')
  expect(entry).toMatchObject({subresource: 'status', operation: 'Apply', fieldsV1: {'f:status': {'f:replicas': {}}}})
})

test('every conflicting field is a cause of its own; a dry run is checked and not stored', () => {
  const store = newStore()
  apply(store, deployment('web', {replicas: 2, paused: true}), 'one')
  const error = refusalOf(() => apply(store, deployment('web', {replicas: 3, paused: false}), 'two'))
  expect(error.details.causes?.map(cause => cause.field)).toEqual(['.spec.replicas', '.spec.paused'])
  expect(apply(store, deployment('web', {replicas: 2}), 'two')['spec'].replicas).toBe(2)
  store.apply(deployment('web', {replicas: 9}), {fieldManager: 'three', force: true, dryRun: true})
  expect(store.get('deployments.apps', 'shop', 'web')?.['spec'].replicas).toBe(2)
})

test('an object without metadata is refused', () => {
  const {apiVersion, kind} = deployment('web')
  const error = refusalOf(() => apply(newStore(), {apiVersion, kind} as KubeObject, 'one'))
  expect(error).toMatchObject({status: 400, message: expect.stringContaining('metadata.name')})
})
