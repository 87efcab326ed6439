// Small operations on plain JSON.

/** Any JSON value, where its type is not known. */
export type Value = any

/** True for a JSON object (not null, not an array). */
export function isObject(value: Value): value is Record<string, Value> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Deep equality of JSON values; the order of keys doesn't matter, and an undefined field equals an absent one. */
export function deepEqual(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => deepEqual(item, right[index]))
    )
  }
  if (Array.isArray(right)) return false
  for (const key of Object.keys(left)) if (!deepEqual(left[key], right[key])) return false
  for (const key of Object.keys(right)) if (left[key] === undefined && right[key] !== undefined) return false
  return true
}

/** A deep copy without undefined fields. Far quicker than structuredClone for small objects. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(item => clone(item)) as T
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) if (item !== undefined) setOwn(copy, key, clone(item))
  return copy as T
}

/** Sets a key that a client chose; `__proto__` becomes an ordinary key. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {value, enumerable: true, configurable: true, writable: true})
  } else {
    target[key] = value
  }
}

/** Freezes a JSON value with all that it holds, so that nobody changes what the store holds by accident. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}

/** Splits `.spec.replicas` into its fields. */
export function splitPath(path: string): string[] {
  return path.split('.').filter(part => part !== '')
}

/** The value under the fields of a path, or undefined. */
export function getPath(value: Value, path: readonly string[]): Value {
  let current = value
  for (const part of path) {
    if (!isObject(current) || !Object.hasOwn(current, part)) return undefined
    current = current[part]
  }
  return current
}

/** Sets the value under the fields of a path, making the objects on the way. */
export function setPath(target: Record<string, Value>, path: readonly string[], value: unknown): void {
  let current = target
  for (const part of path.slice(0, -1)) {
    if (!isObject(current[part])) setOwn(current, part, {})
    current = current[part]
  }
  const last = path[path.length - 1]
  if (last !== undefined) setOwn(current, last, value)
}

/** The object without some of its own fields. */
export function without<T extends object>(object: T, ...fields: string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !fields.includes(key))) as T
}

/** RFC 3339 with whole seconds, as metav1.Time. */
export function timestamp(nowMilliseconds: number): string {
  return `${new Date(nowMilliseconds).toISOString().slice(0, 19)}Z`
}
