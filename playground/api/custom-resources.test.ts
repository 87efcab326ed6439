import {expect, test} from 'vitest'
import {definitionOf, kinds} from '../../crds/resources.ts'
import {newStore, refusalOf, widget, widgetDefinition} from './fixtures.ts'
import {meshCrds} from './mesh-crds.ts'

const spec = {
  type: 'object',
  required: ['name'],
  properties: {
    name: {type: 'string', pattern: '^[a-z]+$'},
    size: {type: 'integer', minimum: 1, maximum: 9, default: 3},
    mode: {type: 'string', enum: ['fast', 'slow']},
    port: {'x-kubernetes-int-or-string': true},
    tags: {type: 'array', maxItems: 2, items: {type: 'string'}, 'x-kubernetes-list-type': 'set'},
    free: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
    maybe: {type: 'string', nullable: true},
  },
}

test('a definition is established at once; objects are defaulted, pruned and keep what is free', () => {
  const store = newStore()
  const {status} = store.create(widgetDefinition(spec))
  expect(status.conditions).toContainEqual(expect.objectContaining({type: 'Established', status: 'True'}))
  const created = store.create(widget({name: 'a', extra: 1, free: {any: {thing: 1}}, maybe: null, mode: null}))
  expect(created['spec']).toEqual({name: 'a', size: 3, free: {any: {thing: 1}}, maybe: null})
})

test.each([
  [{}, 'spec.name', 'Required value'],
  [{name: 'A'}, 'spec.name', "should match '^[a-z]+$'"],
  [{name: 'a', size: 0}, 'spec.size', 'should be greater than or equal to 1'],
  [{name: 'a', size: 10}, 'spec.size', 'should be less than or equal to 9'],
  [{name: 'a', size: '3'}, 'spec.size', 'must be of type integer: "string"'],
  [{name: 'a', mode: 'x'}, 'spec.mode', 'supported values: "fast", "slow"'],
  [{name: 'a', port: true}, 'spec.port', 'must be of type integer or string'],
  [{name: 'a', tags: ['a', 'b', 'c']}, 'spec.tags', 'must have at most 2 items'],
  [{name: 'a', tags: ['a', 'a']}, 'spec.tags[1]', 'Duplicate value'],
])('%j is refused', (value, field, message) => {
  const store = newStore()
  store.create(widgetDefinition(spec))
  const error = refusalOf(() => store.create(widget(value)))
  expect(error).toMatchObject({status: 422, reason: 'Invalid'})
  expect(error.details.causes).toEqual([{reason: expect.any(String), field, message: expect.stringContaining(message)}])
})

test('rules hold on every write, transition rules on updates', () => {
  const store = newStore()
  const rules = [
    {rule: 'has(self.a) != has(self.b)', message: 'exactly one of a and b'},
    {rule: '!has(oldSelf.a) || (has(self.a) && self.a == oldSelf.a)', message: 'a is immutable'},
  ]
  const properties = {a: {type: 'string'}, b: {type: 'string'}}
  store.create(widgetDefinition({type: 'object', properties, 'x-kubernetes-validations': rules}))
  expect(refusalOf(() => store.create(widget({}))).message).toContain('exactly one of a and b')
  store.create(widget({a: 'x'}))
  const change = () => store.patch('widgets.example.com', 'shop', 'w', 'merge', {spec: {a: 'y'}})
  expect(refusalOf(change).message).toContain('a is immutable')
  expect(store.patch('widgets.example.com', 'shop', 'w', 'merge', {metadata: {labels: {a: 'b'}}})['spec']).toEqual({
    a: 'x',
  })
})

test.each([
  ['self.absent == 1', "undefined field 'absent'"],
  ['self.a.lowerAscii() == "x"', 'function "lowerAscii" is not supported'],
  ['self.a ==', 'unexpected'],
  ['other.a == "x"', "undeclared reference to 'other'"],
])('a definition with rule %s is refused', (rule, message) => {
  const definition = widgetDefinition({
    type: 'object',
    properties: {a: {type: 'string'}},
    'x-kubernetes-validations': [{rule}],
  })
  expect(refusalOf(() => newStore().create(definition)).message).toContain(message)
})

test('the scale subresource reads and writes the declared paths', () => {
  const store = newStore()
  const scale = {
    specReplicasPath: '.spec.count',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  }
  const subresources = {status: {}, scale}
  store.create(widgetDefinition({type: 'object', properties: {count: {type: 'integer'}}}, {subresources}))
  const created = store.create(widget({count: 2}))
  store.updateStatus({...created, status: {replicas: 1, selector: 'a=b'}})
  const scaled = store.patch('widgets.example.com', 'shop', 'w', 'merge', {spec: {replicas: 5}}, {subresource: 'scale'})
  expect(scaled).toMatchObject({kind: 'Scale', spec: {replicas: 5}, status: {replicas: 1, selector: 'a=b'}})
  expect(store.get('widgets.example.com', 'shop', 'w')).toMatchObject({spec: {count: 5}, metadata: {generation: 2}})
})

test('all definitions of the project and of the mesh are accepted', () => {
  const store = newStore()
  for (const definition of [...kinds.map(definitionOf), ...meshCrds]) store.create(structuredClone(definition) as never)
  const served = store.registry.all().map(definition => definition.id)
  expect(served).toEqual(expect.arrayContaining(['rollouts.fairlead.dev', 'virtualservices.networking.istio.io']))
})
