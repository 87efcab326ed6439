// RollingBack: the primary gets all of the traffic first, the mesh confirms it, the canary drains, and only then is it
// scaled down. Nothing of a verdict or a pause is asked here: a rollback waits for none of it. A mesh that is late with
// its confirmation doesn't hold it either: the release ends, and only the canary's pods stay until the mesh has said it.
import {timeOf, timeText} from '../../../crds/common.ts'
import {readyPods} from '../readiness.ts'
import {holdAt} from '../releasing.ts'
import {known} from '../settled.ts'
import type {Model, RollingBack} from '../state.ts'
import {inForce, overdue} from '../traffic.ts'
import {allToPrimary, endRelease, note} from '../transitions.ts'
import type {Outcome, World} from '../world.ts'

export function rollingBack(world: World, before: Model & {state: RollingBack}): Outcome {
  const {state} = before
  const {rollback} = state.release
  const lost = primaryLost(world, before)
  if (lost) return lost
  const model = {state, ledger: allToPrimary(world, before.ledger, state.primary)}
  const confirmed = inForce(model.ledger)
  if (!confirmed && !overdue(world, model.ledger)) return holdAt(model, `Rolling back: ${rollback.reason}`)
  const drainingSince = rollback.drainingSince ?? timeText(world.now)
  const until = timeOf(drainingSince) + world.durations.drain
  if (confirmed && world.now < until) {
    const release = {...state.release, rollback: {...rollback, drainingSince}}
    return holdAt({state: {...state, release}, ledger: model.ledger}, 'Rolled back; draining the canary', until)
  }
  const ended = endRelease(world, model.ledger, state.canary, state.release, rollback)
  const failed = rollback.outcome === 'RolledBack' || rollback.outcome === 'Aborted'
  const text = confirmed
    ? `Revision ${state.canary.revision} has no traffic any more; ${state.primary.revision} serves.`
    : `The route sends everything to ${state.primary.revision}, which the mesh has not confirmed: the pods of ${state.canary.revision} stay until it has.`
  return {
    model: {state: {phase: failed ? 'Failed' : 'Healthy', primary: state.primary}, ledger: ended},
    message: failed ? `Rolled back: ${rollback.reason}` : 'Serving the primary',
    notes: [note('Normal', 'RollbackComplete', text)],
  }
}

/** A primary that has lost its pods can't take the traffic: they come first, as for every weight, and are known first. */
function primaryLost(world: World, model: Model & {state: RollingBack}): Outcome | undefined {
  const {state, ledger} = model
  const {primary} = state
  if (ledger.traffic?.wanted[primary.slot] === 100 || (ledger.capacity ?? 1) === 0) return undefined
  const count = readyPods(world.observation, primary)
  const hadNone = ledger.readySince?.slot === primary.slot
  if (count > 0 && !hadNone) return undefined
  if (count === 0) {
    const since = ledger.readySince?.pods === 0 ? ledger.readySince.since : timeText(world.now)
    const marked = {...ledger, readySince: {slot: primary.slot, pods: 0, since}}
    return holdAt({state, ledger: marked}, `Rolling back: waiting for the primary's pods`)
  }
  const found = known(world, ledger, primary, 1, count)
  return found.settled
    ? undefined
    : holdAt({state, ledger: found.ledger}, `Rolling back: ${found.message}`, found.again)
}
