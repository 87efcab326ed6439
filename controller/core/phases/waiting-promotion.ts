// WaitingPromotion: every step passed, and something of the user's holds the last move. The canary keeps its weight and
// may still roll back.
import {judge, moreAt} from '../judgement.ts'
import {endFaults} from '../protection.ts'
import {
  back,
  failedCheck,
  holdAt,
  interrupted,
  isOutcome,
  paused,
  type ReleasingModel,
  withEvidence,
} from '../releasing.ts'
import {enter} from '../transitions.ts'
import {earliest, type Outcome, type World} from '../world.ts'
import {canaryLost, promoteCommand, tracked} from './progressing.ts'

export function waitingPromotion(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {again} = checked
  const last = world.steps.at(-1)
  const known = withEvidence(world, checked.model)
  const calm = {...known, ledger: endFaults(known.ledger, world.now)}
  const model = last ? tracked(world, calm, last) : calm
  const ended = promoteCommand(world, model) ?? canaryLost(world, model)
  if (ended) return ended
  const judgement = judge(world, model, world.steps.at(-1)?.checks)
  if (judgement.kind === 'rollback') return back(world, model, failedCheck(judgement.result))
  const next = moreAt(judgement)
  if (world.spec.suspend) return holdAt(model, 'Suspended before promotion', next, again)
  if (world.spec.pause) {
    const held = paused(world, model, 'UserPause', 'spec.pause is set')
    const time = earliest(next, again)
    return time === undefined ? held : {...held, again: time}
  }
  return {model: {...model, state: enter(world, model.state, 'Promoting')}, message: 'Promoting', notes: []}
}
