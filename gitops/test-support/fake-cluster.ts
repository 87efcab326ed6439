// A small API server for tests: objects with field ownership (server-side apply at leaf level, selectors and lists
// atomic), resource versions, generations, finalizers and status isolation. Not a Kubernetes, only what GitSync leans on.

import {type ApplyOptions, ClusterError, type ListQuery} from '../../controller/ports.ts'
import type {JsonObject, KubeObject, ObjectRef} from '../../crds/meta.ts'
import type {ClusterAccess} from '../cluster-access.ts'

type Verb = 'get' | 'apply' | 'delete' | 'updateStatus' | 'mergePatch'

interface Stored {
  object: KubeObject
  /** Leaf paths by manager. */
  owners: Map<string, Set<string>>
}

const atomicPath = /^spec\.selector$/
const escapedDot = '\u0001'

export class FakeCluster implements ClusterAccess {
  /** Every write, as `verb Kind name`. */
  readonly writes: string[] = []
  /** May answer an error for a call. */
  intercept: (verb: Verb, ref: ObjectRef) => ClusterError | undefined = () => undefined
  private readonly stored = new Map<string, Stored>()
  private version = 0

  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    this.check('get', ref)
    const found = this.stored.get(keyOf(ref))
    return found && this.present(found)
  }

  async list(query: ListQuery): Promise<KubeObject[]> {
    return [...this.stored.values()]
      .map(found => this.present(found))
      .filter(object => object.kind === query.kind && object.metadata.namespace === query.namespace)
  }

  /** Puts an object there as a user would with kubectl create. */
  async create(object: KubeObject): Promise<KubeObject> {
    return this.write(refOf(object), object, 'user', false)
  }

  async apply(manifest: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const ref = refOf(manifest)
    this.check('apply', ref)
    const {resourceVersion} = manifest.metadata
    const found = this.stored.get(keyOf(ref))
    if (resourceVersion !== undefined && found?.object.metadata.resourceVersion !== resourceVersion) {
      throw new ClusterError(409, 'Conflict', 'the object has been modified')
    }
    return this.write(ref, manifest, options.fieldManager, true)
  }

  async updateStatus(object: KubeObject): Promise<KubeObject> {
    const ref = refOf(object)
    this.check('updateStatus', ref)
    const found = this.mustFind(ref)
    if (object.metadata.resourceVersion !== found.object.metadata.resourceVersion) {
      throw new ClusterError(409, 'Conflict', 'the object has been modified')
    }
    found.object.status = structuredClone(object.status)
    this.touch(found, `updateStatus ${ref.kind} ${ref.name}`)
    return this.present(found)
  }

  async mergePatch(ref: ObjectRef, patch: object, options: {fieldManager: string}): Promise<KubeObject> {
    this.check('mergePatch', ref)
    const found = this.mustFind(ref)
    const {metadata = {}, spec = {}} = patch as Partial<KubeObject>
    const expected = (metadata as KubeObject['metadata']).resourceVersion
    if (expected !== undefined && expected !== found.object.metadata.resourceVersion) {
      throw new ClusterError(409, 'Conflict', 'the object has been modified')
    }
    const {resourceVersion: _version, ...rest} = metadata as KubeObject['metadata']
    const update = {...ref, metadata: {...rest, name: ref.name}, spec} as unknown as KubeObject
    const result = this.write(ref, update, options.fieldManager, false)
    this.collect(ref)
    return result
  }

  async scale(ref: ObjectRef, replicas: number, options: {fieldManager: string}): Promise<void> {
    await this.mergePatch(ref, {spec: {replicas}}, options)
  }

  async delete(ref: ObjectRef): Promise<boolean> {
    this.check('delete', ref)
    const found = this.stored.get(keyOf(ref))
    if (!found) return false
    found.object.metadata.deletionTimestamp ??= new Date(0).toISOString()
    this.touch(found, `delete ${ref.kind} ${ref.name}`)
    this.collect(ref)
    return true
  }

  /** Names of all objects, as `Kind name`. */
  names(): string[] {
    return [...this.stored.values()].map(({object}) => `${object.kind} ${object.metadata.name}`).sort()
  }

  private write(ref: ObjectRef, wanted: KubeObject, manager: string, isApply: boolean): KubeObject {
    const found = this.stored.get(keyOf(ref)) ?? this.make(ref)
    const before = JSON.stringify(found.object)
    const spec = JSON.stringify(found.object.spec)
    const leaves = leavesOf(wanted)
    const own = found.owners.get(manager) ?? new Set()
    for (const [path, value] of leaves) {
      const isChange = JSON.stringify(read(found.object, path)) !== JSON.stringify(value)
      set(found.object, path, value)
      if (isChange) for (const paths of found.owners.values()) paths.delete(path)
      if (isApply || isChange) own.add(path)
    }
    if (isApply) this.dropMissing(found, own, leaves, manager)
    found.owners.set(manager, own)
    if (ref.kind === 'Deployment' && found.object.spec?.replicas === undefined) set(found.object, 'spec.replicas', 1)
    if (JSON.stringify(found.object.spec) !== spec) {
      found.object.metadata.generation = (found.object.metadata.generation ?? 0) + 1
    }
    if (JSON.stringify(found.object) !== before)
      this.touch(found, `${isApply ? 'apply' : 'update'} ${ref.kind} ${ref.name}`)
    return this.present(found)
  }

  private dropMissing(found: Stored, own: Set<string>, leaves: Map<string, unknown>, manager: string): void {
    for (const path of [...own].filter(path => !leaves.has(path))) {
      own.delete(path)
      const isShared = [...found.owners].some(([other, paths]) => other !== manager && paths.has(path))
      if (!isShared) set(found.object, path, undefined)
    }
  }

  private make(ref: ObjectRef): Stored {
    const {apiVersion, kind, name, namespace} = ref
    this.version += 1
    const metadata = {name, uid: `uid-${this.version}`, ...(namespace === undefined ? {} : {namespace})}
    const made: Stored = {object: {apiVersion, kind, metadata}, owners: new Map()}
    // The conditions that a real server writes at once.
    if (kind === 'CustomResourceDefinition') made.object.status = {conditions: [{type: 'Established', status: 'True'}]}
    this.stored.set(keyOf(ref), made)
    return made
  }

  private touch(found: Stored, write: string): void {
    this.version += 1
    found.object.metadata.resourceVersion = String(this.version)
    this.writes.push(write)
  }

  private collect(ref: ObjectRef): void {
    const {metadata} = this.mustFind(ref).object
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0)
      this.stored.delete(keyOf(ref))
  }

  private check(verb: Verb, ref: ObjectRef): void {
    const error = this.intercept(verb, ref)
    if (error) throw error
  }

  private mustFind(ref: ObjectRef): Stored {
    const found = this.stored.get(keyOf(ref))
    if (!found) throw new ClusterError(404, 'NotFound', `${ref.kind} ${ref.name} not found`)
    return found
  }

  private present(found: Stored): KubeObject {
    const object = structuredClone(found.object)
    object.metadata.managedFields = [...found.owners].map(([manager, paths]) => ({
      manager,
      operation: manager.startsWith('fairlead') ? ('Apply' as const) : ('Update' as const),
      fieldsV1: fieldsOf(paths),
    }))
    return object
  }
}

function refOf({apiVersion, kind, metadata}: KubeObject): ObjectRef {
  const {name, namespace} = metadata
  return {apiVersion, kind, name, ...(namespace === undefined ? {} : {namespace})}
}

function keyOf(ref: ObjectRef): string {
  return JSON.stringify([ref.apiVersion.split('/').slice(0, -1), ref.kind, ref.namespace ?? '', ref.name])
}

function leavesOf(object: KubeObject): Map<string, unknown> {
  const leaves = new Map<string, unknown>()
  const visit = (value: unknown, path: string): void => {
    if (value === null || typeof value !== 'object' || Array.isArray(value) || atomicPath.test(path)) {
      leaves.set(path, value)
      return
    }
    for (const [key, child] of Object.entries(value)) {
      const name = key.replaceAll('.', escapedDot)
      visit(child, path === '' ? name : `${path}.${name}`)
    }
  }
  const {apiVersion: _apiVersion, kind: _kind, metadata, status: _status, ...rest} = object
  const {name: _name, namespace: _namespace, resourceVersion: _resourceVersion, ...kept} = metadata
  visit({...rest, metadata: kept}, '')
  return leaves
}

function partsOf(path: string): string[] {
  return path.split('.').map(part => part.replaceAll(escapedDot, '.'))
}

function read(object: unknown, path: string): unknown {
  return partsOf(path).reduce<unknown>((value, part) => (value as JsonObject | undefined)?.[part], object)
}

function set(object: KubeObject, path: string, value: unknown): void {
  const parts = partsOf(path)
  const last = parts.pop() ?? ''
  // biome-ignore lint/suspicious/noExplicitAny: walks raw JSON.
  let at: any = object
  for (const part of parts) {
    at[part] ??= {}
    at = at[part]
  }
  if (value === undefined) delete at[last]
  else at[last] = structuredClone(value)
}

function fieldsOf(paths: ReadonlySet<string>): JsonObject {
  const fields: JsonObject = {}
  for (const path of paths) {
    let at = fields
    for (const part of partsOf(path)) {
      at[`f:${part}`] ??= {}
      at = at[`f:${part}`] as JsonObject
    }
  }
  return fields
}
