// Who else writes a list of rules that is borrowed. Such a list has one owner in server-side apply, and a tool that keeps the
// object in Git writes it back.
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {fieldManager, gitSyncFieldManager} from '../../crds/names.ts'

/** Managers of commands that somebody typed: they don't come back by themselves. */
const typedOnce: ReadonlySet<string> = new Set(['kubectl-create', 'kubectl-edit', 'kubectl-patch', 'kubectl-replace'])

/** Managers that keep one of the lists under `spec` as it is in Git, or wherever they have it from. */
export function keepers(object: KubeObject, lists: readonly string[]): string[] {
  const others = (object.metadata.managedFields ?? []).filter(
    ({manager = 'unknown', subresource}) =>
      manager !== fieldManager && !typedOnce.has(manager) && subresource === undefined,
  )
  return [
    ...new Set(others.filter(entry => lists.some(list => owns(entry, list))).map(({manager}) => manager ?? 'unknown')),
  ]
}

function owns({fieldsV1}: ManagedFieldsEntry, list: string): boolean {
  const spec = (fieldsV1 as Record<string, Record<string, unknown> | undefined> | undefined)?.['f:spec']
  return spec?.[`f:${list}`] !== undefined
}

/** How one tells a manager to leave lists under `spec` alone. */
export function settingFor(manager: string, {kind, apiVersion}: KubeObject, lists: readonly string[]): string {
  const group = apiVersion.split('/')[0]
  const pointers = lists.map(list => `/spec/${list}`).join(', ')
  if (manager.startsWith('argocd')) {
    return `in the Argo CD Application set ignoreDifferences: [{group: ${group}, kind: ${kind}, jsonPointers: [${pointers}]}] and syncOptions: [RespectIgnoreDifferences=true]`
  }
  if (manager.startsWith('kustomize-controller')) {
    return 'give the object the annotation kustomize.toolkit.fluxcd.io/ssa: IfNotPresent in Git'
  }
  if (manager.startsWith('helm-controller')) {
    return `in the HelmRelease set driftDetection.ignore: [{paths: [${pointers}], target: {kind: ${kind}}}]; an upgrade of the chart still writes them`
  }
  if (manager === gitSyncFieldManager) return 'take the object out of the folder of the GitSync'
  return `leave ${lists.map(list => `spec.${list}`).join(' and ')} out of what it applies`
}
