// The shapes that the parts of the emulator exchange.
import type {KubeObject} from '../../crds/meta.ts'
import type {Schema} from './schema.ts'

/** A request as it arrives over HTTP, or from a test. `path` holds no query; header names are in lower case. */
export interface ApiRequest {
  method: string
  path: string
  query?: Record<string, string>
  headers?: Record<string, string | undefined>
  /** The raw body, or an object that stands for its JSON. */
  body?: Uint8Array | string | object
}

/** An answer. `body` is JSON (frozen: clone it before changing it), plain text or bytes. */
export interface ApiResponse {
  status: number
  headers: Record<string, string>
  body: object | string | Uint8Array
}

/** A column of `kubectl get`. `path` is a JSONPath as in a CRD, or a function of the object. */
export interface PrinterColumn {
  name: string
  type: string
  format?: string
  description?: string
  priority?: number
  jsonPath?: string
  cell?: (object: KubeObject, nowMilliseconds: number) => string | number | null
}

/** Where a resource keeps what its `scale` subresource shows; paths such as `.spec.replicas`. */
export interface ScaleDefinition {
  specReplicasPath: string
  statusReplicasPath: string
  labelSelectorPath?: string
}

/** One served version of a resource. */
export interface ResourceVersion {
  name: string
  schema: Schema
  columns: PrinterColumn[]
  hasStatus: boolean
  scale?: ScaleDefinition
  deprecated?: boolean
  /** From and to the storage version, where more than the apiVersion differs. */
  conversion?: VersionConversion
}

/** How another shape shows what is stored, and is stored itself. */
interface VersionConversion {
  fromStorage(object: KubeObject): KubeObject
  toStorage(object: KubeObject): KubeObject
}

/** A kind of object that the API serves. */
export interface ResourceDefinition {
  /** `plural.group`, or `plural` in the core group: how every function of the store names the resource. */
  id: string
  group: string
  plural: string
  singular: string
  kind: string
  listKind: string
  namespaced: boolean
  shortNames: string[]
  categories: string[]
  /** The first is the storage version. */
  versions: ResourceVersion[]
  /** Custom resources prune strictly, and their status writes leave metadata alone. */
  custom: boolean
  /** True where `metadata.generation` counts changes outside of metadata and status. */
  hasGeneration: boolean
  /** Another resource whose objects these are, seen through a conversion. */
  alias?: ResourceAlias
}

/** How events.k8s.io events share the storage of core events. */
export interface ResourceAlias extends VersionConversion {
  id: string
}

/** What one write changed. Objects are frozen. */
export interface StoreEvent {
  resourceVersion: number
  resource: string
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
  /** The object before a MODIFIED or DELETED event. */
  previous?: KubeObject
}

/** What a watcher is told. A DELETED event carries the last state of the object. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
}

/** Options of every write. */
export interface WriteOptions {
  fieldManager?: string
  dryRun?: boolean
  /** What to do with undeclared fields: refuse (400), warn, or drop silently. */
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore'
  /** Receives the warnings that a response would carry in its Warning headers. */
  warnings?: string[]
}

/** Options of a delete, as in metav1.DeleteOptions. */
export interface DeleteOptions {
  preconditions?: {uid?: string; resourceVersion?: string}
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  /** Pods only; 0 removes one at once. */
  gracePeriodSeconds?: number
  dryRun?: boolean
}

/** What a list or a watch is narrowed to. */
export interface ListOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}
