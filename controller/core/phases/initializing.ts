// Initializing: the target's pods go on serving until the first slot has taken over. Pods, destinations, route, apex
// Service, in this order, and only then is the target parked at zero.
import {annotations} from '../../../crds/names.ts'
import {apexAt} from '../apex.ts'
import {holdAt} from '../releasing.ts'
import {type Source, sourceText} from '../revision.ts'
import {settled} from '../settled.ts'
import type {Initializing, Ledger, Model} from '../state.ts'
import {allTo} from '../steps.ts'
import {drainedAt, inForce, want} from '../traffic.ts'
import {contentOf, note, sourceRecord} from '../transitions.ts'
import {podCounts, slotKindOf} from '../workloads.ts'
import type {Outcome, World} from '../world.ts'

type InitializingModel = Model & {state: Initializing}

export function initializing(world: World, model: InitializingModel): Outcome {
  const {source, revision, problems, observation} = world
  const {primary} = model.state
  const [problem] = problems
  const routed = model.ledger.traffic !== undefined
  if (problem && !routed)
    return holdAt(
      {state: {phase: 'Initializing'}, ledger: refusedLedger(world, model)},
      `${problem.reason}: nothing was touched`,
    )
  if (!routed && source && revision !== undefined && primary?.revision !== revision)
    return begin(world, model, source, revision)
  if (!primary) return holdAt(model, 'Waiting for the target')
  const {traffic} = model.ledger
  if (!traffic) {
    const {message, ledger, again, ...found} = settled(world, model, primary, firstPods(world, model))
    if (!found.settled) return holdAt({state: model.state, ledger}, `Adopting: ${message}`, again)
    return holdAt(
      {state: model.state, ledger: want(ledger, allTo(primary.slot), world.now)},
      'Adopting: waiting for the mesh',
    )
  }
  if (!inForce(model.ledger)) return holdAt(model, 'Adopting: waiting for the mesh')
  if (!apexAt(observation, primary.slot)) return holdAt(model, 'Adopting: moving the apex Service')
  const until = drainedAt(world, model.ledger)
  if (until === undefined || world.now < until) return holdAt(model, 'Adopting: draining the target', until)
  const parked = observation.target ? '; the target is parked, without pods' : ''
  const text = `Slot ${primary.slot} serves revision ${primary.revision}${parked}.`
  return {
    model: {state: {phase: 'Healthy', primary}, ledger: model.ledger},
    message: 'Serving the primary',
    notes: [note('Normal', 'Adopted', text)],
  }
}

/** Chooses what the first slot is filled with; a change before it serves simply fills it anew. */
function begin(world: World, model: InitializingModel, source: Source, revision: string): Outcome {
  if (source.missing.length > 0) return holdAt(model, `${source.missing[0]} is missing`)
  const primary = contentOf(world, source, source.service?.slot ?? 'a', revision)
  const ledger: Ledger = {
    ...model.ledger,
    capacity: adoptedCapacity(world, model.ledger.capacity),
    source: sourceRecord(source, revision),
  }
  const pods = slotKindOf(world.spec) === 'Deployment' ? ` with ${ledger.capacity} replicas` : ''
  const text = `Adopting ${sourceText(world.observation)}${pods} as revision ${revision}.`
  return {
    model: {state: {phase: 'Initializing', primary}, ledger},
    message: 'Adopting: filling the first slot',
    notes: [note('Normal', 'Adopting', text)],
  }
}

/** Pods that the first slot needs: no fewer than serve now. */
function firstPods({observation, spec}: World, {ledger}: InitializingModel): number {
  const {target} = observation
  if (target?.kind === 'DaemonSet') return Math.max(1, podCounts(target).ready)
  return spec.serviceRefs ? 1 : (ledger.capacity ?? 1)
}

/** While somebody else's replicas stand in the way their number is remembered: it is lost when the field is dropped. */
function refusedLedger({problems, observation}: World, {ledger}: InitializingModel): Ledger {
  const replicas: number = observation.target?.spec?.replicas ?? 0
  const owned = problems.some(problem => problem.reason === 'ReplicasOwnedElsewhere')
  return owned && replicas > 0 ? {...ledger, capacity: replicas} : ledger
}

/**
 * `spec.replicas`; else what Git says of the target; else what the target has; at least one. A field that a client-side
 * apply drops falls to the default, 1, whoever else owns it: what it was before counts then, unless somebody scaled it.
 */
function adoptedCapacity(world: World, remembered: number | undefined): number {
  const {target} = world.observation
  const fromGit = Number(target?.metadata.annotations?.[annotations.replicas] ?? Number.NaN)
  if (world.spec.replicas !== undefined) return world.spec.replicas
  if (Number.isInteger(fromGit) && fromGit >= 0) return fromGit
  const live = target?.spec?.replicas || 1
  const scaled = (target?.metadata.managedFields ?? []).some(entry => entry.subresource === 'scale')
  return live === 1 && !scaled && remembered !== undefined ? remembered : live
}
