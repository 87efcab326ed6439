// Removes what a GitSync applied and Git no longer holds.

import {type Clock, ClusterError} from '../controller/ports.ts'
import type {InventoryEntry} from '../crds/git-sync.ts'
import type {KubeObject, ObjectRef} from '../crds/meta.ts'
import {explainClusterError} from './apply.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {describeRef, isRollout} from './identity.ts'
import {mayPrune} from './inventory.ts'

export interface PruneReport {
  /** What is still to be removed. */
  remaining: InventoryEntry[]
  removed: InventoryEntry[]
  failures: string[]
}

/** After this the objects behind a Rollout that doesn't go are removed nevertheless. */
const rolloutDeadlineMilliseconds = 10 * 60_000

type Removal = 'gone' | 'removed' | 'waiting'

/**
 * Removes entries in their order. A Rollout gives its target back before it goes, so what comes after it waits until it
 * is gone: then `remaining` isn't empty, and the caller comes back.
 * @param gitSync `namespace/name`: only objects that carry its stamp are touched.
 */
export async function pruneEntries(
  entries: readonly InventoryEntry[],
  gitSync: string,
  ports: {cluster: ClusterAccess; clock: Clock},
): Promise<PruneReport> {
  const report: PruneReport = {remaining: [], removed: [], failures: []}
  let waiting = false
  for (const entry of entries) {
    if (waiting && !isRollout(entry)) {
      report.remaining.push(entry)
      continue
    }
    try {
      const removal = await removeEntry(entry, gitSync, ports)
      if (removal === 'waiting') {
        waiting = true
        report.remaining.push(entry)
      }
      if (removal === 'removed') report.removed.push(entry)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      report.remaining.push(entry)
      report.failures.push(`${describeRef(entry)}: ${explainClusterError(error, toRef(entry))}`)
    }
  }
  return report
}

async function removeEntry(
  entry: InventoryEntry,
  gitSync: string,
  ports: {cluster: ClusterAccess; clock: Clock},
): Promise<Removal> {
  const ref = toRef(entry)
  const live = await getIfServed(ports.cluster, entry)
  if (!live || !mayPrune(live, gitSync)) return 'gone'
  if (live.metadata.deletionTimestamp === undefined) {
    const {uid} = live.metadata
    await ports.cluster.delete(ref, {propagation: 'Background', ...(uid === undefined ? {} : {uid})})
    if (!isRollout(entry)) return 'removed'
    return (await ports.cluster.get(ref)) === undefined ? 'removed' : 'waiting'
  }
  if (!isRollout(entry)) return 'gone'
  const since = ports.clock.now() - Date.parse(live.metadata.deletionTimestamp)
  return since > rolloutDeadlineMilliseconds ? 'gone' : 'waiting'
}

/** A kind that the server no longer serves has no objects. */
async function getIfServed(cluster: ClusterAccess, entry: InventoryEntry): Promise<KubeObject | undefined> {
  try {
    return await cluster.get(toRef(entry))
  } catch (error) {
    if (error instanceof ClusterError && error.status === 404) return undefined
    throw error
  }
}

function toRef({apiVersion, kind, namespace, name}: InventoryEntry): ObjectRef {
  return {apiVersion, kind, name, ...(namespace === undefined ? {} : {namespace})}
}
