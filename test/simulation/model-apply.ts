// Server-side apply, as far as the model needs it: what others own in an object stays.
import type {KubeObject} from '../../crds/meta.ts'

export function isBuiltIn(apiVersion: string): boolean {
  return apiVersion === 'v1' || apiVersion === 'apps/v1'
}

/** An object after an apply of ours, whose manifest has its stamp. One of the user's, of which a manifest names the version, keeps all that isn't named. */
export function applied(old: KubeObject | undefined, manifest: KubeObject): KubeObject {
  const {kind, apiVersion, metadata} = manifest
  const builtIn = isBuiltIn(apiVersion)
  const borrowed = metadata.resourceVersion !== undefined
  const spec = manifest.spec && {...(builtIn || borrowed ? old?.spec : {}), ...manifest.spec}
  if (kind === 'Deployment' && spec && spec.replicas === undefined) spec.replicas = 1
  return {
    ...old,
    ...manifest,
    ...(borrowed ? {metadata: {...old?.metadata, ...metadata}} : {}),
    ...(spec ? {spec} : {}),
    ...(old?.status ? {status: old.status} : {}),
  }
}
