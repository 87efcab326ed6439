// The whole wished state, derived from the model on every pass: nothing depends on having seen a transition. The order is
// that in which things are written: what carries traffic is there before a route names it, and scaled down after.
import {apiVersion} from '../../crds/names.ts'
import type {SlotContent, Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {apexTaken, movesSelector} from './apex.ts'
import {desiredTerminating} from './desired-terminating.ts'
import {same} from './equality.ts'
import {handover} from './handover.ts'
import {deletion, type Intent} from './intents.ts'
import {
  apexService,
  baselineWorkload,
  claimedService,
  configCopy,
  slotService,
  slotWorkload,
  snapshotObject,
} from './manifests.ts'
import {type Observation, otherSlot} from './observation.ts'
import {isOurs} from './owned.ts'
import {preview} from './preview.ts'
import {meshDestinations, strays} from './protection.ts'
import {canTake, isEmpty} from './readiness.ts'
import {copyName, findSnapshot, frozenTemplate, type Snapshot, snapshotOf} from './revision.ts'
import type {Ledger, Model, State} from './state.ts'
import {promotedWeight, withoutFaults} from './steps.ts'
import {drainedAt, inForce, isReached, reaches} from './traffic.ts'
import {parked, podCounts, scaled, slotKindOf} from './workloads.ts'
import {contentsOf, fullPods, podsFor, type World} from './world.ts'

/** Snapshots that are kept beyond those in use. */
const keptSnapshots = 3

export function desired(world: World, model: Model): Intent[] {
  const {state} = model
  if (state.phase === 'Terminating') {
    const giving = state.terminating.stage === 'restore' ? withdrawing(world, model) : []
    return [...giving, ...desiredTerminating(world, {...model, state})]
  }
  // Before the first slot is chosen no value is touched: a refusal leaves the cluster as it was.
  if (!state.primary) return handover(world)
  return [
    ...foundations(world, model, state.primary),
    ...route(world, model),
    ...strays(world, model).map(deletion),
    ...apex(world, model),
    ...preview(world.observation, state),
    ...scales(world, model, 'down'),
    ...parking(world, state),
    ...leftovers(world, model),
  ]
}

/**
 * What a route relies on, in order. Once everything goes to a primary that is there, the route relies on none of it: what
 * the API server refuses of it, however long, doesn't hold the way back.
 */
function foundations(world: World, model: Model, primary: SlotContent): Intent[] {
  const {state} = model
  // A canary that was rejected is not made again, whoever deleted it.
  const contents = state.phase === 'RollingBack' ? [primary] : contentsOf(state)
  const intents: Intent[] = [
    {kind: 'finalizer', present: true},
    ...autoscaled(world, model),
    ...contents.flatMap(content => material(world, model, content)),
    ...baseline(world, model),
    ...services(world),
    ...scales(world, model, 'up'),
    ...destinations(world, model),
  ]
  return leadsBack(world, model, primary) ? intents.map(intent => ({...intent, dispensable: true})) : intents
}

/** Whether all of the traffic is to go to a primary that can take it, and no slot is being filled. */
function leadsBack({observation}: World, {state, ledger}: Model, primary: SlotContent): boolean {
  const wanted = ledger.traffic?.wanted
  if (!wanted || reaches(wanted, otherSlot(primary.slot))) return false
  return (!('canary' in state) || state.phase === 'RollingBack') && canTake(observation, primary)
}

/** Before a target is given back its old Service must find no version but the primary's: whatever else runs goes first. */
function withdrawing(world: World, model: Model): Intent[] {
  const {observation} = world
  const {primary} = model.state
  const leads = apexTaken(observation) && primary !== undefined && canTake(observation, primary)
  const selector = observation.mesh.bySelector || leads ? apex(world, model) : []
  return [...route(world, model), ...strays(world, model).map(deletion), ...selector, ...scales(world, model, 'down')]
}

/** An autoscaler stays off while `spec.replicas` of what it scales is unset: where one targets the Rollout it gets a start. */
function autoscaled({observation, spec}: World, {ledger}: Model): Intent[] {
  const {name, namespace} = observation.meshContext.rollout
  const targeted = observation.autoscalers.some(
    ({spec: {scaleTargetRef} = {}}) => scaleTargetRef?.kind === 'Rollout' && scaleTargetRef.name === name,
  )
  if (!targeted || spec.replicas !== undefined || ledger.capacity === undefined) return []
  if (slotKindOf(spec) !== 'Deployment') return []
  return [{kind: 'scale', ref: {apiVersion, kind: 'Rollout', namespace, name}, replicas: ledger.capacity}]
}

/** Snapshot, config copies and workload of one slot. */
function material(world: World, model: Model, content: SlotContent): Intent[] {
  const {observation, source, revision} = world
  if (slotKindOf(world.spec) === undefined) return []
  const kept = findSnapshot(observation, content.revision)
  const fromSource = source && revision === content.revision ? source : undefined
  const intents: Intent[] = []
  if (!kept && fromSource) {
    const number = Math.max(1, model.ledger.releases)
    intents.push({kind: 'apply', manifest: snapshotObject(observation, fromSource, content.revision, number)})
  }
  const snapshot = kept ?? (fromSource && snapshotFrom(fromSource, content.revision))
  if (!snapshot) return intents
  for (const input of observation.inputs) {
    if (!input.object || !Object.values(snapshot.copies).includes(copyName(input))) continue
    if (observation.copies.some(copy => copy.kind === input.kind && copy.metadata.name === copyName(input))) continue
    intents.push({kind: 'apply', manifest: configCopy(observation, input)})
  }
  return [...intents, {kind: 'apply', manifest: slotWorkload(observation, content, snapshot)}]
}

/** A fresh copy of the primary's version, with as many pods as the canary, while steps are judged against it. */
function baseline(world: World, {state, ledger}: Model): Intent[] {
  const {observation, spec} = world
  const {baseline: live, meshContext} = observation
  const judged = state.phase === 'Preparing' || state.phase === 'Progressing' || state.phase === 'WaitingPromotion'
  const snapshot = state.primary && findSnapshot(observation, state.primary.revision)
  const name = meshContext.baseline
  if (!spec.analysis.baseline || !judged || !snapshot || name === undefined) {
    return live && isOurs(observation, live) ? [deletion(live)] : []
  }
  const intents: Intent[] = [{kind: 'apply', manifest: baselineWorkload(observation, name, state.primary, snapshot)}]
  const pods = canaryPods(world, {state, ledger}, state.phase, state.release.stepIndex ?? 0)
  if (live && (live.spec?.replicas ?? 0) !== pods) {
    const {namespace} = meshContext.rollout
    const ref = {apiVersion: 'apps/v1', kind: 'Deployment', namespace, name}
    intents.push({kind: 'scale', ref, replicas: pods})
  }
  return intents
}

function snapshotFrom(source: NonNullable<World['source']>, revision: string): Snapshot {
  return {revision, template: frozenTemplate(source), workload: source.workload, copies: source.copies}
}

/** The Services of the slots; while nobody knows the ports of the apex Service they stay as they are. */
function services({observation, spec}: World): Intent[] {
  if (!spec.serviceRefs && observation.meshContext.apex.ports.length === 0) return []
  const slots: SlotName[] = ['a', 'b']
  const rendered = spec.serviceRefs ? claimedService : slotService
  return slots.map(slot => ({kind: 'apply', manifest: rendered(observation, slot)}))
}

function destinations(world: World, model: Model): Intent[] {
  return meshDestinations(world, model).map(manifest => ({kind: 'apply', manifest}))
}

/**
 * The route, as soon as a wish for it exists and everything that it names is there. While the apex Service has no port to
 * route, such as between its deletion and its return, the route stays as it is: a new one would lead nowhere.
 */
function route(world: World, model: Model): Intent[] {
  const {observation} = world
  const wanted = model.ledger.traffic?.wanted
  if (!wanted) return []
  const named = (['a', 'b'] as const).filter(slot => reaches(wanted, slot))
  if (!named.every(slot => observation.slots[slot].service)) return []
  const {mesh, meshContext, meshObjects} = observation
  if (mesh.routedPorts(meshContext, meshObjects).length === 0) return []
  const drifted = same(routed(mesh.read(meshContext, meshObjects)), routed(wanted)) ? {} : {drifted: true as const}
  return mesh.renderRoutes(meshContext, wanted, meshObjects).map(manifest => ({kind: 'apply', manifest, ...drifted}))
}

/** What a route says of a split: faults are objects of their own. */
function routed(split: Split | undefined): Split | undefined {
  return split && withoutFaults(split)
}

function apex(world: World, model: Model): Intent[] {
  const {observation} = world
  const {service, serviceRefs} = observation.spec
  if (serviceRefs || (!observation.apex && !service.ports)) return []
  if (!movesSelector(observation)) return ownApex(observation)
  const slots = apexSlots(world, model)
  if (slots.length === 0 && observation.apex) return []
  return [{kind: 'apply', manifest: apexService(observation, slots)}]
}

/**
 * An apex Service whose selector is not ours to move: it is made where there is none, and kept where it was made so. One that
 * still selects a slot would stay with it after the next release, when that slot is empty.
 */
function ownApex(observation: Observation): Intent[] {
  const {apex} = observation
  const isToWrite = !apex || isOurs(observation, apex) || apexTaken(observation)
  return isToWrite ? [{kind: 'apply', manifest: apexService(observation, [])}] : []
}

/** The slots that the apex Service selects: those with a share where it is the route, else the one for callers outside. */
function apexSlots(world: World, model: Model): SlotName[] {
  const wanted = model.ledger.traffic?.wanted
  if (world.observation.mesh.bySelector) return wanted ? (['a', 'b'] as const).filter(slot => wanted[slot] > 0) : []
  const slot = apexSlot(model, promotedWeight(world))
  return slot ? [slot] : []
}

/** The slot that callers outside the mesh reach; undefined while the target's own pods still serve. */
function apexSlot({state, ledger}: Model, promoted: number): SlotName | undefined {
  if (state.phase === 'Initializing') return inForce(ledger) ? state.primary?.slot : undefined
  if (state.phase === 'Promoting' && inForce(ledger) && ledger.traffic?.wanted[state.canary.slot] === promoted) {
    return state.canary.slot
  }
  return state.primary?.slot
}

/** Pods that a slot is to have; undefined leaves it as it is. */
function slotPods(world: World, state: State, ledger: Ledger, slot: SlotName): number | undefined {
  const {primary} = state
  if (!primary) return undefined
  const capacity = ledger.capacity ?? 1
  const {workload} = world.observation.slots[slot]
  const now = workload ? podCounts(workload).wanted : 0
  if (slot === primary.slot) {
    if (state.phase === 'Terminating') return undefined
    return state.phase === 'RollingBack' ? Math.max(now, capacity) : capacity
  }
  switch (state.phase) {
    case 'Preparing':
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
      return Math.max(now, canaryPods(world, {state, ledger}, state.phase, state.release.stepIndex ?? 0))
    case 'Baking':
      return capacity
    case 'RollingBack':
      return undefined
    case 'Initializing':
    case 'Healthy':
    case 'Waiting':
    case 'Failed':
    case 'Terminating':
      return isReached(ledger, slot) || (drainedAt(world, ledger, slot) ?? Number.POSITIVE_INFINITY) > world.now
        ? undefined
        : 0
    default:
      return state satisfies never
  }
}

/** Pods that the canary is to have, on its step or on the way to it. */
function canaryPods(world: World, model: Model, phase: State['phase'], index: number): number {
  const {steps} = world
  const step = steps[Math.min(index, steps.length - 1)]
  return phase === 'Promoting' || !step ? fullPods(world, model) : podsFor(world, model, step)
}

function scales(world: World, model: Model, direction: 'up' | 'down'): Intent[] {
  const {observation} = world
  return (['a', 'b'] as const).flatMap(slot => {
    const {workload} = observation.slots[slot]
    const pods = slotPods(world, model.state, model.ledger, slot)
    if (!workload || pods === undefined) return []
    const {wanted} = podCounts(workload)
    // A DaemonSet that is to have none goes, even if no node takes its pods.
    const falls = pods < wanted || (pods === 0 && workload.kind === 'DaemonSet')
    if (direction === 'up' ? pods <= wanted : !falls) return []
    return scaled(workload, pods)
  })
}

/** The target has no pods once a slot serves: no unproven code runs in it. */
function parking(world: World, state: State): Intent[] {
  const {target} = world.observation
  return !target || state.phase === 'Initializing' ? [] : parked(target)
}

/** Removes copies and snapshots that nothing needs any more; between releases only. */
function leftovers(world: World, model: Model): Intent[] {
  const {observation} = world
  const {state, ledger} = model
  const quiet = state.phase === 'Healthy' || state.phase === 'Failed'
  if (!quiet || !state.primary || !isEmpty(observation, otherSlot(state.primary.slot))) return []
  const all = observation.snapshots.map(snapshotOf).filter(snapshot => snapshot !== undefined)
  const recent = [...all]
    .sort((left, right) => (right.object.revision ?? 0) - (left.object.revision ?? 0))
    .slice(0, keptSnapshots)
  const needed = new Set([
    state.primary.revision,
    ...ledger.rejected.map(one => one.revision),
    ...recent.map(one => one.revision),
  ])
  const inUse = new Set(Object.values(findSnapshot(observation, state.primary.revision)?.copies ?? {}))
  const slotSpec = JSON.stringify(observation.slots[state.primary.slot].workload?.spec?.template ?? {})
  const stale = [
    ...all.filter(snapshot => !needed.has(snapshot.revision)).map(snapshot => snapshot.object),
    ...observation.copies.filter(
      copy => !inUse.has(copy.metadata.name) && !slotSpec.includes(`"${copy.metadata.name}"`),
    ),
  ]
  return stale.map(deletion)
}
