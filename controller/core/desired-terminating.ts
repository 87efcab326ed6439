// What is wished while a Rollout is deleted, by stage: give the target back, then the traffic, then remove in order.
import {timeOf} from '../../crds/common.ts'
import {refTo} from '../../crds/meta.ts'
import {apexTaken, hasHash, movesSelector} from './apex.ts'
import {same} from './equality.ts'
import {deletion, type Intent} from './intents.ts'
import {apexService, claimedService} from './manifests.ts'
import type {Observation} from './observation.ts'
import {collectedBy, isOurs, owned} from './owned.ts'
import {sameObject} from './readiness.ts'
import {restoredTemplate} from './restore.ts'
import type {Model, Terminating} from './state.ts'
import {allTo} from './steps.ts'
import {podCounts} from './workloads.ts'
import type {World} from './world.ts'

export function desiredTerminating(world: World, model: Model & {state: Terminating}): Intent[] {
  const {stage, since} = model.state.terminating
  switch (stage) {
    case 'restore':
      return givingBack(world, model)
    case 'reroute':
      return [...givingBack(world, model), ...rerouting(world)]
    case 'drain':
      return rerouting(world)
    case 'remove': {
      // One kind after the other: the next goes when the API server no longer shows the one before.
      const left = owned(world.observation)
      const [first] = left
      if (first) return [...narrowing(world), ...left.filter(object => object.kind === first.kind).map(deletion)]
      const {observation} = world
      if (isNarrowed(observation)) {
        const isAwaited = collectedBy(observation, timeOf(since)) !== undefined
        return isAwaited ? narrowing(world) : [{kind: 'apply', manifest: apexService(observation, [])}]
      }
      return [...unclaimed(world), {kind: 'finalizer', present: false}]
    }
    default:
      return stage satisfies never
  }
}

/** The user's Services that were slots, without our label and our stamp. */
function unclaimed({observation, spec}: World): Intent[] {
  if (!spec.serviceRefs) return []
  return (['a', 'b'] as const)
    .filter(slot => observation.slots[slot].service !== undefined)
    .map(slot => ({kind: 'apply', manifest: claimedService(observation, slot, false), bare: true}))
}

/** The target on the primary's template, with full capacity. */
function givingBack(world: World, model: Model & {state: Terminating}): Intent[] {
  const {target} = world.observation
  const {primary} = model.state
  if (!target || !primary || !model.ledger.traffic) return []
  const ref = refTo(target)
  const template = restoredTemplate(world.observation, primary)
  const capacity = model.ledger.capacity ?? 1
  const intents: Intent[] = []
  if (template && !same(template, target.spec?.template)) intents.push({kind: 'template', ref, template})
  if (target.kind === 'Deployment' && podCounts(target).wanted < capacity)
    intents.push({kind: 'scale', ref, replicas: capacity})
  return intents
}

/**
 * The apex Service as the user had it, but for the slots' pods: they bear all of the user's labels, and would get requests up
 * to the moment in which they end. Where the target has pods of two templates, as in an update of its own, nothing tells the
 * slots' apart from both.
 */
function narrowing({observation}: World): Intent[] {
  const isToMove = movesSelector(observation) && (observation.returning !== undefined || isNarrowed(observation))
  if (!observation.apex || !(apexTaken(observation) || isToMove)) return []
  return [{kind: 'apply', manifest: apexService(observation, [], observation.returning)}]
}

/** Whether the apex Service selects fewer pods than the user's own selector would. */
function isNarrowed(observation: Observation): boolean {
  const {apex} = observation
  if (!apex || !movesSelector(observation) || !hasHash(apex)) return false
  return !same(apex.spec?.selector, apexService(observation, []).spec?.selector)
}

/** The apex Service that selects the target, and no route any more. */
function rerouting(world: World): Intent[] {
  const {observation} = world
  const {mesh, meshContext, meshObjects} = observation
  const routes = mesh.renderRoutes(meshContext, allTo('a'), meshObjects)
  const returned = mesh.renderReturned(meshContext, meshObjects)
  const live = meshObjects.filter(
    object =>
      isOurs(observation, object) &&
      routes.some(route => sameObject(object, route)) &&
      !returned.some(route => sameObject(object, route)),
  )
  if (apexTaken(observation)) return narrowing(world)
  // The routes go once the apex Service selects the target: until then they are what sends the callers to a slot.
  return [...narrowing(world), ...returned.map(manifest => ({kind: 'apply' as const, manifest})), ...live.map(deletion)]
}
