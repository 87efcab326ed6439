// Whether the traffic is enough for the compare checks, and what may be done without a verdict.
import type {CheckResult} from '../../crds/rollout-status.ts'
import {named} from './judgement.ts'
import type {AnalysisObservation} from './observation.ts'
import type {World} from './world.ts'

/** The check that needs the most further requests of the canary, and how long they take at the present rate. */
export interface Outlook {
  check: string
  needed: number
  /** Infinite without traffic. */
  milliseconds: number
}

/** Undefined where no comparison waits for requests, or the rate is unknown. */
export function outlookOf(analysis: AnalysisObservation | undefined): Outlook | undefined {
  const rate = analysis?.canaryRequestsPerSecond
  if (!analysis || rate === undefined) return undefined
  const waiting = analysis.results.flatMap(({name, evidence}) =>
    evidence?.needed === undefined ? [] : [{check: name, needed: evidence.needed}],
  )
  const [most] = waiting.toSorted((left, right) => right.needed - left.needed)
  return most && {...most, milliseconds: (1000 * most.needed) / rate}
}

/** In words, for somebody who has to decide. */
function outlookText(analysis: AnalysisObservation | undefined): string {
  const outlook = outlookOf(analysis)
  const rate = analysis?.canaryRequestsPerSecond ?? 0
  if (!outlook) return ''
  if (rate === 0) return '; at present the canary gets no request'
  return `; at the present ${Number(rate.toPrecision(2))} requests per second that takes ${durationText(outlook.milliseconds)}`
}

function durationText(milliseconds: number): string {
  const minutes = milliseconds / 60_000
  if (minutes < 2) return `${Math.ceil(milliseconds / 1000)} s`
  return minutes < 120 ? `${Math.ceil(minutes)} min` : `${Math.ceil(minutes / 60)} h`
}

/** The check that has no verdict, and what it lacks, for somebody who has to decide. */
export function openText(world: World, result: CheckResult | undefined): string {
  if (!result) return 'No evaluation took place'
  const unseen = result.verdict === 'inconclusive' ? '' : ` (${result.verdict}, ${result.reason})`
  return `Check ${result.name}: ${result.message}${unseen}${outlookText(world.observation.analysis)}`
}

/**
 * What follows at a deadline without a verdict. The user's choice is about a canary whose requests were seen and don't
 * decide; one that could not be measured is neither promoted nor rolled back for it (law 6).
 */
export function overdueOutcome({spec}: World, result: CheckResult | undefined): 'pause' | 'rollback' | 'promote' {
  return result?.verdict === 'inconclusive' ? spec.analysis.onInconclusive : 'pause'
}

/**
 * Whether, at the deadline of a step, the canary's requests were as many as the user asked for, and every one good: those
 * that count since the step began, or since its last shared incident ended.
 * @param names of the checks in force on the step; all of them when undefined
 */
export function isCleanEnough({observation, spec}: World, names: readonly string[] | undefined): boolean {
  const {cleanRequests} = spec.analysis
  const {analysis} = observation
  if (cleanRequests === undefined || !analysis?.evidence) return false
  const open = named(analysis.results, names).filter(result => !result.dryRun && result.verdict !== 'pass')
  const proportions = named(analysis.evidence.checks, names).flatMap(check => check.proportions)
  return (
    open.every(isWaitingForRequests) &&
    proportions.every(({canaryStep: {failed, total}}) => failed === 0 && total >= cleanRequests)
  )
}

function isWaitingForRequests({verdict, evidence}: CheckResult): boolean {
  return verdict === 'inconclusive' && evidence?.needed !== undefined
}
