// Baking: the new primary has all of the traffic, and the previous version is warm in its slot with full capacity, so
// that going back is a traffic move of seconds.

import {timeOf} from '../../../crds/common.ts'
import type {CheckResult, PendingAlert} from '../../../crds/rollout-status.ts'
import {releaseFields, withAlert} from '../alerts.ts'
import {findCandidate} from '../candidate.ts'
import {carriedOut, commanded} from '../commands.ts'
import {checkSentences, fieldsOfCheck} from '../figures.ts'
import {freshEvidence, isBehind, type Judgement, judge, moreAt, recordEvidence} from '../judgement.ts'
import {openText, overdueOutcome} from '../outlook.ts'
import {catchingUp, failedCheck, goingOn, holdAt, missingText} from '../releasing.ts'
import type {Baking, Model} from '../state.ts'
import {allTo} from '../steps.ts'
import {inForce, overdue, want} from '../traffic.ts'
import {endRelease, note, pausedFor, type RollbackReason, rollBack} from '../transitions.ts'
import {earliest, type Outcome, type World} from '../world.ts'

type BakingModel = Model & {state: Baking}

export function baking(world: World, before: BakingModel): Outcome {
  const evidence = recordEvidence(world, before.ledger, before.state.release)
  const model: BakingModel = {state: {...before.state, release: evidence.release}, ledger: evidence.ledger}
  const {state, ledger} = model
  if (commanded(world, ledger, 'abort', state.primary.revision)) {
    const done = {...model, ledger: carriedOut(world, ledger, 'abort')}
    return back(world, done, {
      outcome: 'Aborted',
      reason: 'Aborted',
      message: 'Aborted by the abort annotation, during the bake.',
    })
  }
  if (world.revision === state.previous.revision) {
    const message = 'The source went back to the previous revision during the bake.'
    return back(world, model, {outcome: 'Reverted', reason: 'Reverted', message})
  }
  if (isClosing(model)) return close(world, model)
  const judgement: Judgement = state.release.skipAnalysis ? {kind: 'advance'} : judge(world, model, undefined)
  if (judgement.kind === 'rollback') return back(world, model, failedCheck(judgement.result))
  if (commanded(world, ledger, 'end-bake', state.primary.revision)) {
    return finish(
      world,
      {...model, ledger: carriedOut(world, ledger, 'end-bake')},
      'The end-bake annotation ended the bake.',
    )
  }
  return newcomer(world, model, bake(world, model, judgement))
}

const usualEnd = 'The bake ended.'

function bake(world: World, model: BakingModel, judgement: Judgement): Outcome {
  const {release} = model.state
  const until = timeOf(release.phaseSince) + Math.max(world.durations.bake, world.durations.drain)
  const next = moreAt(judgement)
  if (world.now < until) return holdAt(model, 'Baking; previous version is warm', until, next)
  const deadline = until + world.durations.inconclusiveDeadline
  const due = judgement.kind === 'advance' ? until : deadline
  if (!release.skipAnalysis && world.now >= due && isBehind(world, due)) return catchingUp(world, model, 'Baking')
  if (judgement.kind === 'advance') return finish(world, model, usualEnd)
  if (world.now < deadline) return holdAt(model, 'Baking: no verdict yet', next, deadline)
  const result = judgement.kind === 'wait' ? judgement.result : undefined
  const what = openText(world, result)
  const outcome = overdueOutcome(world, result)
  switch (outcome) {
    case 'promote':
      return finish(world, model, `The bake ended without a verdict, as spec.analysis.onInconclusive says: ${what}.`)
    case 'rollback':
      return back(world, model, {
        outcome: 'RolledBack',
        reason: 'Inconclusive',
        message: `No verdict during the bake: ${what}.`,
        ...(result ? {result} : {}),
      })
    case 'pause':
      return goingOn(undecided(world, model, what, result), next)
    default:
      return outcome satisfies never
  }
}

/** The bake has no verdict, and ends when there is one, or when somebody says so. */
function undecided(world: World, model: BakingModel, what: string, result: CheckResult | undefined): Outcome {
  const {primary, previous} = model.state
  const text = `The bake ends when there is a verdict: ${what}.`
  return pausedBake(world, model, 'Inconclusive', {
    text,
    title: `bake of ${primary.image} has no verdict`,
    advice: ` ${previous.image} stays warm. Set fairlead.dev/end-bake or fairlead.dev/abort to "${primary.revision}" to decide.`,
    fields: fieldsOfCheck(world, result),
  })
}

/** What people are told of a bake that goes on: the advice stands in the alert alone. */
interface Told {
  title: string
  text: string
  advice?: string
  fields?: PendingAlert['fields']
}

/** The bake goes on, for a reason that a person should know of. */
function pausedBake(world: World, model: BakingModel, reason: string, told: Told): Outcome {
  const {primary, previous, release} = model.state
  const {title, text, advice = '', fields = {}} = told
  const state = {...model.state, release: pausedFor(world, release, reason)}
  const held = {model: {...model, state}, message: `Paused: ${reason}`, notes: []}
  if (release.paused?.reason === reason) return held
  const event = `Paused${reason}`
  const ledger = withAlert(world, model.ledger, `${release.id}/bake`, {
    event,
    severity: 'warn',
    title: `${world.observation.meshContext.rollout.name}: ${title}`,
    text: `${text}${advice}`,
    fields: {...releaseFields(world, previous, primary), ...fields},
  })
  return {...held, model: {state, ledger}, notes: [note('Warning', event, text)]}
}

/** Says that a newer revision waits for the slot. */
function newcomer(world: World, model: BakingModel, outcome: Outcome): Outcome {
  if (outcome.model.state.phase !== 'Baking') return outcome
  const found = findCandidate(world, outcome.model.ledger, model.state.primary.revision)
  if (found.kind === 'absent') return outcome
  const known = {...outcome, model: {...outcome.model, ledger: found.ledger}}
  if (found.kind === 'held') return known
  const message = `Revision ${found.revision} waits for the bake to end; fairlead.dev/end-bake: "${model.state.primary.revision}" ends it now.`
  const again = earliest(outcome.again, found.kind === 'settling' ? found.again : undefined)
  return {...known, waiting: {reason: 'SlotBusy', message}, ...(again === undefined ? {} : {again})}
}

/** The previous version kept a share, and loses it: the bake is over. */
function isClosing({state, ledger}: BakingModel): boolean {
  return state.release.weightsSeen.at(-1) !== 100 && ledger.traffic?.wanted[state.primary.slot] === 100
}

function close(world: World, model: BakingModel): Outcome {
  if (inForce(model.ledger)) return end(world, model, usualEnd)
  if (!overdue(world, model.ledger)) return holdAt(model, 'Weight 100: waiting for the mesh')
  return late(world, model)
}

/** The mesh is late with the last weight: people are told of it, and the bake ends when the mesh has confirmed it. */
function late(world: World, model: BakingModel): Outcome {
  return pausedBake(world, model, 'Unconfirmed', {
    title: `bake of ${model.state.primary.image} paused (Unconfirmed)`,
    text: `${missingText(world, model.ledger)}. The bake ends when the mesh has.`,
  })
}

/** The bake is over; a share that the previous version kept goes to the new one first. */
function finish(world: World, model: BakingModel, message: string): Outcome {
  const {slot} = model.state.primary
  if (model.ledger.traffic?.wanted[slot] === 100) return end(world, model, message)
  const closing: BakingModel = {...model, ledger: want(model.ledger, allTo(slot), world.now)}
  const notes = message === usualEnd ? [] : [note('Normal', 'BakeEnding', message)]
  return {model: closing, message: 'Weight 100: waiting for the mesh', notes}
}

function end(world: World, model: BakingModel, message: string): Outcome {
  const {state} = model
  const {ledger, release} = freshEvidence(world, model.ledger, state.release)
  const said = checkSentences(world, undefined)
  const whole = said === '' ? message : `${message} ${said}`
  const ended = endRelease(world, ledger, state.primary, release, {
    outcome: 'Promoted',
    reason: 'Promoted',
    message: whole,
  })
  return {
    model: {state: {phase: 'Healthy', primary: state.primary}, ledger: ended},
    message: 'Serving the primary',
    notes: [
      note(
        'Normal',
        'BakeEnded',
        `Revision ${state.primary.revision} stays; the previous slot is scaled to zero. ${whole}`,
      ),
    ],
  }
}

function back(world: World, model: BakingModel, why: RollbackReason): Outcome {
  const bad = why.outcome === 'RolledBack' || why.outcome === 'Aborted'
  return {
    model: rollBack(world, model, why),
    message: `Rolling back: ${why.reason}`,
    notes: [note(bad ? 'Warning' : 'Normal', why.reason, why.message)],
  }
}
