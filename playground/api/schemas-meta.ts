// Schemas that every kind shares.
import {
  atomic,
  flag,
  integer,
  list,
  listMap,
  long,
  object,
  open,
  type Schema,
  set,
  text,
  textMap,
  time,
} from './schema.ts'

const ownerReference = atomic(
  object({
    'apiVersion!': text,
    'kind!': text,
    'name!': text,
    'uid!': text,
    controller: flag,
    blockOwnerDeletion: flag,
  }),
)

/** metav1.ObjectMeta. */
export const objectMeta: Schema = object({
  name: text,
  generateName: text,
  namespace: text,
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: long,
  creationTimestamp: {...time, nullable: true},
  deletionTimestamp: time,
  deletionGracePeriodSeconds: long,
  labels: textMap,
  annotations: textMap,
  finalizers: set(text),
  ownerReferences: listMap(ownerReference, ['uid']),
  managedFields: list(open),
})

/** metav1.LabelSelector, which server-side apply replaces as a whole. */
export const labelSelector: Schema = atomic(
  object({
    matchLabels: textMap,
    matchExpressions: list(object({'key!': text, 'operator!': text, values: list(text)})),
  }),
)

export const localObjectReference: Schema = atomic(object({name: text}))

export const objectReference: Schema = atomic(
  object({
    apiVersion: text,
    kind: text,
    name: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    fieldPath: text,
  }),
)

/** A list of conditions, merged by their type. */
export const conditions: Schema = listMap(
  object({
    'type!': text,
    'status!': text,
    reason: text,
    message: text,
    observedGeneration: long,
    lastTransitionTime: {...time, nullable: true},
    lastUpdateTime: {...time, nullable: true},
    lastProbeTime: {...time, nullable: true},
    lastHeartbeatTime: {...time, nullable: true},
  }),
  ['type'],
)

/** The schema of a whole object: type, metadata, and the fields given. */
export function kindSchema(fields: Record<string, Schema>): Schema {
  return object({apiVersion: text, kind: text, metadata: objectMeta, ...fields})
}

/** The status of apps/v1 workloads, which differ in their counters alone. */
export function workloadStatus(counters: string[], extra: Record<string, Schema> = {}): Schema {
  const fields: Record<string, Schema> = {observedGeneration: long, conditions, collisionCount: integer, ...extra}
  for (const counter of counters) fields[counter] = integer
  return object(fields)
}
