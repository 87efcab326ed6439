// Sets of field paths in the fieldsV1 notation: `f:name`, `k:{"name":"x"}`, `v:"value"`, and `.` for the element
// itself where it has members below it. The operations follow structured-merge-diff.
import {deepEqual, isObject, type Value, without} from './objects.ts'
import {fieldSchema, type Schema} from './schema.ts'

/** A set of paths. An empty object is a member without members below; an absent set is empty. */
export interface FieldSet {
  [element: string]: FieldSet
}

/** True where the element that a set belongs to is itself a member. */
export function isMember(set: FieldSet | undefined): boolean {
  return set !== undefined && (set['.'] !== undefined || Object.keys(set).length === 0)
}

/** All of both. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = {...left}
  for (const [element, inner] of Object.entries(right)) {
    const other = result[element]
    result[element] = other === undefined ? inner : unionOf(other, inner)
  }
  return result
}

function unionOf(left: FieldSet, right: FieldSet): FieldSet {
  const merged = union(left, right)
  const member = isMember(left) || isMember(right)
  const below = without(merged, '.')
  return member && Object.keys(below).length > 0 ? {'.': {}, ...below} : below
}

/** What is in the left set and not in the right one; undefined when nothing is left. Both are roots. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = {}
  for (const [element, inner] of Object.entries(left)) {
    if (element === '.') continue
    const rest = combine(inner, right[element], false)
    if (rest !== undefined) result[element] = rest
  }
  return result
}

/** What is in both sets. Both are roots. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = {}
  for (const [element, inner] of Object.entries(left)) {
    if (element === '.') continue
    const both = combine(inner, right[element], true)
    if (both !== undefined) result[element] = both
  }
  return result
}

function combine(left: FieldSet, right: FieldSet | undefined, both: boolean): FieldSet | undefined {
  if (right === undefined) return both ? undefined : left
  const below = both ? intersection(left, right) : difference(left, right)
  const member = isMember(left) && isMember(right) === both
  if (Object.keys(below).length > 0) return member ? {'.': {}, ...below} : below
  return member ? {} : undefined
}

/** True where a set has no members. */
export function isEmpty(set: FieldSet): boolean {
  return Object.keys(set).length === 0
}

/** The paths of the members in the notation of conflict messages, such as `.spec.containers[name="x"].image`. */
export function describePaths(set: FieldSet, prefix = ''): string[] {
  const paths: string[] = []
  for (const [element, inner] of Object.entries(set)) {
    if (element === '.') continue
    const path = prefix + describeElement(element)
    if (isMember(inner)) paths.push(path)
    paths.push(...describePaths(inner, path))
  }
  return paths
}

function describeElement(element: string): string {
  const value = element.slice(2)
  if (element.startsWith('f:')) return `.${value}`
  if (element.startsWith('v:')) return `[=${value}]`
  const keys = Object.entries(JSON.parse(value) as Record<string, unknown>)
  return `[${keys.map(([key, item]) => `${key}=${JSON.stringify(item)}`).join(',')}]`
}

/** How a list or an object is owned: as a whole, or by its parts. */
export function isAtomic(value: Value, schema: Schema | undefined): boolean {
  if (Array.isArray(value)) {
    const type = schema?.['x-kubernetes-list-type']
    return type !== 'set' && type !== 'map'
  }
  return isObject(value) ? schema?.['x-kubernetes-map-type'] === 'atomic' : true
}

/** The path element of an item of a set or of a keyed list. Keys take their defaults. */
export function itemElement(item: Value, schema: Schema | undefined): string {
  const keys = schema?.['x-kubernetes-list-map-keys']
  if (keys === undefined) return `v:${JSON.stringify(item)}`
  const entries = [...keys]
    .sort()
    .map(key => [key, item?.[key] ?? schema?.items?.properties?.[key]?.default])
    .filter(([, value]) => value !== undefined)
  return `k:${JSON.stringify(Object.fromEntries(entries))}`
}

/** The children of a granular list or object, by path element. */
export function children(value: Value, schema: Schema | undefined): Map<string, [Value, Schema | undefined]> {
  const result = new Map<string, [Value, Schema | undefined]>()
  if (Array.isArray(value)) for (const item of value) result.set(itemElement(item, schema), [item, schema?.items])
  else if (isObject(value)) {
    for (const [field, item] of Object.entries(value)) {
      if (item !== undefined) result.set(`f:${field}`, [item, fieldSchema(schema, field)])
    }
  }
  return result
}

/** The set of all fields of a value that someone applied. */
export function fieldsOf(value: Value, schema: Schema | undefined): FieldSet {
  const result: FieldSet = {}
  for (const [element, [item, inner]] of children(value, schema)) {
    if (isAtomic(item, inner)) {
      result[element] = {}
      continue
    }
    const below = fieldsOf(item, inner)
    const member = Array.isArray(value) || Object.keys(below).length === 0
    // An empty list that is merged by its items holds no fields at all.
    if (Array.isArray(item) && Object.keys(below).length === 0) continue
    result[element] = member && Object.keys(below).length > 0 ? {'.': {}, ...below} : below
  }
  return result
}

/** What changed between two values. */
interface Comparison {
  added: FieldSet
  modified: FieldSet
  removed: FieldSet
}

/** Compares two values, field by field where the schema allows it. */
export function compare(left: Value, right: Value, schema: Schema | undefined): Comparison {
  const result: Comparison = {added: {}, modified: {}, removed: {}}
  const before = children(left, schema)
  const after = children(right, schema)
  for (const [element, [item, inner]] of after) {
    const previous = before.get(element)?.[0]
    if (previous === undefined) result.added[element] = wholeSet(item, inner)
    else if (isAtomic(item, inner) || isAtomic(previous, inner)) {
      if (!deepEqual(previous, item)) result.modified[element] = {}
    } else {
      const below = compare(previous, item, inner)
      for (const part of ['added', 'modified', 'removed'] as const) {
        if (!isEmpty(below[part])) result[part][element] = below[part]
      }
    }
  }
  for (const [element, [item, inner]] of before) {
    if (!after.has(element)) result.removed[element] = wholeSet(item, inner)
  }
  return result
}

// A value that came or went: each of its members, and what holds them.
function wholeSet(value: Value, schema: Schema | undefined): FieldSet {
  const result: FieldSet = {}
  if (isAtomic(value, schema)) return result
  for (const [element, [item, inner]] of children(value, schema)) result[element] = wholeSet(item, inner)
  return isEmpty(result) ? {} : {'.': {}, ...result}
}
