// Everything that Fairlead made for one Rollout, found by label, in the order in which it may be removed: route first,
// then destinations, then Services, then the slots, then what the slots ran from.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import type {Observation} from './observation.ts'
import {sameObject} from './readiness.ts'
import {copiesStillNeeded} from './restore.ts'
import {allTo} from './steps.ts'

/** Whether an object was made for this Rollout, by label; whatever its uid, since a restore gives a Rollout a new one. */
export function isOurs(observation: Observation, object: KubeObject): boolean {
  return (
    object.metadata.labels?.[labels.rollout] === observation.meshContext.rollout.name &&
    object.metadata.annotations?.[annotations.owner] !== undefined
  )
}

/** How long the end of pods is awaited whose workload is gone already; the garbage collector may be slow. */
const longestCollectionMilliseconds = 120_000

/**
 * Until when the end of the slots' pods is awaited, milliseconds; undefined once each of them is ending, or time is up.
 * @param since when the removal began, milliseconds
 */
export function collectedBy({slots, now}: Observation, since: number): number | undefined {
  const until = since + longestCollectionMilliseconds
  const left = [...slots.a.pods, ...slots.b.pods].some(pod => pod.metadata.deletionTimestamp === undefined)
  return left && now < until ? until : undefined
}

/** What is left to remove, in order; without what the given-back target still needs. */
export function owned(observation: Observation): KubeObject[] {
  const {mesh, meshContext, meshObjects, slots, copies, snapshots, apex, status} = observation
  const namespace = meshContext.rollout.namespace
  const routes = mesh.renderRoutes(meshContext, allTo('a'), meshObjects)
  const isRoute = (object: KubeObject) => routes.some(route => sameObject(object, route))
  const mine = meshObjects.filter(object => object.metadata.namespace === namespace && isOurs(observation, object))
  const keep = new Set(status.primary && observation.target ? copiesStillNeeded(observation, status.primary) : [])
  const services = [...observation.previews, slots.a.service, slots.b.service, observation.target ? undefined : apex]
  const workloads = [slots.a.workload, slots.b.workload, observation.baseline]
  return [
    ...mine.filter(isRoute),
    ...mine.filter(object => !isRoute(object)),
    ...[...services, ...workloads].filter(object => object !== undefined).filter(object => isOurs(observation, object)),
    ...copies.filter(object => !keep.has(object.metadata.name)),
    ...snapshots,
  ]
}
