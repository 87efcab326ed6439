// The two value operations of server-side apply: merging a configuration into an object, and taking away the fields
// that a manager stopped applying.
import {children, type FieldSet, isAtomic, isMember, itemElement} from './field-sets.ts'
import {isObject, setOwn, type Value} from './objects.ts'
import {fieldSchema, type Schema} from './schema.ts'

/** The live value with everything of the configuration put over it. Atomic parts are replaced as a whole. */
export function mergeApplied(live: Value, applied: Value, schema: Schema | undefined): Value {
  if (live === undefined || isAtomic(applied, schema) || isAtomic(live, schema)) return applied
  if (Array.isArray(applied)) return Array.isArray(live) ? mergeLists(live, applied, schema) : applied
  if (!isObject(live)) return applied
  const merged: Record<string, Value> = {...live}
  for (const [field, item] of Object.entries(applied)) {
    setOwn(merged, field, mergeApplied(live[field], item, fieldSchema(schema, field)))
  }
  return merged
}

// The order of the configuration wins where it names items; items that only the live list has keep their place
// relative to their live neighbours.
function mergeLists(live: Value[], applied: Value[], schema: Schema | undefined): Value[] {
  const wanted = new Map(applied.map(item => [itemElement(item, schema), item]))
  const existing = new Map(live.map(item => [itemElement(item, schema), item]))
  const mergedItem = (element: string, item: Value) => mergeApplied(existing.get(element), item, schema?.items)
  const order = [...wanted.keys()]
  const result: Value[] = []
  let next = 0
  for (const [element, item] of existing) {
    const position = order.indexOf(element)
    if (position === -1) {
      result.push(item)
      continue
    }
    while (next <= position) {
      const key = order[next++] as string
      result.push(mergedItem(key, wanted.get(key)))
    }
  }
  for (const key of order.slice(next)) result.push(mergedItem(key, wanted.get(key)))
  return result
}

/** The value without the members of `dropped`, except what is in `kept`; containers that this empties go too. */
export function removeFields(value: Value, schema: Schema | undefined, dropped: FieldSet, kept: FieldSet): Value {
  if (isAtomic(value, schema)) return value
  const result = new Map([...children(value, schema)].map(([element, [item]]) => [element, item]))
  let removedAny = false
  for (const [element, [item, inner]] of children(value, schema)) {
    const drop = dropped[element]
    const keep = kept[element]
    if (drop === undefined) continue
    if (keep === undefined && isMember(drop)) result.delete(element)
    else {
      const rest = removeFields(item, inner, drop, keep ?? {})
      // What an applier names stays, even when nothing is left below it.
      if (rest !== undefined) result.set(element, rest)
      else if (isMember(keep)) result.set(element, Array.isArray(item) ? [] : {})
      else result.delete(element)
    }
    removedAny ||= !result.has(element)
  }
  if (removedAny && result.size === 0) return undefined
  if (Array.isArray(value)) return [...result.values()]
  const object: Record<string, Value> = {}
  for (const [element, item] of result) setOwn(object, element.slice(2), item)
  return object
}
