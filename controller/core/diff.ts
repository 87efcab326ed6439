// Whether an intent still asks for anything. An apply that would change nothing is never sent: the hash of what was last
// applied tells whether something has been left out since, and the comparison whether somebody else changed it.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, finalizer} from '../../crds/names.ts'
import {digest, holds, same} from './equality.ts'
import type {Intent} from './intents.ts'
import {isParked} from './workloads.ts'

const builtInGroups = new Set(['', 'apps'])

/** Whether a manifest changes an object of the user's: it names the version that it was made from, and leaves no stamp. */
function isBorrowed({metadata}: KubeObject): boolean {
  return metadata.resourceVersion !== undefined
}

/** The manifest of an apply as it is sent: with the hash of its contents. */
export function stampedBy({manifest, bare}: Extract<Intent, {kind: 'apply'}>): KubeObject {
  return bare ? manifest : stamped(manifest)
}

/** A manifest with the hash of its contents. */
export function stamped(manifest: KubeObject): KubeObject {
  const {metadata} = manifest
  if (isBorrowed(manifest)) return manifest
  const stamps = {...metadata.annotations, [annotations.applied]: digest(manifest, 16)}
  return {...manifest, metadata: {...metadata, annotations: stamps}}
}

/**
 * Whether an intent has to be carried out.
 * @param live the object that it is about, as last seen.
 */
export function outstanding(intent: Intent, live: KubeObject | undefined): boolean {
  switch (intent.kind) {
    case 'apply': {
      if (intent.drifted) return true
      if (intent.bare) return live?.metadata.annotations?.[annotations.applied] !== undefined
      if (isBorrowed(intent.manifest)) return live !== undefined && !carries(live, intent.manifest)
      const group = intent.manifest.apiVersion.includes('/') ? (intent.manifest.apiVersion.split('/')[0] ?? '') : ''
      return !live || !holds(stamped(intent.manifest), live, builtInGroups.has(group) ? 'named' : 'exact')
    }
    case 'scale':
      return live !== undefined && (live.spec?.replicas ?? 0) !== intent.replicas
    case 'park':
      return live !== undefined && !isParked(live)
    case 'template':
      return live !== undefined && !same(live.spec?.template, intent.template)
    case 'delete':
      return live !== undefined && live.metadata.uid === intent.uid && live.metadata.deletionTimestamp === undefined
    case 'finalizer':
      return live !== undefined && (live.metadata.finalizers ?? []).includes(finalizer) !== intent.present
    default:
      return intent satisfies never
  }
}

/** Whether a user's object has every field of the spec as the manifest has it: without a stamp nothing may be left over. */
function carries(live: KubeObject, manifest: KubeObject): boolean {
  return Object.entries(manifest.spec ?? {}).every(([field, value]) => same(value, live.spec?.[field]))
}
