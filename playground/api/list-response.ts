// Lists, with pages, and the shapes in which objects are shown.
import type {KubeObject} from '../../crds/meta.ts'
import {badRequest, expired, invalid} from './errors.ts'
import {answer} from './json-answer.ts'
import {isObject, type Value, without} from './objects.ts'
import type {ResourcePath} from './request-path.ts'
import {apiVersionOf} from './resources.ts'
import {storageKey} from './storage.ts'
import type {Store} from './store.ts'
import {type IncludeObject, partialMetadata, presentationOf, table} from './table.ts'
import type {ApiRequest, ApiResponse, ResourceDefinition} from './types.ts'
import type {Target} from './writer.ts'

function includeObject(request: ApiRequest): IncludeObject {
  const value = request.query?.['includeObject'] || 'Metadata'
  if (value === 'Metadata' || value === 'Object' || value === 'None') return value
  throw badRequest(`includeObject: Unsupported value: "${value}"`)
}

/** One object, in the shape that the request asks for. */
export function showObject(store: Store, request: ApiRequest, target: Target, object: KubeObject): object {
  const shape = presentationOf(request.headers?.['accept'])
  if (shape === 'metadata') return partialMetadata(object)
  if (shape === 'object') return object
  const metadata = {resourceVersion: object.metadata.resourceVersion}
  return table([object], target.version, {
    metadata,
    now: store.now(),
    includeObject: includeObject(request),
    headers: true,
  })
}

interface ContinueToken {
  resourceVersion: string
  after: string
}

function readToken(store: Store, token: string): ContinueToken {
  let value: Value
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    throw badRequest('continue key is not valid')
  }
  if (!isObject(value) || typeof value['after'] !== 'string' || !Number.isInteger(Number(value['resourceVersion']))) {
    throw badRequest('continue key is not valid')
  }
  if (Number(value['resourceVersion']) < store.storage.oldestResourceVersion) {
    throw expired('The provided continue parameter is too old to display a consistent list result.')
  }
  return {resourceVersion: String(value['resourceVersion']), after: value['after']}
}

// The version that a list is to show exactly, of the combinations that kube-apiserver takes.
function exactVersionOf({query = {}}: ApiRequest, {group, kind}: ResourceDefinition): number | undefined {
  const {resourceVersion = '', resourceVersionMatch = ''} = query
  if (resourceVersionMatch === '') return undefined
  const refused = (why: string) =>
    invalid(group, `${kind}List`, '', [
      {reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message: `Forbidden: resourceVersionMatch ${why}`},
    ])
  if (resourceVersion === '') throw refused('is forbidden unless resourceVersion is provided')
  if (query['continue']) throw refused('is forbidden when continue is provided')
  if (resourceVersionMatch === 'NotOlderThan') return undefined
  if (resourceVersionMatch !== 'Exact') throw refused('must be Exact or NotOlderThan')
  if (resourceVersion === '0') throw refused('"Exact" is forbidden for resourceVersion "0"')
  const version = Number(resourceVersion)
  if (!Number.isInteger(version) || version < 0) throw badRequest(`invalid resource version "${resourceVersion}"`)
  return version
}

/** The list that a request asks for. Later pages carry the resource version of the first. */
export function listResponse(store: Store, request: ApiRequest, path: ResourcePath, target: Target): ApiResponse {
  const {query = {}} = request
  const {labelSelector = '', fieldSelector = ''} = query
  const token = query['continue'] ? readToken(store, query['continue']) : undefined
  const exactVersion = exactVersionOf(request, target.definition)
  const options = {namespace: path.namespace ?? '', labelSelector, fieldSelector}
  const version = token === undefined ? exactVersion : Number(token.resourceVersion)
  const {resourceVersion, ...listed} = store.listThrough(target, options, version)
  const keyOf = ({metadata}: KubeObject) => storageKey(metadata.namespace, metadata.name)
  const rest = token === undefined ? listed.items : listed.items.filter(item => keyOf(item) > token.after)
  const limit = Number(query['limit'] ?? 0)
  if (!Number.isInteger(limit) || limit < 0) throw badRequest('limit must be a whole number that is not negative')
  const items = limit > 0 ? rest.slice(0, limit) : rest
  const last = items.at(-1)
  const metadata: Record<string, unknown> = {resourceVersion}
  if (items.length < rest.length && last !== undefined) {
    metadata['continue'] = Buffer.from(JSON.stringify({resourceVersion, after: keyOf(last)})).toString('base64url')
    if (labelSelector === '' && fieldSelector === '') metadata['remainingItemCount'] = rest.length - items.length
  }
  return answer(200, shapedList(store, request, target, items, metadata))
}

function shapedList(store: Store, request: ApiRequest, target: Target, items: KubeObject[], metadata: object): object {
  const {definition, version} = target
  const shape = presentationOf(request.headers?.['accept'])
  if (shape === 'table') {
    return table(items, version, {metadata, now: store.now(), includeObject: includeObject(request), headers: true})
  }
  if (shape === 'metadata') {
    const list = {kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1'}
    return {...list, metadata, items: items.map(partialMetadata)}
  }
  // Lists of built-in kinds leave the type of their items out, as the real API does.
  const shown = definition.custom ? items : items.map(item => without(item, 'apiVersion', 'kind'))
  return {kind: definition.listKind, apiVersion: apiVersionOf(definition.group, version.name), metadata, items: shown}
}
