// Comparisons of JSON as the API server sends it.
import {createHash} from 'node:crypto'
import {canonicalJson} from '../../crds/json.ts'

/** Hexadecimal SHA-256 of the canonical text, cut to a length. */
export function digest(value: unknown, length: number): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, length)
}

/** Whether two values are the same JSON, whatever the order of their fields; a field that is undefined is none. */
export function same(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => same(item, right[index]))
  }
  const [one, other] = [left as Record<string, unknown>, right as Record<string, unknown>]
  for (const key in one) if (!same(one[key], other[key])) return false
  for (const key in other) if (other[key] !== undefined && one[key] === undefined) return false
  return true
}

/** How lists are compared: `named` matches items by their name and tolerates further ones, `exact` does neither. */
export type ListMode = 'named' | 'exact'

/**
 * Whether everything in `wanted` is in `live`. With `named` (built-in kinds), lists of named things such as containers
 * and ports may hold more, since admission webhooks add sidecars; all other lists must agree item by item.
 */
export function holds(wanted: unknown, live: unknown, lists: ListMode): boolean {
  if (Array.isArray(wanted)) return Array.isArray(live) && listHolds(wanted, live, lists)
  if (wanted !== null && typeof wanted === 'object') {
    if (live === null || typeof live !== 'object' || Array.isArray(live)) return false
    const record = live as Record<string, unknown>
    return Object.entries(wanted).every(([key, item]) => item === undefined || holds(item, record[key], lists))
  }
  return wanted === live
}

function listHolds(wanted: unknown[], live: unknown[], lists: ListMode): boolean {
  const names = wanted.map(nameOf)
  if (lists === 'exact' || wanted.length === 0 || names.some(name => name === undefined)) {
    return wanted.length === live.length && wanted.every((item, index) => holds(item, live[index], lists))
  }
  return wanted.every((item, index) => live.some(other => nameOf(other) === names[index] && holds(item, other, lists)))
}

function nameOf(item: unknown): string | undefined {
  if (item === null || typeof item !== 'object' || !('name' in item)) return undefined
  return typeof item.name === 'string' ? item.name : undefined
}
