// What the differential test (test/cluster/differential.lane.ts) found on the real API server, one test for each.
import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {configMap, deployment, newStore, refusalOf, widget, widgetDefinition} from './fixtures.ts'
import type {Store} from './store.ts'

const as = (fieldManager: string) => ({fieldManager, force: false})
const fieldsOf = (object: KubeObject, manager: string) =>
  object.metadata.managedFields?.find(entry => entry.manager === manager)?.fieldsV1

function created(store: Store, object: KubeObject, fieldManager = 'one'): KubeObject {
  return store.create({...object, metadata: {namespace: 'shop', ...object.metadata}}, {fieldManager})
}

function service(ports: object[], spec: object = {}): KubeObject {
  return {apiVersion: 'v1', kind: 'Service', metadata: {name: 's'}, spec: {selector: {app: 'a'}, ports, ...spec}}
}

test('whoever adds a map owns the map itself, but not the parts that every object of a kind has', () => {
  const store = newStore()
  expect(fieldsOf(created(store, configMap('c', {key: '1'}, {labels: {tier: 'a'}})), 'one')).toEqual({
    'f:data': {'.': {}, 'f:key': {}},
    'f:metadata': {'f:labels': {'.': {}, 'f:tier': {}}},
  })
  const template = (fieldsOf(created(store, deployment('d')), 'one') as KubeObject)['f:spec']['f:template']
  expect(template['.']).toBeUndefined()
  expect(template['f:spec']['f:containers']['.']).toBeUndefined()
  expect(template['f:metadata']['f:labels']['.']).toEqual({})
})

test('nobody owns what a Service is allocated', () => {
  const made = created(newStore(), service([{port: 80}]))
  expect(made['spec'].clusterIP).toMatch(/^10\./)
  expect(fieldsOf(made, 'one')).not.toHaveProperty(['f:spec', 'f:clusterIP'])
})

test('an apply that changes nothing gives its manager no time', () => {
  const store = newStore()
  created(store, configMap('c', {key: '1'}))
  const applied = store.apply(configMap('c', {key: '1'}), as('two'))
  expect(applied.metadata.managedFields?.find(entry => entry.manager === 'two')).not.toHaveProperty('time')
})

test('an apply of a wrong type, or of an unknown field, fails without a reason', () => {
  const store = newStore()
  for (const object of [configMap('c', {key: 1 as never}), {...configMap('c', {}), unknownField: 1}]) {
    const {status, reason} = refusalOf(() => store.apply(object, as('one')))
    expect([status, reason]).toEqual([500, ''])
  }
})

test('a wrong type or bad base64 of a built-in kind can not even be read', () => {
  const store = newStore()
  const secret = {apiVersion: 'v1', kind: 'Secret', metadata: {name: 's'}, data: {key: '%'}}
  for (const object of [configMap('c', {key: 1 as never}), secret]) {
    expect(refusalOf(() => created(store, object)).status).toBe(400)
  }
})

test('an object that is not valid is that first, and only then one that exists already', () => {
  const store = newStore()
  created(store, configMap('c', {}))
  expect(refusalOf(() => created(store, configMap('c', {'not a key': ''}))).status).toBe(422)
})

test.each([
  [
    'spec.ports[1].name',
    [
      {name: 'a', port: 80},
      {name: 'a', port: 81},
    ],
    {},
  ],
  [
    'spec.ports[1]',
    [
      {name: 'a', port: 80},
      {name: 'b', port: 80},
    ],
    {},
  ],
  ['spec.ports[0].targetPort', [{port: 80, targetPort: 70_000}], {}],
  ['spec.selector', [{port: 80}], {selector: {'bad key!': 'x'}}],
])('a Service is refused over %s', (field, ports, spec) => {
  const refused = refusalOf(() => created(newStore(), service(ports, spec)))
  expect(refused.details.causes?.map(cause => cause.field)).toEqual([field])
})

test('rules of a schema are not evaluated where a field is missing, and that is said', () => {
  const store = newStore()
  const rules = [{rule: 'self.low < self.high', message: 'low is below high'}]
  const number = {type: 'integer'}
  const properties = {low: number, high: number, needed: number}
  store.create(widgetDefinition({type: 'object', required: ['needed'], properties, 'x-kubernetes-validations': rules}))
  const refused = refusalOf(() => store.create(widget({low: 2, high: 1})))
  expect(refused.details.causes?.map(cause => cause.field)).toEqual(['spec.needed', '<nil>'])
})

test('rules of a schema are not evaluated where a value is none of those allowed', () => {
  const store = newStore()
  const rules = [{rule: 'self.low < 1', message: 'low is too high'}]
  const properties = {low: {type: 'integer'}, colour: {type: 'string', enum: ['red']}}
  store.create(widgetDefinition({type: 'object', properties, 'x-kubernetes-validations': rules}))
  const refused = refusalOf(() => store.create(widget({low: 2, colour: 'blue'})))
  expect(refused.details.causes?.map(cause => cause.field)).toEqual(['spec.colour', '<nil>'])
})

test('empty maps of built-in kinds are not kept', () => {
  expect(created(newStore(), configMap('c', {}))).not.toHaveProperty('data')
})

test('a Deployment has a new generation when its annotations change', () => {
  const store = newStore()
  created(store, deployment('d'))
  const patch = {metadata: {annotations: {note: 'x'}}}
  const patched = store.patch('deployments.apps', 'shop', 'd', 'merge', patch, {fieldManager: 'one'})
  expect(patched.metadata.generation).toBe(2)
})

test('a JSON patch may replace a field that is not there', () => {
  const store = newStore()
  created(store, configMap('c', {}))
  const patch = [{op: 'replace', path: '/metadata/annotations', value: {note: 'x'}}]
  const patched = store.patch('configmaps', 'shop', 'c', 'json', patch, {fieldManager: 'one'})
  expect(patched.metadata.annotations).toEqual({note: 'x'})
})

test('a strategic merge puts new items of a list before those that it does not name', () => {
  const store = newStore()
  created(store, deployment('d'))
  const patch = {spec: {template: {spec: {containers: [{name: 'side', image: 'example.com/side:1'}]}}}}
  const patched = store.patch('deployments.apps', 'shop', 'd', 'strategic', patch, {fieldManager: 'one'})
  expect(patched['spec'].template.spec.containers.map(({name}: {name: string}) => name)).toEqual(['side', 'app'])
})
