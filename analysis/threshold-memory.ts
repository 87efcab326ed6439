// The failure limit: how many evaluations have to fail before a check does. What is remembered is the outcomes of the last
// few evaluations that had one; whoever restarts goes on from there, and no grid time counts twice.
import {timeOf, timeText} from '../crds/common.ts'
import type {ThresholdMemory} from '../crds/threshold.ts'
import type {ThresholdCheck} from './checks.ts'
import type {Finding} from './threshold-series.ts'

interface Limit {
  count: number
  outOf: number
  consecutive: boolean
}

/**
 * Holds a failure back until the limit is reached: reason BelowFailureLimit, which neither promotes nor rolls back. An
 * evaluation without a verdict is not remembered, so that it neither ends a row of failures nor lengthens it.
 * @param at grid time of the evaluation, milliseconds; one that is in the memory already is not taken again
 * @returns no memory where the first failure decides
 */
export function limitFailures(
  {name, threshold}: ThresholdCheck,
  finding: Finding,
  at: number,
  memory: ThresholdMemory | undefined,
): {finding: Finding; memory: ThresholdMemory | undefined} {
  const limit = limitOf(threshold)
  if (limit.count === 1) return {finding, memory: undefined}
  const {verdict} = finding
  if (verdict !== 'pass' && verdict !== 'fail') return {finding, memory}
  const after = remembered(name, limit, memory, at, verdict)
  if (verdict === 'pass') return {finding, memory: after}
  const failures = failuresIn(after.outcomes, limit)
  const clause = limit.consecutive ? 'in a row' : `in the last ${limit.outOf} evaluations`
  const message = `${finding.message}; ${failures} of ${limit.count} failures ${clause}`
  const held = failures < limit.count ? ({verdict: 'noData', reason: 'BelowFailureLimit'} as const) : {}
  return {finding: {...finding, ...held, message}, memory: after}
}

function limitOf({failureLimit}: ThresholdCheck['threshold']): Limit {
  const {consecutive, count, outOf} = failureLimit ?? {}
  if (count !== undefined) return {count, outOf: outOf ?? count, consecutive: false}
  return {count: consecutive ?? 1, outOf: consecutive ?? 1, consecutive: true}
}

function remembered(
  name: string,
  {outOf}: Limit,
  memory: ThresholdMemory | undefined,
  at: number,
  verdict: 'pass' | 'fail',
): ThresholdMemory {
  if (memory && at <= timeOf(memory.through)) return memory
  const outcomes = `${memory?.outcomes ?? ''}${verdict === 'pass' ? 'p' : 'f'}`
  return {name, through: timeText(at), outcomes: outcomes.slice(-outOf)}
}

function failuresIn(outcomes: string, {outOf, consecutive}: Limit): number {
  const last = outcomes.slice(-outOf)
  return (consecutive ? last.slice(last.lastIndexOf('p') + 1) : last.replaceAll('p', '')).length
}
