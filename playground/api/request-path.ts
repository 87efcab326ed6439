// What a path of the API names.
import {resourceId} from './resources.ts'

/** A path to a resource, an object or a subresource. */
export interface ResourcePath {
  group: string
  version: string
  /** As the store names it: `plural.group`. */
  resource: string
  plural: string
  namespace?: string
  name?: string
  subresource: string
}

/** Reads `/api/v1/…` and `/apis/<group>/<version>/…`; undefined for paths that name no resource. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = decode(path)
  if (parts === undefined) return undefined
  const [root, ...rest] = parts
  const group = root === 'apis' ? rest.shift() : root === 'api' ? '' : undefined
  const version = rest.shift()
  if (group === undefined || version === undefined || rest.length === 0) return undefined
  let namespace: string | undefined
  if (rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '')) {
    namespace = rest[1]
    rest.splice(0, 2)
  }
  const [plural = '', name, subresource = '', ...tooMuch] = rest
  if (tooMuch.length > 0 || plural === '') return undefined
  return {
    group,
    version,
    resource: resourceId(plural, group),
    plural,
    subresource,
    ...(namespace === undefined ? {} : {namespace}),
    ...(name === undefined ? {} : {name}),
  }
}

function decode(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter(part => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}
