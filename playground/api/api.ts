// The HTTP API as a function: a request in, an answer out. Watches are the server's, since they don't end.
import {aggregatedDiscovery, plainDiscovery, reportedVersion} from './discovery.ts'
import {ApiError, badRequest, methodNotAllowed, pathNotFound} from './errors.ts'
import {answer} from './json-answer.ts'
import {openApiDocument, openApiIndex} from './openapi.ts'
import {openApiV2ContentType, openApiV2Document, openApiV2MediaType} from './openapi-v2.ts'
import {parseResourcePath, type ResourcePath} from './request-path.ts'
import {handleResource} from './resource-handler.ts'
import {Store, type StoreOptions} from './store.ts'
import type {ApiRequest, ApiResponse} from './types.ts'

/** The emulated API in process. */
export interface Api {
  store: Store
  /** Answers a request; refusals are answers too. Watches are refused: use `store.watch`. */
  handle(request: ApiRequest): ApiResponse
}

/** Makes an API with nothing in it but the namespaces `default` and `kube-system`. */
export function createApi(options: StoreOptions = {}): Api {
  const store = new Store(options)
  return {store, handle: request => handle(store, request)}
}

/** Whether a request asks for a watch. */
export function isWatch(request: ApiRequest): boolean {
  const watch = request.query?.['watch']
  return request.method === 'GET' && watch !== undefined && ['', '1', 't', 'true'].includes(watch.toLowerCase())
}

/** The answer to a refused request; faults of the emulator itself are told apart as 500. */
export function refusal(error: unknown): ApiResponse {
  if (error instanceof ApiError) return answer(error.status, error.toStatus())
  const message = `the emulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  return answer(500, new ApiError(500, 'InternalError', message).toStatus())
}

/** Answers one request. */
export function handle(store: Store, request: ApiRequest): ApiResponse {
  try {
    const meta = request.method === 'GET' ? describeApi(store, request) : undefined
    if (meta !== undefined) return meta
    const path = parseResourcePath(request.path)
    if (path === undefined) throw pathNotFound()
    if (isWatch(request)) throw badRequest('watches are served over HTTP only: use store.watch')
    return handleResource(store, request, withImpliedNamespace(store, path))
  } catch (error) {
    return refusal(error)
  }
}

// Cluster-scoped paths that name a namespace don't exist, and objects in namespaces are named with theirs.
function withImpliedNamespace(store: Store, path: ResourcePath): ResourcePath {
  const definition = store.registry.get(path.resource)
  if (definition === undefined) throw pathNotFound()
  if (!definition.namespaced && path.namespace !== undefined) throw pathNotFound()
  if (definition.namespaced && path.namespace === undefined && path.name !== undefined) throw methodNotAllowed()
  return path
}

function describeApi(store: Store, request: ApiRequest): ApiResponse | undefined {
  const {path} = request
  if (path === '/healthz' || path === '/livez' || path === '/readyz') {
    return {status: 200, headers: {'content-type': 'text/plain; charset=utf-8'}, body: 'ok'}
  }
  if (path === '/version') return answer(200, reportedVersion)
  if (path === '/openapi/v2' && request.headers?.['accept']?.includes(openApiV2MediaType) === true) {
    return {status: 200, headers: {'content-type': openApiV2ContentType}, body: openApiV2Document(store.registry)}
  }
  if (path === '/openapi/v3') return answer(200, openApiIndex(store.registry))
  if (path.startsWith('/openapi/v3/'))
    return answer(200, openApiDocument(store.registry, path.slice('/openapi/v3/'.length)))
  if (path === '/api' || path === '/apis') return discover(store, request, path === '/api' ? 'api' : 'apis')
  if (/^\/(api\/[^/]+|apis\/[^/]+(\/[^/]+)?)\/?$/.test(path)) return answer(200, plainDiscovery(store.registry, path))
  return undefined
}

function discover(store: Store, request: ApiRequest, root: 'api' | 'apis'): ApiResponse {
  for (const media of (request.headers?.['accept'] ?? '').split(',')) {
    if (!media.includes('as=APIGroupDiscoveryList')) continue
    const version = /v=(v2beta1|v2)\b/.exec(media)?.[1]
    if (version === undefined) continue
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
    return {...answer(200, aggregatedDiscovery(store.registry, root, version)), headers: {'content-type': type}}
  }
  return answer(200, plainDiscovery(store.registry, `/${root}`))
}
