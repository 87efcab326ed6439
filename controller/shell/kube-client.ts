import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {fieldManager as defaultFieldManager} from '../../crds/names.ts'
import type {ApplyOptions, Cluster, DeleteOptions, JsonPatchOperation, ListQuery} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import {type ApiResource, Discovery, groupVersionPath} from './discovery.ts'
import type {HttpRequest, HttpTransport} from './http-transport.ts'
import {clusterErrorFrom} from './kube-errors.ts'
import {splitLines} from './watch-lines.ts'

/** Objects of one page of a list. */
const pageSize = 500
/** Objects of one list, all pages together. */
const maxListItems = 100_000
/** Times that a list is begun anew because its continue token expired. */
const maxListRestarts = 3

/** What a reflector follows. */
export interface WatchQuery extends ListQuery {
  /** Fetch `metadata` alone (PartialObjectMetadata). */
  metadataOnly?: boolean
  /** The one object of this name. */
  name?: string
}

/** A list, and the version from which a watch continues it. */
export interface VersionedList {
  items: KubeObject[]
  resourceVersion: string
}

/** One event of a watch. A bookmark's object holds nothing but its resourceVersion. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: KubeObject
}

export interface WatchOptions {
  /** Where to begin: events after this version. */
  resourceVersion: string
  /** Ends the watch, with a {@link ClusterError} of status 0 and reason `Aborted`. */
  signal: AbortSignal
  /** After how long the server is to end the watch by itself. */
  timeoutSeconds?: number
}

/** What a reflector needs of an API server. */
export interface WatchSource {
  /** @throws {ClusterError} 404 where the kind is not installed */
  listVersioned(query: WatchQuery): Promise<VersionedList>
  /** Ends when the server hangs up. @throws {ClusterError} 410 where the version is gone; whatever else went wrong */
  watch(query: WatchQuery, options: WatchOptions): AsyncIterable<WatchEvent>
}

/** Reads and writes of an API server as raw JSON: a typed model would drop the fields that it does not know. */
export class KubeClient implements Cluster, WatchSource {
  readonly #transport: HttpTransport
  readonly #discovery: Discovery

  constructor(transport: HttpTransport) {
    this.#transport = transport
    this.#discovery = new Discovery(path => transport.request({method: 'GET', path, verb: 'discovery'}))
  }

  /** How the server serves a kind. @throws {ClusterError} 404, reason `KindNotFound` */
  resourceOf(apiVersion: string, kind: string): Promise<ApiResource> {
    return this.#discovery.resourceOf(apiVersion, kind)
  }

  /** Whether objects of a kind live in namespaces; undefined when the server has no such kind. */
  async scopeOf(apiVersion: string, kind: string): Promise<'Namespaced' | 'Cluster' | undefined> {
    const resource = await orUndefined(this.resourceOf(apiVersion, kind))
    if (resource === undefined) return undefined
    return resource.namespaced ? 'Namespaced' : 'Cluster'
  }

  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    // Of a kind that is not installed there is no object either.
    return orUndefined(this.#objectPath(ref).then(path => this.#json({method: 'GET', path, verb: 'get'}, ref)))
  }

  async list(query: ListQuery): Promise<KubeObject[]> {
    return (await this.listVersioned(query)).items
  }

  async create(object: KubeObject): Promise<KubeObject> {
    const collection = await this.#ownCollectionPath(object)
    const path = `${collection}?${search({fieldManager: defaultFieldManager, fieldValidation: 'Strict'})}`
    return this.#json({method: 'POST', path, body: JSON.stringify(object), verb: 'create'}, object)
  }

  async apply(manifest: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const query = search({
      fieldManager: options.fieldManager,
      fieldValidation: 'Strict',
      force: options.force ? 'true' : 'false',
      dryRun: options.dryRun ? 'All' : undefined,
    })
    const path = `${await this.#objectPath(refOf(manifest))}?${query}`
    const body = JSON.stringify(manifest)
    return this.#json(
      {method: 'PATCH', path, body, contentType: 'application/apply-patch+yaml', verb: 'apply'},
      manifest,
    )
  }

  async updateStatus(object: KubeObject): Promise<KubeObject> {
    // Strict: a status field that an older CRD would silently prune is a decision that would be silently forgotten.
    const query = search({fieldManager: defaultFieldManager, fieldValidation: 'Strict'})
    const path = `${await this.#objectPath(refOf(object))}/status?${query}`
    return this.#json({method: 'PUT', path, body: JSON.stringify(object), verb: 'update'}, object)
  }

  async mergePatch(ref: ObjectRef, patch: object, options: {fieldManager: string}): Promise<KubeObject> {
    const query = search({fieldManager: options.fieldManager, fieldValidation: 'Strict'})
    const path = `${await this.#objectPath(ref)}?${query}`
    return this.#json({method: 'PATCH', path, ...mergePatchBody(patch)}, ref)
  }

  async jsonPatch(
    ref: ObjectRef,
    operations: JsonPatchOperation[],
    options: {fieldManager: string},
  ): Promise<KubeObject> {
    const query = search({fieldManager: options.fieldManager, fieldValidation: 'Strict'})
    const path = `${await this.#objectPath(ref)}?${query}`
    const body = JSON.stringify(operations)
    return this.#json({method: 'PATCH', path, body, contentType: 'application/json-patch+json', verb: 'patch'}, ref)
  }

  async scale(ref: ObjectRef, replicas: number, options: {fieldManager: string}): Promise<KubeObject> {
    const path = `${await this.#objectPath(ref)}/scale?${search({fieldManager: options.fieldManager})}`
    return this.#json({method: 'PATCH', path, ...mergePatchBody({spec: {replicas}})}, ref)
  }

  async delete(ref: ObjectRef, options: DeleteOptions): Promise<boolean> {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(options.propagation === undefined ? {} : {propagationPolicy: options.propagation}),
      ...(options.uid === undefined ? {} : {preconditions: {uid: options.uid}}),
    })
    const deleted = this.#objectPath(ref).then(path => this.#transport.request({method: 'DELETE', path, body}))
    return (await orUndefined(deleted)) !== undefined
  }

  async listVersioned(query: WatchQuery): Promise<VersionedList> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listPages(query)
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error
        // The path came from discovery: if it is gone, the CRD was removed or changed its scope.
        if (error.status === 404) this.#discovery.invalidate(query.apiVersion)
        if (error.status !== 410 || attempt > maxListRestarts) throw error
      }
    }
  }

  async *watch(query: WatchQuery, options: WatchOptions): AsyncGenerator<WatchEvent> {
    const parameters = search({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      labelSelector: query.labelSelector,
      fieldSelector: fieldSelectorOf(query),
      timeoutSeconds: options.timeoutSeconds?.toString(),
    })
    const path = `${await this.#collectionPath(query, query.namespace)}?${parameters}`
    const accept = acceptOf(query, 'PartialObjectMetadata')
    const chunks = this.#transport.stream({method: 'GET', path, accept, verb: 'watch', signal: options.signal})
    for await (const line of splitLines(chunks)) yield parseEvent(line, query)
  }

  async #listPages(query: WatchQuery): Promise<VersionedList> {
    const collection = await this.#collectionPath(query, query.namespace)
    const items: KubeObject[] = []
    let token: string | undefined
    for (;;) {
      const {labelSelector} = query
      const fieldSelector = fieldSelectorOf(query)
      const path = `${collection}?${search({limit: String(pageSize), continue: token, labelSelector, fieldSelector})}`
      const accept = acceptOf(query, 'PartialObjectMetadataList')
      const page = await this.#json({method: 'GET', path, accept, verb: 'list'}, query)
      for (const item of Array.isArray(page['items']) ? page['items'] : []) items.push(completed(item, query))
      if (items.length > maxListItems) {
        throw new ClusterError(
          0,
          'ResponseTooLarge',
          `there are more than ${maxListItems} objects of kind ${query.kind}`,
        )
      }
      token = (page.metadata as {continue?: string} | undefined)?.continue || undefined
      if (token === undefined) return {items, resourceVersion: page.metadata?.resourceVersion ?? ''}
    }
  }

  async #json(request: HttpRequest, about: {kind: string}): Promise<KubeObject> {
    const body = await this.#transport.request(request)
    try {
      const parsed: unknown = JSON.parse(body)
      if (typeof parsed === 'object' && parsed !== null) return parsed as KubeObject
    } catch {
      // Told below, together with answers that are JSON but no object.
    }
    throw new ClusterError(0, 'BadAnswer', `the answer to ${request.verb} of ${about.kind} is not a JSON object`)
  }

  async #objectPath(ref: ObjectRef): Promise<string> {
    if (!ref.name) throw new ClusterError(400, 'BadRequest', `metadata.name of a ${ref.kind} is missing`)
    const {apiVersion, kind, name, namespace} = ref
    const metadata = namespace === undefined ? {name} : {name, namespace}
    return `${await this.#ownCollectionPath({apiVersion, kind, metadata})}/${encodeURIComponent(name)}`
  }

  async #ownCollectionPath({apiVersion, kind, metadata}: KubeObject): Promise<string> {
    const resource = await this.resourceOf(apiVersion, kind)
    if (resource.namespaced && !metadata.namespace) {
      const message = `metadata.namespace of ${kind} ${metadata.name} is missing: the kind lives in namespaces`
      throw new ClusterError(400, 'BadRequest', message)
    }
    return pathOf(apiVersion, resource, metadata.namespace)
  }

  async #collectionPath(of: {apiVersion: string; kind: string}, namespace: string | undefined): Promise<string> {
    return pathOf(of.apiVersion, await this.resourceOf(of.apiVersion, of.kind), namespace)
  }
}

function pathOf(apiVersion: string, resource: ApiResource, namespace: string | undefined): string {
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${groupVersionPath(apiVersion)}${scope}/${resource.plural}`
}

function refOf(object: KubeObject): ObjectRef {
  const {apiVersion, kind, metadata} = object
  const {name, namespace} = metadata
  return namespace === undefined ? {apiVersion, kind, name} : {apiVersion, kind, name, namespace}
}

function search(parameters: Record<string, string | undefined>): string {
  const set = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(set).toString()
}

function mergePatchBody(patch: object) {
  return {body: JSON.stringify(patch), contentType: 'application/merge-patch+json', verb: 'patch'}
}

function fieldSelectorOf({name}: WatchQuery): string | undefined {
  return name === undefined ? undefined : `metadata.name=${name}`
}

function acceptOf(query: WatchQuery, as: string): string {
  return query.metadataOnly ? `application/json;as=${as};v=v1;g=meta.k8s.io,application/json` : 'application/json'
}

/** Items of a list carry no kind of their own, and partial metadata carries a foreign one: both get the query's. */
function completed(item: KubeObject, query: WatchQuery): KubeObject {
  const {apiVersion, kind} = query
  return query.metadataOnly ? {apiVersion, kind, metadata: item.metadata} : {...item, apiVersion, kind}
}

function parseEvent(line: string, query: WatchQuery): WatchEvent {
  let event: {type?: unknown; object?: KubeObject} | null
  try {
    event = JSON.parse(line)
  } catch {
    throw new ClusterError(0, 'BadAnswer', `an event of the watch of ${query.kind} is not JSON: it was cut off`)
  }
  const {type, object} = event ?? {}
  if (type === 'ERROR') throw clusterErrorFrom(0, JSON.stringify(object ?? {}))
  if (typeof object?.metadata !== 'object') {
    throw new ClusterError(0, 'BadAnswer', `an event of the watch of ${query.kind} holds no object`)
  }
  if (type === 'BOOKMARK') return {type, object}
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return {type, object: completed(object, query)}
  throw new ClusterError(0, 'BadAnswer', `the watch of ${query.kind} sent an event of an unknown type`)
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ClusterError && error.status === 404) return undefined
    throw error
  }
}
