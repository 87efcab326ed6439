// What the analysis says of the step under way. The counters were read at grid times that nobody can lose, and the
// evidence is in the status: whoever restarts goes on where the last status stands.
import {checksInForce, isAwaiting} from '../../analysis/checks.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {gridOf, nextReadingAt} from '../../analysis/grid.ts'
import {combineVerdicts} from '../../analysis/verdict.ts'
import {timeOf} from '../../crds/common.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, ReleaseStatus, SlotContent} from '../../crds/rollout-status.ts'
import {same} from './equality.ts'
import {type AnalysisObservation, otherSlot} from './observation.ts'
import {type Ledger, type Model, type State, without} from './state.ts'
import {type Step, splitOf, stepsOf, withoutFaults} from './steps.ts'
import {inForce, wants} from './traffic.ts'
import type {World} from './world.ts'

/** Readings up to so long after a decision was due come before it. */
const graceMilliseconds = 60_000
/** A reading older than this is no word on the present. */
const latestMilliseconds = 120_000

/** Results are written to the status when a verdict changes and else at most this often. */
const writeEveryMilliseconds = 60_000

export type Judgement =
  /** A check failed: roll back. */
  | {kind: 'rollback'; result: CheckResult}
  /** Every check passed. */
  | {kind: 'advance'; again?: number}
  /** Nothing can be said yet; `result` is the check that has no verdict, when one was evaluated. */
  | {kind: 'wait'; result?: CheckResult; again: number}

/** The step whose weight is in force, and since when: the one under way, or the one before while the next is prepared. */
function stepInForce({stepIndex, stepSince, held}: ReleaseStatus): {step: number; since: string} | undefined {
  return stepSince === undefined ? held : {step: stepIndex ?? 0, since: stepSince}
}

/** The step whose evidence is gathered; undefined where nothing is judged. */
export function judgedStep({state, ledger}: Model, spec: RolloutSpec): JudgedStep | undefined {
  if (state.phase === 'Baking') return bakingStep(state, ledger)
  const judged = state.phase === 'Progressing' || state.phase === 'WaitingPromotion' || state.phase === 'Promoting'
  const known = judged ? stepInForce(state.release) : undefined
  if (!judged || !known) return undefined
  const {slot} = state.canary
  // What is seen of a step with faults before they come, or once they go, is no evidence that may end it.
  const left = state.release.stepSince === undefined && known.step === state.release.stepIndex
  const step = stepsOf(spec)[known.step]
  const faulted = step !== undefined && step.faults.length > 0
  const calm = left || !faulted ? undefined : calmSince(step, state.canary, ledger)
  const part = !faulted ? '' : left ? '/left' : calm === undefined ? '' : '/calm'
  return {
    id: `${known.step}${part}`,
    ...(calm === undefined ? timeInForce(timeOf(known.since), ledger) : {since: calm}),
    canary: slot,
    primary: spec.analysis.baseline ? 'baseline' : otherSlot(slot),
    compared: true,
  }
}

/** Since when a step has been in force without its faults, being held, milliseconds; undefined while it has them. */
function calmSince(step: Step, canary: SlotContent, ledger: Ledger): number | undefined {
  const confirmedAt = ledger.traffic?.confirmedAt
  if (confirmedAt === undefined || !inForce(ledger)) return undefined
  return wants(ledger, withoutFaults(splitOf(step, canary))) ? timeOf(confirmedAt) : undefined
}

/** From when to when the weight of a step has been in force; milliseconds. */
function timeInForce(since: number, ledger: Ledger): Pick<JudgedStep, 'since' | 'until'> {
  const {traffic} = ledger
  if (!traffic) return {since}
  const wished = timeOf(traffic.since)
  if (wished > since) return {since, until: wished}
  // Somebody changed the route: what it carried until it was repaired is unknown.
  if (!inForce(ledger)) return {since, until: since}
  return {since: Math.max(since, timeOf(traffic.confirmedAt ?? traffic.since))}
}

/** Identities of the bake as a step: beside a share that the old version keeps, or alone. */
const holdbackStep = 'holdback'
const bakeStep = 'bake'

function bakingStep(state: State & {phase: 'Baking'}, ledger: Ledger): JudgedStep {
  const {slot} = state.primary
  const since = timeOf(state.release.phaseSince)
  const held = (ledger.traffic?.wanted[otherSlot(slot)] ?? 0) > 0
  const arms = {canary: slot, primary: otherSlot(slot)}
  // Once the share is given up, what was seen beside it stays.
  if (held || state.release.evidence?.step === holdbackStep)
    return {id: holdbackStep, ...timeInForce(since, ledger), ...arms, compared: true}
  return {id: bakeStep, since, ...arms, compared: false}
}

/** The evidence of this pass, where it is of the step under way. */
function evidenceOf(world: World, model: Model): AnalysisObservation | undefined {
  const {analysis} = world.observation
  return analysis && analysis.step === judgedStep(model, world.spec)?.id ? analysis : undefined
}

/** When there will be more evidence, milliseconds; undefined where none is awaited. */
export function moreAt(judgement: Judgement): number | undefined {
  return 'again' in judgement ? judgement.again : undefined
}

/**
 * Judges the evidence of this pass. Without checks in force there is nothing to wait for but the dwell of one interval.
 * @param names of the checks that count; all of them when undefined.
 */
export function judge(world: World, model: Model, names: readonly string[] | undefined): Judgement {
  const {durations, now, spec} = world
  const step = judgedStep(model, world.spec)
  if (step === undefined) return {kind: 'wait', again: now + durations.interval}
  if (checksInForce(named(spec.analysis.checks, names)).length === 0) {
    const until = step.since + durations.interval
    return now >= until ? {kind: 'advance'} : {kind: 'wait', again: until}
  }
  const analysis = evidenceOf(world, model)
  if (!analysis) return {kind: 'wait', again: nextReadingAt(gridOf(durations.interval), now)}
  const {verdict, deciding} = combineVerdicts(named(analysis.results, names))
  if (verdict === 'rollback' && deciding) return {kind: 'rollback', result: deciding}
  if (verdict === 'advance' && !analysis.awaiting) return {kind: 'advance', again: analysis.again}
  return {kind: 'wait', again: analysis.again, ...(deciding ? {result: deciding} : {})}
}

/** Judges the step whose weight is in force, by the checks in force on it; undefined where there is none. */
export function judgeStepInForce(
  world: World,
  model: Model & {state: {release: ReleaseStatus}},
): Judgement | undefined {
  const known = stepInForce(model.state.release)
  return known && judge(world, model, world.steps[known.step]?.checks)
}

/**
 * Whether readings that are still to be taken in come before a decision: what the first of them says is no word on the
 * last. A failure waits for nothing. Bounded, since a controller that is too slow is behind all the time.
 * @param due when the decision could have been made, milliseconds
 */
export function isBehind({observation: {analysis}, now}: World, due: number): boolean {
  if (!analysis || analysis.again > now) return false
  return analysis.at < Math.max(due + graceMilliseconds, now - latestMilliseconds)
}

/** Those of the checks, or of their results, that have one of the names; all of them when there are no names. */
export function named<T extends {name: string}>(all: readonly T[], names: readonly string[] | undefined): readonly T[] {
  return names ? all.filter(({name}) => names.includes(name)) : all
}

/** The ledger and release with this pass's evidence, written only when it says something new or a minute has passed. */
export function recordEvidence(
  world: World,
  ledger: Ledger,
  release: ReleaseStatus,
): {ledger: Ledger; release: ReleaseStatus} {
  const {analysis} = world.observation
  if (!analysis) return {ledger, release}
  const changed =
    analysis.results.length !== ledger.checks.length ||
    analysis.results.some((result, index) => {
      const known = ledger.checks[index]
      // Each step begins with checks that wait; their evidence is written within a minute all the same.
      if (known?.name === result.name && isAwaiting(result.reason)) return false
      return known?.name !== result.name || known.verdict !== result.verdict || known.reason !== result.reason
    })
  const last = release.evidence?.through
  const old = last === undefined || analysis.at - timeOf(last) >= writeEveryMilliseconds
  return changed || old ? freshEvidence(world, ledger, release) : {ledger, release}
}

/**
 * The model with this pass's evidence, where other time is judged from now on than before. Whoever restarts reads what is
 * not in the status once more, and takes it for time that doesn't count.
 */
export function sealed(world: World, before: Model, after: Model): Model {
  const {state} = after
  // A rollback keeps its own, and a release that has just begun none of the last one's.
  const known = 'release' in before.state ? before.state.release.id : undefined
  if (!('release' in state) || state.phase === 'RollingBack' || state.release.id !== known) return after
  if (same(judgedStep(before, world.spec), judgedStep(after, world.spec))) return after
  const {ledger, release} = freshEvidence(world, after.ledger, state.release)
  return {state: {...state, release}, ledger}
}

/** The ledger and release with this pass's evidence, for a status that is written anyway: that of a step, or of an end. */
export function freshEvidence(
  world: World,
  ledger: Ledger,
  release: ReleaseStatus,
): {ledger: Ledger; release: ReleaseStatus} {
  const {analysis} = world.observation
  if (!analysis) return {ledger, release}
  const {requests, evidence, thresholds} = analysis
  return {
    ledger: {...ledger, checks: analysis.results},
    release: {
      ...without(release, 'thresholds'),
      // Whoever restarts counts on from the evidence: requests beyond it would count twice.
      ...(evidence ? {evidence, requests} : {}),
      ...(thresholds.length > 0 ? {thresholds} : {}),
    },
  }
}
