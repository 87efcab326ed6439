// Which Rollouts an object may matter to: those whose apex Service it is for.
import type {KubeObject} from '../../crds/meta.ts'
import {routeClaim} from '../shared/borrowed-routes.ts'
import type {MeshContext} from '../types.ts'
import {parentServices, routeKind, routeName} from './context.ts'

/** A route's name, and the Services that it attaches to; the one that a ServiceProfile is named after. */
export function claims(object: KubeObject): string[] {
  const {namespace = '', name} = object.metadata
  if (object.kind === 'ServiceProfile') return profiledService(name)
  const services = parentServices(object.spec?.parentRefs, namespace).map(parent => serviceClaim(parent))
  return [routeClaim(object.kind, namespace, name), ...services]
}

export function interests(context: MeshContext): string[] {
  const {rollout, apex} = context
  return [
    routeClaim(routeKind(context), rollout.namespace, routeName(context)),
    serviceClaim({namespace: rollout.namespace, name: apex.name}),
  ]
}

/** The name of a ServiceProfile is the Service's full host, whatever the cluster's domain. */
function profiledService(profile: string): string[] {
  const [name = '', namespace = '', kind] = profile.split('.')
  return kind === 'svc' ? [serviceClaim({namespace, name})] : []
}

function serviceClaim({namespace, name}: {namespace: string; name: string}): string {
  return `Service ${namespace}/${name}`
}
