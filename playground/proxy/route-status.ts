// What a gateway's controller, and Linkerd's policy controller, write into the status of routes.
import type {Clock} from '../../controller/ports.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {followResource, type WorkloadStore} from '../workloads/index.ts'
import {type Loose, list} from './route-types.ts'

export const gatewayRouteResources = [
  'httproutes.gateway.networking.k8s.io',
  'grpcroutes.gateway.networking.k8s.io',
] as const

/**
 * Answers for every route some time after each of its changes, as for all of its parents: accepted, and its backends
 * found or not. An answer for a Gateway says which generation it is about; one for a Service doesn't, as Linkerd's.
 */
export function answerRoutes(store: WorkloadStore, clock: Clock, delayMilliseconds: number): {close(): void} {
  const timers = new Set<() => void>()
  const answer = (resource: string, {metadata}: KubeObject) => {
    const route = store.get(resource, metadata.namespace, metadata.name)
    if (route === undefined) return
    const status = {parents: list(route.spec?.parentRefs).map(ref => entryFor(store, route, ref))}
    if (JSON.stringify(status) !== JSON.stringify(route.status)) store.updateStatus({...route, status})
  }
  const caches = gatewayRouteResources.map(resource =>
    followResource(store, resource, current => {
      if (current === undefined) return
      const cancel = clock.after(delayMilliseconds, () => {
        timers.delete(cancel)
        answer(resource, current)
      })
      timers.add(cancel)
    }),
  )
  return {
    close() {
      for (const cache of caches) cache.close()
      for (const cancel of timers) cancel()
      timers.clear()
    },
  }
}

function entryFor(store: WorkloadStore, route: KubeObject, parentRef: Loose): object {
  const {namespace, generation, creationTimestamp} = route.metadata
  const ofService = parentRef.kind === 'Service'
  const backends = list(route.spec?.rules).flatMap(rule => list(rule.backendRefs))
  const missing = backends.find(
    backend => store.get('services', String(backend.namespace ?? namespace), String(backend.name)) === undefined,
  )
  const condition = (type: string, holds: boolean, reason: string, message: string) => ({
    type,
    status: holds ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: creationTimestamp,
    ...(ofService ? {} : {observedGeneration: generation}),
  })
  return {
    parentRef: {...parentRef, ...(ofService ? {group: 'core'} : {})},
    controllerName: ofService ? 'linkerd.io/policy-controller' : 'playground.fairlead.dev/gateway',
    conditions: [
      condition('Accepted', true, 'Accepted', ''),
      missing
        ? condition('ResolvedRefs', false, 'BackendNotFound', `there is no Service ${missing.name}`)
        : condition('ResolvedRefs', true, 'ResolvedRefs', ''),
    ],
  }
}
