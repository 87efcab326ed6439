// The evidence of one question that each request answers with yes or no: did it fail, was it slower than a bound.
import {timeOf, timeText} from '../../crds/common.ts'
import type {ProportionEvidence, Tally} from '../../crds/evidence.ts'
import {gridOddsRatios} from './confidence-sequence.ts'
import type {Batch} from './hypergeometric.ts'
import {absoluteIncrements, betterRatios, logLikelihoods, relativeIncrements, worseRatios} from './likelihood-ratios.ts'
import {logMeanExp} from './log-math.ts'
import {dispersionOf, noOverdispersion, withPrimaryBatch} from './overdispersion.ts'
import {logEvidence, notStarted, withIncrements} from './restarts.ts'

/** What counts as harmless and as harmful: shares are fractions, odds ratios are against the primary. */
export interface Margins {
  harmlessShare: number
  harmlessOdds: number
  harmfulShare: number
  harmfulOdds: number
}

/** Evidence in logarithms: to roll back both must be large at once, to advance their mean. */
export interface LogEvidence {
  rollbackRelative: number
  rollbackAbsolute: number
  advance: number
}

const restartEveryMilliseconds = 120_000
/** A pair of batches loses its weight for the overdispersion within about this time. */
const memoryMilliseconds = 3_600_000

const none: Tally = {failed: 0, total: 0}

/** No evidence for or against anything. */
export const noEvidence: ProportionEvidence = {
  rollbackRelative: notStarted,
  rollbackAbsolute: notStarted,
  advanceRelative: betterRatios.map(() => 0),
  advanceAbsolute: betterRatios.map(() => 0),
  dispersion: noOverdispersion,
  logLikelihoods: [],
  canary: none,
  primary: none,
  canaryStep: none,
}

/** The evidence at the begin of a step: that for advancing starts anew, so that no step passes on an earlier one's. */
export function atStepBegin(evidence: ProportionEvidence): ProportionEvidence {
  return {...withoutHarmlessness(evidence), canaryStep: none}
}

/** Evidence for advancing starts anew. */
export function withoutHarmlessness(evidence: ProportionEvidence): ProportionEvidence {
  const {advanceRelative, advanceAbsolute} = noEvidence
  return {...evidence, advanceRelative, advanceAbsolute}
}

/** Evidence of harm starts anew, and its restarts with it. */
export function withoutHarm({firstBatchAt: _first, ...evidence}: ProportionEvidence): ProportionEvidence {
  return {...evidence, rollbackRelative: notStarted, rollbackAbsolute: notStarted}
}

/** No evidence is left; but failures of the primary that cluster do so whatever is asked of them. */
export function anew({dispersion: {weightedSum, weights}}: ProportionEvidence): ProportionEvidence {
  return {...noEvidence, dispersion: {weightedSum, weights}}
}

/** The evidence after a batch that ended at `at` (milliseconds). */
export function withBatch(
  evidence: ProportionEvidence,
  batch: Batch,
  at: number,
  {harmlessOdds, harmlessShare, harmfulOdds, harmfulShare}: Margins,
): ProportionEvidence {
  const phi = dispersionOf(evidence.dispersion)
  const tempered = (increments: number[]) => increments.map(increment => increment / phi)
  const firstBatchAt = evidence.firstBatchAt ?? timeText(at)
  const due = Math.floor((at - timeOf(firstBatchAt)) / restartEveryMilliseconds) + 1
  const worse = tempered(relativeIncrements(batch, harmlessOdds, worseRatios))
  const worseAlone = tempered(absoluteIncrements(batch, harmlessShare, worseRatios))
  const better = tempered(relativeIncrements(batch, harmfulOdds, betterRatios))
  const betterAlone = tempered(absoluteIncrements(batch, harmfulShare, betterRatios))
  const likelihoods = tempered(logLikelihoods(batch, gridOddsRatios))
  const canary = {failed: batch.canaryFailed, total: batch.canaryTotal}
  return {
    ...evidence,
    firstBatchAt,
    rollbackRelative: withIncrements(evidence.rollbackRelative, worse, due),
    rollbackAbsolute: withIncrements(evidence.rollbackAbsolute, worseAlone, due),
    advanceRelative: sum(evidence.advanceRelative, better),
    advanceAbsolute: sum(evidence.advanceAbsolute, betterAlone),
    logLikelihoods: evidence.logLikelihoods.length === 0 ? likelihoods : sum(evidence.logLikelihoods, likelihoods),
    canary: added(evidence.canary, canary),
    primary: added(evidence.primary, {failed: batch.primaryFailed, total: batch.primaryTotal}),
    canaryStep: added(evidence.canaryStep, canary),
  }
}

/** Takes the primary's batch into the overdispersion; after {@link withBatch}, since phi must be known before a batch. */
export function withPrimary(evidence: ProportionEvidence, primary: Tally, milliseconds: number): ProportionEvidence {
  // Batches go in pairs: twice the time of one has passed since the last pair.
  const forgetting = Math.exp((-2 * milliseconds) / memoryMilliseconds)
  const dispersion = withPrimaryBatch(evidence.dispersion, primary.failed, primary.total, forgetting)
  return {...evidence, dispersion}
}

export function logEvidenceOf(evidence: ProportionEvidence): LogEvidence {
  return {
    rollbackRelative: logEvidence(evidence.rollbackRelative),
    rollbackAbsolute: logEvidence(evidence.rollbackAbsolute),
    advance: logAdvance(evidence.advanceAbsolute, evidence.advanceRelative),
  }
}

function logAdvance(absolute: readonly number[], relative: readonly number[]): number {
  return logMeanExp([logMeanExp(absolute), logMeanExp(relative)])
}

/** More clean canary requests than this are not worth a promise. */
const mostNeeded = 1_000_000_000

/** How many canary requests, if none of them fails, would let the step advance; 0 when it may already. */
export function neededRequests(evidence: ProportionEvidence, {harmfulShare}: Margins, beta: number): number {
  const {advanceAbsolute, advanceRelative} = evidence
  const boundary = Math.log(1 / beta)
  if (logAdvance(advanceAbsolute, advanceRelative) >= boundary) return 0
  const phi = dispersionOf(evidence.dispersion)
  const clean = absoluteIncrements(
    {canaryFailed: 0, canaryTotal: 1, primaryFailed: 0, primaryTotal: 0},
    harmfulShare,
    betterRatios,
  )
  // The relative part stays as it is, so the sum of the absolute one has to reach what is left of the boundary.
  const left = 2 / beta - Math.exp(logMeanExp(advanceRelative))
  const enough = (requests: number) => {
    const after = (sum: number, known: number, index: number) =>
      sum + Math.exp(known + ((clean[index] ?? 0) * requests) / phi)
    return advanceAbsolute.reduce(after, 0) >= left * advanceAbsolute.length
  }
  let most = 1
  while (most < mostNeeded && !enough(most)) most *= 2
  let least = Math.floor(most / 2)
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2)
    if (enough(middle)) most = middle
    else least = middle
  }
  return most
}

function sum(left: readonly number[], right: readonly number[]): number[] {
  return right.map((value, index) => value + (left[index] ?? 0))
}

function added(left: Tally, right: Tally): Tally {
  return {failed: left.failed + right.failed, total: left.total + right.total}
}
