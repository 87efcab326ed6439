// What ends a release from outside while it is under way: an abort, a revert in Git, a newer revision.

import {timeOf} from '../../crds/common.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import {releaseFields, withAlert} from './alerts.ts'
import {findCandidate} from './candidate.ts'
import {carriedOut, commanded} from './commands.ts'
import {fieldsOfCheck, fieldsOfChecks} from './figures.ts'
import type {Note} from './intents.ts'
import {recordEvidence} from './judgement.ts'
import {isCleanEnough, openText, overdueOutcome} from './outlook.ts'
import type {Ledger, Model, Releasing} from './state.ts'
import type {Step} from './steps.ts'
import {missingConfirmation, overdue} from './traffic.ts'
import {note, pausedFor, type RollbackReason, rollBack} from './transitions.ts'
import {earliest, type Outcome, type World} from './world.ts'

export type ReleasingModel = Model & {state: Releasing}

/** The outcome when something ends the release; else the model that knows the source's present state. */
export function interrupted(world: World, model: ReleasingModel): Outcome | {model: ReleasingModel; again?: number} {
  const {state, ledger} = model
  const {canary, primary} = state
  if (commanded(world, ledger, 'abort', canary.revision)) {
    const done = {...model, ledger: carriedOut(world, ledger, 'abort')}
    return back(world, done, {outcome: 'Aborted', reason: 'Aborted', message: 'Aborted by the abort annotation.'})
  }
  if (world.revision === primary.revision) {
    const message = "The source went back to the primary's revision."
    return back(world, model, {outcome: 'Reverted', reason: 'Reverted', message})
  }
  const found = findCandidate(world, ledger, canary.revision)
  switch (found.kind) {
    case 'absent':
      return {model}
    case 'held':
      return {model: {...model, ledger: found.ledger}}
    case 'settling':
      return {model: {...model, ledger: found.ledger}, again: found.again}
    case 'new': {
      const message = `Revision ${found.revision} supersedes ${canary.revision}.`
      return back(world, {...model, ledger: found.ledger}, {outcome: 'Superseded', reason: 'Superseded', message})
    }
    default:
      return found satisfies never
  }
}

/** The outcome of a roll-back from a release under way. */
export function back(world: World, model: ReleasingModel, why: RollbackReason): Outcome {
  const next = rollBack(world, model, why)
  const bad = why.outcome === 'RolledBack' || why.outcome === 'Aborted'
  return {
    model: next,
    message: `Rolling back: ${why.reason}`,
    notes: [note(bad ? 'Warning' : 'Normal', why.reason, why.message)],
  }
}

/** The reason to roll back that a failed check gives. */
export function failedCheck(result: CheckResult): RollbackReason {
  const message = `Check ${result.name} failed: ${result.message}.`
  return {outcome: 'RolledBack', reason: 'CheckFailed', message, result}
}

/** The model with this pass's evidence, where it says something new. */
export function withEvidence(world: World, model: ReleasingModel): ReleasingModel {
  const {ledger, release} = recordEvidence(world, model.ledger, model.state.release)
  return {state: {...model.state, release}, ledger}
}

/**
 * What follows when a step has had no verdict for too long: nothing while there is time, the end of the step with what
 * people are told of it, or the outcome.
 * @param since when the weight of the step came into force, milliseconds
 */
export function inconclusive(
  world: World,
  model: ReleasingModel,
  step: Step,
  since: number,
  result: CheckResult | undefined,
): 'wait' | {told: Note} | Outcome {
  if (world.now < since + step.deadlineMilliseconds) return 'wait'
  const what = openText(world, result)
  const number = (model.state.release.stepIndex ?? 0) + 1
  if (isCleanEnough(world, step.checks)) {
    const clean = `every one of the canary's requests since the step began, or its last shared incident ended, was good, at least the ${world.spec.analysis.cleanRequests} of spec.analysis.cleanRequests`
    return {told: note('Normal', 'CleanRequests', `Step ${number} ends without a verdict: ${clean}. ${what}.`)}
  }
  const outcome = overdueOutcome(world, result)
  switch (outcome) {
    case 'rollback':
      return back(world, model, {
        outcome: 'RolledBack',
        reason: 'Inconclusive',
        message: `${what}, within ${step.deadlineField}.`,
        ...(result ? {result} : {}),
      })
    case 'promote': {
      const why = `spec.analysis.onInconclusive is promote, and ${step.deadlineField} is over`
      return {told: note('Warning', 'StepInconclusive', `Step ${number} ends without a verdict: ${why}. ${what}.`)}
    }
    case 'pause':
      return paused(world, model, 'Inconclusive', what, result)
    default:
      return outcome satisfies never
  }
}

/**
 * The release holds its weight for a reason that a person should know of.
 * @param result the check that says why, if one does
 * @param advice what to do about it
 */
export function paused(
  world: World,
  model: ReleasingModel,
  reason: string,
  text: string,
  result?: CheckResult,
  advice = `Set fairlead.dev/skip-step or fairlead.dev/abort to "${model.state.canary.revision}" to decide.`,
): Outcome {
  const {state, ledger} = model
  const release = pausedFor(world, state.release, reason)
  const fresh = state.release.paused?.reason !== reason
  const names = world.steps[state.release.stepIndex ?? 0]?.checks
  const figures = result ? fieldsOfCheck(world, result) : fieldsOfChecks(world, names)
  const alerted: Ledger = withAlert(world, ledger, `${release.id}/${release.stepIndex ?? 0}`, {
    event: `Paused${reason}`,
    severity: 'warn',
    title: `${world.observation.meshContext.rollout.name}: release of ${state.canary.image} paused (${reason})`,
    text: `${text}. The canary keeps its weight. ${advice}`,
    fields: {...releaseFields(world, state.primary, state.canary), ...figures},
  })
  return {
    model: {state: {...state, release}, ledger: fresh ? alerted : ledger},
    message: `Paused: ${reason}`,
    notes: fresh ? [note('Warning', `Paused${reason}`, `${text}. The canary keeps its weight.`)] : [],
  }
}

/** Waits until the mesh has the wish in force; a pause that people are told of when it is late, which ends by itself. */
export function unconfirmed(
  world: World,
  model: ReleasingModel,
  what: string,
  ...again: (number | undefined)[]
): Outcome {
  if (!overdue(world, model.ledger)) return holdAt(model, `${what}: waiting for the mesh`, ...again)
  const time = earliest(...again)
  const held = paused(
    world,
    model,
    'Unconfirmed',
    missingText(world, model.ledger),
    undefined,
    'It goes on when the mesh has.',
  )
  return time === undefined ? held : {...held, again: time}
}

/** What a late confirmation waits for, as a sentence without its full stop. */
export function missingText(world: World, ledger: Ledger): string {
  const late = missingConfirmation(world, ledger)
  const why = late ? `: ${late.object}, ${late.field}: ${late.problem}; fix: ${late.fix}` : ''
  return `The mesh has not confirmed the weight${why}`
}

/** Nothing ends, and no weight rises, before the readings that wait are taken in. */
export function catchingUp(world: World, model: Model, what: string): Outcome {
  return holdAt(model, `${what}: reading what was missed`, world.now)
}

/** The deadline for pods of a phase that waits for them; an outcome when it has passed. */
export function progressDeadline(world: World, model: ReleasingModel, why: string): Outcome | {again: number} {
  const deadline = timeOf(model.state.release.phaseSince) + world.durations.progressDeadline
  if (world.now < deadline) return {again: deadline}
  const message = `The canary was not ready within ${world.spec.progressDeadline}: ${why}.`
  return back(world, model, {outcome: 'RolledBack', reason: 'ProgressDeadlineExceeded', message})
}

/** An outcome that holds, and is judged all the same. */
export function goingOn(outcome: Outcome, again: number | undefined): Outcome {
  return again === undefined ? outcome : {...outcome, again}
}

export function isOutcome(value: object): value is Outcome {
  return 'message' in value && 'notes' in value
}

/** An outcome that only waits. */
export function holdAt(model: Model, message: string, ...again: (number | undefined)[]): Outcome {
  const time = earliest(...again)
  return {model, message, notes: [], ...(time === undefined ? {} : {again: time})}
}
