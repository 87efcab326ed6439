// Law 9: a Rollout without status whose slots exist had one that was lost. It is rebuilt from the slots' annotations and
// the route; where those don't settle it, nothing is touched. Never does the live template take over serving slots.
import {timeOf, timeText} from '../../crds/common.ts'
import {annotations} from '../../crds/names.ts'
import type {ReleaseStatus, SlotContent, Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {apexTaken} from './apex.ts'
import {type Observation, otherSlot, type Problem} from './observation.ts'
import {commitOf, imageOf} from './revision.ts'
import {type Ledger, type Model, without} from './state.ts'
import {withoutFaults} from './steps.ts'
import {isParked, podCounts} from './workloads.ts'

export type Rebuilt =
  | {kind: 'fresh'; model: Model}
  | {kind: 'rebuilt'; model: Model}
  | {kind: 'ambiguous'; problem: Problem}

const emptyLedger: Ledger = {releases: 0, checks: [], rejected: [], commands: {}, history: [], alerts: []}

export function rebuild(observation: Observation): Rebuilt {
  const found = {a: contentIn(observation, 'a'), b: contentIn(observation, 'b')}
  const alive = (['a', 'b'] as const).filter(slot => found[slot] && hasPods(observation, slot))
  const carried = observation.mesh.read(observation.meshContext, observation.meshObjects)
  const {serviceRefs} = observation.spec
  // Services of the user's have pods before Fairlead has ever looked at them.
  const fresh = alive.length === 0 || (serviceRefs !== undefined && carried === undefined)
  if (fresh) return {kind: 'fresh', model: {state: {phase: 'Initializing'}, ledger: emptyLedger}}
  const sole = (['a', 'b'] as const).find(slot => carried?.[slot] === 100)
  // The version that is to serve in the end is the one that is being released.
  const older = serviceRefs ? otherSlot(serviceRefs.serve) : olderOf(found.a, found.b)
  const serving = sole ?? (carried ? older : alive.length === 1 ? alive[0] : undefined)
  const primary = serving && found[serving]
  if (!serving || !primary || !hasPods(observation, serving))
    return {kind: 'ambiguous', problem: ambiguity(observation)}
  const split = sole === undefined ? carried : undefined
  return {kind: 'rebuilt', model: modelAround(observation, primary, split && found[otherSlot(serving)], split)}
}

function hasPods({spec, slots}: Observation, slot: SlotName): boolean {
  const {workload, readyEndpoints} = slots[slot]
  if (spec.serviceRefs) return readyEndpoints > 0
  return workload !== undefined && podCounts(workload).wanted > 0
}

/** What a slot holds, by its own annotations. */
function contentIn(observation: Observation, slot: SlotName): SlotContent | undefined {
  const {workload, service} = observation.slots[slot]
  // A Service of the user's says nothing of a release: which of the two serves is told by the route alone.
  if (observation.spec.serviceRefs) {
    return (
      service && {
        slot,
        revision: service.metadata.name,
        image: service.metadata.name,
        filledAt: timeText(observation.now),
      }
    )
  }
  const stamps = workload?.metadata.annotations ?? {}
  const revision = stamps[annotations.revision]
  const filledAt = stamps[annotations.filledAt]
  if (!workload || !revision || !filledAt) return undefined
  const commit = commitOf(workload)
  const content: SlotContent = {slot, revision, image: imageOf(workload.spec?.template ?? {}), filledAt}
  return commit ? {...content, commit} : content
}

function olderOf(a: SlotContent | undefined, b: SlotContent | undefined): SlotName | undefined {
  if (!a || !b) return undefined
  return timeOf(a.filledAt) <= timeOf(b.filledAt) ? 'a' : 'b'
}

/**
 * With split traffic the older slot is the primary, and the release goes back: its evidence is lost with the status.
 * @param split what the route carries where both have a share; the primary gets the rest as in every roll-back
 */
function modelAround(
  observation: Observation,
  primary: SlotContent,
  other: SlotContent | undefined,
  split: Split | undefined,
): Model {
  const now = timeText(observation.now)
  const {workload} = observation.slots[primary.slot]
  const replicas = workload ? podCounts(workload).wanted : 1
  const wanted = {a: primary.slot === 'a' ? 100 : 0, b: primary.slot === 'b' ? 100 : 0}
  const ledger: Ledger = {
    ...emptyLedger,
    releases: 1,
    capacity: observation.spec.replicas ?? replicas,
    traffic: {wanted, since: now},
  }
  if (!split || !other) return settled(observation, primary, ledger)
  const message = 'The status of the release was lost; its revision is released anew.'
  const rollback = {outcome: 'Superseded' as const, reason: 'StatusLost', message, startedAt: now}
  const release: ReleaseStatus & {rollback: typeof rollback} = {
    id: `1-${other.revision}`,
    startedAt: now,
    phaseSince: now,
    weightsSeen: [],
    // Whether they still held nobody knows: over a version that has more than the share they are meant for they must not.
    safeguardsLifted: true,
    rollback,
  }
  const carried = {...ledger, traffic: {wanted: withoutFaults(split), since: now}}
  return {state: {phase: 'RollingBack', primary, canary: other, release}, ledger: carried}
}

/**
 * Nothing is shared out. A target that has pods is one whose adoption is under way: it keeps them until callers have left it,
 * be it that the route, or the apex Service, leads to the slot already.
 */
function settled(observation: Observation, primary: SlotContent, ledger: Ledger): Model {
  const {mesh, meshContext, meshObjects, target} = observation
  if (target === undefined || isParked(target)) return {state: {phase: 'Healthy', primary}, ledger}
  const state = {phase: 'Initializing' as const, primary}
  const isLedTo = mesh.read(meshContext, meshObjects)?.[primary.slot] === 100 || apexTaken(observation)
  return {state, ledger: isLedTo ? ledger : without(ledger, 'traffic')}
}

function ambiguity(observation: Observation): Problem {
  const {name, namespace} = observation.meshContext.rollout
  const {a, b} = observation.meshContext.slots
  return {
    reason: 'StatusLost',
    object: `Rollout ${namespace}/${name}`,
    field: 'status',
    problem: 'the status is gone, and slots and route do not say which slot serves',
    fix: `scale the slot that should not serve (${a} or ${b}) to zero`,
  }
}
