// Terminating: the target is given back before anything of ours goes. It runs the primary's template with full capacity
// and is ready, and what is not of the primary's version is gone; then traffic; then the route, the destinations, the
// Services and the slots.
import {timeOf, timeText} from '../../../crds/common.ts'
import {apexTaken} from '../apex.ts'
import {holds, same} from '../equality.ts'
import {otherSlot} from '../observation.ts'
import {collectedBy, isOurs, owned} from '../owned.ts'
import {readyPods, sameObject} from '../readiness.ts'
import {holdAt} from '../releasing.ts'
import {restoredTemplate} from '../restore.ts'
import type {Model, Terminating} from '../state.ts'
import {allTo} from '../steps.ts'
import {allToPrimary, note} from '../transitions.ts'
import {isObserved, podCounts, slotKindOf} from '../workloads.ts'
import {fullPods, type Outcome, type World} from '../world.ts'

type TerminatingModel = Model & {state: Terminating}

/** How long a deletion waits for the slot that is not the primary's to lose its traffic and its pods. */
const longestEmptyingMilliseconds = 120_000

/** Enters the phase, whatever the phase before. */
export function beginTerminating(world: World, model: Model): TerminatingModel {
  const {primary} = model.state
  const terminating = {stage: 'restore' as const, since: timeText(world.now)}
  return {state: {phase: 'Terminating', ...(primary ? {primary} : {}), terminating}, ledger: model.ledger}
}

export function terminating(world: World, before: TerminatingModel): Outcome {
  const {stage, since} = before.state.terminating
  const model = stage === 'restore' ? withdrawn(world, before) : before
  switch (stage) {
    case 'restore':
      if (!restored(world, model)) return holdAt(model, 'Giving the target back')
      if (!isAlone(world, model)) return holdAt(model, 'Emptying the other slot', aloneAt(model))
      return moved(world, model, 'reroute', 'The target is ready; traffic returns to it.')
    case 'reroute':
      if (!rerouted(world)) return holdAt(model, 'Removing the route')
      return moved(world, model, 'drain', 'The route is gone; the slots drain.')
    case 'drain': {
      const until = timeOf(since) + world.durations.drain + settlingMilliseconds(world)
      if (world.now < until) return holdAt(model, 'Draining the slots', until)
      return moved(world, model, 'remove', 'The slots have no traffic any more and are removed.')
    }
    case 'remove': {
      const until = collectedBy(world.observation, timeOf(since))
      const left = owned(world.observation).length > 0 || until !== undefined
      return holdAt(model, left ? 'Removing the slots' : 'Removed', until)
    }
    default:
      return stage satisfies never
  }
}

/** Everything goes to the primary first, where it has pods: the target that comes back is of its version. */
function withdrawn(world: World, model: TerminatingModel): TerminatingModel {
  const {primary} = model.state
  if (!primary || !model.ledger.traffic || readyPods(world.observation, primary) === 0) return model
  return {...model, ledger: allToPrimary(world, model.ledger, primary)}
}

/**
 * Whether no pod but the primary's would answer for the apex Service as the user had it: all of them bear the labels that it
 * selects. A mesh that says nothing any more doesn't hold the deletion.
 */
function isAlone(world: World, model: TerminatingModel): boolean {
  const {primary} = model.state
  if (!primary || !model.ledger.traffic || !slotKindOf(world.spec) || world.now >= aloneAt(model)) return true
  return world.observation.slots[otherSlot(primary.slot)].readyEndpoints === 0
}

/** When the other slot is waited for no more, milliseconds. */
function aloneAt({
  state: {
    terminating: {since},
  },
}: TerminatingModel): number {
  return timeOf(since) + longestEmptyingMilliseconds
}

function moved(world: World, model: TerminatingModel, stage: 'reroute' | 'drain' | 'remove', text: string): Outcome {
  const state = {...model.state, terminating: {stage, since: timeText(world.now)}}
  return {model: {...model, state}, message: text, notes: [note('Normal', 'GivingBack', text)]}
}

/** The target serves, or there is nothing to give back. */
function restored(world: World, model: TerminatingModel): boolean {
  const {target} = world.observation
  const {primary} = model.state
  if (!target || !primary || !model.ledger.traffic) return true
  const template = restoredTemplate(world.observation, primary)
  if (template && !same(template, target.spec?.template)) return false
  return isObserved(target) && podCounts(target).ready >= fullPods(world, model)
}

/** The apex Service selects the target's pods again, and the routes are gone, or given back. */
function rerouted(world: World): boolean {
  const {observation} = world
  const {mesh, meshContext, meshObjects} = observation
  const routes = mesh.renderRoutes(meshContext, allTo('a'), meshObjects)
  const ours = meshObjects.filter(object => isOurs(observation, object))
  const returned = mesh.renderReturned(meshContext, meshObjects).every(wanted => {
    const live = meshObjects.find(object => sameObject(object, wanted))
    return live === undefined || holds(wanted.spec, live.spec, 'exact')
  })
  return !apexTaken(observation) && returned && !ours.some(object => routes.some(route => sameObject(object, route)))
}

/** The mesh takes as long to forget a route as to learn one. */
function settlingMilliseconds(world: World): number {
  const {mesh, meshContext} = world.observation
  return mesh.settlingMilliseconds(meshContext)
}
