// What is wished while a Rollout is deleted, by stage: give the target back, then the traffic, then remove in order.
import type {ObjectRef} from '../../crds/meta.ts'
import {apexTaken} from './apex.ts'
import {same} from './equality.ts'
import {deletion, type Intent} from './intents.ts'
import {apexService} from './manifests.ts'
import {isOurs, owned} from './owned.ts'
import {sameObject} from './readiness.ts'
import {restoredTemplate} from './restore.ts'
import type {Model, Terminating} from './state.ts'
import {allTo} from './steps.ts'
import type {World} from './world.ts'

export function desiredTerminating(world: World, model: Model & {state: Terminating}): Intent[] {
  const {stage} = model.state.terminating
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
      if (!first) return [{kind: 'finalizer', present: false}]
      return left.filter(object => object.kind === first.kind).map(deletion)
    }
    default:
      return stage satisfies never
  }
}

/** The target on the primary's template, with full capacity. */
function givingBack(world: World, model: Model & {state: Terminating}): Intent[] {
  const {target, meshContext} = world.observation
  const {primary} = model.state
  if (!target || !primary || !model.ledger.traffic) return []
  const ref: ObjectRef = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: meshContext.rollout.namespace,
    name: target.metadata.name,
  }
  const template = restoredTemplate(world.observation, primary)
  const capacity = model.ledger.capacity ?? 1
  const intents: Intent[] = []
  if (template && !same(template, target.spec?.template)) intents.push({kind: 'template', ref, template})
  if ((target.spec?.replicas ?? 0) < capacity) intents.push({kind: 'scale', ref, replicas: capacity})
  return intents
}

/** The apex Service as the user had it, and no route any more. */
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
  if (apexTaken(observation)) return [{kind: 'apply', manifest: apexService(observation, [])}]
  // The routes go once the apex Service selects the target: until then they are what sends the callers to a slot.
  return [...returned.map(manifest => ({kind: 'apply' as const, manifest})), ...live.map(deletion)]
}
