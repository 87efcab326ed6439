// Deletion, and what follows from it: finalizers, dependents, the content of namespaces and of definitions.
import type {KubeObject, OwnerReference} from '../../crds/meta.ts'
import {establishedStatus, readDefinition} from './custom-resources.ts'
import {ApiError, conflict, notFound} from './errors.ts'
import {clone, timestamp, without} from './objects.ts'
import type {Registry} from './resources.ts'
import {type Storage, storageKey} from './storage.ts'
import type {DeleteOptions, ResourceDefinition, StoreEvent} from './types.ts'
import type {Target, Writer} from './writer.ts'

const definitions = 'customresourcedefinitions.apiextensions.k8s.io'
const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'
const foregroundFinalizer = 'foregroundDeletion'
const defaultGracePeriodSeconds = 30
const permanentNamespaces = ['default', 'kube-system']

interface Parts {
  storage: Storage
  registry: Registry
  writer: Writer
  now: () => number
}

/** Deletes objects, and carries out at once what controllers of a cluster do in the background. */
export class Deleter {
  private readonly parts: Parts

  constructor(parts: Parts) {
    this.parts = parts
    parts.storage.follow(event => this.react(event))
  }

  /** Deletes or marks an object; returns its last state, or the marked object while something holds it back. */
  delete(
    target: Target,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions,
  ): {object: KubeObject; gone: boolean} {
    const {definition} = target
    const object = this.parts.writer.load(target, namespace, name)
    if (object === undefined) throw notFound(definition, name)
    checkPreconditions(definition, object, options)
    if (definition.id === 'namespaces' && permanentNamespaces.includes(name)) throw permanentNamespace(name)
    if (options.dryRun === true) return {object, gone: true}
    if (options.propagationPolicy === 'Orphan') this.orphan(object)
    const finalizers = [...(object.metadata.finalizers ?? [])]
    const addFinalizer = (finalizer: string) => {
      if (object.metadata.deletionTimestamp === undefined && !finalizers.includes(finalizer)) finalizers.push(finalizer)
    }
    if (options.propagationPolicy === 'Foreground' && this.isBlocked(object)) addFinalizer(foregroundFinalizer)
    if (definition.id === definitions && this.instancesOf(object).length > 0) addFinalizer(cleanupFinalizer)
    const graceSeconds = gracePeriodSeconds(object, options)
    const isNamespace = definition.id === 'namespaces'
    if (finalizers.length > 0 || graceSeconds > 0 || isNamespace) {
      const marked = this.mark(target, object, finalizers, graceSeconds)
      return {
        object: marked,
        gone: this.parts.writer.load(target, namespace, name)?.metadata.uid !== object.metadata.uid,
      }
    }
    this.parts.storage.remove(definition.alias?.id ?? definition.id, storageKey(namespace, name))
    return {object, gone: true}
  }

  private mark(target: Target, object: KubeObject, finalizers: string[], graceSeconds: number): KubeObject {
    const {deletionTimestamp} = object.metadata
    const earlierSeconds = earlierGracePeriodSeconds(object)
    if (deletionTimestamp !== undefined && earlierSeconds === graceSeconds) return object
    const metadata: Record<string, unknown> = {...object.metadata, deletionGracePeriodSeconds: graceSeconds}
    if (finalizers.length > 0) metadata['finalizers'] = finalizers
    // A grace period that is shortened still began with the first delete.
    const begin =
      deletionTimestamp === undefined ? this.parts.now() : Date.parse(deletionTimestamp) - (earlierSeconds ?? 0) * 1000
    metadata['deletionTimestamp'] = timestamp(begin + graceSeconds * 1000)
    if (deletionTimestamp === undefined && target.definition.hasGeneration)
      metadata['generation'] = (object.metadata.generation ?? 0) + 1
    const marked = {...object, metadata} as unknown as KubeObject
    if (target.definition.id === 'namespaces') marked['status'] = {...object['status'], phase: 'Terminating'}
    return this.parts.writer.save(target, clone(marked))
  }

  private dependents(owner: KubeObject): {definition: ResourceDefinition; object: KubeObject}[] {
    const {storage, registry} = this.parts
    return storage.dependentsOf(owner.metadata.uid ?? '').flatMap(({resource, key}) => {
      const definition = registry.get(resource)
      const object = storage.read(resource, key)
      return definition === undefined || object === undefined ? [] : [{definition, object}]
    })
  }

  private orphan(owner: KubeObject): void {
    for (const {definition, object} of this.dependents(owner)) {
      const ownerReferences = object.metadata.ownerReferences ?? []
      const others = ownerReferences.filter(item => item.uid !== owner.metadata.uid)
      this.keepOwners(definition, object, others)
    }
  }

  private keepOwners(definition: ResourceDefinition, object: KubeObject, ownerReferences: OwnerReference[]): void {
    const metadata = without(object.metadata, 'ownerReferences')
    const rest = ownerReferences.length === 0 ? metadata : {...metadata, ownerReferences}
    this.parts.writer.save(storageTarget(definition), clone({...object, metadata: rest}))
  }

  /** True while an object that is deleted in the foreground has to wait for a dependent. */
  private isBlocked(owner: KubeObject): boolean {
    const blocks = (reference: OwnerReference) =>
      reference.uid === owner.metadata.uid && reference.blockOwnerDeletion === true
    return this.dependents(owner).some(({object}) => object.metadata.ownerReferences?.some(blocks))
  }

  /** True for an owner that is there, and does not wait for its dependents to go. */
  private isLasting(uid: string): boolean {
    const location = this.parts.storage.locate(uid)
    const owner = location === undefined ? undefined : this.parts.storage.read(location.resource, location.key)
    if (owner === undefined) return false
    const {deletionTimestamp, finalizers} = owner.metadata
    return deletionTimestamp === undefined || finalizers?.includes(foregroundFinalizer) !== true
  }

  private instancesOf(crd: KubeObject): KubeObject[] {
    return this.parts.storage.all(crd.metadata.name)
  }

  /** Called with every event, in order, before any watcher is told of later ones. */
  private react(event: StoreEvent): void {
    const {type, object, resource} = event
    const deleting = object.metadata.deletionTimestamp !== undefined
    if (resource === definitions) this.followDefinition(event)
    this.finishFormerOwners(event)
    if (type === 'DELETED') {
      this.release(event.previous ?? object, 'Background')
      this.finishContainers(object, resource)
    } else if (deleting && resource === 'namespaces') this.emptyNamespace(object)
    else if (deleting && resource === definitions) this.emptyDefinition(object)
    else if (deleting && object.metadata.finalizers?.includes(foregroundFinalizer)) this.deleteInForeground(object)
    if (type !== 'DELETED') this.collectOrphaned(resource, object)
  }

  private deleteQuietly(definition: ResourceDefinition, object: KubeObject, options: DeleteOptions): void {
    const current = this.parts.storage.read(definition.id, storageKey(object.metadata.namespace, object.metadata.name))
    if (current === undefined || current.metadata.uid !== object.metadata.uid) return
    if (current.metadata.deletionTimestamp !== undefined) return
    this.delete(storageTarget(definition), object.metadata.namespace, object.metadata.name, options)
  }

  // The dependents of what goes go too, unless another owner is left: then they lose this one only.
  private release(owner: KubeObject, propagationPolicy: 'Background' | 'Foreground'): void {
    for (const {definition, object} of this.dependents(owner)) {
      const owners = object.metadata.ownerReferences ?? []
      const lasting = owners.filter(item => item.uid !== owner.metadata.uid && this.isLasting(item.uid))
      if (lasting.length === 0) this.deleteQuietly(definition, object, {propagationPolicy})
      else this.keepOwners(definition, object, lasting)
    }
  }

  private collectOrphaned(resource: string, object: KubeObject): void {
    const owners = object.metadata.ownerReferences ?? []
    const definition = this.parts.registry.get(resource)
    if (definition === undefined || owners.length === 0) return
    if (!owners.some(owner => this.parts.storage.hasUid(owner.uid))) this.deleteQuietly(definition, object, {})
  }

  private deleteInForeground(owner: KubeObject): void {
    this.release(owner, 'Foreground')
    this.finishForeground(owner.metadata.uid ?? '')
  }

  private finishForeground(uid: string): void {
    const location = this.parts.storage.locate(uid)
    const definition = location === undefined ? undefined : this.parts.registry.get(location.resource)
    const current = location === undefined ? undefined : this.parts.storage.read(location.resource, location.key)
    if (definition === undefined || !current?.metadata.finalizers?.includes(foregroundFinalizer)) return
    if (!this.isBlocked(current)) this.dropFinalizer(definition, current, foregroundFinalizer)
  }

  private dropFinalizer(definition: ResourceDefinition, object: KubeObject, finalizer: string): void {
    const finalizers = (object.metadata.finalizers ?? []).filter(item => item !== finalizer)
    const metadata = without(object.metadata, 'finalizers')
    const rest = finalizers.length === 0 ? metadata : {...metadata, finalizers}
    this.parts.writer.save(storageTarget(definition), clone({...object, metadata: rest}))
  }

  // An owner may have waited for an object that is gone, or isn't its dependent any more.
  private finishFormerOwners({type, object, previous}: StoreEvent): void {
    const blocking = (state: KubeObject | undefined) =>
      (state?.metadata.ownerReferences ?? []).filter(item => item.blockOwnerDeletion === true).map(item => item.uid)
    const left = type === 'DELETED' ? [] : blocking(object)
    for (const uid of blocking(previous)) if (!left.includes(uid)) this.finishForeground(uid)
  }

  // Something went away: whatever waited for that may be complete now.
  private finishContainers(gone: KubeObject, resource: string): void {
    const {storage, registry} = this.parts
    const namespace = storage.read('namespaces', storageKey(undefined, gone.metadata.namespace ?? ''))
    if (namespace?.metadata.deletionTimestamp !== undefined) this.finishNamespace(namespace)
    const crd = storage.read(definitions, storageKey(undefined, resource))
    const definition = registry.get(definitions)
    if (definition === undefined || !crd?.metadata.finalizers?.includes(cleanupFinalizer)) return
    if (this.instancesOf(crd).length === 0) this.dropFinalizer(definition, crd, cleanupFinalizer)
  }

  private emptyNamespace(namespace: KubeObject): void {
    for (const {resource, object} of [...this.parts.storage.contentOf(namespace.metadata.name)]) {
      const definition = this.parts.registry.get(resource)
      if (definition !== undefined) this.deleteQuietly(definition, object, {propagationPolicy: 'Background'})
    }
    this.finishNamespace(namespace)
  }

  private finishNamespace(namespace: KubeObject): void {
    const {name, uid} = namespace.metadata
    const current = this.parts.storage.read('namespaces', storageKey(undefined, name))
    if (current === undefined || current.metadata.uid !== uid || (current.metadata.finalizers ?? []).length > 0) return
    if (!this.parts.storage.holdsObjectsIn(name)) this.parts.storage.remove('namespaces', storageKey(undefined, name))
  }

  private emptyDefinition(crd: KubeObject): void {
    const definition = this.parts.registry.get(crd.metadata.name)
    if (definition === undefined) return
    for (const object of this.instancesOf(crd))
      this.deleteQuietly(definition, object, {propagationPolicy: 'Background'})
  }

  private followDefinition(event: StoreEvent): void {
    const {registry} = this.parts
    if (event.type === 'DELETED') registry.remove(event.object.metadata.name)
    else registry.add(readDefinition({...event.object, status: establishedStatus(event.object, '')}))
  }
}

/** The storage version of a resource, to write what needs no conversion. */
function storageTarget(definition: ResourceDefinition): Target {
  const [version] = definition.versions
  if (version === undefined) throw new Error(`resource ${definition.id} has no versions`)
  return {definition, version, subresource: ''}
}

// Pods on a node are ended by that node's kubelet, which then deletes them with a grace period of 0.
function gracePeriodSeconds(object: KubeObject, options: DeleteOptions): number {
  if (object.kind !== 'Pod' || !object['spec']?.nodeName) return 0
  if (['Succeeded', 'Failed'].includes(object['status']?.phase)) return 0
  const earlier = earlierGracePeriodSeconds(object)
  // A delete that follows another may only shorten the time.
  if (earlier !== undefined) return Math.min(options.gracePeriodSeconds ?? earlier, earlier)
  return options.gracePeriodSeconds ?? object['spec'].terminationGracePeriodSeconds ?? defaultGracePeriodSeconds
}

/** The grace period that an earlier delete gave. */
function earlierGracePeriodSeconds(object: KubeObject): number | undefined {
  return (object.metadata as {deletionGracePeriodSeconds?: number}).deletionGracePeriodSeconds
}

function permanentNamespace(name: string): ApiError {
  const message = `namespaces "${name}" is forbidden: this namespace may not be deleted`
  return new ApiError(403, 'Forbidden', message, {name, kind: 'namespaces'})
}

function checkPreconditions(definition: ResourceDefinition, object: KubeObject, options: DeleteOptions): void {
  const {uid, resourceVersion} = options.preconditions ?? {}
  const {metadata} = object
  // Here the API server names the kind where it names the resource everywhere else.
  const named = {group: definition.group, plural: definition.kind}
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      named,
      metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    )
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`
    throw conflict(named, metadata.name, why)
  }
}
