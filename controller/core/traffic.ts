// Weights: what is wanted, since when the route carries it, and what counts as in force. The route in the mesh is an
// output: it is compared with the wish and repaired, and never read back as one.
import {timeOf, timeText} from '../../crds/common.ts'
import type {Split, TrafficStatus} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {apexSlotOf, movesSelector} from './apex.ts'
import {same} from './equality.ts'
import type {Note} from './intents.ts'
import type {Observation, Problem} from './observation.ts'
import type {Ledger, Model} from './state.ts'
import {without} from './state.ts'
import {earliest, type World} from './world.ts'

/** How long a route may carry a weight before a condition says what the mesh still lacks; beyond the settling time. */
const confirmationDeadlineMilliseconds = 60_000

function sameSplit(left: Split | undefined, right: Split | undefined): boolean {
  return left !== undefined && right !== undefined && same(left, right)
}

/** Whether this is the wish for the traffic now. */
export function wants(ledger: Ledger, split: Split): boolean {
  return sameSplit(ledger.traffic?.wanted, split)
}

/** The ledger with a new wish for the traffic; unchanged when it is the present one. */
export function want(ledger: Ledger, wanted: Split, now: number): Ledger {
  if (wants(ledger, wanted)) return ledger
  const traffic: TrafficStatus = {wanted, since: timeText(now)}
  const {confirmed, confirmedAt} = ledger.traffic ?? {}
  // After a wish that never came into force nobody knows what the route carries: nothing counts as confirmed then.
  if (inForce(ledger) && confirmed && confirmedAt) Object.assign(traffic, {confirmed, confirmedAt})
  return {...ledger, traffic}
}

/** When the present wish for the traffic was made, milliseconds; 0 without one. */
export function wishedAt({ledger: {traffic}}: Model): number {
  return traffic ? timeOf(traffic.since) : 0
}

/** Whether the wish for the traffic counts as in force. */
export function inForce(ledger: Ledger): boolean {
  return sameSplit(ledger.traffic?.wanted, ledger.traffic?.confirmed)
}

/** Confirmed share of a slot; 0 before anything was confirmed. */
export function confirmedWeight(ledger: Ledger, slot: SlotName): number {
  return ledger.traffic?.confirmed?.[slot] ?? 0
}

/** Whether a slot has requests, or is to have some, be it copies. */
export function isReached(ledger: Ledger, slot: SlotName): boolean {
  const {wanted, confirmed} = ledger.traffic ?? {}
  return [wanted, confirmed].some(split => split && reaches(split, slot))
}

/** Whether a split sends anything to a slot. */
export function reaches(split: Split, slot: SlotName): boolean {
  const {apart} = split
  if (split[slot] > 0) return true
  return apart?.slot === slot && (apart.matched === true || apart.mirrorPercent !== undefined)
}

export interface TrafficReading {
  model: Model
  notes: Note[]
  again?: number
}

/** Compares the route with the wish: notes when it carries it, confirms it after the mesh's settling, reports drift. */
export function readTraffic(world: World, before: Model): TrafficReading {
  const model = {...before, ledger: withApex(world, before.ledger)}
  const traffic = model.ledger.traffic
  // While a Rollout is deleted its route goes by our own hand, once the target is there again.
  const {state} = model
  if (!traffic || (state.phase === 'Terminating' && state.terminating.stage !== 'restore')) return {model, notes: []}
  const {mesh, meshContext, meshObjects} = world.observation
  if (!isCarried(world.observation, traffic.wanted)) return drift(model, traffic)
  const since = traffic.inForceSince ?? timeText(world.now)
  const {confirmed, again} = mesh.confirmed(meshContext, meshObjects, timeOf(since), world.now)
  if (confirmed && inForce(model.ledger)) return {model, notes: [], ...later(world, drainedAt(world, model.ledger))}
  const next: TrafficStatus = {...traffic, inForceSince: since}
  if (confirmed) {
    next.confirmed = traffic.wanted
    next.confirmedAt = timeText(world.now)
  }
  const ledger = {...model.ledger, traffic: next}
  const times = confirmed ? [drainedAt(world, ledger)] : [again, overdueAt(world, ledger)]
  return {model: {...model, ledger}, notes: [], ...later(world, ...times)}
}

/** The earliest of the times that are still to come. */
function later(world: World, ...times: (number | undefined)[]): {again?: number} {
  const again = earliest(...times.filter(time => time !== undefined && time > world.now))
  return again === undefined ? {} : {again}
}

/**
 * Since when the apex Service chooses a slot counts from when that was first seen: a write may come long after its wish. While
 * somebody else keeps putting the selector back it stays as it was, or nothing would ever be emptied.
 */
function withApex({observation, now}: World, ledger: Ledger): Ledger {
  const slot = apexSlotOf(observation)
  return slot === undefined || ledger.apex?.slot === slot ? ledger : {...ledger, apex: {slot, since: timeText(now)}}
}

/**
 * When what has neither the route nor the apex Service any more has drained, milliseconds; undefined while the wish isn't in
 * force, or the Service chooses no slot.
 * @param losing the slot that is to drain; the target when absent
 */
export function drainedAt({observation, durations}: World, ledger: Ledger, losing?: SlotName): number | undefined {
  const {mesh, meshContext} = observation
  const {traffic, apex} = ledger
  if (!traffic || !inForce(ledger)) return undefined
  const confirmed = timeOf(traffic.confirmedAt ?? traffic.since)
  if (!observation.apex || !movesSelector(observation)) return confirmed + durations.drain
  if (!apex || apex.slot === losing) return undefined
  // Nobody confirms a selector: whoever follows it has the settling time.
  return Math.max(confirmed, timeOf(apex.since) + mesh.settlingMilliseconds(meshContext)) + durations.drain
}

/** When the mesh is late with its confirmation, milliseconds; undefined before the route carries the wish, and after. */
function overdueAt(world: World, ledger: Ledger): number | undefined {
  const {mesh, meshContext} = world.observation
  if (inForce(ledger) || !ledger.traffic?.inForceSince) return undefined
  const settling = mesh.settlingMilliseconds(meshContext)
  return timeOf(ledger.traffic.inForceSince) + settling + confirmationDeadlineMilliseconds
}

/** Whether the route has carried the wish for so long that the mesh should have confirmed it. */
export function overdue(world: World, ledger: Ledger): boolean {
  const time = overdueAt(world, ledger)
  return time !== undefined && world.now >= time
}

/** What an overdue confirmation waits for. */
export function missingConfirmation(world: World, ledger: Ledger): Problem | undefined {
  const since = ledger.traffic?.inForceSince
  if (since === undefined || !overdue(world, ledger)) return undefined
  const {mesh, meshContext, meshObjects} = world.observation
  return mesh.confirmed(meshContext, meshObjects, timeOf(since), world.now).waitingFor
}

/** Whether the route says what is wanted; a selector says only who has a share. */
function isCarried({mesh, meshContext, meshObjects}: Observation, wanted: Split): boolean {
  const carried = mesh.read(meshContext, meshObjects)
  if (!carried || !mesh.bySelector) return sameSplit(carried, wanted)
  return (['a', 'b'] as const).every(slot => carried[slot] > 0 === wanted[slot] > 0)
}

/** A route that carried the wish and no longer does was changed by somebody else: what it said meanwhile is unknown. */
function drift(model: Model, traffic: TrafficStatus): TrafficReading {
  if (!traffic.inForceSince) return {model, notes: []}
  const reset = without(without(without(traffic, 'inForceSince'), 'confirmed'), 'confirmedAt')
  const note: Note = {
    type: 'Warning',
    reason: 'RouteDrift',
    message: `The route no longer carries the wanted weights (a ${traffic.wanted.a}, b ${traffic.wanted.b}): somebody else changed it. It is being repaired.`,
  }
  return {model: {...model, ledger: {...model.ledger, traffic: reset}}, notes: [note]}
}
