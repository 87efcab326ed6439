// Whether a slot can take a share of the traffic: its workload is the one we want, its pods are ready, the mesh has its
// destinations and its Service has the endpoints.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations} from '../../crds/names.ts'
import type {SlotContent} from '../../crds/rollout-status.ts'
import type {Protection} from '../../mesh/types.ts'
import {outstanding} from './diff.ts'
import {type Observation, otherSlot} from './observation.ts'
import {missingPorts} from './service-refs.ts'
import {isObserved, podCounts, slotKindOf} from './workloads.ts'

export interface Readiness {
  ready: boolean
  /** Why not, in a few words. */
  message: string
  /** Pods that are; 0 while the slot can't serve. */
  count: number
}

function no(message: string): Readiness {
  return {ready: false, message, count: 0}
}

/** Whether a slot can serve with `pods` pods. @param protection what its destinations are to carry */
export function readiness(
  observation: Observation,
  content: SlotContent,
  pods: number,
  protection?: Protection,
): Readiness {
  const {workload, service, readyEndpoints} = observation.slots[content.slot]
  if (slotKindOf(observation.spec) === undefined) return serviceReadiness(observation, content, protection)
  if (!workload || workload.metadata.annotations?.[annotations.revision] !== content.revision) {
    return no(`slot ${content.slot} is being filled`)
  }
  const {wanted, ready} = podCounts(workload)
  if (!isObserved(workload)) return no('workload controller is behind')
  if (wanted < pods) return no(`scaling to ${pods} pods`)
  if (ready < pods) return no(`${ready} of ${pods} pods ready`)
  if (!service) return no('slot Service is missing')
  if (readyEndpoints < pods) return no(`${readyEndpoints} of ${pods} endpoints ready`)
  if (!destinationsStand(observation, content, protection)) return no('mesh destinations are missing')
  return {ready: true, message: readyText(ready), count: Math.min(ready, readyEndpoints)}
}

/** Pods behind a Service of the user's are not counted out: how many it takes is for its owner to know. */
function serviceReadiness(
  observation: Observation,
  content: SlotContent,
  protection: Protection | undefined,
): Readiness {
  const {service, readyEndpoints} = observation.slots[content.slot]
  if (!service) return no(`Service ${observation.meshContext.slots[content.slot]} is missing`)
  if (readyEndpoints === 0) return no(`Service ${service.metadata.name} has no ready pod`)
  const [port] = missingPorts(observation, content.slot)
  if (port !== undefined) return no(`Service ${service.metadata.name} has no port ${port}`)
  if (!destinationsStand(observation, content, protection)) return no('mesh destinations are missing')
  return {ready: true, message: readyText(readyEndpoints), count: readyEndpoints}
}

/** Whether the destinations are as they are wished, with nothing that an earlier wish has left in them. */
function destinationsStand(
  observation: Observation,
  content: SlotContent,
  protection: Protection | undefined,
): boolean {
  const {mesh, meshContext, meshObjects} = observation
  return mesh.renderDestinations(meshContext, [content.slot], meshObjects, protection).every(manifest => {
    const live = meshObjects.find(object => sameObject(object, manifest))
    return live !== undefined && !outstanding({kind: 'apply', manifest}, live)
  })
}

export function sameObject(left: KubeObject, right: KubeObject): boolean {
  return (
    left.kind === right.kind &&
    left.metadata.name === right.metadata.name &&
    (left.metadata.namespace ?? '') === (right.metadata.namespace ?? '') &&
    groupOf(left) === groupOf(right)
  )
}

function groupOf(object: KubeObject): string {
  return object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : ''
}

/** Pods of a slot that can take requests now: none where its Service lacks a routed port that the other one has. */
export function readyPods(observation: Observation, {slot}: SlotContent): number {
  const other = missingPorts(observation, otherSlot(slot))
  const lost = missingPorts(observation, slot).some(port => !other.includes(port))
  return lost ? 0 : observation.slots[slot].readyEndpoints
}

/** So many pods are ready, in words. */
export function readyText(count: number): string {
  return `${count} ${count === 1 ? 'pod' : 'pods'} ready`
}

/** Whether a route may lead to a slot now: it has pods, and everything that a route names of it exists. */
export function canTake(observation: Observation, content: SlotContent): boolean {
  const {mesh, meshContext, meshObjects, slots} = observation
  const named = mesh.renderDestinations(meshContext, [content.slot], meshObjects)
  return (
    readyPods(observation, content) > 0 &&
    slots[content.slot].service !== undefined &&
    named.every(manifest => meshObjects.some(object => sameObject(object, manifest)))
  )
}

/** A slot without any pod, terminating ones included: only such a slot is filled anew. */
export function isEmpty(observation: Observation, slot: 'a' | 'b'): boolean {
  const {workload, pods} = observation.slots[slot]
  if (pods.length > 0) return false
  if (!workload) return true
  const {wanted, present} = podCounts(workload)
  return workload.kind !== 'DaemonSet' && wanted === 0 && present === 0
}

/** Why the pods of a slot are not ready, as the kubelet or the API server says it; empty when they say nothing. */
export function podTrouble(observation: Observation, content: SlotContent): string {
  const {meshContext} = observation
  for (const pod of observation.slots[content.slot].pods) {
    for (const status of pod.status?.containerStatuses ?? []) {
      const state = status.state?.waiting ?? status.state?.terminated
      if (state?.reason) return `container ${status.name}: ${state.reason}${state.message ? `, ${state.message}` : ''}`
    }
  }
  const [port] = missingPorts(observation, content.slot)
  if (port !== undefined) return `Service ${meshContext.slots[content.slot]} has no port ${port}`
  const refused = observation.refusedWrites.find(({object}) => object.endsWith(`/${meshContext.slots[content.slot]}`))
  return refused ? `${refused.object}: ${refused.message}` : ''
}

/** Image IDs that the pods of a slot run, sorted. */
export function imageIDsOf(observation: Observation, content: SlotContent): string[] {
  const found = new Set<string>()
  for (const pod of observation.slots[content.slot].pods) {
    for (const status of pod.status?.containerStatuses ?? []) if (status.imageID) found.add(status.imageID)
  }
  return [...found].sort().slice(0, 20)
}
