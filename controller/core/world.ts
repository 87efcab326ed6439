// What a phase sees and what it gives back. Phases are functions from a world to an outcome: no I/O, no clock, no memory.
import {chosenInterval} from '../../analysis/grid.ts'
import {durationMilliseconds} from '../../crds/common.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {SlotContent} from '../../crds/rollout-status.ts'
import {same} from './equality.ts'
import type {Note} from './intents.ts'
import {slotTemplate} from './manifests.ts'
import type {Observation, Problem} from './observation.ts'
import {findSnapshot, frozenTemplate, identify, type Source, sourceOf} from './revision.ts'
import {challengerOf, type Model, type State} from './state.ts'
import {type Step, stepsOf} from './steps.ts'
import {podCounts, slotKindOf} from './workloads.ts'

/** The spec's durations in milliseconds. */
export interface Durations {
  interval: number
  window: number
  minimumDwell: number
  inconclusiveDeadline: number
  bake: number
  settle: number
  drain: number
  progressDeadline: number
}

export interface World {
  readonly observation: Observation
  readonly now: number
  readonly spec: RolloutSpec
  readonly durations: Durations
  /** What a release goes through before its promotion. */
  readonly steps: readonly Step[]
  /** What the source holds now; undefined when it is gone. */
  readonly source: Source | undefined
  /** Name of the revision that the source holds. */
  readonly revision: string | undefined
  /** What a user has to change before a release may start. */
  readonly problems: Problem[]
}

/** What one look at a phase gives. */
export interface Outcome {
  model: Model
  /** What is going on, in at most about forty characters. */
  message: string
  notes: Note[]
  /** Time (milliseconds) at which to look again even if nothing changes. */
  again?: number
  /** A reason to say that a newer revision waits. */
  waiting?: {reason: string; message: string}
}

export function worldOf(observation: Observation, model: Model, problems: Problem[]): World {
  const {spec, now} = observation
  const source = sourceOf(observation)
  return {
    observation,
    now,
    spec,
    source,
    problems,
    revision:
      source &&
      identify(source, model.ledger, contentsOf(model.state), content => holdsSource(observation, source, content)),
    durations: durationsOf(spec, 'release' in model.state ? model.state.release.interval : undefined),
    steps: stepsOf(spec),
  }
}

/** @param foundInterval what a release found from the scrapes, for a spec that names no interval */
export function durationsOf(spec: RolloutSpec, foundInterval?: string): Durations {
  const interval = spec.analysis.interval ?? foundInterval
  return {
    interval: interval === undefined ? chosenInterval() : durationMilliseconds(interval),
    window: durationMilliseconds(spec.analysis.window),
    minimumDwell: durationMilliseconds(spec.analysis.minimumDwell),
    inconclusiveDeadline: durationMilliseconds(spec.analysis.inconclusiveDeadline),
    bake: durationMilliseconds(spec.bake.duration),
    settle: durationMilliseconds(spec.revision.settle),
    drain: durationMilliseconds(spec.drainTime),
    progressDeadline: durationMilliseconds(spec.progressDeadline),
  }
}

export function contentsOf(state: State): SlotContent[] {
  const challenger = challengerOf(state)
  return [...(state.primary ? [state.primary] : []), ...(challenger ? [challenger] : [])]
}

/** Whether a slot runs just what the source holds: by the template that the server returned, else by the snapshot. */
function holdsSource(observation: Observation, source: Source, content: SlotContent): boolean {
  const frozen = frozenTemplate(source)
  const live = observation.slots[content.slot].workload?.spec?.template
  const expected = slotTemplate(observation.meshContext.rollout.name, content.slot, frozen)
  if (live && same(expected, withoutCreationTime(live))) return true
  const snapshot = findSnapshot(observation, content.revision)
  return snapshot !== undefined && same(frozen, snapshot.template)
}

// biome-ignore lint/suspicious/noExplicitAny: a pod template is the user's own JSON.
function withoutCreationTime(template: any): unknown {
  const {creationTimestamp: _ignored, ...metadata} = template.metadata ?? {}
  return {...template, metadata}
}

/** Pods that full capacity means now. During a release it only rises; a DaemonSet has one for each of its nodes. */
export function capacityOf(world: World, model: Model): number {
  const {spec, observation} = world
  const known = model.ledger.capacity ?? 0
  const {primary} = model.state
  const serving = primary && observation.slots[primary.slot].workload
  if (serving?.kind === 'DaemonSet') return podCounts(serving).wanted || known
  const asked = spec.replicas ?? (model.ledger.capacity === undefined ? 1 : known)
  const idle = model.state.phase === 'Healthy' || model.state.phase === 'Waiting' || model.state.phase === 'Failed'
  return idle ? asked : Math.max(asked, known)
}

/**
 * Pods that a slot needs for all of the traffic. Of a DaemonSet: as many as are ready of the primary's, so that a node
 * which is down holds no release up.
 */
export function fullPods({observation, spec}: World, {state, ledger}: Model): number {
  const capacity = ledger.capacity ?? 1
  if (spec.serviceRefs) return 1
  const serving = state.primary && observation.slots[state.primary.slot].workload
  return serving?.kind === 'DaemonSet' ? Math.max(1, podCounts(serving).ready) : capacity
}

/**
 * Pods that a slot needs on a step; at least one, since checks of a preview need something to ask. Where pods make the
 * share: those that come nearest to the weight beside all of the primary's.
 */
export function podsFor(world: World, model: Model, {podsPercent, weight}: Step): number {
  const {observation, spec} = world
  const capacity = fullPods(world, model)
  if (slotKindOf(spec) !== 'Deployment') return capacity
  const makeShare = observation.mesh.bySelector && weight > 0
  const pods = makeShare ? Math.round((capacity * weight) / (100 - weight)) : Math.ceil((capacity * podsPercent) / 100)
  return Math.max(1, pods)
}

export function earliest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter(time => time !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}
