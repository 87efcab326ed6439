// Whole decisions, and how several questions and several checks come together. The values were computed independently.
import {describe, expect, test} from 'vitest'
import {emptyEvidence, judgePoll} from './judge.ts'
import {logMeanExp} from './log-math.ts'
import {logEvidence, notStarted} from './restarts.ts'
import {afterPolls, allSettingsOf, pollOf, requests, settingsOf, timed} from './test-support.ts'

const errors = settingsOf({metric: 'requestErrors'})

/** ln of the weight with which the first restart of an E-process enters. */
const logFirstWeight = Math.log(1 - 1 / Math.sqrt(2))

describe('one poll: the four E-values without restarts, and the verdict', () => {
  test.each([
    [0, 434, 0, 3906, [0.370961, 1, 38.833, 1], 'inconclusive', 1],
    [0, 435, 0, 3915, [0.370586, 1, 39.1857, 1], 'pass', 0],
    [1, 750, 7, 6750, [0.493165, 0.380931, 40.508, 0.914052], 'pass', 0],
    [4, 150, 1, 1350, [1778.14, 79.1438, 0.0459665, 0.042181], 'inconclusive', undefined],
    [5, 150, 1, 1350, [46_094.7, 412.758, 0.0224495, 0.0235631], 'fail', undefined],
    [30, 1500, 270, 13_500, [6.31239e24, 0.00305871, 5.7195e-7, 6.06025e7], 'pass', 0],
  ])('%d/%d against %d/%d', (failed, total, primaryFailed, primaryTotal, expected, verdict, needed) => {
    const {evidence, result, standing} = afterPolls(
      errors,
      pollOf(requests(failed, total), requests(primaryFailed, primaryTotal)),
    )
    const [question] = evidence.proportions
    if (!question) throw new Error('no evidence')
    const begun = (logs: readonly number[]) => Math.exp(logMeanExp(logs) - logFirstWeight)
    const values = [
      begun(question.rollbackAbsolute.logs),
      begun(question.rollbackRelative.logs),
      Math.exp(logMeanExp(question.advanceAbsolute)),
      Math.exp(logMeanExp(question.advanceRelative)),
    ]
    for (const [index, value] of values.entries()) {
      expect(Math.abs(value / (expected[index] ?? Number.NaN) - 1), `E-value ${index + 1}`).toBeLessThan(6e-6)
    }
    expect(result.verdict).toBe(verdict)
    if (needed !== undefined) expect(standing.needed).toBe(needed)
  })

  test('the figures of the status are these: the smaller one for harm, the mean for harmlessness', () => {
    const {result} = afterPolls(errors, pollOf(requests(5, 150), requests(1, 1350)))
    // E with the first restart in it and the weight of those to come beside it.
    const weight = 1 - 1 / Math.sqrt(2)
    expect(result.evidence?.harm.value).toBeCloseTo(weight * 412.758 + 1 / Math.sqrt(2), 2)
    expect(result.evidence?.harm.boundary).toBeCloseTo(100, 9)
    expect(result.evidence?.harmless.value).toBeCloseTo((0.0224495 + 0.0235631) / 2, 7)
    expect(result.evidence?.harmless.boundary).toBeCloseTo(20, 9)
  })

  test('an objective of 1 % holds what the default one lets advance', () => {
    const strict = settingsOf({metric: 'requestErrors'}, {sharedIncident: {percent: 1}})
    const {result} = afterPolls(strict, pollOf(requests(30, 1500), requests(270, 13_500)))
    expect(result).toMatchObject({verdict: 'inconclusive', reason: 'SharedIncident'})
  })
})

describe('several checks share alpha by their weights', () => {
  const weighted = (...weights: number[]) =>
    allSettingsOf(weights.map(weight => ({metric: 'requestErrors', weight}))).map(({alpha}) => alpha)

  test('Bonferroni: in sum no more than alpha', () => {
    expect(weighted(1)).toEqual([0.01])
    expect(weighted(1, 1)).toEqual([0.005, 0.005])
    const [heavy, light] = weighted(3, 1)
    expect([heavy, light]).toEqual([0.0075, 0.0025])
  })

  test('one poll may be enough for a check alone, and not for one of two', () => {
    // E = 121.6: above 1/0.01, below 1/0.005.
    const poll = pollOf(requests(5, 150), requests(1, 1350))
    const verdicts = (weights: number[]) =>
      allSettingsOf(weights.map(weight => ({metric: 'requestErrors', weight}))).map(
        settings => afterPolls(settings, poll).result.verdict,
      )
    expect(verdicts([1])).toEqual(['fail'])
    expect(verdicts([1, 1])).toEqual(['inconclusive', 'inconclusive'])
    expect(verdicts([9, 1])).toEqual(['fail', 'inconclusive'])
  })

  test('beta is not shared: every check must pass', () => {
    const betas = allSettingsOf([{metric: 'requestErrors'}, {metric: 'requestErrors', weight: 5}])
    expect(betas.map(({beta}) => beta)).toEqual([0.05, 0.05])
  })
})

describe('several bounds of one latency check', () => {
  const bounds = [100, 500]
  const two = settingsOf({metric: 'requestDuration', slowerThan: '100ms', furtherBounds: ['500ms']})
  const one = (slowerThan: string) => settingsOf({metric: 'requestDuration', slowerThan})
  const arm = (overFirst: number, overSecond: number, total: number) =>
    timed(bounds, [total - overFirst, total - overSecond], total)
  /** Evidence that the canary is slower, by one bound alone. */
  const evidenceAt = (slowerThan: string, poll: Parameters<typeof judgePoll>[2]) => {
    const settings = one(slowerThan)
    const {evidence} = judgePoll(settings, emptyEvidence(settings), poll)
    return Math.exp(logEvidence(evidence.proportions[0]?.rollbackRelative ?? notStarted))
  }
  const boundary = 200

  test('are averaged for the rollback: one that is not enough in the mean rolls nothing back', () => {
    // By 500 ms alone it is enough; by 100 ms there is nothing, and the mean is half of it.
    const poll = pollOf(arm(8, 8, 150), arm(72, 6, 1350))
    expect(evidenceAt('500ms', poll)).toBeGreaterThan(boundary)
    expect(evidenceAt('500ms', poll)).toBeLessThan(2 * boundary)
    expect(evidenceAt('100ms', poll)).toBeLessThan(1)
    expect(afterPolls(one('500ms'), poll).result.verdict).toBe('fail')
    expect(afterPolls(two, poll).result.verdict).toBe('inconclusive')
  })

  test('and one that is enough for both does', () => {
    const poll = pollOf(arm(12, 12, 150), arm(72, 5, 1350))
    expect(evidenceAt('500ms', poll)).toBeGreaterThan(2 * boundary)
    expect(evidenceAt('100ms', poll)).toBeLessThan(1)
    expect(afterPolls(two, poll).result).toMatchObject({verdict: 'fail', reason: 'Harmful'})
    expect(afterPolls(two, poll).result.evidence?.slowerThanMilliseconds).toBe(500)
  })

  test('for the advance every one must pass', () => {
    const poll = pollOf(arm(16, 0, 800), arm(80, 0, 7200))
    expect(afterPolls(one('500ms'), poll).result.verdict).toBe('pass')
    expect(afterPolls(two, poll).result.verdict).toBe('inconclusive')
  })
})
