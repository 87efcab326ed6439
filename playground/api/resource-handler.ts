// Requests for resources: get, list, create, replace, patch, delete.
import type {KubeObject} from '../../crds/meta.ts'
import {ApiError, badRequest, methodNotAllowed, notFound} from './errors.ts'
import {answer} from './json-answer.ts'
import {listResponse, showObject} from './list-response.ts'
import {isObject, type Value} from './objects.ts'
import {contentType, parseBody, parseObject} from './request-body.ts'
import type {ResourcePath} from './request-path.ts'
import {scaleTarget} from './scale.ts'
import type {ApplyOptions, PatchType, Store} from './store.ts'
import type {ApiRequest, ApiResponse, DeleteOptions, WriteOptions} from './types.ts'
import type {Target} from './writer.ts'

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}
const strategicType = 'application/strategic-merge-patch+json'
const customPatchTypes = Object.keys(patchTypes).filter(type => type !== strategicType)

interface Call {
  store: Store
  request: ApiRequest
  path: ResourcePath
  target: Target
}

/** Answers a request for a resource. */
export function handleResource(store: Store, request: ApiRequest, path: ResourcePath): ApiResponse {
  if (path.subresource === 'eviction') return evict(store, request, path)
  const isScale = path.subresource === 'scale'
  const target = store.target(
    path.resource,
    path.version,
    isScale || path.subresource === 'finalize' ? '' : path.subresource,
  )
  if (!['', 'status', 'scale'].includes(path.subresource)) throw methodNotAllowed()
  const call: Call = {store, request, path, target}
  if (path.name === undefined) {
    if (request.method === 'GET') return listResponse(store, request, path, target)
    if (request.method === 'POST') return create(call)
    if (request.method === 'DELETE') return deleteCollection(call)
    throw methodNotAllowed()
  }
  if (isScale) return handleScale(call, path.name)
  switch (request.method) {
    case 'GET':
      return get(call, path.name)
    case 'PUT':
      return put(call, path.name)
    case 'PATCH':
      return patch(call, path.name)
    case 'DELETE':
      if (path.subresource !== '') throw methodNotAllowed()
      return remove(call, path.name)
    default:
      throw methodNotAllowed()
  }
}

function writeOptions(request: ApiRequest): WriteOptions & {warnings: string[]} {
  const {query = {}} = request
  const agent = (request.headers?.['user-agent'] ?? '').split('/')[0] ?? ''
  const fieldManager = query['fieldManager'] || agent || 'unknown'
  const validation = query['fieldValidation'] || 'Warn'
  if (validation !== 'Strict' && validation !== 'Warn' && validation !== 'Ignore') {
    throw badRequest(
      `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Strict", "Warn"`,
    )
  }
  return {fieldManager, fieldValidation: validation, dryRun: isDryRun(query['dryRun']), warnings: []}
}

function isDryRun(value: string | undefined): boolean {
  if (value === undefined || value === '') return false
  if (value !== 'All') throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`)
  return true
}

// The namespace and the name of the path hold; a body that says otherwise is refused.
function placed(call: Call, object: KubeObject): KubeObject {
  const {namespace, name} = call.path
  const metadata = {...object.metadata}
  if (call.target.definition.namespaced) {
    if (metadata.namespace && metadata.namespace !== namespace) {
      const message = `the namespace of the provided object does not match the namespace sent on the request`
      throw badRequest(message)
    }
    if (namespace !== undefined) metadata.namespace = namespace
  }
  if (name !== undefined) {
    if (metadata.name && metadata.name !== name) {
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
    }
    metadata.name = name
  }
  return {...object, metadata}
}

function get(call: Call, name: string): ApiResponse {
  const {store, request, target, path} = call
  const object = store.read(target, path.namespace, name)
  if (object === undefined) throw notFound(target.definition, name)
  return answer(200, showObject(store, request, target, object))
}

function create(call: Call): ApiResponse {
  const {store, request, target} = call
  const options = writeOptions(request)
  const created = store.createThrough(target, placed(call, parseObject(request)), options)
  return answer(201, showObject(store, request, target, created), options.warnings)
}

function put(call: Call, name: string): ApiResponse {
  const {store, request, target} = call
  const options = writeOptions(request)
  const object = placed(call, parseObject(request))
  const existed = store.read(target, call.path.namespace, name) !== undefined
  const written = store.replace(target, object, options)
  return answer(existed ? 200 : 201, showObject(store, request, target, written), options.warnings)
}

function patch(call: Call, name: string): ApiResponse {
  const {store, request, target, path} = call
  const options = writeOptions(request)
  const type = contentType(request)
  if (type === 'application/apply-patch+yaml') {
    const existed = store.read(target, path.namespace, name) !== undefined
    const applied = store.applyThrough(target, placed(call, parseObject(request)), applyOptions(request, options))
    return answer(existed ? 200 : 201, showObject(store, request, target, applied), options.warnings)
  }
  // What a kind can't be patched with is refused before the object is looked for.
  if (type === strategicType && target.definition.custom) throw unsupportedPatch(customPatchTypes)
  const patched = store.patchThrough(target, path.namespace, name, patchType(type), parseBody(request), options)
  return answer(200, showObject(store, request, target, patched), options.warnings)
}

function patchType(type: string): PatchType {
  const patch = patchTypes[type]
  if (patch !== undefined) return patch
  throw unsupportedPatch(Object.keys(patchTypes))
}

function unsupportedPatch(supportedTypes: string[]): ApiError {
  const supported = [...supportedTypes, 'application/apply-patch+yaml'].join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${supported}`
  return new ApiError(415, 'UnsupportedMediaType', message)
}

function applyOptions(request: ApiRequest, options: WriteOptions): ApplyOptions {
  const fieldManager = request.query?.['fieldManager']
  if (!fieldManager) throw badRequest('fieldManager: Required value: is required for apply patch')
  return {...options, fieldManager, force: request.query?.['force'] === 'true'}
}

function handleScale(call: Call, name: string): ApiResponse {
  const {store, request, path} = call
  const target = scaleTarget(call.target)
  const options = writeOptions(request)
  const current = () => store.scale(target, path.namespace, name)
  if (request.method === 'GET') {
    store.requireReplicas(target, path.namespace, name)
    return answer(200, current())
  }
  if (request.method === 'PUT')
    return answer(200, store.updateScale(target, placed(call, parseObject(request)), options))
  if (request.method !== 'PATCH') throw methodNotAllowed()
  const type = contentType(request)
  if (type === 'application/apply-patch+yaml') {
    return answer(200, store.applyScale(target, placed(call, parseObject(request)), applyOptions(request, options)))
  }
  const scale = store.patchScale(target, path.namespace, name, patchType(type), parseBody(request), options)
  return answer(200, scale)
}

function deleteOptions(request: ApiRequest): DeleteOptions {
  const body: Value = parseBody(request) ?? {}
  if (!isObject(body)) throw badRequest('DeleteOptions must be an object')
  const query = request.query ?? {}
  const propagation = body['propagationPolicy'] ?? query['propagationPolicy']
  if (propagation !== undefined && !['Background', 'Foreground', 'Orphan'].includes(propagation)) {
    throw badRequest(`propagationPolicy: Unsupported value: "${propagation}"`)
  }
  const orphan = propagation === undefined && body['orphanDependents'] === true
  const grace = body['gracePeriodSeconds'] ?? (query['gracePeriodSeconds'] && Number(query['gracePeriodSeconds']))
  const dryRun = Array.isArray(body['dryRun']) && body['dryRun'].length > 0 ? body['dryRun'][0] : query['dryRun']
  return {
    preconditions: isObject(body['preconditions']) ? body['preconditions'] : {},
    propagationPolicy: orphan ? 'Orphan' : (propagation ?? 'Background'),
    ...(typeof grace === 'number' ? {gracePeriodSeconds: grace} : {}),
    dryRun: isDryRun(dryRun),
  }
}

function remove(call: Call, name: string): ApiResponse {
  const {store, request, path, target} = call
  const {object, gone} = store.delete(path.resource, path.namespace, name, deleteOptions(request))
  if (!gone || object.kind === 'Pod' || object.kind === 'Service')
    return answer(200, showObject(store, request, target, object))
  const {group, plural} = target.definition
  const details = {name, ...(group === '' ? {} : {group}), kind: plural, uid: object.metadata.uid}
  return answer(200, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details})
}

function deleteCollection(call: Call): ApiResponse {
  const {store, request, path, target} = call
  const {labelSelector = '', fieldSelector = ''} = request.query ?? {}
  const options = deleteOptions(request)
  const namespace = path.namespace ?? ''
  const {items} = store.listThrough(target, {namespace, labelSelector, fieldSelector})
  for (const {metadata} of items) {
    // An earlier deletion may have taken this one along.
    if (store.read(target, metadata.namespace, metadata.name) === undefined) continue
    store.delete(path.resource, metadata.namespace, metadata.name, options)
  }
  return answer(200, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 200})
}

function evict(store: Store, request: ApiRequest, path: ResourcePath): ApiResponse {
  if (request.method !== 'POST' || path.resource !== 'pods' || path.name === undefined) throw methodNotAllowed()
  const body: Value = parseBody(request) ?? {}
  const options: Value = body.deleteOptions ?? {}
  store.delete('pods', path.namespace, path.name, {preconditions: options.preconditions ?? {}})
  return answer(201, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201})
}
