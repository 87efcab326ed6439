// The typed, in-process store: every verb of the API as a synchronous method. The HTTP routes are a thin layer above it,
// and the playground's own parts use it directly.
import jsonPatch from 'fast-json-patch'
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {Deleter} from './deletion.ts'
import {ApiError, badRequest, conflict, notFound, pathNotFound} from './errors.ts'
import {applyConfiguration} from './managed-fields.ts'
import {unreadableBytes} from './metadata.ts'
import {clone, deepEqual, getPath, isObject, splitPath} from './objects.ts'
import {mergePatch, strategicMergePatch} from './patch-strategic.ts'
import {apiVersionOf, Registry, splitApiVersion} from './resources.ts'
import {scaleOf, scaleTarget, withScale} from './scale.ts'
import {selectionPredicate} from './selectors.ts'
import {defaultEventWindow, Storage} from './storage.ts'
import type {DeleteOptions, ListOptions, StoreEvent, WatchEvent, WriteOptions} from './types.ts'
import {prune, wrongTypes} from './validation.ts'
import {narrow} from './watch-events.ts'
import {type Target, Writer} from './writer.ts'

export interface StoreOptions {
  /** Milliseconds since the epoch; Date.now when absent. */
  now?: () => number
  /** Events that are kept for watches to resume from. */
  eventWindow?: number
}

/** Where a patch goes, beside the options of every write. */
interface PatchOptions extends WriteOptions {
  /** `status` or `scale`; the main resource when absent. */
  subresource?: string
}

export interface ApplyOptions extends PatchOptions {
  fieldManager: string
  /** Take conflicting fields over. */
  force?: boolean
}

export type PatchType = 'merge' | 'json' | 'strategic'

export interface WatchOptions extends ListOptions {
  /** Tell of every object there is first, as ADDED. */
  initial?: boolean
}

const maximumPatchOperations = 10_000

export class Store {
  readonly registry = new Registry()
  readonly storage: Storage
  /** Milliseconds since the epoch. */
  readonly now: () => number
  private readonly writer: Writer
  private readonly deleter: Deleter

  constructor(options: StoreOptions = {}) {
    this.now = options.now ?? Date.now
    this.storage = new Storage(options.eventWindow ?? defaultEventWindow)
    this.writer = new Writer(this.storage, this.now)
    this.deleter = new Deleter({storage: this.storage, registry: this.registry, writer: this.writer, now: this.now})
    for (const name of ['default', 'kube-system']) this.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name}})
  }

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.read(this.target(resource), namespace, name)
  }

  list(resource: string, options: ListOptions = {}): {items: KubeObject[]; resourceVersion: string} {
    return this.listThrough(this.target(resource), options)
  }

  create(object: KubeObject, options: WriteOptions = {}): KubeObject {
    return this.createThrough(this.targetOf(object), object, options)
  }

  update(object: KubeObject, options: WriteOptions = {}): KubeObject {
    return this.replace(this.targetOf(object), object, options)
  }

  updateStatus(object: KubeObject, options: WriteOptions = {}): KubeObject {
    return this.replace(this.targetOf(object, 'status'), object, options)
  }

  patch(
    resource: string,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    options: PatchOptions = {},
  ): KubeObject {
    const {subresource = ''} = options
    if (subresource === 'scale')
      return this.patchScale(scaleTarget(this.target(resource)), namespace, name, type, patch, options)
    return this.patchThrough(this.target(resource, undefined, subresource), namespace, name, type, patch, options)
  }

  /** Server-side apply. @throws ApiError 409 with a cause per field that another manager owns */
  apply(object: KubeObject, options: ApplyOptions): KubeObject {
    return this.applyThrough(this.targetOf(object, options.subresource), object, options)
  }

  /** The last state of the object; not `gone` while a finalizer, a grace period or its content holds it back. */
  delete(
    resource: string,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): {object: KubeObject; gone: boolean} {
    return this.deleter.delete(this.target(resource), namespace, name, options)
  }

  /** Calls back on every change, in order; the returned function ends that. */
  watch(resource: string, listener: (event: WatchEvent) => void, options: WatchOptions = {}): () => void {
    const target = this.target(resource)
    const stored = target.definition.alias?.id ?? resource
    const selected = selectionPredicate(stored, options)
    const shown = (object: KubeObject) => this.shown(target, object)
    const since = this.storage.resourceVersion
    const initial = options.initial === true ? this.list(resource, options).items : []
    // What the listener writes while it hears of the initial state comes after that state.
    const held: StoreEvent[] = []
    let holding = true
    const tell = (event: StoreEvent) => {
      const seen = narrow(event, selected, shown)
      if (seen) listener(seen)
    }
    const stop = this.storage.subscribe(stored, event => {
      // What was stored before this call, but is not delivered yet, belongs to the initial state.
      if (event.resourceVersion <= since) return
      if (holding) held.push(event)
      else tell(event)
    })
    try {
      for (const object of initial) listener({type: 'ADDED', object})
      for (let event = held.shift(); event !== undefined; event = held.shift()) tell(event)
    } catch (error) {
      stop()
      throw error
    }
    holding = false
    return stop
  }

  /** Forgets old events: older watches get 410. */
  compact(): void {
    this.storage.compact()
  }

  /** How a resource is reached. @throws ApiError 404 for what isn't served */
  target(resource: string, version?: string, subresource = ''): Target {
    const definition = this.registry.get(resource)
    const served = definition?.versions.find(one => version === undefined || one.name === version)
    if (!definition || !served || (subresource === 'status' && !served.hasStatus)) throw pathNotFound()
    return {definition, version: served, subresource}
  }

  /** A stored object as a target shows it. */
  shown(target: Target, object: KubeObject): KubeObject {
    return this.writer.present(target, object)
  }

  read(target: Target, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.writer.load(target, namespace, name)
  }

  /** The present state, or the one at a resource version. @throws ApiError 410 for a version that was forgotten */
  listThrough(
    target: Target,
    options: ListOptions,
    atVersion?: number,
  ): {items: KubeObject[]; resourceVersion: string} {
    const stored = target.definition.alias?.id ?? target.definition.id
    const selected = selectionPredicate(stored, options)
    const all = atVersion === undefined ? this.storage.all(stored) : this.storage.allAt(stored, atVersion)
    const items = all.map(object => this.shown(target, object)).filter(selected)
    return {items, resourceVersion: String(atVersion ?? this.storage.resourceVersion)}
  }

  createThrough(target: Target, object: KubeObject, options: WriteOptions): KubeObject {
    return this.writer.create(target, object, options)
  }

  replace(target: Target, object: KubeObject, options: WriteOptions): KubeObject {
    return this.writer.update(target, object, options)
  }

  patchThrough(
    target: Target,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): KubeObject {
    const live = this.existing(target, namespace, name)
    const patched = sameObject(live, patchedBy(type, live, patch, target))
    try {
      return this.writer.update(target, patched, options)
    } catch (error) {
      if (!(error instanceof ApiError && error.message.includes('strict decoding error'))) throw error
      // What is wrong is the patch then, and no object is named.
      const causes = [{reason: 'FieldValueInvalid', field: 'patch', message: error.message}]
      throw new ApiError(422, 'Invalid', ` "" is invalid: patch: ${error.message}`, {causes})
    }
  }

  applyThrough(target: Target, object: KubeObject, options: ApplyOptions): KubeObject {
    if (!object.metadata?.name) throw badRequest('name is required in an applied object: set metadata.name')
    const {namespace, name, uid, resourceVersion} = object.metadata
    if (object.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
    requireKind(target, object)
    const unknown: string[] = []
    const configuration: KubeObject = prune(object, target.version.schema, '', unknown)
    if (unknown.length > 0) throw undeclared(target, object, unknown)
    const [mistyped] = wrongTypes(configuration, target.version.schema)
    if (mistyped !== undefined) throw untyped(mistyped)
    const [unreadable] = unreadableBytes(configuration)
    const live = this.read(target, namespace, name)
    const manager = this.writer.manager(target, options, 'Apply')
    const rules = {schema: target.version.schema, hasStatus: target.version.hasStatus, force: options.force === true}
    if (live === undefined) {
      if (target.subresource !== '' || uid !== undefined) throw notFound(target.definition, name)
      const empty = {
        apiVersion: object.apiVersion,
        kind: object.kind,
        metadata: {name, ...(namespace ? {namespace} : {})},
      }
      const result = applyConfiguration(empty, configuration, manager, rules)
      if (unreadable !== undefined) throw untyped(unreadable)
      const named = {...result.object, metadata: {...result.object.metadata, ...empty.metadata}}
      return this.writer.create(target, named, options, {managedFields: result.managedFields})
    }
    if (uid !== undefined && uid !== live.metadata.uid)
      throw conflict(
        target.definition,
        name,
        `uid mismatch: the provided object specified uid ${uid}, and the existing one has ${live.metadata.uid}`,
      )
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(target.definition, name)
    const result = applyConfiguration(live, configuration, manager, rules)
    if (unreadable !== undefined) throw untyped(unreadable)
    return this.writer.update(target, result.object, options, {managedFields: keepTimes(live, result.managedFields)})
  }

  /** The scale subresource of an object. */
  scale(target: Target, namespace: string | undefined, name: string): KubeObject {
    return scaleOf(target, this.existing(target, namespace, name))
  }

  /** A scale can't be read of a custom object that does not say how many; it can be written. @throws ApiError 500 */
  requireReplicas(target: Target, namespace: string | undefined, name: string): void {
    const path = target.version.scale?.specReplicasPath
    if (!target.definition.custom || path === undefined) return
    if (getPath(this.existing(target, namespace, name), splitPath(path)) !== undefined) return
    const message = `the spec replicas field "${path}" does not exist`
    const causes = [{reason: '', field: '', message}]
    throw new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, {causes})
  }

  updateScale(target: Target, scale: KubeObject, options: WriteOptions): KubeObject {
    const {namespace, name, resourceVersion} = scale.metadata
    const live = this.existing(target, namespace, name)
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(target.definition, name)
    return this.scaled(target, live, scale, options)
  }

  private scaled(target: Target, live: KubeObject, wanted: KubeObject, options: WriteOptions): KubeObject {
    const scale = scaleOf(target, live)
    // A count where a custom object had none is written, and nobody owns it.
    const unowned = target.definition.custom && scale['spec'].replicas === undefined
    const ownership = unowned ? {managedFields: live.metadata.managedFields ?? []} : undefined
    return scaleOf(target, this.writer.update(target, withScale(target, live, wanted), options, ownership))
  }

  patchScale(
    target: Target,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): KubeObject {
    const live = this.existing(target, namespace, name)
    const patched = sameObject(live, patchedBy(type, scaleOf(target, live), patch, target))
    return this.scaled(target, live, patched, options)
  }

  /** Server-side apply of a Scale: its manager comes to own the replicas of the object. */
  applyScale(target: Target, scale: KubeObject, options: ApplyOptions): KubeObject {
    const live = this.existing(target, scale.metadata.namespace, scale.metadata.name)
    const {apiVersion, kind, metadata} = live
    const {name, namespace} = metadata
    const configuration = withScale(
      target,
      {apiVersion, kind, metadata: {name, ...(namespace ? {namespace} : {})}},
      scale,
    )
    return scaleOf(target, this.applyThrough(target, configuration, options))
  }

  private existing(target: Target, namespace: string | undefined, name: string): KubeObject {
    const live = this.read(target, namespace, name)
    if (live === undefined) throw notFound(target.definition, name)
    return live
  }

  private targetOf(object: KubeObject, subresource = ''): Target {
    const definition = this.registry.byKind(object.apiVersion, object.kind)
    if (!definition)
      throw new ApiError(404, 'NotFound', `no matches for kind "${object.kind}" in version "${object.apiVersion}"`)
    return this.target(definition.id, splitApiVersion(object.apiVersion).version, subresource)
  }
}

/** The real one fails here without a reason. */
function untyped(what: string): ApiError {
  return new ApiError(500, '', `failed to create typed patch object: ${what}`)
}

function requireKind({definition, version}: Target, object: KubeObject): void {
  const apiVersion = apiVersionOf(definition.group, version.name)
  if (object.apiVersion === apiVersion && object.kind === definition.kind) return
  throw badRequest(
    `incorrect object type: ${object.apiVersion}, Kind=${object.kind}, expected: ${apiVersion}, Kind=${definition.kind}`,
  )
}

/** An apply that changes nothing must not move the time of its managed fields. */
function keepTimes(live: KubeObject, managedFields: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const timeless = ({time: _time, ...rest}: ManagedFieldsEntry) => rest
  const old = live.metadata.managedFields ?? []
  return managedFields.map(entry => old.find(known => deepEqual(timeless(known), timeless(entry))) ?? entry)
}

/** The patched object, refused with 400 where it isn't the object any more that the patch was for. */
function sameObject(live: KubeObject, patched: unknown): KubeObject {
  if (!isObject(patched)) throw badRequest('a patch must leave an object: the result is none')
  for (const field of ['name', 'namespace'] as const) {
    const [wanted, found] = [live.metadata[field], patched['metadata']?.[field]]
    if (wanted === found) continue
    throw badRequest(`a patch may not change metadata.${field}: it is ${wanted}, and ${found} after the patch`)
  }
  return patched as KubeObject
}

function patchedBy(type: PatchType, live: KubeObject, patch: unknown, target: Target): unknown {
  switch (type) {
    case 'merge':
      return mergePatch(clone(live), patch)
    case 'strategic':
      if (target.definition.custom) {
        throw new ApiError(
          415,
          'UnsupportedMediaType',
          'strategic merge patches are for built-in kinds: use application/merge-patch+json',
        )
      }
      return strategicMergePatch(clone(live), patch, target.version.schema)
    case 'json':
      try {
        if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations')
        if (patch.length > maximumPatchOperations)
          throw badRequest(`a JSON patch may hold ${maximumPatchOperations} operations`)
        const operations = patch.map(addedWhereMissing) as Parameters<typeof jsonPatch.applyPatch>[1]
        return jsonPatch.applyPatch(clone(live), operations, true).newDocument
      } catch (error) {
        if (error instanceof ApiError) throw error
        const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'invalid'
        throw new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`)
      }
    default:
      return type satisfies never
  }
}

/** The API server replaces a field that is not there, as if it were added; an item of a list it does not. */
function addedWhereMissing(operation: unknown): unknown {
  const {op, path} = (operation ?? {}) as {op?: unknown; path?: unknown}
  const field = typeof path === 'string' && path !== '' && !/\/(\d+|-)$/.test(path)
  return op === 'replace' && field ? {...(operation as object), op: 'add'} : operation
}

// The real API refuses undeclared fields of an apply whatever the field validation.
function undeclared(target: Target, object: KubeObject, unknown: string[]): ApiError {
  const {namespace, name} = object.metadata
  const prefix = `failed to create typed patch object (${namespace ?? ''}/${name}; ${object.apiVersion}, Kind=${target.definition.kind})`
  const fields = unknown.map(field => `.${field}: field not declared in schema`).join(', ')
  return new ApiError(500, '', `${prefix}: ${fields}`)
}
