// Strategic merge patches for built-in kinds.
import {badRequest} from './errors.ts'
import {deepEqual, isObject, setOwn, type Value} from './objects.ts'
import {fieldSchema, type Schema} from './schema.ts'

/** RFC 7386: null deletes, objects merge, everything else replaces. */
export function mergePatch(target: Value, patch: Value): Value {
  if (!isObject(patch)) return patch
  const result: Record<string, Value> = isObject(target) ? {...target} : {}
  for (const [field, item] of Object.entries(patch)) {
    if (item === null) delete result[field]
    else setOwn(result, field, mergePatch(result[field], item))
  }
  return result
}

/** Applies a strategic merge patch; lists merge where the schema declares a patch strategy of `merge`. */
export function strategicMergePatch(target: Value, patch: Value, schema: Schema | undefined): Value {
  if (!isObject(patch)) return patch
  if (patch['$patch'] === 'replace') return withoutDirectives(patch)
  if (patch['$patch'] === 'delete') return {}
  let result: Record<string, Value> = isObject(target) ? {...target} : {}
  const retained: unknown = patch['$retainKeys']
  if (Array.isArray(retained))
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)))
  for (const [field, values] of Object.entries(patch)) {
    if (!field.startsWith('$deleteFromPrimitiveList/')) continue
    const name = field.slice('$deleteFromPrimitiveList/'.length)
    if (!Array.isArray(values)) throw badRequest(`${field} must be a list`)
    const list: Value[] = result[name] ?? []
    result[name] = list.filter(item => !values.some(value => deepEqual(value, item)))
  }
  for (const [field, item] of Object.entries(patch)) {
    if (field.startsWith('$')) continue
    if (item === null) delete result[field]
    else setOwn(result, field, mergeField(result[field], item, fieldSchema(schema, field)))
  }
  for (const [field, order] of Object.entries(patch)) {
    if (!field.startsWith('$setElementOrder/') || !Array.isArray(order)) continue
    const name = field.slice('$setElementOrder/'.length)
    if (Array.isArray(result[name])) result[name] = ordered(result[name], order, fieldSchema(schema, name))
  }
  return result
}

function mergeField(target: Value, patch: Value, schema: Schema | undefined): Value {
  if (isObject(patch)) return strategicMergePatch(target, patch, schema)
  if (!Array.isArray(patch)) return patch
  const strategies = (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',')
  if (!strategies.includes('merge')) return patch.map(withoutDirectives)
  const key = schema?.['x-kubernetes-patch-merge-key']
  if (key === undefined) {
    const list: Value[] = Array.isArray(target) ? target : []
    return [...list, ...patch.filter(item => !list.some(other => deepEqual(other, item)))]
  }
  if (patch.some(item => isObject(item) && item['$patch'] === 'replace')) {
    return patch.filter(item => item['$patch'] !== 'replace').map(withoutDirectives)
  }
  return mergeKeyedList(Array.isArray(target) ? target : [], patch, key, schema?.items)
}

function mergeKeyedList(target: Value[], patch: Value[], key: string, schema: Schema | undefined): Value[] {
  const result = [...target]
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    }
    const index = result.findIndex(other => other?.[key] === item[key])
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1)
    } else if (index >= 0) result[index] = strategicMergePatch(result[index], item, schema)
    else result.push(strategicMergePatch({}, item, schema))
  }
  return inPatchOrder(target, result, patch, key)
}

// Items that the patch names keep its order, those that it does not keep theirs, and what is new comes before both.
function inPatchOrder(target: Value[], merged: Value[], patch: Value[], key: string): Value[] {
  const named = patch.flatMap(item => merged.find(other => other?.[key] === item?.[key]) ?? [])
  const left = merged.filter(item => !named.includes(item))
  const place = (item: Value) => target.findIndex(other => other?.[key] === item?.[key])
  const result: Value[] = []
  for (const item of named) {
    while (left[0] !== undefined && place(left[0]) < place(item)) result.push(left.shift())
    result.push(item)
  }
  return [...result, ...left]
}

// Items that the order names come in that order; the others keep their place behind the item they followed.
function ordered(list: Value[], order: Value[], schema: Schema | undefined): Value[] {
  const key = schema?.['x-kubernetes-patch-merge-key']
  const identity = (item: Value) => JSON.stringify(key === undefined ? item : item?.[key])
  const positions = new Map(order.map((item, index) => [identity(item), index]))
  const named = list.filter(item => positions.has(identity(item)))
  named.sort((left, right) => (positions.get(identity(left)) ?? 0) - (positions.get(identity(right)) ?? 0))
  const queue = [...named]
  return list.map(item => (positions.has(identity(item)) ? queue.shift() : item))
}

function withoutDirectives(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutDirectives)
  if (!isObject(value)) return value
  const result: Record<string, Value> = {}
  for (const [field, item] of Object.entries(value)) {
    if (!field.startsWith('$')) setOwn(result, field, withoutDirectives(item))
  }
  return result
}
