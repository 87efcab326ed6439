// Preparing: the empty slot is filled and its pods become ready. Nothing of it gets traffic yet.
import {podTrouble} from '../readiness.ts'
import {back, holdAt, interrupted, isOutcome, progressDeadline, type ReleasingModel} from '../releasing.ts'
import {findSnapshot} from '../revision.ts'
import {settled} from '../settled.ts'
import {enter} from '../transitions.ts'
import {earliest, fullPods, type Outcome, podsFor, type World} from '../world.ts'

export function preparing(world: World, before: ReleasingModel): Outcome {
  const checked = interrupted(world, before)
  if (isOutcome(checked)) return checked
  const {model: asked, again} = checked
  const {canary} = asked.state
  if (!findSnapshot(world.observation, canary.revision) && world.revision !== canary.revision) {
    const message = 'The source changed before its revision was kept.'
    return back(world, asked, {outcome: 'Superseded', reason: 'SnapshotLost', message})
  }
  const [first] = world.steps
  const pods = first ? podsFor(world, asked, first) : fullPods(world, asked)
  const {message, ...found} = settled(world, asked, canary, pods)
  const model = {...asked, ledger: found.ledger}
  if (found.settled) {
    const state = enter(world, model.state, 'Progressing')
    const {interval} = world.observation
    const found = interval === undefined ? {} : {interval: `${interval / 1000}s`}
    const release = {...state.release, stepIndex: 0, ...found}
    return {model: {state: {...state, release}, ledger: model.ledger}, message: 'Canary is ready', notes: []}
  }
  if (found.again !== undefined) return holdAt(model, `Canary: ${message}`, again, found.again)
  const trouble = podTrouble(world.observation, canary)
  const deadline = progressDeadline(world, model, trouble ? `${message}; ${trouble}` : message)
  if (isOutcome(deadline)) return deadline
  return holdAt(model, `Canary: ${message}`, earliest(again, deadline.again))
}
