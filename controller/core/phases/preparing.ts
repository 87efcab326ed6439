// Preparing: the empty slot is filled and its pods become ready. Nothing of it gets traffic yet.
import {podTrouble, readiness} from '../readiness.ts'
import {back, holdAt, interrupted, isOutcome, progressDeadline, type ReleasingModel} from '../releasing.ts'
import {findSnapshot} from '../revision.ts'
import {enter} from '../transitions.ts'
import {earliest, fullPods, type Outcome, podsFor, type World} from '../world.ts'

export function preparing(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {model, again} = checked
  const {canary} = model.state
  if (!findSnapshot(world.observation, canary.revision) && world.revision !== canary.revision) {
    const message = 'The source changed before its revision was kept.'
    return back(world, model, {outcome: 'Superseded', reason: 'SnapshotLost', message})
  }
  const [first] = world.steps
  const pods = first ? podsFor(world, model, first) : fullPods(world, model)
  const {ready, message} = readiness(world.observation, canary, pods)
  if (ready) {
    const state = enter(world, model.state, 'Progressing')
    const release = {...state.release, stepIndex: 0}
    return {model: {state: {...state, release}, ledger: model.ledger}, message: 'Canary is ready', notes: []}
  }
  const trouble = podTrouble(world.observation, canary)
  const deadline = progressDeadline(world, model, trouble ? `${message}; ${trouble}` : message)
  if (isOutcome(deadline)) return deadline
  return holdAt(model, `Canary: ${message}`, earliest(again, deadline.again))
}
