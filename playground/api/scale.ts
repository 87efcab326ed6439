// The scale subresource: a view on two or three fields of an object.
import type {KubeObject} from '../../crds/meta.ts'
import {invalid, pathNotFound} from './errors.ts'
import {clone, getPath, setPath, splitPath} from './objects.ts'
import type {Target} from './writer.ts'

/** The object as its `scale` shows it (autoscaling/v1). @throws ApiError 404 for a resource without one */
export function scaleOf(target: Target, object: KubeObject): KubeObject {
  const {scale} = target.version
  if (!scale) throw pathNotFound()
  const {name, namespace, uid, resourceVersion, creationTimestamp} = object.metadata
  const selector: unknown = scale.labelSelectorPath
    ? getPath(object, splitPath(scale.labelSelectorPath))
    : object['spec']?.selector
  const wished: number = getPath(object, splitPath(scale.specReplicasPath)) ?? 0
  const metadata = {
    name,
    ...(namespace ? {namespace} : {}),
    uid,
    resourceVersion,
    creationTimestamp,
  } as KubeObject['metadata']
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata,
    // A wish for none is left out, as Go leaves out zeros.
    spec: wished > 0 ? {replicas: wished} : {},
    status: {replicas: getPath(object, splitPath(scale.statusReplicasPath)) ?? 0, ...selectorText(selector)},
  }
}

function selectorText(selector: unknown): {selector?: string} {
  if (typeof selector === 'string') return {selector}
  const labels = (selector as {matchLabels?: Record<string, string>} | undefined)?.matchLabels
  return labels
    ? {
        selector: Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      }
    : {}
}

/** The object with the replicas that a Scale asks for. */
export function withScale(target: Target, object: KubeObject, wanted: KubeObject): KubeObject {
  const {scale} = target.version
  if (!scale) throw pathNotFound()
  const replicas: unknown = wanted['spec']?.replicas ?? 0
  // A custom kind's own validation speaks of its object.
  const negative = !target.definition.custom && Number(replicas) < 0
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || negative)
    throw invalid('autoscaling', 'Scale', object.metadata.name, [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
      },
    ])
  const result = clone(object)
  setPath(result, splitPath(scale.specReplicasPath), replicas)
  return result
}

/** The target through which a scale is read and written. @throws ApiError 404 for a resource without one */
export function scaleTarget(target: Target): Target {
  if (!target.version.scale) throw pathNotFound()
  return {...target, subresource: 'scale'}
}
