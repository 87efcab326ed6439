// What a GitSync has applied, and which of it is to go.
import type {InventoryEntry} from '../crds/git-sync.ts'
import type {KubeObject} from '../crds/meta.ts'
import {annotations, group} from '../crds/names.ts'
import {identityOf, inPruneOrder} from './identity.ts'

/** Annotation by which a user keeps an object that leaves Git; its value is `disabled`. */
const pruneAnnotation = `${group}/prune`

export type PrunePlan = {kind: 'prune'; entries: InventoryEntry[]} | {kind: 'refused'; message: string}

/**
 * What of the old inventory the new one doesn't hold any more, in the order of removal. Refused when nothing at all
 * would be left: far more often a wrong path than a wish.
 */
export function planPrune(
  before: readonly InventoryEntry[],
  after: readonly InventoryEntry[],
  path: string,
): PrunePlan {
  if (before.length > 0 && after.length === 0) {
    return {
      kind: 'refused',
      message: `spec.path ${JSON.stringify(path)} holds no manifests any more, so all ${before.length} objects would be removed: correct spec.path, or delete the GitSync if they shall go`,
    }
  }
  const kept = new Set(after.map(identityOf))
  return {kind: 'prune', entries: inPruneOrder(before.filter(entry => !kept.has(identityOf(entry))))}
}

/** Both inventories, each object once; the newer entry wins. */
export function mergeInventories(
  before: readonly InventoryEntry[],
  after: readonly InventoryEntry[],
): InventoryEntry[] {
  const merged = new Map<string, InventoryEntry>()
  for (const entry of [...before, ...after]) merged.set(identityOf(entry), entry)
  return [...merged.values()]
}

/**
 * Whether a live object may be removed by a GitSync (`namespace/name`): only what still carries its stamp, and what no
 * user protected.
 */
export function mayPrune(live: KubeObject, gitSync: string): boolean {
  const stamps = live.metadata.annotations ?? {}
  return stamps[annotations.gitSync] === gitSync && stamps[pruneAnnotation] !== 'disabled'
}
