// What ends a release from outside while it is under way: an abort, a revert in Git, a newer revision.

import {timeOf} from '../../crds/common.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import {releaseFields, withAlert} from './alerts.ts'
import {findCandidate} from './candidate.ts'
import {carriedOut, commanded} from './commands.ts'
import {isCleanEnough, outlookText} from './outlook.ts'
import type {Ledger, Model, Releasing} from './state.ts'
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
  return {outcome: 'RolledBack', reason: 'CheckFailed', message: `Check ${result.name} failed: ${result.message}.`}
}

/**
 * What follows when a step has had no verdict for too long: the configured outcome, or nothing while there is time.
 * @param since when the wait for a verdict began, milliseconds.
 */
export function inconclusive(
  world: World,
  model: ReleasingModel,
  since: number,
  result: CheckResult | undefined,
): 'wait' | 'promote' | Outcome {
  const deadline = since + world.durations.inconclusiveDeadline
  if (world.now < deadline) return 'wait'
  if (isCleanEnough(world)) return 'promote'
  const what = result
    ? `Check ${result.name}: ${result.message}${outlookText(world.observation.analysis)}`
    : 'No evaluation took place'
  switch (world.spec.analysis.onInconclusive) {
    case 'rollback':
      return back(world, model, {
        outcome: 'RolledBack',
        reason: 'Inconclusive',
        message: `${what}, for ${world.spec.analysis.inconclusiveDeadline}.`,
      })
    case 'promote':
      return 'promote'
    case 'pause':
      return paused(world, model, 'Inconclusive', what)
    default:
      return world.spec.analysis.onInconclusive satisfies never
  }
}

/** The release holds its weight for a reason that a person should know of. */
export function paused(world: World, model: ReleasingModel, reason: string, text: string): Outcome {
  const {state, ledger} = model
  const release = pausedFor(world, state.release, reason)
  const fresh = state.release.paused?.reason !== reason
  const alerted: Ledger = withAlert(world, ledger, `${release.id}/${release.stepIndex ?? 0}`, {
    event: `Paused${reason}`,
    severity: 'warn',
    title: `${world.observation.meshContext.rollout.name}: release of ${state.canary.image} paused (${reason})`,
    text: `${text}. The canary keeps its weight. Set fairlead.dev/skip-step or fairlead.dev/abort to "${state.canary.revision}" to decide.`,
    fields: releaseFields(world, state.primary, state.canary),
  })
  return {
    model: {state: {...state, release}, ledger: fresh ? alerted : ledger},
    message: `Paused: ${reason}`,
    notes: fresh ? [note('Warning', `Paused${reason}`, `${text}. The canary keeps its weight.`)] : [],
  }
}

/** The deadline for pods of a phase that waits for them; an outcome when it has passed. */
export function progressDeadline(world: World, model: ReleasingModel, why: string): Outcome | {again: number} {
  const deadline = timeOf(model.state.release.phaseSince) + world.durations.progressDeadline
  if (world.now < deadline) return {again: deadline}
  const message = `The canary was not ready within ${world.spec.progressDeadline}: ${why}.`
  return back(world, model, {outcome: 'RolledBack', reason: 'ProgressDeadlineExceeded', message})
}

export function isOutcome(value: object): value is Outcome {
  return 'message' in value && 'notes' in value
}

/** An outcome that only waits. */
export function holdAt(model: Model, message: string, ...again: (number | undefined)[]): Outcome {
  const time = earliest(...again)
  return {model, message, notes: [], ...(time === undefined ? {} : {again: time})}
}
