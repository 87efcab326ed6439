// What must hold of every decision. The checks stay on in production: a breach pauses that one Rollout, with a condition
// and an event, and writes nothing.
import {checksInForce} from '../../analysis/checks.ts'
import {combineVerdicts} from '../../analysis/verdict.ts'
import {named} from './judgement.ts'
import {isCleanEnough, overdueOutcome} from './outlook.ts'
import type {Model} from './state.ts'
import type {World} from './world.ts'

/** What a decision breaks; empty when it may stand. */
export function breaches(world: World, before: Model, after: Model): string[] {
  return [...weightBreaches(world, before, after), ...stepBreaches(world, before, after), ...rejectedBreaches(after)]
}

function weightBreaches(world: World, before: Model, after: Model): string[] {
  const wanted = after.ledger.traffic?.wanted
  if (!wanted) return []
  const found: string[] = []
  if (wanted.a + wanted.b !== 100) found.push(`weights a ${wanted.a} and b ${wanted.b} do not sum to 100`)
  const old = before.ledger.traffic?.wanted
  const capacity = after.ledger.capacity ?? 1
  for (const slot of ['a', 'b'] as const) {
    const raised = old !== undefined && wanted[slot] > old[slot]
    if (raised && capacity > 0 && world.observation.slots[slot].readyEndpoints === 0) {
      found.push(`weight of slot ${slot} would rise to ${wanted[slot]} without a ready pod`)
    }
  }
  return found
}

/** A step ends with a passing verdict, by a person's word, or by the configured outcome of its deadline. */
function stepBreaches(world: World, before: Model, after: Model): string[] {
  if (before.state.phase !== 'Progressing' || !('release' in after.state)) return []
  const left = after.state.phase === 'WaitingPromotion' || after.state.phase === 'Promoting'
  const from = before.state.release.stepIndex ?? 0
  const risen = (after.state.release.stepIndex ?? 0) - from
  if (after.state.phase === 'RollingBack' || (risen === 0 && !left)) return []
  if (risen > 1) return [`release would jump over ${risen - 1} steps`]
  const {checks} = world.spec.analysis
  const names = world.steps[from]?.checks
  const told = canonicalCommands(before) !== canonicalCommands(after)
  const gone = from >= world.steps.length
  if (checksInForce(named(checks, names)).length === 0 || told || gone) return []
  const results = world.observation.analysis?.results
  const {verdict, deciding} = combineVerdicts(named(results ?? [], names))
  const allowed = verdict === 'advance' || (verdict === 'wait' && overdueOutcome(world, deciding) === 'promote')
  return allowed || isCleanEnough(world, names) ? [] : ['a step would end without a verdict that allows it']
}

function canonicalCommands(model: Model): string {
  return JSON.stringify(model.ledger.commands)
}

function rejectedBreaches(after: Model): string[] {
  const {state, ledger} = after
  const idle = state.phase === 'Healthy' || state.phase === 'Waiting' || state.phase === 'Failed'
  const wanted = ledger.traffic?.wanted
  if (!idle || !wanted || wanted[state.primary.slot] === 100) return []
  return [
    `between releases slot ${state.primary.slot} must have all of the traffic and has ${wanted[state.primary.slot]}`,
  ]
}
