// The Kubernetes object shapes that every room speaks. Raw JSON, deliberately loose: what a user wrote passes through
// Fairlead untouched, and a typed model that drops unknown fields would destroy data.

/** A JSON value as the API server sends it. */
export type Json = string | number | boolean | null | Json[] | {[key: string]: Json | undefined}

/** A JSON object. */
export interface JsonObject {
  [key: string]: Json | undefined
}

/** One entry of `metadata.ownerReferences`. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** One entry of `metadata.managedFields`; `fieldsV1` is the nested `f:` / `k:` / `v:` notation. */
export interface ManagedFieldsEntry {
  manager?: string
  operation?: 'Apply' | 'Update'
  apiVersion?: string
  time?: string
  fieldsType?: string
  fieldsV1?: JsonObject
  subresource?: string
}

/** `metadata` of a Kubernetes object, as read. */
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFieldsEntry[]
}

/** Any Kubernetes object, as raw JSON. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  // biome-ignore lint/suspicious/noExplicitAny: foreign objects have no static type; readers narrow what they use.
  [field: string]: any
}

/** Names one object. */
export interface ObjectRef {
  apiVersion: string
  kind: string
  namespace?: string
  name: string
}

/** A condition as `kubectl wait` and kstatus read it. */
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

/** Names one namespaced object. */
export function refOf(apiVersion: string, kind: string, namespace: string, name: string): ObjectRef {
  return {apiVersion, kind, namespace, name}
}

/** The reference to an object that was read. */
export function refTo(object: KubeObject): ObjectRef {
  const {name, namespace} = object.metadata
  return {apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace ? {namespace} : {})}
}
