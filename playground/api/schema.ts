// The one schema model for built-in kinds and custom resources: structural OpenAPI v3 with the x-kubernetes
// extensions. Defaulting, pruning, validation, merging and field ownership all read it.
import type {Value} from './objects.ts'

/** A structural OpenAPI v3 schema. */
export interface Schema {
  type?: string
  format?: string
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  default?: Value
  enum?: Value[]
  nullable?: boolean
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
  maxProperties?: number
  allOf?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  not?: Schema
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-validations'?: ValidationRule[]
}

/** One CEL rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

export const text: Schema = {type: 'string'}
export const integer: Schema = {type: 'integer', format: 'int32'}
export const long: Schema = {type: 'integer', format: 'int64'}
export const flag: Schema = {type: 'boolean'}
export const time: Schema = {type: 'string', format: 'date-time'}
export const intOrString: Schema = {'x-kubernetes-int-or-string': true}
const quantity: Schema = {'x-kubernetes-int-or-string': true}
/** An object whose fields are not declared: kept as it is, and merged field by field. */
export const open: Schema = {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}
export const textMap: Schema = {type: 'object', additionalProperties: text}
export const quantityMap: Schema = {type: 'object', additionalProperties: quantity}

/** An object with declared fields. A field name that ends in `!` is required. */
export function object(fields: Record<string, Schema>, extra: Partial<Schema> = {}): Schema {
  const properties: Record<string, Schema> = {}
  const required: string[] = []
  for (const [name, schema] of Object.entries(fields)) {
    const bare = name.endsWith('!') ? name.slice(0, -1) : name
    if (bare !== name) required.push(bare)
    properties[bare] = schema
  }
  return {type: 'object', properties, ...(required.length > 0 ? {required} : {}), ...extra}
}

/** An atomic list. */
export function list(items: Schema): Schema {
  return {type: 'array', items, 'x-kubernetes-list-type': 'atomic'}
}

/** A list of unique scalars, merged by value. */
export function set(items: Schema): Schema {
  return {type: 'array', items, 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge'}
}

/** A list of objects that are merged by their keys; the first is also the merge key of strategic merge patches. */
export function listMap(items: Schema, keys: string[], patchStrategy = 'merge'): Schema {
  return {
    type: 'array',
    items,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-merge-key': keys[0] as string,
    'x-kubernetes-patch-strategy': patchStrategy,
  }
}

/** The schema with a default value. */
export function withDefault(schema: Schema, value: Value): Schema {
  return {...schema, default: value}
}

/** The schema, replaced as a whole by server-side apply. */
export function atomic(schema: Schema): Schema {
  return {...schema, 'x-kubernetes-map-type': 'atomic'}
}

/** The schema of a field of an object, or undefined where nothing is declared. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  if (schema === undefined) return undefined
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, field)) return schema.properties[field]
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** True where an object may hold fields that its schema doesn't declare. */
export function keepsUnknownFields(schema: Schema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true
}
