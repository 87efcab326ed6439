// Turns zod's JSON schema into a structural schema, as the API server demands it of a CustomResourceDefinition. Strict:
// what can't be said there is an error with its path, never left out.
import {z} from 'zod'

/** One CEL rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  rule: string
  message: string
}

/** A structural schema (apiextensions.k8s.io/v1, JSONSchemaProps), as far as ours need it. */
export interface StructuralSchema {
  type?: string
  description?: string
  default?: unknown
  enum?: string[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  minItems?: number
  maxItems?: number
  nullable?: boolean
  required?: string[]
  properties?: Record<string, StructuralSchema>
  additionalProperties?: StructuralSchema
  items?: StructuralSchema
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-list-type'?: 'atomic' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-validations'?: ValidationRule[]
}

/** Path of a list, such as `status.conditions` -> the fields that identify an item. All other lists are atomic. */
export type ListKeys = Readonly<Record<string, readonly string[]>>

type Source = Record<string, unknown>

// In the order in which the generated files have them.
const copied = [
  'description',
  'type',
  'default',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minItems',
  'maxItems',
  'required',
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]

/** Converted with what is below them. */
const nesting = ['properties', 'items', 'additionalProperties']
/** Dropped: the names of a record's keys can't be constrained in a structural schema; the controller checks them. */
const dropped = ['$schema', 'propertyNames']
const known = new Set([...copied, ...nesting, ...dropped])

/**
 * Structural schema of what a user may write (`input`: fields with a default are optional).
 * @param path where the schema stands, such as `spec`; errors name it
 * @throws Error with the path of what can't be converted
 */
export function structuralSchema(schema: z.ZodType, path: string, listKeys: ListKeys = {}): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'throw',
    override: ({zodSchema, path: steps}) => refuseCode(zodSchema, [path, ...steps].join('.')),
  })
  const unused = new Set(Object.keys(listKeys))
  const result = convert(json as Source, path, {listKeys, unused})
  for (const list of unused) throw new Error(`${list}: list keys are given for it, but there is no such list`)
  return result
}

/** Types whose JSON schema says less than they do. */
const untold: ReadonlySet<string> = new Set(['pipe', 'transform', 'catch', 'tuple'])

/** A loose object whose further fields the API server keeps as they are. */
export function preserveUnknownFields<T extends z.ZodObject>(schema: T): T {
  return schema.meta({'x-kubernetes-preserve-unknown-fields': true})
}

/** zod leaves checks and transformations that are code out of a JSON schema without a word. */
function refuseCode(schema: z.core.$ZodTypes, path: string): void {
  const {type, checks} = schema._zod.def
  const isCode = (checks ?? []).some(check => ['custom', 'overwrite'].includes(check._zod.def.check))
  if (isCode || untold.has(type))
    throw new Error(
      `${path}: a structural schema can't say what this does (${isCode ? 'a refinement' : type}); write a CEL rule in .meta()`,
    )
}

interface Lists {
  listKeys: ListKeys
  unused: Set<string>
}

function convert(source: Source, path: string, lists: Lists): StructuralSchema {
  if (source.anyOf !== undefined) return intOrString(source, path)
  const result = copy(source, path)
  if (result.type === undefined) throw new Error(`${path}: a structural schema needs a type here`)
  if (result.pattern !== undefined) assertPortable(result.pattern, path)
  addChildren(result, source, path, lists)
  return result
}

/** Everything but what is nested, in a fixed order. */
function copy(source: Source, path: string): StructuralSchema {
  const foreign = Object.keys(source).find(keyword => !known.has(keyword))
  if (foreign !== undefined) throw new Error(`${path}: "${foreign}" has no place in a structural schema`)
  const kept = copied.filter(keyword => source[keyword] !== undefined && !isDoubleRange(keyword, source[keyword]))
  return Object.fromEntries(kept.map(keyword => [keyword, source[keyword]]))
}

function addChildren(result: StructuralSchema, source: Source, path: string, lists: Lists): void {
  if (source.properties !== undefined) {
    const entries = Object.entries(source.properties as Record<string, Source>)
    result.properties = Object.fromEntries(
      entries.map(([name, schema]) => [name, convert(schema, `${path}.${name}`, lists)]),
    )
  }
  if (source.items !== undefined) addItems(result, source.items as Source, path, lists)
  // `false` needs no word: unknown fields are pruned or refused by the API server itself.
  const values = source.additionalProperties
  if (values === undefined || values === false || result['x-kubernetes-preserve-unknown-fields']) return
  if (values === null || typeof values !== 'object' || Object.keys(values).length === 0)
    throw new Error(`${path}: a record needs a schema for its values`)
  result.additionalProperties = convert(values as Source, `${path}.*`, lists)
}

function addItems(result: StructuralSchema, source: Source, path: string, lists: Lists): void {
  result.items = convert(source, `${path}[]`, lists)
  const keys = lists.listKeys[path]
  result['x-kubernetes-list-type'] = keys === undefined ? 'atomic' : 'map'
  if (keys === undefined) return
  lists.unused.delete(path)
  for (const key of keys) {
    const field = result.items.properties?.[key]
    if (field?.default === undefined && !result.items.required?.includes(key))
      throw new Error(`${path}[].${key}: a key of a list must be required or have a default`)
  }
  result['x-kubernetes-list-map-keys'] = [...keys]
}

/** zod bounds every integer by what a double can hold: that is no bound of ours. */
function isDoubleRange(keyword: string, value: unknown): boolean {
  return (keyword === 'minimum' || keyword === 'maximum') && Math.abs(Number(value)) >= Number.MAX_SAFE_INTEGER
}

/** The API server matches with RE2, which knows neither look-around nor references back. */
function assertPortable(pattern: string, path: string): void {
  if (/\(\?(?!:)|\\[1-9]|\\k</.test(pattern))
    throw new Error(`${path}: the pattern ${pattern} uses what RE2 doesn't know: look-around, names or references back`)
}

/**
 * The one union that a structural schema knows. The bounds of both sides go beside each other: those of a number apply
 * to numbers alone, those of a string to strings.
 */
function intOrString(source: Source, path: string): StructuralSchema {
  const sides = (source.anyOf as Source[]).map(side => convert(side, path, {listKeys: {}, unused: new Set()}))
  const types = new Set(sides.map(side => side.type))
  if (sides.length !== 2 || !types.has('integer') || !types.has('string'))
    throw new Error(`${path}: only a union of integer and string can be expressed; model one-of by key`)
  const {anyOf: _anyOf, ...rest} = source
  const {type: _type, ...bounds} = {...sides[0], ...sides[1]}
  return {...copy(rest, path), 'x-kubernetes-int-or-string': true, ...bounds}
}
