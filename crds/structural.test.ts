import {describe, expect, test} from 'vitest'
import {z} from 'zod'
import {preserveUnknownFields, structuralSchema} from './structural.ts'

describe('what a structural schema can say', () => {
  test('objects: required and optional fields, nested defaults, rules and descriptions', () => {
    const schema = z
      .strictObject({
        name: z.string().min(1).max(63).describe('Name.'),
        note: z.string().max(9).optional(),
        bake: z.strictObject({duration: z.string().default('10m')}).prefault({}),
      })
      .meta({'x-kubernetes-validations': [{rule: 'has(self.name)', message: 'set name'}]})
    expect(structuralSchema(schema, 'spec')).toEqual({
      type: 'object',
      required: ['name'],
      properties: {
        name: {type: 'string', minLength: 1, maxLength: 63, description: 'Name.'},
        note: {type: 'string', maxLength: 9},
        bake: {type: 'object', default: {}, properties: {duration: {type: 'string', default: '10m'}}},
      },
      'x-kubernetes-validations': [{rule: 'has(self.name)', message: 'set name'}],
    })
  })

  test.each<[string, z.ZodType, object]>([
    ['an integer without the bounds of a double', z.int(), {type: 'integer'}],
    ['an integer with bounds', z.int().min(0).max(7), {type: 'integer', minimum: 0, maximum: 7}],
    [
      'exclusive bounds in the boolean form',
      z.number().gt(0).lt(1),
      {type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true},
    ],
    ['a literal as an enumeration', z.literal('a'), {type: 'string', enum: ['a']}],
    ['a pattern', z.string().regex(/^a(?:b|c)$/), {type: 'string', pattern: '^a(?:b|c)$'}],
    ['a record', z.record(z.string(), z.boolean()), {type: 'object', additionalProperties: {type: 'boolean'}}],
    [
      'an integer or a string, with the bounds of both',
      z.union([z.int().min(1).max(9), z.string().min(1).max(63)]).describe('Port.'),
      {
        'x-kubernetes-int-or-string': true,
        minimum: 1,
        maximum: 9,
        minLength: 1,
        maxLength: 63,
        description: 'Port.',
      },
    ],
  ])('%s', (_, schema, expected) => {
    expect(structuralSchema(schema, 'spec')).toEqual(expected)
  })

  test('lists: keyed where the table says so, else atomic', () => {
    const item = z.strictObject({name: z.string()})
    const schema = z.strictObject({checks: z.array(item), steps: z.array(item)})
    expect(structuralSchema(schema, 'spec', {'spec.checks': ['name']}).properties).toMatchObject({
      checks: {'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name']},
      steps: {'x-kubernetes-list-type': 'atomic'},
    })
  })
})

test('a loose object keeps unknown fields where that is said', () => {
  const schema = z.strictObject({x: preserveUnknownFields(z.looseObject({name: z.string()})).describe('Any.')})
  expect(structuralSchema(schema, 'spec').properties?.['x']).toEqual({
    type: 'object',
    description: 'Any.',
    required: ['name'],
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {name: {type: 'string'}},
  })
})

describe('what is refused, with its path', () => {
  test.each<[string, z.ZodType, RegExp]>([
    ['a union of objects', z.union([z.strictObject({a: z.int()}), z.strictObject({b: z.int()})]), /^spec\.x: only a/],
    ['a union of strings', z.union([z.string(), z.string().max(3)]), /^spec\.x: only a union/],
    ['a tuple', z.tuple([z.string(), z.int()]), /^spec\.properties\.x: .*tuple/],
    ['a field that may be null or text', z.union([z.null(), z.string()]), /^spec\.x: only a union/],
    ['a multiple', z.int().multipleOf(5), /^spec\.x: "multipleOf"/],
    ['anything', z.unknown(), /^spec\.x: a structural schema needs a type/],
    ['a loose object', z.looseObject({}), /^spec\.x: a record needs a schema/],
    [
      'a loose object below one that keeps its fields',
      preserveUnknownFields(z.looseObject({y: z.looseObject({})})),
      /^spec\.x\.y/,
    ],
    ['a record of anything', z.record(z.string(), z.unknown()), /^spec\.x: a record needs a schema/],
    ['look-ahead', z.string().regex(/^(?!a)b/), /^spec\.x: the pattern .* RE2/],
    ['a reference back', z.string().regex(/(a)\1/), /^spec\.x: the pattern .* RE2/],
    ['a refinement', z.string().refine(text => text !== ''), /^spec\.properties\.x: a structural schema can't say/],
    ['a trimmed string', z.string().trim(), /^spec\.properties\.x: a structural schema can't say/],
    ['a transformation', z.string().transform(Number), /^spec\.properties\.x: a structural schema can't say/],
    ['a date', z.date(), /Date/],
  ])('%s', (_, schema, message) => {
    expect(() => structuralSchema(z.strictObject({x: schema}), 'spec')).toThrow(message)
  })

  test('keys of a list that may be absent, or of no list', () => {
    const schema = z.strictObject({checks: z.array(z.strictObject({name: z.string().optional()}))})
    expect(() => structuralSchema(schema, 'spec', {'spec.checks': ['name']})).toThrow(/^spec\.checks\[\]\.name: a key/)
    expect(() => structuralSchema(schema, 'spec', {'spec.gone': ['name']})).toThrow(/^spec\.gone: .* no such list/)
  })
})
