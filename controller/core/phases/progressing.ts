// Progressing: step by step more traffic for the canary. A weight rises only when the slot has the pods for it and the
// evidence of the step before allows it; the time on a step starts when the mesh has its weight in force.
import {timeOf, timeText} from '../../../crds/common.ts'
import {carriedOut, commanded} from '../commands.ts'
import {freshEvidence, judge, recordEvidence} from '../judgement.ts'
import {podTrouble, readiness, readyPods} from '../readiness.ts'
import {
  back,
  failedCheck,
  holdAt,
  inconclusive,
  interrupted,
  isOutcome,
  paused,
  progressDeadline,
  type ReleasingModel,
} from '../releasing.ts'
import {without} from '../state.ts'
import {type Step, splitOf, stepText} from '../steps.ts'
import {inForce, isReached, want, wants} from '../traffic.ts'
import {enter, note, pausedFor} from '../transitions.ts'
import {earliest, type Outcome, podsFor, type World} from '../world.ts'

/** Weights that are remembered per release. */
const maximumWeightsSeen = 52

export function progressing(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {model, again} = checked
  const promoted = promoteCommand(world, model)
  if (promoted) return promoted
  const lost = canaryLost(world, model)
  if (lost) return lost
  const index = model.state.release.stepIndex ?? 0
  const step = world.steps[index]
  if (!step)
    return {
      model: {...model, state: enter(world, model.state, 'WaitingPromotion')},
      message: 'Every step passed',
      notes: [],
    }
  const outcome = weightStands(model, step) ? dwell(world, model, step) : raise(world, model, step)
  const earlier = earliest(outcome.again, again)
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
      ledger: carriedOut(world, model.ledger, 'promote'),
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

function weightStands(model: ReleasingModel, step: Step): boolean {
  return wants(model.ledger, splitOf(step, model.state.canary)) && inForce(model.ledger)
}

/** On the way to the step's weight: pods first, then the wish, then the mesh. */
function raise(world: World, model: ReleasingModel, step: Step): Outcome {
  const {state, ledger} = model
  const unsettled = {...state, release: without(state.release, 'stepSince')}
  const asked = {state: unsettled, ledger}
  const pods = podsFor(world, model, step)
  const share = shareText(world, model, step, pods)
  if (wants(ledger, splitOf(step, state.canary))) return holdAt(asked, `${share}: waiting for the mesh`)
  const {ready, message} = readiness(world.observation, state.canary, pods)
  if (ready) {
    const wish = want(ledger, splitOf(step, state.canary), world.now)
    return holdAt({state: unsettled, ledger: wish}, `${share}: waiting for the mesh`)
  }
  const trouble = podTrouble(world.observation, state.canary)
  const deadline = progressDeadline(world, asked, trouble ? `${message}; ${trouble}` : message)
  return isOutcome(deadline) ? deadline : holdAt(asked, `${share}: ${message}`, deadline.again)
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
    const text = `The skip-step annotation ends step ${(state.release.stepIndex ?? 0) + 1}.`
    return nextStep(world, {...model, ledger: carriedOut(world, ledger, 'skip-step')}, [
      note('Normal', 'SkipStep', text),
    ])
  }
  if (world.spec.pause) return paused(world, model, 'UserPause', 'spec.pause is set')
  if (step.untilTold)
    return paused(world, model, 'StepPause', `Step ${(state.release.stepIndex ?? 0) + 1} waits to be told`)
  const until = since + step.dwellMilliseconds
  if (judgement.kind === 'wait') {
    const late = inconclusive(world, model, Math.max(since, until), judgement.result)
    if (late === 'promote') return nextStep(world, model, [])
    if (late !== 'wait') return {...late, again: judgement.again}
    const deadline = Math.max(since, until) + world.durations.inconclusiveDeadline
    const why = judgement.result ? `${judgement.result.name}: ${judgement.result.reason}` : 'analysing'
    return holdAt(resumed(world, model), `${share}: ${why}`, judgement.again, deadline)
  }
  if (world.now < until)
    return holdAt(resumed(world, model), `${share}: passed, staying a while`, until, judgement.again)
  return nextStep(world, model, [])
}

/** The step in a few words; where pods make the share, also how many of them are to have it. */
function shareText({observation}: World, {ledger}: ReleasingModel, step: Step, pods: number): string {
  if (!observation.mesh.bySelector || step.weight === 0) return stepText(step)
  return `${stepText(step)}, ${pods} of ${pods + (ledger.capacity ?? 1)} pods`
}

function resumed(world: World, model: ReleasingModel): ReleasingModel {
  return {...model, state: {...model.state, release: pausedFor(world, model.state.release, undefined)}}
}

function withEvidence(world: World, model: ReleasingModel): ReleasingModel {
  const {ledger, release} = recordEvidence(world, model.ledger, model.state.release)
  return {state: {...model.state, release}, ledger}
}

/** The first look after the weight came into force starts the clock of the step. */
function arrived(world: World, model: ReleasingModel, step: Step): ReleasingModel {
  const {release} = model.state
  if (release.stepSince) return model
  const seen = release.weightsSeen.at(-1) === step.weight ? release.weightsSeen : [...release.weightsSeen, step.weight]
  const stepSince = model.ledger.traffic?.confirmedAt ?? timeText(world.now)
  return {
    ...model,
    state: {...model.state, release: {...release, stepSince, weightsSeen: seen.slice(-maximumWeightsSeen)}},
  }
}

function nextStep(world: World, before: ReleasingModel, notes: Outcome['notes']): Outcome {
  const evidence = freshEvidence(world, before.ledger, before.state.release)
  const model: ReleasingModel = {state: {...before.state, release: evidence.release}, ledger: evidence.ledger}
  const {state} = model
  const index = (state.release.stepIndex ?? 0) + 1
  const {steps} = world
  const release = pausedFor(world, state.release, undefined)
  if (index >= steps.length) {
    const waiting = enter(world, {...state, release}, 'WaitingPromotion')
    return {model: {...model, state: waiting}, message: 'Every step passed', notes}
  }
  const fresh = {...without(release, 'stepSince'), stepIndex: index, phaseSince: timeText(world.now)}
  return {model: {...model, state: {...state, release: fresh}}, message: `Step ${index + 1} of ${steps.length}`, notes}
}
