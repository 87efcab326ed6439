// Compares what Git wants with what lives in the cluster, and says who owns a field there.
import type {JsonObject, KubeObject, ManagedFieldsEntry} from '../crds/meta.ts'
import {annotations, gitSyncFieldManager} from '../crds/names.ts'
import {type PreparedObject, withMovedField} from './stamp.ts'

/** Annotations of ours that must go when Git no longer causes them. */
const exactAnnotations = [annotations.replicas, annotations.selector]

/**
 * Whether every field of the manifest already holds in the live object. What others added doesn't count; list items are
 * compared one by one, because a server fills in their defaults.
 */
export function matches(live: KubeObject, manifest: KubeObject): boolean {
  const {resourceVersion: _resourceVersion, ...metadata} = manifest.metadata
  if (!covers(live, {...manifest, metadata})) return false
  return exactAnnotations.every(name => live.metadata.annotations?.[name] === manifest.metadata.annotations?.[name])
}

function covers(live: unknown, wanted: unknown): boolean {
  if (wanted === null || wanted === undefined) return live === null || live === undefined
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    )
  }
  if (typeof wanted === 'object') {
    if (live === null || typeof live !== 'object' || Array.isArray(live)) return false
    return Object.entries(wanted).every(([key, value]) => covers((live as JsonObject)[key], value))
  }
  return live === wanted
}

/**
 * What to apply, given what lives. A field that a Rollout claims is left out, with two exceptions where leaving it out
 * would harm: the selector of a Service that doesn't exist yet (without one it would serve nobody), and a field of which
 * this GitSync is still the only owner (the server would drop it: replicas fall to 1). Then the live value is written
 * once more, on condition that nothing changed in between, until the Rollout's controller has set the field itself.
 */
export function manifestFor(prepared: PreparedObject, live: KubeObject | undefined): KubeObject {
  const {manifest, moved} = prepared
  if (!moved) return manifest
  if (live === undefined) return moved.field === 'selector' ? withMovedField(prepared) : manifest
  if (!isSoleOwner(live, moved.field)) return manifest
  const value = live.spec?.[moved.field]
  const {resourceVersion} = live.metadata
  return {
    ...manifest,
    metadata: {...manifest.metadata, ...(resourceVersion === undefined ? {} : {resourceVersion})},
    spec: {...manifest.spec, [moved.field]: value},
  }
}

function isSoleOwner(live: KubeObject, field: string): boolean {
  const owners = (live.metadata.managedFields ?? []).filter(entry => ownsSpecField(entry, field))
  return owners.length > 0 && owners.every(entry => entry.manager === gitSyncFieldManager)
}

function ownsSpecField(entry: ManagedFieldsEntry, field: string): boolean {
  const spec = entry.fieldsV1?.['f:spec']
  return spec !== null && typeof spec === 'object' && !Array.isArray(spec) && `f:${field}` in spec
}
