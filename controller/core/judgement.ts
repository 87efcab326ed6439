// What the analysis says of the step under way. The metrics were asked at a grid time that the status determines, so
// whoever restarts asks the same question again.

import {type DueEvaluation, dueEvaluation} from '../../analysis/grid.ts'
import {combineVerdicts} from '../../analysis/verdict.ts'
import {timeOf} from '../../crds/common.ts'
import type {CheckResult, ReleaseStatus} from '../../crds/rollout-status.ts'
import type {Ledger, Model, State} from './state.ts'
import type {Durations, World} from './world.ts'

/** Results are written to the status when a verdict changes and else at most this often. */
const writeEveryMilliseconds = 60_000

export type Judgement =
  /** A check failed: roll back. */
  | {kind: 'rollback'; result: CheckResult}
  /** Every check passed on a whole window. */
  | {kind: 'advance'}
  /** Nothing can be said yet; `result` is the check that has no verdict, when one was evaluated. */
  | {kind: 'wait'; result?: CheckResult; again: number}

/** Since when the evidence of a phase counts, in milliseconds; undefined where nothing is judged. */
function anchorOf(state: State): number | undefined {
  if (state.phase === 'Baking') return timeOf(state.release.phaseSince)
  const judged = state.phase === 'Progressing' || state.phase === 'WaitingPromotion' || state.phase === 'Promoting'
  return judged && state.release.stepSince ? timeOf(state.release.stepSince) : undefined
}

/** The evaluation that is due, or the time of the next one; undefined where nothing is judged. */
export function evaluationDue(
  model: Model,
  durations: Durations,
  checks: number,
  now: number,
): DueEvaluation | undefined {
  const anchor = anchorOf(model.state)
  if (anchor === undefined || checks === 0) return undefined
  return dueEvaluation({
    anchor,
    intervalMilliseconds: durations.interval,
    windowMilliseconds: durations.window,
    now,
  })
}

/** Time of the first evaluation after now. */
function nextEvaluation(anchor: number, durations: Durations, now: number): number {
  const grid = {anchor, intervalMilliseconds: durations.interval, windowMilliseconds: durations.window, now}
  const due = dueEvaluation(grid)
  if ('next' in due) return due.next
  const after = dueEvaluation({...grid, evaluatedThrough: due.at})
  return 'next' in after ? after.next : now
}

/** Judges the evidence of this pass. Without checks there is nothing to wait for but the dwell of one interval. */
export function judge(world: World, model: Model): Judgement {
  const {durations, now, spec, observation} = world
  const anchor = anchorOf(model.state)
  if (anchor === undefined) return {kind: 'wait', again: now + durations.interval}
  if (spec.analysis.checks.length === 0) {
    const until = anchor + durations.interval
    return now >= until ? {kind: 'advance'} : {kind: 'wait', again: until}
  }
  const next = nextEvaluation(anchor, durations, now)
  const {analysis} = observation
  if (!analysis || analysis.at < anchor + durations.window) return {kind: 'wait', again: next}
  const {verdict, deciding} = combineVerdicts(analysis.results)
  if (verdict === 'rollback' && deciding) return {kind: 'rollback', result: deciding}
  if (verdict === 'advance') return {kind: 'advance'}
  return {kind: 'wait', again: next, ...(deciding ? {result: deciding} : {})}
}

/** The ledger and release with this pass's evidence, written only when it says something new or a minute has passed. */
export function recordEvidence(
  world: World,
  ledger: Ledger,
  release: ReleaseStatus,
): {ledger: Ledger; release: ReleaseStatus} {
  const {analysis} = world.observation
  if (!analysis) return {ledger, release}
  const changed =
    analysis.results.length !== ledger.checks.length ||
    analysis.results.some((result, index) => {
      const known = ledger.checks[index]
      return known?.name !== result.name || known.verdict !== result.verdict || known.reason !== result.reason
    })
  const last = ledger.checks[0]
  const old = last === undefined || world.now - timeOf(last.evaluatedAt) >= writeEveryMilliseconds
  return changed || old ? freshEvidence(world, ledger, release) : {ledger, release}
}

/** The ledger and release with this pass's evidence, for a status that is written anyway: that of a step, or of an end. */
export function freshEvidence(
  world: World,
  ledger: Ledger,
  release: ReleaseStatus,
): {ledger: Ledger; release: ReleaseStatus} {
  const {analysis} = world.observation
  if (!analysis) return {ledger, release}
  const requests = analysis.requests ? {requests: analysis.requests} : {}
  return {ledger: {...ledger, checks: analysis.results}, release: {...release, ...requests}}
}

/** The failed check, with its figure and bounds, for an alert. */
export function evidenceFields(world: World): Record<string, string> {
  const failed = world.observation.analysis?.results.find(result => result.verdict === 'fail')
  if (!failed) return {}
  const check = world.spec.analysis.checks.find(one => one.name === failed.name)
  const {min, max} = check?.threshold ?? {}
  return {
    'failed check': failed.name,
    ...(failed.value === undefined ? {} : {figure: String(failed.value)}),
    ...(min === undefined ? {} : {minimum: String(min)}),
    ...(max === undefined ? {} : {maximum: String(max)}),
  }
}
