// The odds ratio of the canary against the primary with a confidence sequence: an interval that holds at every time at
// once. Every odds ratio against which the mixture over all of them has not gathered evidence of 1/alpha is in it.
import {logMeanExp} from './log-math.ts'

/** Odds ratios whose likelihood is kept: from 1/64 to 256, by half octaves. */
export const gridOddsRatios: readonly number[] = Array.from({length: 29}, (_, index) => 2 ** ((index - 12) / 2))

/** Odds ratio with its interval; an end beyond the grid is absent. */
export interface OddsRatio {
  /** Most likely value; absent while the requests say nothing, and where it lies beyond the grid. */
  estimate?: number
  low?: number
  high?: number
  /** Probability that the interval holds at every time at once. */
  confidence?: number
}

/** @param logLikelihoods one per odds ratio of the grid, summed over the batches; empty before the first */
export function oddsRatioOf(logLikelihoods: readonly number[], alpha: number): OddsRatio {
  const most = Math.max(...logLikelihoods)
  const least = Math.min(...logLikelihoods)
  if (logLikelihoods.length === 0 || most === least) return {}
  const mixture = logMeanExp(logLikelihoods)
  const inside = (index: number) => mixture - (logLikelihoods[index] ?? 0) < Math.log(1 / alpha)
  const indices = [...logLikelihoods.keys()].filter(inside)
  const [first = 0, last = first] = [indices[0], indices.at(-1)]
  // The interval is widened to the next points of the grid, which are outside of it.
  const low = first > 0 ? gridOddsRatios[first - 1] : undefined
  const high = last < gridOddsRatios.length - 1 ? gridOddsRatios[last + 1] : undefined
  const best = logLikelihoods.indexOf(most)
  const inner = best > 0 && best < logLikelihoods.length - 1
  return {
    ...(inner ? {estimate: peakOf(logLikelihoods, best)} : {}),
    ...(low === undefined ? {} : {low}),
    ...(high === undefined ? {} : {high}),
    ...(low === undefined && high === undefined ? {} : {confidence: 1 - alpha}),
  }
}

/** Maximum of the parabola through the best point and its neighbours, on the scale of logarithms. */
function peakOf(logLikelihoods: readonly number[], best: number): number {
  const [left = 0, middle = 0, right = 0] = [best - 1, best, best + 1].map(index => logLikelihoods[index])
  const octave = Math.log2(gridOddsRatios[best] ?? 1)
  const curvature = left - 2 * middle + right
  return 2 ** (octave + (curvature < 0 ? (0.25 * (left - right)) / curvature : 0))
}
