// What the playground's workloads and mesh need of an object store. The API emulator's in-process store has this shape,
// so it is passed as it is; any other store (a test's, for one) can take its place.
import type {KubeObject} from '../../crds/meta.ts'

/** What a watcher is told. A DELETED event carries the last state of the object. */
export interface StoreEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
}

/** How a delete is carried out. */
export interface StoreDeleteOptions {
  /** 0 removes a Pod that was already told to end, as the kubelet does it. */
  gracePeriodSeconds?: number
}

/** Under whose name a write is recorded. */
export interface StoreWriteOptions {
  fieldManager?: string
}

/**
 * A synchronous store of Kubernetes objects. A resource is `plural.group`, or `plural` in the core group. Objects that
 * come back must not be changed. Writes throw on a refusal; one that carries a `resourceVersion` is conditional.
 */
export interface WorkloadStore {
  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined
  create(object: KubeObject, options?: StoreWriteOptions): KubeObject
  update(object: KubeObject, options?: StoreWriteOptions): KubeObject
  updateStatus(object: KubeObject, options?: StoreWriteOptions): KubeObject
  delete(resource: string, namespace: string | undefined, name: string, options?: StoreDeleteOptions): unknown
  /** Tells of every object there is as ADDED when `initial` is set, then of every change, in order. */
  watch(resource: string, listener: (event: StoreEvent) => void, options?: {initial?: boolean}): () => void
}
