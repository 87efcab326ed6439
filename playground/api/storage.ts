// What is stored, in which order it changed, and who is told. Everything stored is frozen; resource versions count
// all writes, so they only ever rise.
import type {KubeObject} from '../../crds/meta.ts'
import {expired} from './errors.ts'
import {deepFreeze} from './objects.ts'
import type {StoreEvent} from './types.ts'

/** Events that are kept for watches to resume from. */
export const defaultEventWindow = 5000
/** Core events (the objects) that are kept; the oldest go first. */
const maximumEventObjects = 2000

/** Receives events in the order of their resource versions. */
type StorageListener = (event: StoreEvent) => void

interface Subscription {
  resource: string
  listener: StorageListener
}

/** Where an object lives. */
interface Location {
  resource: string
  key: string
}

/** The key of an object within its resource. */
export function storageKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`
}

function keyOf(object: KubeObject): string {
  return storageKey(object.metadata.namespace, object.metadata.name)
}

function inOrder(objects: ReadonlyMap<string, KubeObject>): KubeObject[] {
  const entries = [...objects]
  return entries.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)).map(([, object]) => object)
}

/** Objects, their history, and subscriptions to it. */
export class Storage {
  private readonly objects = new Map<string, Map<string, KubeObject>>()
  private readonly locations = new Map<string, Location>()
  private readonly dependents = new Map<string, Set<string>>()
  private readonly subscriptions = new Set<Subscription>()
  private readonly undelivered: StoreEvent[] = []
  private readonly unfollowed: StoreEvent[] = []
  private follower: StorageListener = () => {}
  private following = false
  private readonly eventWindow: number
  private events: StoreEvent[] = []
  private delivering = false
  private currentVersion = 1
  private forgottenVersion = 1
  private uidCounter = 0

  constructor(eventWindow: number) {
    this.eventWindow = eventWindow
  }

  /** The resource version of the last write. */
  get resourceVersion(): number {
    return this.currentVersion
  }

  /** Watches and pages from before this resource version can't go on. */
  get oldestResourceVersion(): number {
    return this.forgottenVersion
  }

  read(resource: string, key: string): KubeObject | undefined {
    return this.objects.get(resource)?.get(key)
  }

  /** All objects of a resource, by namespace and name. */
  all(resource: string): KubeObject[] {
    return inOrder(this.objects.get(resource) ?? new Map())
  }

  /** All objects of a resource as they were at a resource version; throws 410 for one that was forgotten. */
  allAt(resource: string, resourceVersion: number): KubeObject[] {
    if (resourceVersion < this.forgottenVersion) {
      throw expired('The resourceVersion for the provided list is too old.')
    }
    const objects = new Map(this.objects.get(resource))
    for (const event of this.eventsSince(resource, resourceVersion).reverse()) {
      if (event.previous === undefined) objects.delete(keyOf(event.object))
      else objects.set(keyOf(event.object), event.previous)
    }
    return inOrder(objects)
  }

  /** True where a namespace still holds objects. */
  holdsObjectsIn(namespace: string): boolean {
    return this.contentOf(namespace).next().done !== true
  }

  /** Everything in a namespace. */
  *contentOf(namespace: string): Generator<{resource: string; object: KubeObject}> {
    for (const [resource, objects] of this.objects) {
      for (const object of [...objects.values()]) if (object.metadata.namespace === namespace) yield {resource, object}
    }
  }

  hasUid(uid: string): boolean {
    return this.locations.has(uid)
  }

  locate(uid: string): Location | undefined {
    return this.locations.get(uid)
  }

  /** Where the objects live that name an owner. */
  dependentsOf(ownerUid: string): Location[] {
    return [...(this.dependents.get(ownerUid) ?? [])].flatMap(uid => this.locations.get(uid) ?? [])
  }

  /** The next uid: unique in this storage, and the same in every run. */
  nextUid(): string {
    this.uidCounter++
    const mixed = Math.imul(this.uidCounter, 0x9e3779b1) >>> 0
    const counter = this.uidCounter.toString(16).padStart(12, '0')
    return `${mixed.toString(16).padStart(8, '0')}-0000-4000-8000-${counter}`
  }

  /** Stores an object under the next resource version, freezes it, and tells the watchers. */
  put(resource: string, object: KubeObject): KubeObject {
    const key = keyOf(object)
    const previous = this.read(resource, key)
    const resourceVersion = ++this.currentVersion
    object.metadata.resourceVersion = String(resourceVersion)
    const stored = deepFreeze(object)
    let objects = this.objects.get(resource)
    if (objects === undefined) this.objects.set(resource, (objects = new Map()))
    objects.set(key, stored)
    this.unlink(previous)
    this.link(resource, key, stored)
    const type = previous === undefined ? 'ADDED' : 'MODIFIED'
    this.record({resourceVersion, resource, type, object: stored, ...(previous === undefined ? {} : {previous})})
    if (resource === 'events' && objects.size > maximumEventObjects) this.removeOldestEvent(objects)
    return stored
  }

  /** Removes an object. The event carries its last state, under the resource version of the removal. */
  remove(resource: string, key: string): KubeObject | undefined {
    const previous = this.read(resource, key)
    if (previous === undefined) return undefined
    this.objects.get(resource)?.delete(key)
    this.unlink(previous)
    const resourceVersion = ++this.currentVersion
    const metadata = {...previous.metadata, resourceVersion: String(resourceVersion)}
    const object = deepFreeze({...previous, metadata})
    this.record({resourceVersion, resource, type: 'DELETED', object, previous})
    return object
  }

  private removeOldestEvent(objects: Map<string, KubeObject>): void {
    const [oldest] = objects.keys()
    if (oldest !== undefined) this.remove('events', oldest)
  }

  private link(resource: string, key: string, object: KubeObject): void {
    const {uid, ownerReferences = []} = object.metadata
    if (uid === undefined) return
    this.locations.set(uid, {resource, key})
    for (const owner of ownerReferences) {
      const known = this.dependents.get(owner.uid)
      if (known === undefined) this.dependents.set(owner.uid, new Set([uid]))
      else known.add(uid)
    }
  }

  private unlink(object: KubeObject | undefined): void {
    const uid = object?.metadata.uid
    if (object === undefined || uid === undefined) return
    this.locations.delete(uid)
    for (const owner of object.metadata.ownerReferences ?? []) {
      const known = this.dependents.get(owner.uid)
      known?.delete(uid)
      if (known?.size === 0) this.dependents.delete(owner.uid)
    }
  }

  private record(event: StoreEvent): void {
    this.events.push(event)
    // Trimmed in large steps, so that a write costs the same however many events are kept.
    if (this.events.length > this.eventWindow * 2) this.forget(this.events.length - this.eventWindow)
    this.undelivered.push(event)
    this.unfollowed.push(event)
    this.react()
  }

  /** Sets the one listener that carries out the consequences of each event, before any watcher is told. */
  follow(follower: StorageListener): void {
    this.follower = follower
  }

  private react(): void {
    if (this.following) return
    this.following = true
    try {
      for (let event = this.unfollowed.shift(); event !== undefined; event = this.unfollowed.shift())
        this.follower(event)
    } finally {
      this.following = false
    }
    this.deliver()
  }

  private deliver(): void {
    if (this.delivering) return
    this.delivering = true
    try {
      for (let event = this.undelivered.shift(); event !== undefined; event = this.undelivered.shift()) {
        for (const subscription of [...this.subscriptions]) {
          if (subscription.resource === event.resource || subscription.resource === '*') subscription.listener(event)
        }
      }
    } finally {
      this.delivering = false
    }
  }

  private forget(count: number): void {
    const last = this.events[count - 1]
    if (last === undefined) return
    this.forgottenVersion = last.resourceVersion
    this.events = this.events.slice(count)
  }

  /** Forgets all events: a watch from an older resource version gets 410. */
  compact(): void {
    this.forget(this.events.length)
    this.forgottenVersion = this.currentVersion
  }

  /** Listeners that have not ended their subscription. */
  get subscriberCount(): number {
    return this.subscriptions.size
  }

  /** Calls back on every later event of a resource (`*` for all); the returned function ends that. */
  subscribe(resource: string, listener: StorageListener): () => void {
    const subscription = {resource, listener}
    this.subscriptions.add(subscription)
    return () => {
      this.subscriptions.delete(subscription)
    }
  }

  /** Events of a resource after a resource version; throws 410 when some of them were forgotten. */
  eventsSince(resource: string, resourceVersion: number): StoreEvent[] {
    if (resourceVersion < this.forgottenVersion) {
      throw expired(`too old resource version: ${resourceVersion} (${this.forgottenVersion})`)
    }
    return this.events.filter(event => event.resourceVersion > resourceVersion && event.resource === resource)
  }
}
