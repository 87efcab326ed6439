// From the store's changes to snapshots in force, with the delay that a mesh's control plane would have.
import type {Clock} from '../../controller/ports.ts'
import {followResource, type WorkloadStore} from '../workloads/index.ts'
import {gatewayRouteResources} from './route-status.ts'
import {buildSnapshot, type Snapshot} from './snapshot.ts'

/** Changes closer together than this part of the propagation time share a snapshot, so that few are ever on their way. */
const settlingShare = 1 / 20

/** The snapshot in force. */
interface Configuration {
  current(): Snapshot
  close(): void
}

/**
 * Follows Services, EndpointSlices and routes. The snapshot of what is there at the start is in force at once;
 * later ones the propagation time after the change, in order.
 */
export function followConfiguration(
  store: WorkloadStore,
  clock: Clock,
  propagationMilliseconds: number,
  onSnapshot: (snapshot: Snapshot) => void,
): Configuration {
  const timers = new Set<() => void>()
  const settlingMilliseconds = propagationMilliseconds * settlingShare
  let version = 0
  let scheduled = true
  const later = (delayMilliseconds: number, callback: () => void) => {
    const cancel = clock.after(delayMilliseconds, () => {
      timers.delete(cancel)
      callback()
    })
    timers.add(cancel)
  }
  const build = () => {
    scheduled = false
    return buildSnapshot(
      {
        services: services.all(),
        endpointSlices: endpointSlices.all(),
        virtualServices: virtualServices.all(),
        gatewayRoutes: gatewayRoutes.flatMap(routes => [...routes.all()]),
      },
      ++version,
    )
  }
  const putInForce = (snapshot: Snapshot) => {
    current = snapshot
    onSnapshot(snapshot)
  }
  const onChange = () => {
    if (scheduled) return
    scheduled = true
    later(settlingMilliseconds, () => {
      const snapshot = build()
      if (propagationMilliseconds === 0) putInForce(snapshot)
      else later(propagationMilliseconds - settlingMilliseconds, () => putInForce(snapshot))
    })
  }
  const services = followResource(store, 'services', onChange)
  const endpointSlices = followResource(store, 'endpointslices.discovery.k8s.io', onChange)
  const virtualServices = followResource(store, 'virtualservices.networking.istio.io', onChange)
  const gatewayRoutes = gatewayRouteResources.map(resource => followResource(store, resource, onChange))
  let current = build()
  return {
    current: () => current,
    close() {
      for (const cache of [services, endpointSlices, virtualServices, ...gatewayRoutes]) cache.close()
      for (const cancel of timers) cancel()
      timers.clear()
    },
  }
}
