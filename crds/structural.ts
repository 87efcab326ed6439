// Turns zod's JSON schema into a structural schema, as the API server demands it of a CustomResourceDefinition. Strict:
// what can't be said there is an error with its path, never left out.
import {z} from 'zod'

/** A structural schema (apiextensions.k8s.io/v1, JSONSchemaProps). */
export interface StructuralSchema {
  [keyword: string]: unknown
}

const copied = new Set([
  'type',
  'description',
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
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
])

/** Structural schema of what a user may write (`input`: fields with a default are optional). @throws Error with the path */
export function structuralSchema(schema: z.ZodType, path: string): StructuralSchema {
  const json = z.toJSONSchema(schema, {target: 'openapi-3.0', io: 'input', unrepresentable: 'throw'})
  return convert(json as Record<string, unknown>, path)
}

function convert(source: Record<string, unknown>, path: string): StructuralSchema {
  if (source.anyOf !== undefined) return intOrString(source, path)
  const result: StructuralSchema = {}
  for (const [keyword, value] of Object.entries(source)) {
    if (copied.has(keyword)) result[keyword] = bounded(keyword, value)
    else if (keyword === 'properties')
      result.properties = convertAll(value as Record<string, Record<string, unknown>>, path)
    else if (keyword === 'items') result.items = convert(value as Record<string, unknown>, `${path}[]`)
    else if (keyword === 'additionalProperties') addAdditional(result, value, path)
    // The names of a record's keys can't be constrained in a structural schema; the controller checks them.
    else if (keyword !== 'propertyNames' && keyword !== '$schema')
      throw new Error(`${path}: "${keyword}" has no place in a structural schema`)
  }
  if (result.type === undefined) throw new Error(`${path}: a structural schema needs a type here`)
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined))
}

/** zod bounds every integer by what a double can hold: that is no bound of ours. */
function bounded(keyword: string, value: unknown): unknown {
  const huge =
    (keyword === 'minimum' || keyword === 'maximum') &&
    typeof value === 'number' &&
    Math.abs(value) >= Number.MAX_SAFE_INTEGER
  return huge ? undefined : value
}

function convertAll(properties: Record<string, Record<string, unknown>>, path: string): StructuralSchema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, convert(schema, `${path}.${name}`)]),
  )
}

function addAdditional(result: StructuralSchema, value: unknown, path: string): void {
  // Unknown fields are pruned or refused by the API server itself.
  if (value === false) return
  if (value === true || value === null || typeof value !== 'object')
    throw new Error(`${path}: a record needs a schema for its values`)
  result.additionalProperties = convert(value as Record<string, unknown>, `${path}.*`)
}

/** The one union that a structural schema knows. */
function intOrString(source: Record<string, unknown>, path: string): StructuralSchema {
  const types = (source.anyOf as {type?: unknown}[]).map(one => one.type).sort()
  if (types.join() !== 'integer,string')
    throw new Error(`${path}: only a union of integer and string can be expressed; model one-of by key`)
  const {description} = source
  return {'x-kubernetes-int-or-string': true, ...(description === undefined ? {} : {description})}
}
