// Applies prepared objects one after the other. One that fails doesn't stop the others.

import {type Clock, ClusterError} from '../controller/ports.ts'
import type {InventoryEntry} from '../crds/git-sync.ts'
import type {KubeObject, ObjectRef} from '../crds/meta.ts'
import {annotations, apiVersion, gitSyncFieldManager} from '../crds/names.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {describeRef, refOf} from './identity.ts'
import {manifestFor, matches} from './live.ts'
import type {PreparedObject} from './stamp.ts'

export interface ApplyPorts {
  cluster: ClusterAccess
  clock: Clock
}

export interface ApplyReport {
  /** Every object that now is as Git says. */
  applied: InventoryEntry[]
  /** Those of them that had to be changed. */
  changed: ObjectRef[]
  /** A sentence for each that failed: where in Git it stands, what the server said, the fix. */
  failures: string[]
}

const maximumErrorLength = 600
const maximumCauses = 5
const maximumApplyAttempts = 4
const establishAttempts = 40
const establishDelayMilliseconds = 250

/**
 * Applies with server-side apply under the manager of GitSyncs, by force.
 * @param gitSync `namespace/name` of the GitSync.
 */
export async function applyObjects(
  objects: readonly PreparedObject[],
  gitSync: string,
  ports: ApplyPorts,
): Promise<ApplyReport> {
  const report: ApplyReport = {applied: [], changed: [], failures: []}
  for (const prepared of objects) {
    const ref = refOf(prepared.manifest)
    try {
      const changed = await applyObject(prepared, ref, gitSync, ports)
      report.applied.push(ref)
      if (changed) report.changed.push(ref)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      report.failures.push(`${prepared.source}: ${describeRef(ref)}: ${explainClusterError(error, ref)}`)
    }
  }
  return report
}

/** Only a conditional apply can lose a race; then the object is read again. */
async function applyObject(
  prepared: PreparedObject,
  ref: ObjectRef,
  gitSync: string,
  ports: ApplyPorts,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const live = await ports.cluster.get(ref)
    if (live) await refuseForeignObject(live, gitSync, ports.cluster)
    const manifest = manifestFor(prepared, live)
    if (live && matches(live, manifest)) return false
    try {
      const result = await ports.cluster.apply(manifest, {fieldManager: gitSyncFieldManager, force: true})
      if (ref.kind === 'CustomResourceDefinition') await waitUntilEstablished(ref, result, ports)
      return live === undefined || live.metadata.resourceVersion !== result.metadata.resourceVersion
    } catch (error) {
      const isLostRace = error instanceof ClusterError && error.reason === 'Conflict'
      if (!isLostRace || attempt === maximumApplyAttempts) throw error
    }
  }
}

/** Two GitSyncs that hold the same object would undo each other for ever. */
async function refuseForeignObject(live: KubeObject, gitSync: string, cluster: ClusterAccess): Promise<void> {
  const holder = live.metadata.annotations?.[annotations.gitSync]
  if (holder === undefined || holder === gitSync) return
  const [namespace = '', name = ''] = holder.split('/')
  if (namespace === '' || name === '') return
  const other = await cluster.get({apiVersion, kind: 'GitSync', namespace, name})
  if (!other || other.metadata.deletionTimestamp !== undefined) return
  throw new ClusterError(409, 'OwnedElsewhere', `GitSync ${holder} applies it already: remove it from one of the two`)
}

/** Custom resources of the same commit can only be applied once the server serves their kind. */
async function waitUntilEstablished(ref: ObjectRef, applied: KubeObject, ports: ApplyPorts): Promise<void> {
  let definition: KubeObject | undefined = applied
  for (let attempt = 0; attempt < establishAttempts && !isEstablished(definition); attempt += 1) {
    await delay(ports.clock, establishDelayMilliseconds)
    definition = await ports.cluster.get(ref)
  }
}

function isEstablished(definition: KubeObject | undefined): boolean {
  const conditions: unknown = definition?.status?.conditions
  return (
    Array.isArray(conditions) &&
    conditions.some(condition => condition?.type === 'Established' && condition?.status === 'True')
  )
}

function delay(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(milliseconds, resolve)
  })
}

/** What an API server answered, with the fix where it is known. Never quotes it about a Secret. */
export function explainClusterError(error: ClusterError, ref: ObjectRef): string {
  const said =
    ref.kind === 'Secret' ? error.reason : [error.message, ...error.causes.slice(0, maximumCauses)].join('; ')
  return `${said.replaceAll(/\p{Cc}/gu, ' ').slice(0, maximumErrorLength)}${hintFor(error, ref)}`
}

function hintFor(error: ClusterError, ref: ObjectRef): string {
  switch (error.status) {
    case 0:
      return ' (the API server did not answer; tried again)'
    case 403:
      return ` (grant the controller's ServiceAccount get, patch, create and delete on ${ref.kind})`
    case 404:
      return ref.namespace === undefined
        ? ` (the server does not know ${ref.apiVersion} ${ref.kind}: install its CustomResourceDefinition)`
        : ` (create namespace ${ref.namespace}, or install the CustomResourceDefinition of ${ref.apiVersion} ${ref.kind})`
    case 400:
    case 422:
      return ' (correct the named field in Git)'
    default:
      return ''
  }
}
