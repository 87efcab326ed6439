// Who owns which field: the bookkeeping behind metadata.managedFields.
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {ApiError, type StatusCause} from './errors.ts'
import {
  compare,
  describePaths,
  difference,
  type FieldSet,
  fieldsOf,
  intersection,
  isEmpty,
  union,
} from './field-sets.ts'
import {mergeApplied, removeFields} from './merge.ts'
import {clone, deepEqual, isObject, type Value, without} from './objects.ts'
import type {Schema} from './schema.ts'

/** Who writes, and what the write may own. */
export interface FieldManager {
  name: string
  operation: 'Apply' | 'Update'
  subresource: string
  apiVersion: string
  nowTimestamp: string
}

const maximumManagers = 100
const maximumManagerNameLength = 128
const unownedMetadata = [
  'name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion generateName',
  'deletionTimestamp deletionGracePeriodSeconds',
].flatMap(names => names.split(' '))

/** The part of an object that managers own: no type, no system metadata, no status where that is written apart. */
function ownedPart(object: KubeObject, subresource: string, hasStatus: boolean): Record<string, unknown> {
  const {metadata, status, ...rest} = without(object, 'apiVersion', 'kind')
  const fields = Object.entries(metadata ?? {}).filter(([field]) => !unownedMetadata.includes(field))
  const owned: Record<string, unknown> = {...(subresource === 'status' ? {} : rest)}
  if (fields.length > 0) owned['metadata'] = Object.fromEntries(fields)
  if (status !== undefined && (subresource === 'status' || !hasStatus)) owned['status'] = status
  return owned
}

function fieldsOfEntry(entry: ManagedFieldsEntry): FieldSet {
  return (entry.fieldsV1 ?? {}) as unknown as FieldSet
}

function isEntryOf(entry: ManagedFieldsEntry, manager: FieldManager): boolean {
  return (
    entry.manager === manager.name &&
    entry.operation === manager.operation &&
    (entry.subresource ?? '') === manager.subresource
  )
}

function newEntry(manager: FieldManager, fields: FieldSet): ManagedFieldsEntry {
  return {
    manager: manager.name.slice(0, maximumManagerNameLength),
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    time: manager.nowTimestamp,
    fieldsType: 'FieldsV1',
    fieldsV1: fields as never,
    ...(manager.subresource === '' ? {} : {subresource: manager.subresource}),
  }
}

// Replaces one manager's fields; its time moves only with its fields.
function withFields(entries: ManagedFieldsEntry[], manager: FieldManager, fields: FieldSet): ManagedFieldsEntry[] {
  const current = entries.find(entry => isEntryOf(entry, manager))
  if (current === undefined) return isEmpty(fields) ? entries : [...entries, newEntry(manager, fields)]
  if (isEmpty(fields)) return entries.filter(entry => entry !== current)
  if (deepEqual(current.fieldsV1, fields)) return entries
  return entries.map(entry => (entry === current ? newEntry(manager, fields) : entry))
}

function withoutFields(entries: ManagedFieldsEntry[], gone: FieldSet, except?: FieldManager): ManagedFieldsEntry[] {
  const result: ManagedFieldsEntry[] = []
  for (const entry of entries) {
    if (except !== undefined && isEntryOf(entry, except)) {
      result.push(entry)
      continue
    }
    const fields = fieldsOfEntry(entry)
    const rest = difference(fields, gone)
    if (!isEmpty(rest)) result.push(deepEqual(rest, fields) ? entry : {...entry, fieldsV1: rest as never})
  }
  return result
}

// The oldest Update managers are merged when there are too many, as the API server does.
function capped(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const updates = entries.filter(entry => entry.operation === 'Update')
  const excess = entries.length - maximumManagers
  if (excess <= 0 || updates.length < 2) return entries
  const merged = updates.slice(0, excess + 1)
  const fields = merged.map(fieldsOfEntry).reduce(union)
  const [first] = merged
  const ancient: ManagedFieldsEntry = {...first, manager: 'ancient-changes', fieldsV1: fields as never}
  return [...entries.filter(entry => !merged.includes(entry)), ancient]
}

/** Parts that an object of a built-in kind has from the start: nobody adds them, so nobody owns the part itself. */
const givenParts: Readonly<Record<string, readonly string[]>> = {
  Deployment: [
    'spec',
    'spec.strategy',
    'spec.template',
    'spec.template.metadata',
    'spec.template.spec',
    'spec.template.spec.containers',
    'status',
  ],
  ReplicaSet: [
    'spec',
    'spec.template',
    'spec.template.metadata',
    'spec.template.spec',
    'spec.template.spec.containers',
    'status',
  ],
  Service: ['spec', 'status', 'status.loadBalancer'],
  Pod: ['spec', 'spec.containers', 'status'],
  Namespace: ['spec', 'status'],
  Node: ['spec', 'status'],
  Lease: ['spec'],
  PersistentVolumeClaim: ['spec', 'spec.resources', 'status'],
  HorizontalPodAutoscaler: ['spec', 'spec.scaleTargetRef', 'status'],
}

/** What a Service gets after its fields have found their owner. */
const allocated = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']

/** The old object with what every object of its kind has, as far as the new one has it too. */
function withGivenParts(before: Value, after: Value, {kind, apiVersion}: KubeObject): Value {
  const parts = apiVersion.includes('.') && !apiVersion.includes('k8s.io') ? [] : (givenParts[kind] ?? [])
  const result = clone(before)
  for (const part of ['metadata', ...parts]) {
    let [old, updated]: [Value, Value] = [result, after]
    for (const name of part.split('.')) {
      const inner: Value = updated?.[name]
      if (!isObject(inner) && !Array.isArray(inner)) break
      old[name] ??= Array.isArray(inner) ? [] : {}
      ;[old, updated] = [old[name], updated[name]]
    }
  }
  return result
}

/** The managed fields after an ordinary write: whoever changes a field becomes its sole owner. */
export function afterUpdate(
  old: KubeObject | undefined,
  updated: KubeObject,
  manager: FieldManager,
  schema: Schema,
): ManagedFieldsEntry[] {
  const entries = clone(old?.metadata.managedFields ?? [])
  // An object of which nobody owns anything is not tracked any more, until somebody applies to it.
  if (old !== undefined && entries.length === 0) return []
  const after = ownedPart(updated, '', false)
  if (old === undefined && updated.kind === 'Service') after['spec'] = without(updated['spec'], ...allocated)
  const before = withGivenParts(old === undefined ? {} : ownedPart(old, '', false), after, updated)
  const changes = compare(before, after, schema)
  const gained = union(changes.added, changes.modified)
  const own = entries.find(entry => isEntryOf(entry, manager))
  const fields = union(difference(own === undefined ? {} : fieldsOfEntry(own), changes.removed), gained)
  const others = withoutFields(entries, union(gained, changes.removed), manager)
  return capped(withFields(others, manager, fields))
}

/** What a server-side apply makes of an object. */
interface ApplyResult {
  object: KubeObject
  managedFields: ManagedFieldsEntry[]
}

/**
 * Merges a configuration into the live object.
 * Throws 409 with a cause per field where another manager owns a field that would change, unless `force`.
 */
export function applyConfiguration(
  live: KubeObject,
  configuration: KubeObject,
  manager: FieldManager,
  options: {schema: Schema; hasStatus: boolean; force: boolean},
): ApplyResult {
  const {schema} = options
  const entries = clone(live.metadata.managedFields ?? [])
  const owned = ownedPart(configuration, manager.subresource, options.hasStatus)
  const applied = fieldsOf(owned, schema)
  const current = entries.find(entry => isEntryOf(entry, manager))
  const others = entries.filter(entry => entry !== current)
  const kept = others.map(fieldsOfEntry).reduce(union, applied)
  const before = ownedPart(live, '', false)
  const merged = mergeApplied(before, owned, schema)
  const dropped = current === undefined ? {} : difference(fieldsOfEntry(current), applied)
  const result = removeFields(merged, schema, dropped, kept) ?? {}
  const changes = compare(before, result, schema)
  const changed = union(changes.added, changes.modified)
  refuseConflicts(others, changed, options.force)
  const {metadata, ...rest} = clone(result)
  const object: KubeObject = {...rest, apiVersion: live.apiVersion, kind: live.kind, metadata: systemMetadata(live)}
  Object.assign(object.metadata, metadata ?? {})
  const remaining = withoutFields(entries, union(changed, changes.removed), manager)
  const managedFields = capped(withFields(remaining, manager, applied))
  const idle = isEmpty(changed) && isEmpty(changes.removed)
  return {object, managedFields: idle ? withTime(managedFields, manager, current?.time) : managedFields}
}

/** An apply that changes nothing leaves its manager's time as it was, or without any. */
function withTime(entries: ManagedFieldsEntry[], manager: FieldManager, time?: string): ManagedFieldsEntry[] {
  return entries.map(entry => {
    if (!isEntryOf(entry, manager)) return entry
    const {time: _, ...timeless} = entry
    return time === undefined ? timeless : {...timeless, time}
  })
}

function systemMetadata(object: KubeObject): KubeObject['metadata'] {
  const fields = Object.entries(object.metadata).filter(([field]) => unownedMetadata.includes(field))
  return Object.fromEntries(fields) as unknown as KubeObject['metadata']
}

function refuseConflicts(others: ManagedFieldsEntry[], changed: FieldSet, force: boolean): void {
  if (force) return
  const causes: StatusCause[] = []
  const texts: string[] = []
  for (const entry of others) {
    const paths = describePaths(intersection(fieldsOfEntry(entry), changed))
    const subresource = entry.subresource === undefined ? '' : ` with subresource "${entry.subresource}"`
    // Appliers are told apart by name alone.
    const time = entry.time === undefined ? '' : ` at ${entry.time}`
    const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}${time}` : ''
    const who = `conflict with "${entry.manager}"${subresource}${using}`
    for (const field of paths) causes.push({reason: 'FieldManagerConflict', message: who, field})
    if (paths.length === 1) texts.push(`${who}: ${paths[0]}`)
    else if (paths.length > 1) texts.push(`${who}:\n${paths.map(path => `- ${path}`).join('\n')}`)
  }
  if (causes.length === 0) return
  const plural = causes.length === 1 ? 'conflict' : 'conflicts'
  const only = causes[0] as StatusCause
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} ${plural}: ${texts.join('\n')}`
  throw new ApiError(409, 'Conflict', message, {causes})
}
