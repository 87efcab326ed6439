// Promoting: the last traffic move. The canary's slot gets full capacity, then all traffic, then the apex Service; the
// pods that were analysed become the primary. Until the old slot has lost its traffic, going back is one more move.

import {timeOf, timeText} from '../../../crds/common.ts'
import {releaseFields, withAlert} from '../alerts.ts'
import {apexAt} from '../apex.ts'
import {checkSentences, fieldsOfChecks, requestFields} from '../figures.ts'
import {freshEvidence, isBehind, judge, moreAt} from '../judgement.ts'
import {endFaults} from '../protection.ts'
import {imageIDsOf, podTrouble} from '../readiness.ts'
import {
  back,
  catchingUp,
  failedCheck,
  holdAt,
  interrupted,
  isOutcome,
  progressDeadline,
  type ReleasingModel,
  unconfirmed,
  withEvidence,
} from '../releasing.ts'
import {settled} from '../settled.ts'
import {type Model, without} from '../state.ts'
import {promotedSplit, promotedWeight} from '../steps.ts'
import {inForce, want, wants, wishedAt} from '../traffic.ts'
import {note, pausedFor} from '../transitions.ts'
import {fullPods, type Outcome, type World} from '../world.ts'
import {canaryLost} from './progressing.ts'

export function promoting(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {again} = checked
  const known = withEvidence(world, checked.model)
  const model = resumed(world, {...known, ledger: endFaults(known.ledger, world.now)})
  const lost = canaryLost(world, model)
  if (lost) return lost
  const {state, ledger} = model
  const judgement = judge(world, model, world.steps.at(-1)?.checks)
  if (judgement.kind === 'rollback' && !state.release.skipAnalysis)
    return back(world, model, failedCheck(judgement.result))
  const next = moreAt(judgement)
  const weight = promotedWeight(world)
  if (!wants(ledger, promotedSplit(world, state.canary))) return fill(world, model, next, again)
  if (!inForce(ledger)) return unconfirmed(world, model, `Weight ${weight}`, next, again)
  if (!apexAt(world.observation, state.canary.slot)) return holdAt(model, 'Moving the apex Service', next, again)
  if (!state.release.skipAnalysis && isBehind(world, wishedAt(model))) return catchingUp(world, model, 'Promoting')
  return promoted(world, model)
}

/** A mesh that was late has confirmed the weight. */
function resumed(world: World, model: ReleasingModel): ReleasingModel {
  if (!inForce(model.ledger)) return model
  return {...model, state: {...model.state, release: pausedFor(world, model.state.release, undefined)}}
}

/** Full capacity, and the end of the safeguards; once every proxy knows of both, the wish for all of the traffic. */
function fill(world: World, asked: ReleasingModel, ...again: (number | undefined)[]): Outcome {
  const {state} = asked
  if (!inForce(asked.ledger)) return unconfirmed(world, asked, 'Promoting', ...again)
  if (world.spec.suspend) return holdAt(asked, 'Suspended before promotion', ...again)
  const {message, ledger, ...found} = settled(world, asked, state.canary, fullPods(world, asked))
  const model = {state, ledger}
  if ((found.settled || found.again !== undefined) && !state.release.safeguardsLifted) {
    return holdAt({state: {...state, release: {...state.release, safeguardsLifted: true}}, ledger}, 'Promoting')
  }
  if (found.settled) {
    const {skipAnalysis, phaseSince} = state.release
    if (!skipAnalysis && isBehind(world, timeOf(phaseSince))) return catchingUp(world, model, 'Promoting')
    const weight = promotedWeight(world)
    const wish = want(ledger, promotedSplit(world, state.canary), world.now)
    return holdAt({state, ledger: wish}, `Weight ${weight}: waiting for the mesh`)
  }
  if (found.again !== undefined) return holdAt(model, `Promoting: ${message}`, found.again, ...again)
  const trouble = podTrouble(world.observation, state.canary)
  const deadline = progressDeadline(world, model, trouble ? `${message}; ${trouble}` : message)
  return isOutcome(deadline) ? deadline : holdAt(model, `Promoting: ${message}`, deadline.again, ...again)
}

function promoted(world: World, model: ReleasingModel): Outcome {
  const {state} = model
  const evidence = freshEvidence(world, model.ledger, state.release)
  const images = imageIDsOf(world.observation, state.canary)
  const primary = images.length > 0 ? {...state.canary, imageIDs: images} : state.canary
  const release = {
    ...without(without(evidence.release, 'held'), 'paused'),
    phaseSince: timeText(world.now),
    weightsSeen: [...evidence.release.weightsSeen, promotedWeight(world)].slice(-52),
  }
  const checks = world.steps.at(-1)?.checks
  const sentences = checkSentences(world, checks)
  const said = sentences === '' ? '' : ` ${sentences}`
  const ledger = withAlert(world, evidence.ledger, release.id, {
    event: 'Promoted',
    severity: 'info',
    title: `${world.observation.meshContext.rollout.name}: ${primary.image} promoted`,
    text: `It has ${shareText(world)}. ${state.primary.image} stays warm for ${world.spec.bake.duration}.${said}`,
    fields: {
      ...releaseFields(world, state.primary, primary),
      ...requestFields(release.requests),
      ...fieldsOfChecks(world, checks),
    },
  })
  const baking: Model = {state: {phase: 'Baking', primary, previous: state.primary, release}, ledger}
  const text = `Revision ${primary.revision} has ${shareText(world)}; the previous one stays warm for ${world.spec.bake.duration}.${said}`
  return {model: baking, message: 'Promoted; baking', notes: [note('Normal', 'Promoted', text)]}
}

function shareText(world: World): string {
  const weight = promotedWeight(world)
  return weight === 100 ? 'all of the traffic' : `${weight} % of the traffic during the bake`
}
