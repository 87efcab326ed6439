// Which Rollouts an Istio object may matter to: those that name one of its hosts. So a change among thousands of objects
// concerns a few Rollouts, and a Rollout looks at a few objects.
import type {KubeObject} from '../../crds/meta.ts'
import type {MeshContext} from '../types.ts'
import {routeHosts, slotHost, stringsOf} from './context.ts'
import {resolveHost, serviceNames} from './hosts.ts'

/** Full hosts that the object is for; undefined for a wildcard, which may cover any Service. */
export function claims(object: KubeObject): string[] | undefined {
  const {namespace = ''} = object.metadata
  const written = object.kind === 'VirtualService' ? stringsOf(object.spec?.hosts) : [String(object.spec?.host ?? '')]
  const hosts = written.map(host => resolveHost(host, namespace))
  return hosts.some(host => host.startsWith('*')) ? undefined : hosts
}

/** Hosts that the Rollout routes, and those of its slots. */
export function interests(context: MeshContext): string[] {
  const {namespace} = context.rollout
  return [
    ...routeHosts(context).map(host => resolveHost(host, namespace)),
    ...serviceNames(context.apex.name, namespace),
    slotHost(context, 'a'),
    slotHost(context, 'b'),
  ]
}
