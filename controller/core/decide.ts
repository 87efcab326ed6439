// The decision: everything that is known goes in, and the status to persist and the intents to carry out come out. It is
// synchronous, pure and total. Whoever calls it persists the status first, and then carries the intents out.
import {timeText} from '../../crds/common.ts'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {settleAlerts} from './alerts.ts'
import {allCarriedOut} from './commands.ts'
import {conditionsOf, problemText} from './conditions.ts'
import {desired} from './desired.ts'
import {same} from './equality.ts'
import {idle} from './idle.ts'
import type {Intent, Note} from './intents.ts'
import {breaches} from './invariants.ts'
import {sealed} from './judgement.ts'
import {slotLabels} from './manifests.ts'
import {type Observation, type Problem} from './observation.ts'
import {baking} from './phases/baking.ts'
import {initializing} from './phases/initializing.ts'
import {preparing} from './phases/preparing.ts'
import {progressing} from './phases/progressing.ts'
import {promoting} from './phases/promoting.ts'
import {rollingBack} from './phases/rolling-back.ts'
import {beginTerminating, terminating} from './phases/terminating.ts'
import {waitingPromotion} from './phases/waiting-promotion.ts'
import {rebuild} from './rebuild.ts'
import {refusals} from './refusals.ts'
import {challengerOf, type Model, modelOf, statusOf} from './state.ts'
import {withinBound} from './status-size.ts'
import {confirmedWeight, readTraffic} from './traffic.ts'
import {note} from './transitions.ts'
import {podCounts} from './workloads.ts'
import {capacityOf, earliest, type Outcome, type World, worldOf} from './world.ts'

export interface Decision {
  status: RolloutStatus
  intents: Intent[]
  notes: Note[]
  /** Time (milliseconds) at which to look again even if nothing changes. */
  again?: number
}

/** Moves that one pass may make in a row. Each is a real step; more would mean that two phases pass a Rollout to and fro. */
const maximumMoves = 8

export function decide(observation: Observation): Decision {
  if (observation.rollout.metadata.deletionTimestamp && observation.namespaceTerminating) {
    return {status: observation.status, intents: [{kind: 'finalizer', present: false}], notes: []}
  }
  const problems = refusals(observation)
  const known = modelOf(observation.status)
  const rebuilt = known ? undefined : rebuild(observation)
  if (rebuilt?.kind === 'ambiguous') return stalled(observation.status, observation.now, rebuilt.problem)
  const start = known ?? rebuilt?.model
  if (!start) throw new Error('unreachable: a status is either known or rebuilt')
  const first = worldOf(observation, start, problems)
  const before = rebuilt?.kind === 'rebuilt' ? {...start, ledger: allCarriedOut(first, start.ledger)} : start
  const settled = settle(observation, problems, deletionSeen(first, before))
  const outcome = {...settled, model: sealed(first, before, settled.model)}
  const world = worldOf(observation, outcome.model, problems)
  const broken = breaches(world, before, outcome.model)
  if (broken.length > 0) return stalled(observation.status, observation.now, invariantProblem(observation, broken))
  const status = assemble(world, outcome)
  const intents = desired(world, outcome.model)
  const notes = [...outcome.notes, ...rebuiltNotes(rebuilt?.kind), ...conditionNotes(observation.status, status)]
  return {status, intents, notes, ...(outcome.again === undefined ? {} : {again: outcome.again})}
}

function deletionSeen(world: World, model: Model): Model {
  const deleted = world.observation.rollout.metadata.deletionTimestamp !== undefined
  return deleted && model.state.phase !== 'Terminating' ? beginTerminating(world, model) : model
}

/** Lets the phases act until nothing moves any more. */
function settle(observation: Observation, problems: Problem[], start: Model): Outcome {
  let model = start
  const notes: Note[] = []
  for (let move = 0; move < maximumMoves; move++) {
    const world = worldOf(observation, model, problems)
    const reading = readTraffic(world, withCapacity(world, {...model, ledger: settleAlerts(world, model.ledger)}))
    const outcome = step(world, reading.model)
    notes.push(...reading.notes, ...outcome.notes)
    const still = same(statusOf(outcome.model), statusOf(model))
    model = outcome.model
    if (still || move === maximumMoves - 1) {
      const again = earliest(outcome.again, reading.again, still ? undefined : observation.now)
      const {again: _again, ...rest} = outcome
      return {...rest, notes, ...(again === undefined ? {} : {again})}
    }
  }
  throw new Error('unreachable: the loop returns in its last round')
}

/** During a release the capacity only rises, whatever an autoscaler does. */
function withCapacity(world: World, model: Model): Model {
  if (model.ledger.capacity === undefined) return model
  return {...model, ledger: {...model.ledger, capacity: capacityOf(world, model)}}
}

function step(world: World, model: Model): Outcome {
  const {state, ledger} = model
  switch (state.phase) {
    case 'Initializing':
      return initializing(world, {state, ledger})
    case 'Healthy':
    case 'Waiting':
    case 'Failed':
      return idle(world, {state, ledger})
    case 'Preparing':
      return preparing(world, {state, ledger})
    case 'Progressing':
      return progressing(world, {state, ledger})
    case 'WaitingPromotion':
      return waitingPromotion(world, {state, ledger})
    case 'Promoting':
      return promoting(world, {state, ledger})
    case 'Baking':
      return baking(world, {state, ledger})
    case 'RollingBack':
      return rollingBack(world, {state, ledger})
    case 'Terminating':
      return terminating(world, {state, ledger})
    default:
      return state satisfies never
  }
}

/** The whole status: the model, and what people and tools read of it. */
function assemble(world: World, outcome: Outcome): RolloutStatus {
  const {observation} = world
  const {model} = outcome
  const {state, ledger} = model
  const status = statusOf(model)
  const {name} = observation.meshContext.rollout
  if (observation.rollout.metadata.generation !== undefined)
    status.observedGeneration = observation.rollout.metadata.generation
  status.message = shortMessage(outcome.message)
  if (state.primary) {
    const {workload, service, readyEndpoints} = observation.slots[state.primary.slot]
    const others = observation.spec.serviceRefs !== undefined
    status.replicas = others ? readyEndpoints : workload ? podCounts(workload).present : 0
    const selector = others ? (service?.spec?.selector ?? {}) : slotLabels(name, state.primary.slot)
    status.selector = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
  }
  const challenger = challengerOf(state)
  if (state.primary) status.primaryImage = shortImage(state.primary.image)
  if ('canary' in state) status.canaryImage = shortImage(state.canary.image)
  status.canaryWeight = challenger && state.phase !== 'Baking' ? confirmedWeight(ledger, challenger.slot) : 0
  const steps = world.steps.length
  if (state.phase === 'Progressing') status.step = `${(state.release.stepIndex ?? 0) + 1}/${steps}`
  else if (state.phase === 'WaitingPromotion' || state.phase === 'Promoting' || state.phase === 'Baking')
    status.step = `${steps}/${steps}`
  status.conditions = conditionsOf(world, outcome, observation.status)
  return withinBound(status)
}

/** Longest message in the table of `kubectl get`, so that a row fits into 120 columns. */
const maximumShownMessage = 40

function shortMessage(text: string): string {
  return text.length <= maximumShownMessage ? text : `${text.slice(0, maximumShownMessage - 1)}…`
}

/** The last part of an image's name, which is what tells versions apart; a digest is cut. */
function shortImage(image: string): string {
  return (image.split('/').at(-1) ?? image).replace(/@sha256:([0-9a-f]{8})[0-9a-f]*$/, '@$1').slice(0, 64)
}

/** The status as it was, with the reason why nothing is done. */
export function stalled(status: RolloutStatus, now: number, problem: Problem): Decision {
  const message = problemText(problem)
  const others = (status.conditions ?? []).filter(one => one.type !== 'Stalled' && one.type !== 'Ready')
  const old = status.conditions?.find(one => one.type === 'Stalled')
  const lastTransitionTime = old?.status === 'True' ? old.lastTransitionTime : timeText(now)
  const common = {reason: problem.reason, message, lastTransitionTime}
  const conditions = [
    {type: 'Ready', status: 'False' as const, ...common},
    {type: 'Stalled', status: 'True' as const, ...common},
    ...others,
  ]
  const notes = old?.status === 'True' && old.message === message ? [] : [note('Warning', problem.reason, message)]
  return {status: withinBound({...status, message: problem.reason, conditions}), intents: [], notes}
}

function invariantProblem(observation: Observation, broken: string[]): Problem {
  const {name, namespace} = observation.meshContext.rollout
  return {
    reason: 'InvariantBroken',
    object: `Rollout ${namespace}/${name}`,
    field: 'status',
    problem: `a decision was withheld: ${broken.join('; ')}`,
    fix: 'report this with the status and the events of the Rollout; the traffic stays as it is',
  }
}

function rebuiltNotes(kind: 'fresh' | 'rebuilt' | undefined): Note[] {
  if (kind !== 'rebuilt') return []
  return [note('Warning', 'StatusRebuilt', 'The status was lost and has been rebuilt from the slots and the route.')]
}

/** Conditions that have just come to say that something is wrong, as events. */
function conditionNotes(old: RolloutStatus, status: RolloutStatus): Note[] {
  const telling = [
    'Stalled',
    'NoVerdict',
    'TrafficTooLow',
    'WriteRefused',
    'RouteUnconfirmed',
    'ImageDrift',
    'TargetNotParked',
    'AlertChannelMissing',
    'Waiting',
  ]
  return (status.conditions ?? [])
    .filter(
      one =>
        telling.includes(one.type) &&
        one.status === 'True' &&
        one.reason !== 'RolledBack' &&
        one.reason !== 'InputsSettling',
    )
    .filter(
      one =>
        !old.conditions?.some(
          known => known.type === one.type && known.status === 'True' && known.reason === one.reason,
        ),
    )
    .map(one => note(one.type === 'Waiting' ? 'Normal' : 'Warning', one.reason, one.message))
}
