// The apex Service, for callers outside the mesh: which slot it selects, and who else claims its selector.
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {fieldManager, gitSyncFieldManager, labels} from '../../crds/names.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {Observation} from './observation.ts'

/** Whether the selector of the apex Service is Fairlead's to move; where it is the route itself it always is. */
export function movesSelector({spec: {service, serviceRefs}, mesh}: Observation): boolean {
  return !serviceRefs && (service.selector === 'exclusive' || mesh.bySelector === true)
}

/** Whether the apex Service selects one slot; always so where its selector is the user's own. */
export function apexAt(observation: Observation, slot: SlotName): boolean {
  return !movesSelector(observation) || observation.apex?.spec?.selector?.[labels.slot] === slot
}

/** Whether the apex Service still carries a selector of this Rollout's. */
export function apexTaken(observation: Observation): boolean {
  return observation.apex?.spec?.selector?.[labels.rollout] === observation.meshContext.rollout.name
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
