// Progressing: step by step more traffic for the canary. A weight rises only when the slot has the pods for it and the
// evidence of the step before allows it; the time on a step starts when the mesh has its weight in force.
import {timeOf, timeText} from '../../../crds/common.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import {carriedOut, commanded} from '../commands.ts'
import {checkSentences} from '../figures.ts'
import type {Note} from '../intents.ts'
import {freshEvidence, isBehind, judge, judgeStepInForce, moreAt} from '../judgement.ts'
import {endFaults} from '../protection.ts'
import {podTrouble, readyPods} from '../readiness.ts'
import {
  back,
  catchingUp,
  failedCheck,
  goingOn,
  holdAt,
  inconclusive,
  interrupted,
  isOutcome,
  paused,
  progressDeadline,
  type ReleasingModel,
  unconfirmed,
  withEvidence,
} from '../releasing.ts'
import {settled} from '../settled.ts'
import {without} from '../state.ts'
import {type Step, splitOf, stepText, withoutFaults} from '../steps.ts'
import {inForce, isReached, want, wants, wishedAt} from '../traffic.ts'
import {enter, note, pausedFor} from '../transitions.ts'
import {earliest, type Outcome, podsFor, type World} from '../world.ts'

/** Weights that are remembered per release. */
const maximumWeightsSeen = 52

export function progressing(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {again} = checked
  const step = world.steps[checked.model.state.release.stepIndex ?? 0]
  const model = faultsOf(world, checked.model, step)
  const promoted = promoteCommand(world, model)
  if (promoted) return promoted
  const lost = canaryLost(world, model)
  if (lost) return lost
  if (!step)
    return {
      model: {...model, state: enter(world, model.state, 'WaitingPromotion')},
      message: 'Every step passed',
      notes: [],
    }
  const stands = weightStands(world, model, step)
  // The readings of the step before come first: after a restart there may be many, and no later step counts them.
  const behind = stands && model.state.release.held !== undefined && isBehind(world, wishedAt(model))
  const arrived = stands && !behind
  const outcome = arrived ? dwell(world, tracked(world, model, step), step) : raise(world, model, step)
  const earlier = earliest(outcome.again, again, behind ? world.now : undefined)
  return earlier === undefined ? outcome : {...outcome, again: earlier}
}

/** Carries out the promote command: the steps that are left, and their verdicts, are skipped. */
export function promoteCommand(world: World, model: ReleasingModel): Outcome | undefined {
  const {canary} = model.state
  if (!commanded(world, model.ledger, 'promote', canary.revision)) return undefined
  const state = enter(world, model.state, 'Promoting')
  return {
    model: {
      state: {...state, release: {...state.release, skipAnalysis: true}},
      ledger: endFaults(carriedOut(world, model.ledger, 'promote'), world.now),
    },
    message: 'Promoting, as told',
    notes: [
      note('Normal', 'PromoteCommand', `The promote annotation skips the steps that are left of ${canary.revision}.`),
    ],
  }
}

/** A canary that has traffic and not one ready pod is rolled back at once: its whole share fails. */
export function canaryLost(world: World, model: ReleasingModel): Outcome | undefined {
  const {canary} = model.state
  if (!isReached(model.ledger, canary.slot) || readyPods(world.observation, canary) > 0) return undefined
  const trouble = podTrouble(world.observation, canary)
  const message = `The canary has traffic and no ready pod${trouble ? `: ${trouble}` : ''}.`
  return back(world, model, {outcome: 'RolledBack', reason: 'CanaryNotReady', message})
}

/** The model that knows since when the pods of its step have been ready, for the next rise to rely on. */
export function tracked(world: World, model: ReleasingModel, step: Step): ReleasingModel {
  const {state} = model
  return {state, ledger: settled(world, model, state.canary, podsFor(world, model, step)).ledger}
}

/** The model without faults where the step has none, or is held: they are there only while it is being judged. */
function faultsOf(world: World, model: ReleasingModel, step: Step | undefined): ReleasingModel {
  const wished = step && wishOf(world, model, step).apart?.faults
  if (wished || !model.ledger.traffic?.wanted.apart?.faults) return model
  return {...leaving(model), ledger: endFaults(model.ledger, world.now)}
}

/** What the traffic is to be on a step now. */
function wishOf(world: World, {state}: ReleasingModel, step: Step): Split {
  const split = splitOf(step, state.canary)
  return world.spec.pause || state.release.paused ? withoutFaults(split) : split
}

function weightStands(world: World, model: ReleasingModel, step: Step): boolean {
  return wants(model.ledger, wishOf(world, model, step)) && inForce(model.ledger)
}

/**
 * On the way to the step's weight: pods first, which every proxy has to know, then the wish, then the mesh. The weight of
 * the step before is in force meanwhile, and goes on being judged.
 */
function raise(world: World, before: ReleasingModel, step: Step): Outcome {
  const model = withEvidence(world, leaving(before))
  const {state, ledger} = model
  const judgement = judgeStepInForce(world, model)
  if (judgement?.kind === 'rollback') return back(world, model, failedCheck(judgement.result))
  const next = judgement && moreAt(judgement)
  const pods = podsFor(world, model, step)
  const share = shareText(world, model, step, pods)
  const wish = wishOf(world, model, step)
  if (wants(ledger, wish) || !inForce(ledger)) return unconfirmed(world, model, share, next)
  const {message, ...found} = settled(world, model, state.canary, pods)
  const asked = {state, ledger: found.ledger}
  if (found.settled) {
    if (isBehind(world, timeOf(state.release.phaseSince))) return catchingUp(world, asked, share)
    return holdAt({state, ledger: want(found.ledger, wish, world.now)}, `${share}: waiting for the mesh`, next)
  }
  if (found.again !== undefined) return holdAt(asked, `${share}: ${message}`, found.again, next)
  const trouble = podTrouble(world.observation, state.canary)
  const deadline = progressDeadline(world, asked, trouble ? `${message}; ${trouble}` : message)
  return isOutcome(deadline) ? deadline : holdAt(asked, `${share}: ${message}`, deadline.again, next)
}

/** The step's own weight no longer stands. What is in force is judged on, unless somebody changed the route. */
function leaving(model: ReleasingModel): ReleasingModel {
  const {state, ledger} = model
  const {stepSince} = state.release
  if (stepSince === undefined) return model
  const rest = without(state.release, 'stepSince')
  const held = inForce(ledger) ? {held: {step: state.release.stepIndex ?? 0, since: stepSince}} : {}
  return {...model, state: {...state, release: {...rest, ...held}}}
}

/** On the step: judge, until the evidence lets the weight rise. */
function dwell(world: World, before: ReleasingModel, step: Step): Outcome {
  const model = withEvidence(world, arrived(world, before, step))
  const {state, ledger} = model
  const share = shareText(world, model, step, podsFor(world, model, step))
  const since = timeOf(state.release.stepSince ?? state.release.phaseSince)
  const judgement = judge(world, model, step.checks)
  if (judgement.kind === 'rollback') return back(world, model, failedCheck(judgement.result))
  if (commanded(world, ledger, 'skip-step', state.canary.revision)) {
    const text =
      `The skip-step annotation ends step ${(state.release.stepIndex ?? 0) + 1}. ${checkSentences(world, step.checks)}`.trimEnd()
    return nextStep(world, {...model, ledger: carriedOut(world, ledger, 'skip-step')}, note('Normal', 'SkipStep', text))
  }
  const hold = world.spec.pause
    ? paused(world, model, 'UserPause', 'spec.pause is set')
    : step.faults.length > 0
      ? faultsAway(world, model)
      : step.untilTold
        ? waitsToBeTold(world, model)
        : undefined
  if (hold) return goingOn(hold, moreAt(judgement))
  const until = since + step.dwellMilliseconds
  const deadline = since + step.deadlineMilliseconds
  const due = judgement.kind === 'wait' ? deadline : until
  if (world.now >= due && isBehind(world, due)) return catchingUp(world, model, share)
  if (judgement.kind === 'wait') {
    const late = inconclusive(world, model, step, since, judgement.result)
    if (late !== 'wait') return 'told' in late ? over(world, model, step, late.told) : {...late, again: judgement.again}
    const why = judgement.result ? `${judgement.result.name}: ${judgement.result.reason}` : 'analysing'
    return holdAt(resumed(world, model), `${share}: ${why}`, judgement.again, deadline)
  }
  if (world.now < until)
    return holdAt(resumed(world, model), `${share}: passed, staying a while`, until, judgement.again)
  return over(world, model, step, passed(world, model, step))
}

/** A step that has been judged waits to be told, if it is to, and else the next one comes. */
function over(world: World, model: ReleasingModel, step: Step, told: Note): Outcome {
  return step.untilTold ? waitsToBeTold(world, model) : nextStep(world, model, told)
}

function waitsToBeTold(world: World, model: ReleasingModel): Outcome {
  return paused(world, model, 'StepPause', `Step ${(model.state.release.stepIndex ?? 0) + 1} waits to be told`)
}

/**
 * A step whose faults are away since it is held. Without them its verdict says nothing, so a hold for want of one, or until
 * somebody speaks, does not end by itself; one that is over brings them back, and the step is judged anew.
 */
function faultsAway(world: World, model: ReleasingModel): Outcome | undefined {
  const reason = model.state.release.paused?.reason
  if (reason === undefined) return undefined
  const isOver = reason === 'UserPause' || reason === 'Unconfirmed'
  return isOver ? holdAt(resumed(world, model), 'Resuming') : paused(world, model, reason, '')
}

/** The step in a few words; where pods make the share, also how many of them are to have it. */
function shareText({observation}: World, {ledger}: ReleasingModel, step: Step, pods: number): string {
  if (!observation.mesh.bySelector || step.weight === 0) return stepText(step)
  return `${stepText(step)}, ${pods} of ${pods + (ledger.capacity ?? 1)} pods`
}

function resumed(world: World, model: ReleasingModel): ReleasingModel {
  return {...model, state: {...model.state, release: pausedFor(world, model.state.release, undefined)}}
}

/** The first look after the weight came into force starts the clock of the step. */
function arrived(world: World, before: ReleasingModel, step: Step): ReleasingModel {
  if (before.state.release.stepSince) return before
  const {ledger, state} = before
  const {weightsSeen, phaseSince} = state.release
  const seen = weightsSeen.at(-1) === step.weight ? weightsSeen : [...weightsSeen, step.weight]
  const confirmedAt = ledger.traffic?.confirmedAt ?? timeText(world.now)
  // A step with the traffic of the one before begins with itself.
  const stepSince = timeOf(confirmedAt) > timeOf(phaseSince) ? confirmedAt : phaseSince
  const release = {...without(state.release, 'held'), stepSince, weightsSeen: seen.slice(-maximumWeightsSeen)}
  return {state: {...state, release}, ledger}
}

/** @param told of why the step ends */
function nextStep(world: World, before: ReleasingModel, told: Note): Outcome {
  const evidence = freshEvidence(world, before.ledger, before.state.release)
  const ledger = endFaults(evidence.ledger, world.now)
  const model: ReleasingModel = {state: {...before.state, release: evidence.release}, ledger}
  const {state} = model
  const ended = state.release.stepIndex ?? 0
  const {steps} = world
  const release = pausedFor(world, state.release, undefined)
  const notes = [told]
  if (ended + 1 >= steps.length) {
    const waiting = enter(world, {...state, release}, 'WaitingPromotion')
    return {model: {...model, state: waiting}, message: 'Every step passed', notes}
  }
  const {stepSince, ...rest} = release
  const held = stepSince === undefined ? {} : {held: {step: ended, since: stepSince}}
  const fresh = {...rest, ...held, stepIndex: ended + 1, phaseSince: timeText(world.now)}
  return {model: {...model, state: {...state, release: fresh}}, message: `Step ${ended + 2} of ${steps.length}`, notes}
}

/** What people are told of a step that its checks let end. */
function passed(world: World, {state}: ReleasingModel, step: Step): Note {
  const said = checkSentences(world, step.checks) || 'No check is in force on it.'
  const number = (state.release.stepIndex ?? 0) + 1
  return note('Normal', 'StepPassed', `Step ${number} of ${world.steps.length} (${stepText(step)}) ends. ${said}`)
}
