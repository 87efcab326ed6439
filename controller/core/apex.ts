// The apex Service, for callers outside the mesh: which slot it selects, and who else claims its selector.
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {fieldManager, gitSyncFieldManager, labels} from '../../crds/names.ts'
import type {SlotName} from '../../crds/slots.ts'
import {same} from './equality.ts'
import type {Observation} from './observation.ts'

/** Whether the selector of the apex Service is Fairlead's to move; where it is the route itself it always is. */
export function movesSelector({spec: {service, serviceRefs}, mesh}: Observation): boolean {
  return !serviceRefs && (service.selector === 'exclusive' || mesh.bySelector === true)
}

/** The one slot that the apex Service selects, where its selector is ours to move; undefined for both or none. */
export function apexSlotOf(observation: Observation): SlotName | undefined {
  if (!movesSelector(observation) || !apexTaken(observation)) return undefined
  const slot = observation.apex?.spec?.selector?.[labels.slot]
  return slot === 'a' || slot === 'b' ? slot : undefined
}

/** Whether the apex Service selects one slot; always so where its selector is the user's own. */
export function apexAt(observation: Observation, slot: SlotName): boolean {
  return !movesSelector(observation) || observation.apex?.spec?.selector?.[labels.slot] === slot
}

/** Whether the apex Service still carries a selector of this Rollout's. */
export function apexTaken(observation: Observation): boolean {
  return observation.apex?.spec?.selector?.[labels.rollout] === observation.meshContext.rollout.name
}

/** Labels that Kubernetes itself gives the pods of one template of a workload. */
const podHashes: readonly string[] = ['pod-template-hash', 'controller-revision-hash']

/** A selector without what narrows it to the pods of one template. */
export function withoutHashes(selector: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(selector).filter(([key]) => !podHashes.includes(key)))
}

/** Whether a Service selects the pods of one template. */
export function hasHash({spec}: KubeObject): boolean {
  return podHashes.some(key => spec?.selector?.[key] !== undefined)
}

/**
 * What tells the ready pods of a target from those of the slots, which bear every label of theirs: the hash of their
 * template. Undefined where there is none, or more than one.
 * @param pods pods of its namespace, whoever owns them
 */
export function hashOf(
  {metadata: {name}}: KubeObject,
  pods: readonly KubeObject[],
): Record<string, string> | undefined {
  const hashes = pods
    .filter(pod => isReady(pod) && pod.metadata.labels?.[labels.rollout] === undefined)
    .flatMap(pod => podHashes.flatMap(key => ownHash(pod, name, key)))
  const [first, ...others] = hashes
  return first && others.every(other => same(other, first)) ? first : undefined
}

function isReady({metadata, status}: KubeObject): boolean {
  const conditions: {type: string; status: string}[] = status?.conditions ?? []
  return !metadata.deletionTimestamp && conditions.some(one => one.type === 'Ready' && one.status === 'True')
}

/** A Deployment's pods are those of a ReplicaSet that is named after it and their hash. */
function ownHash({metadata: {labels: own, ownerReferences}}: KubeObject, name: string, key: string) {
  const hash = own?.[key]
  const owner = ownerReferences?.find(({controller}) => controller)
  const isOwn = hash !== undefined && (owner?.name === name || owner?.name === `${name}-${hash}`)
  return isOwn ? [{[key]: hash}] : []
}

/** Managers other than ours that own a field; `path` is the field's path of names, such as spec, replicas. */
export function foreignOwners(object: KubeObject, path: string[], operations: ('Apply' | 'Update')[]): string[] {
  return (object.metadata.managedFields ?? [])
    .filter(entry => entry.manager !== fieldManager && entry.manager !== gitSyncFieldManager)
    .filter(entry => operations.includes(entry.operation ?? 'Update') && entry.subresource !== 'status')
    .filter(entry => ownsField(entry, path))
    .map(entry => entry.manager ?? 'unknown')
}

function ownsField(entry: ManagedFieldsEntry, path: string[]): boolean {
  let fields: unknown = entry.fieldsV1
  for (const name of path) {
    if (fields === null || typeof fields !== 'object') return false
    fields = (fields as Record<string, unknown>)[`f:${name}`]
  }
  return fields !== undefined
}
