// Reading what anybody may have written into an object.
import type {JsonObject} from '../../crds/meta.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The items of a list; one that is no object counts as an empty one, and what is no list as an empty list. */
export function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(one => (isObject(one) ? one : {})) : []
}

/** A text; empty where there is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
