// How GitSync tells objects apart, calls them, and orders them.
import type {InventoryEntry} from '../crds/git-sync.ts'
import type {KubeObject, ObjectRef} from '../crds/meta.ts'
import {group} from '../crds/names.ts'

/** The group of an API version; empty for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}

/** One object whatever version it is written in: a manifest that moves from v1beta1 to v1 is still the same object. */
export function identityOf(ref: ObjectRef | InventoryEntry): string {
  return JSON.stringify([groupOf(ref.apiVersion), ref.kind, ref.namespace ?? '', ref.name])
}

/** Names an object. */
export function refOf(object: KubeObject): ObjectRef {
  const {apiVersion, kind, metadata} = object
  const {name, namespace} = metadata
  return {apiVersion, kind, name, ...(namespace === undefined ? {} : {namespace})}
}

/** As `Kind namespace/name`, for messages. */
export function describeRef(ref: {kind: string; name: string; namespace?: string | undefined}): string {
  return ref.namespace === undefined ? `${ref.kind} ${ref.name}` : `${ref.kind} ${ref.namespace}/${ref.name}`
}

const stages: readonly (readonly string[])[] = [
  ['/Namespace'],
  ['apiextensions.k8s.io/CustomResourceDefinition'],
  [
    '/ServiceAccount',
    'rbac.authorization.k8s.io/ClusterRole',
    'rbac.authorization.k8s.io/Role',
    'rbac.authorization.k8s.io/ClusterRoleBinding',
    'rbac.authorization.k8s.io/RoleBinding',
  ],
  ['/ConfigMap', '/Secret'],
  ['/Service'],
  [`${group}/AlertChannel`, `${group}/MetricTemplate`],
  ['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet', 'batch/Job', 'batch/CronJob'],
  [`${group}/Rollout`],
]

function stageOf(ref: {apiVersion: string; kind: string}): number {
  const name = `${groupOf(ref.apiVersion)}/${ref.kind}`
  const index = stages.findIndex(stage => stage.includes(name))
  return index < 0 ? stages.length : index
}

/** Sorts so that what others need comes first; equals keep their order. */
export function inApplyOrder<Item>(
  items: readonly Item[],
  kindOf: (item: Item) => {apiVersion: string; kind: string},
): Item[] {
  return [...items].sort((left, right) => stageOf(kindOf(left)) - stageOf(kindOf(right)))
}

/** The other way round, for removal. */
export function inPruneOrder<Item extends {apiVersion: string; kind: string}>(items: readonly Item[]): Item[] {
  return inApplyOrder(items, item => item).reverse()
}

/** Whether an object is a Rollout of ours. */
export function isRollout(ref: {apiVersion: string; kind: string}): boolean {
  return ref.kind === 'Rollout' && groupOf(ref.apiVersion) === group
}
