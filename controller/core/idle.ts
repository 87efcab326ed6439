// Between releases: the primary serves everything, and the source is watched for something new.

import {timeOf} from '../../crds/common.ts'
import {acknowledge, findCandidate, isRejected} from './candidate.ts'
import {carriedOut, commanded} from './commands.ts'
import {otherSlot} from './observation.ts'
import {isEmpty} from './readiness.ts'
import type {Source} from './revision.ts'
import {type Idle, type Ledger, type Model, without} from './state.ts'
import {allToPrimary, note, startRelease} from './transitions.ts'
import {capacityOf, type Outcome, type World} from './world.ts'

/** What the three idle phases share: which of them it is follows from the source alone. */
export function idle(world: World, before: Model & {state: Idle}): Outcome {
  const ledger: Ledger = {
    ...without(allToPrimary(world, before.ledger, before.state.primary), 'readySince'),
    capacity: capacityOf(world, before),
  }
  const model = {state: before.state, ledger}
  const found = findCandidate(world, ledger, before.state.primary.revision)
  switch (found.kind) {
    case 'absent':
      return {model, message: 'Target is missing; the primary serves', notes: []}
    case 'held':
      return settled(model, forgiven(world, found.ledger), 'Healthy', 'Serving the primary')
    case 'settling':
    case 'new':
      if (isRejected(found.ledger, found.revision)) return rejected(world, model, found.ledger, found.revision)
      if (found.kind === 'settling') {
        return waits(model, found.ledger, 'InputsSettling', `Revision ${found.revision} settles`, found.again)
      }
      return startOrWait(world, {...model, ledger: found.ledger}, found.source, found.revision)
    default:
      return found satisfies never
  }
}

/** A Service has the same name whatever runs behind it: who went back and comes again means another version. */
function forgiven({spec}: World, ledger: Ledger): Ledger {
  return spec.serviceRefs && ledger.rejected.length > 0 ? {...ledger, rejected: []} : ledger
}

function settled(model: Model & {state: Idle}, ledger: Ledger, phase: Idle['phase'], message: string): Outcome {
  return {model: {state: {phase, primary: model.state.primary}, ledger}, message, notes: []}
}

function waits(model: Model & {state: Idle}, ledger: Ledger, reason: string, message: string, again?: number): Outcome {
  const outcome = settled(model, ledger, 'Waiting', message)
  return {...outcome, waiting: {reason, message}, ...(again === undefined ? {} : {again})}
}

function rejected(world: World, model: Model & {state: Idle}, ledger: Ledger, revision: string): Outcome {
  if (commanded(world, ledger, 'retry', revision)) {
    const allowed = carriedOut(
      world,
      {...ledger, rejected: ledger.rejected.filter(one => one.revision !== revision)},
      'retry',
    )
    const outcome = waits(model, allowed, 'Retry', `Revision ${revision} is tried again`)
    return {
      ...outcome,
      notes: [note('Normal', 'Retry', `Revision ${revision} is tried again, as the retry annotation asks.`)],
    }
  }
  const entry = ledger.rejected.find(one => one.revision === revision)
  const known = world.source ? acknowledge(ledger, world.source, revision) : ledger
  return settled(model, known, 'Failed', `Rolled back: ${entry?.reason ?? 'rejected'}`)
}

function startOrWait(world: World, model: Model & {state: Idle}, source: Source, revision: string): Outcome {
  const {ledger, state} = model
  if (world.spec.suspend) return waits(model, ledger, 'Suspended', `Suspended: ${revision} waits`)
  const [problem] = world.problems
  if (problem) return waits(model, ledger, problem.reason, `${problem.reason}: ${revision} waits`)
  if (source.missing.length > 0) {
    return waits(model, ledger, 'InputsMissing', `${source.missing[0]} is missing`)
  }
  if (!isEmpty(world.observation, otherSlot(state.primary.slot))) {
    const since = ledger.candidate ? timeOf(ledger.candidate.firstSeenAt) : world.now
    const stuck = world.now >= since + world.durations.progressDeadline
    return waits(model, ledger, stuck ? 'SlotStuck' : 'SlotBusy', `${revision} waits for old pods to end`)
  }
  const started = startRelease(world, model, source, revision)
  const text = `Release of revision ${revision} (${source.commit?.hash.slice(0, 12) ?? 'no commit stamp'}) started in slot ${otherSlot(state.primary.slot)}.`
  return {model: started, message: `Preparing ${revision}`, notes: [note('Normal', 'ReleaseStarted', text)]}
}
