// What Ville's inequality needs: under the hypothesis that an E-process tests, its mean is at most 1. Exact: every outcome
// of two small batches is tried, with its probability.
import {describe, expect, test} from 'vitest'
import type {ProportionEvidence} from '../../crds/evidence.ts'
import {logBinomial, logMeanExp} from './log-math.ts'
import {type Margins, noEvidence, withBatch} from './proportion.ts'
import {logEvidence} from './restarts.ts'

const margins: Margins = {harmlessShare: 0.05, harmlessOdds: 1.5, harmfulShare: 0.2, harmfulOdds: 3}
const start = 1_700_000_000_000
const restartEvery = 120_000

interface Size {
  canary: number
  primary: number
  failed: number
}
const sizes: [Size, Size] = [
  {canary: 6, primary: 9, failed: 5},
  {canary: 4, primary: 7, failed: 3},
]

/** Every outcome of a batch whose margins are given, with its probability at an odds ratio. */
function tables({canary, primary, failed}: Size, odds: number): {failures: number; probability: number}[] {
  const all = Array.from({length: Math.min(canary, failed) + 1}, (_, failures) => failures).filter(
    failures => failed - failures <= primary,
  )
  const weights = all.map(failures =>
    Math.exp(logBinomial(canary, failures) + logBinomial(primary, failed - failures) + failures * Math.log(odds)),
  )
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return all.map((failures, index) => ({failures, probability: (weights[index] ?? 0) / total}))
}

/** Every outcome of a batch of the canary alone, at a share. */
function draws({canary}: Size, share: number): {failures: number; probability: number}[] {
  return Array.from({length: canary + 1}, (_, failures) => ({
    failures,
    probability: Math.exp(
      logBinomial(canary, failures) + failures * Math.log(share) + (canary - failures) * Math.log(1 - share),
    ),
  }))
}

/** Mean of an E-value over two batches, of which the second falls into the second restart. */
function mean(
  outcomes: (size: Size) => {failures: number; probability: number}[],
  value: (evidence: ProportionEvidence) => number,
  known: ProportionEvidence = noEvidence,
): number {
  const after = (evidence: ProportionEvidence, {canary, primary, failed}: Size, failures: number, at: number) =>
    withBatch(
      evidence,
      {
        canaryFailed: failures,
        canaryTotal: canary,
        primaryFailed: Math.max(0, failed - failures),
        primaryTotal: primary,
      },
      at,
      margins,
    )
  let sum = 0
  for (const first of outcomes(sizes[0])) {
    const one = after(known, sizes[0], first.failures, start)
    for (const second of outcomes(sizes[1])) {
      const two = after(one, sizes[1], second.failures, start + restartEvery)
      sum += first.probability * second.probability * value(two)
    }
  }
  return sum
}

const clustered: ProportionEvidence = {...noEvidence, dispersion: {weightedSum: 30, weights: 10}}
const harmRelative = ({rollbackRelative}: ProportionEvidence) => Math.exp(logEvidence(rollbackRelative))
const harmAbsolute = ({rollbackAbsolute}: ProportionEvidence) => Math.exp(logEvidence(rollbackAbsolute))
const goodRelative = ({advanceRelative}: ProportionEvidence) => Math.exp(logMeanExp(advanceRelative))
const goodAbsolute = ({advanceAbsolute}: ProportionEvidence) => Math.exp(logMeanExp(advanceAbsolute))

describe('the mean of an E-value', () => {
  const at = (odds: number) => (size: Size) => tables(size, odds)
  const sharing = (share: number) => (size: Size) => draws(size, share)

  test('is 1 on the margin that it tests, restarts included', () => {
    expect(mean(at(margins.harmlessOdds), harmRelative)).toBeCloseTo(1, 10)
    expect(mean(sharing(margins.harmlessShare), harmAbsolute)).toBeCloseTo(1, 10)
    expect(mean(at(margins.harmfulOdds), goodRelative)).toBeCloseTo(1, 10)
    expect(mean(sharing(margins.harmfulShare), goodAbsolute)).toBeCloseTo(1, 10)
  })

  test.each([0.01, 0.5, 1, 1.4])('is below 1 for a harmless odds ratio of %d', odds => {
    expect(mean(at(odds), harmRelative)).toBeLessThan(1)
  })

  test.each([3.1, 10, 1000])('is below 1 for a harmful odds ratio of %d', odds => {
    expect(mean(at(odds), goodRelative)).toBeLessThan(1)
  })

  test('is above 1 beyond the margin, so that it grows', () => {
    expect(mean(at(10), harmRelative)).toBeGreaterThan(1.1)
    expect(mean(sharing(0.5), harmAbsolute)).toBeGreaterThan(1.1)
    expect(mean(at(1), goodRelative)).toBeGreaterThan(1.1)
    expect(mean(sharing(0.01), goodAbsolute)).toBeGreaterThan(1.1)
  })

  test('is below 1 on the margin when failures come in clusters', () => {
    expect(mean(at(margins.harmlessOdds), harmRelative, clustered)).toBeLessThan(1)
    expect(mean(at(margins.harmfulOdds), goodRelative, clustered)).toBeLessThan(1)
  })
})
