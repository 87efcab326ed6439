// Which Rollouts an object may matter to: those whose apex Service it is for.
import type {KubeObject} from '../../crds/meta.ts'
import type {MeshContext} from '../types.ts'
import {parentServices} from './context.ts'

/** The Services that a route attaches to; the one that a ServiceProfile is named after. */
export function claims(object: KubeObject): string[] {
  const {namespace = '', name} = object.metadata
  if (object.kind === 'ServiceProfile') return profiledService(name)
  return parentServices(object.spec?.parentRefs, namespace).map(parent => serviceClaim(parent))
}

export function interests({rollout, apex}: MeshContext): string[] {
  return [serviceClaim({namespace: rollout.namespace, name: apex.name})]
}

/** The name of a ServiceProfile is the Service's full host, whatever the cluster's domain. */
function profiledService(profile: string): string[] {
  const [name = '', namespace = '', kind] = profile.split('.')
  return kind === 'svc' ? [serviceClaim({namespace, name})] : []
}

function serviceClaim({namespace, name}: {namespace: string; name: string}): string {
  return `Service ${namespace}/${name}`
}
