import {describe, expect, test} from 'vitest'
import {beginStep, emptyEvidence, judgePoll, resultOf} from './judge.ts'
import type {ArmCounts, Durations} from './poll.ts'
import {afterPolls as after, pollOf as poll, requests, settingsOf} from './test-support.ts'
import {aloneAtBegin, aloneSettings} from './without-primary.ts'

const errors = settingsOf({metric: 'requestErrors'})
const latency = settingsOf({metric: 'requestDuration', slowerThan: '500ms'})

describe('verdicts on errors', () => {
  test.each([
    [requests(0, 434), requests(0, 3906), 'inconclusive', 1],
    [requests(0, 435), requests(0, 3915), 'pass', 0],
    [requests(1, 750), requests(7, 6750), 'pass', 0],
    [requests(30, 1500), requests(270, 13_500), 'pass', 0],
  ])('%j against %j: %s', (canary, primary, verdict, needed) => {
    const {result, standing} = after(errors, poll(canary, primary))
    expect(result.verdict).toBe(verdict)
    expect(standing.needed).toBe(needed)
  })

  test('harm: both parts must speak at once, with the restart that is still to come holding its share back', () => {
    expect(after(errors, poll(requests(4, 150), requests(1, 1350))).result.verdict).toBe('inconclusive')
    const {result} = after(errors, poll(requests(7, 150), requests(1, 1350)))
    expect(result).toMatchObject({verdict: 'fail', reason: 'Harmful'})
    expect(result.evidence?.canary).toEqual({failed: 7, total: 150})
    expect(result.message).toMatch(
      /^the canary failed 7 of 150 requests \(4\.7 %\), the primary 1 of 1,350 requests \(0\.074 %\); the odds/,
    )
    expect(result.message).toMatch(
      /99 % confidence sequence: at least 2\.8\); evidence that it is worse \d+, boundary 100$/,
    )
  })

  test('a primary above its objective holds the weight, and the evidence for advancing starts anew', () => {
    const strict = settingsOf({metric: 'requestErrors'}, {sharedIncident: {percent: 1}})
    const bad = poll(requests(30, 1500), requests(270, 13_500))
    expect(after(strict, bad).result).toMatchObject({verdict: 'inconclusive', reason: 'SharedIncident'})
    const clean = poll(requests(0, 200), requests(0, 1800))
    const {standing, evidence} = after(strict, clean, clean, bad, clean)
    expect(standing.kind).toBe('inconclusive')
    expect(evidence.proportions[0]?.canaryStep).toEqual({failed: 0, total: 200})
    const few = settingsOf({metric: 'requestErrors'}, {sharedIncident: {percent: 1, requests: 20_000}})
    expect(after(few, bad).result.verdict).toBe('pass')
  })

  test('no requests say nothing', () => {
    const quiet = after(errors, poll(requests(0, 0), requests(3, 500)))
    expect(quiet.result).toMatchObject({verdict: 'noData', reason: 'NoTraffic'})
    const before = after(errors, poll(requests(2, 100), requests(1, 900)))
    const later = after(errors, poll(requests(2, 100), requests(1, 900)), poll(requests(0, 0), requests(0, 0)))
    expect(later.evidence.proportions[0]?.rollbackRelative).toEqual(before.evidence.proportions[0]?.rollbackRelative)
    expect(later.result.verdict).toBe('inconclusive')
  })
})

describe('evidence on errors', () => {
  test('a batch that does not count leaves the evidence as it is', () => {
    const {evidence} = after(errors, poll(requests(50, 100), requests(0, 900), {counts: false}))
    const [kept] = emptyEvidence(errors).proportions
    expect({...evidence.proportions[0], dispersion: kept?.dispersion}).toEqual(kept)
  })

  test('arms of separate scrapes: harm must show at two polls running', () => {
    const bad = poll(requests(9, 150), requests(1, 1350), {separateScrapes: true})
    expect(after(errors, bad).result.verdict).toBe('inconclusive')
    const {result} = after(errors, bad, bad)
    expect(result.verdict).toBe('fail')
    expect(result.message).toContain('weaker evidence')
  })

  test('arms of separate scrapes: a poll beside an incident of both is no evidence', () => {
    const apart = {separateScrapes: true}
    const calm = poll(requests(0, 150), requests(1, 1350), apart)
    // The canary was scraped five seconds later: it has seen the outage's begin, and the primary not yet.
    const begin = poll(requests(50, 150), requests(1, 1350), apart)
    const both = poll(requests(150, 150), requests(1350, 1350), apart)
    const end = poll(requests(50, 150), requests(1, 1350), apart)
    const before = after(errors, calm, calm)
    const through = after(errors, calm, calm, begin, both, both, end)
    expect(through.result.verdict).not.toBe('fail')
    expect(through.evidence.proportions[0]?.canary).toEqual(before.evidence.proportions[0]?.canary)
    const alone = after(errors, calm, calm, begin, begin)
    expect(alone.result.verdict).toBe('fail')
  })

  test('a step starts with no evidence for advancing and all of that for harm', () => {
    const {evidence} = after(errors, poll(requests(1, 750), requests(7, 6750)))
    const begun = beginStep(evidence).proportions[0]
    expect(begun?.canaryStep).toEqual({failed: 0, total: 0})
    expect(begun?.advanceAbsolute).toEqual([0, 0, 0])
    expect(begun?.rollbackRelative).toEqual(evidence.proportions[0]?.rollbackRelative)
  })

  test('the low-traffic preset clears a step with fewer requests', () => {
    const low = settingsOf({metric: 'requestErrors'}, {preset: 'lowTraffic'})
    expect(after(low, poll(requests(0, 1), requests(0, 9))).standing.needed).toBe(52)
  })

  test('correlated failures of the primary temper everything', () => {
    const burst = (failed: number) => poll(requests(0, 0), requests(failed, 1350), {counts: false})
    const bursts = [5, 0, 5, 0, 0, 5, 10, 0].map(burst)
    const {result} = after(errors, ...bursts, poll(requests(7, 150), requests(1, 1350)))
    expect(result.verdict).toBe('inconclusive')
    expect(result.evidence?.overdispersion).toBeGreaterThan(4)
    expect(result.message).toContain('come in clusters')
  })
})

describe('without a primary', () => {
  const calm = Array.from({length: 4}, () => poll(requests(1, 750), requests(7, 6750)))
  const {evidence} = after(errors, ...calm)
  const begun = aloneAtBegin(beginStep(evidence))
  const settings = aloneSettings(errors, begun)
  const judgeAlone = (canary: ArmCounts) => {
    const one = poll(canary, requests(0, 0))
    return resultOf(settings, judgePoll(settings, begun, one), one, '2026-01-01T00:00:00.000Z')
  }

  test('what exceeds the harmful share rolls back, and the message says what it was held to', () => {
    const result = judgeAlone(requests(40, 500))
    expect(result).toMatchObject({verdict: 'fail', reason: 'Harmful'})
    expect(result.message).toMatch(/^the canary failed 40 of 500 requests \(8 %\)/)
    expect(result.message).toMatch(/it has all of the traffic, so it is held to 1 %/)
    expect(result.message).not.toContain('odds')
  })

  test('what stays below it ends the bake', () => expect(judgeAlone(requests(1, 1500)).verdict).toBe('pass'))

  test('an old version that failed more raises the margin', () => {
    const poor = after(errors, poll(requests(30, 1500), requests(270, 13_500)))
    const {margins} = aloneSettings(errors, poor.evidence)
    expect(margins.harmfulShare).toBeCloseTo(0.0577, 3)
    expect(margins.harmlessShare).toBe(margins.harmfulShare)
  })
})

describe('latency', () => {
  const durations = (fast: number, slow: number, bounds = [100, 500, 1000]): Durations => ({
    bounds,
    counts: bounds.map(bound => (bound >= 1000 ? fast + slow : fast)),
    total: fast + slow,
  })
  const arm = (fast: number, slow: number, bounds?: number[]): ArmCounts => ({
    failed: 0,
    total: fast + slow,
    durations: durations(fast, slow, bounds),
  })

  test('more slow requests than the primary has', () => {
    const {result} = after(latency, poll(arm(120, 30), arm(1340, 10)))
    expect(result).toMatchObject({verdict: 'fail', reason: 'Harmful'})
    expect(result.message).toMatch(/^slower than 500 ms were 30 of 150 requests \(20 %\) of the canary and 10 of/)
  })

  test('no slow request in either arm passes once there are enough', () => {
    expect(after(latency, poll(arm(434, 0), arm(3906, 0))).result.verdict).toBe('inconclusive')
    expect(after(latency, poll(arm(435, 0), arm(3915, 0))).result.verdict).toBe('pass')
  })

  test('every bound must pass', () => {
    const two = settingsOf({metric: 'requestDuration', slowerThan: '100ms', furtherBounds: ['500ms']})
    const uneven = (slower: number, total: number): ArmCounts => ({
      failed: 0,
      total,
      durations: {bounds: [100, 500], counts: [total - slower, total], total},
    })
    const {result} = after(two, poll(uneven(16, 800), uneven(80, 7200)))
    expect(result).toMatchObject({verdict: 'inconclusive'})
    expect(result.evidence?.slowerThanMilliseconds).toBe(100)
  })

  test('a bound is taken up to the next one of the histograms; none in common is an error', () => {
    const odd = settingsOf({metric: 'requestDuration', slowerThan: '300ms'})
    expect(after(odd, poll(arm(100, 1), arm(900, 3))).result.evidence?.slowerThanMilliseconds).toBe(500)
    const apart = after(latency, poll(arm(100, 1, [5, 50]), arm(900, 3, [7, 70])))
    expect(apart.result).toMatchObject({verdict: 'error', reason: 'NoSharedBounds'})
  })

  test('the evidence of ten questions, with every bound that is kept and the arms apart, fits into the status', () => {
    const bounds = Array.from({length: 64}, (_, index) => (index + 1) * 17)
    const many = (total: number): ArmCounts => ({
      failed: 0,
      total,
      durations: {bounds, counts: bounds.map((_, index) => Math.floor((total * (index + 1)) / 65)), total},
    })
    const one = settingsOf({metric: 'requestDuration', slowerThan: '500ms'})
    const busy = poll(many(15_432), many(987_654), {separateScrapes: true})
    const {evidence} = after(one, ...Array.from({length: 40}, () => busy))
    expect(10 * JSON.stringify(evidence).length).toBeLessThan(56 * 1024)
  })

  test('a shift of the whole distribution below every bound is found by the bands', () => {
    const shifted = (fast: number, slow: number): ArmCounts => ({
      failed: 0,
      total: fast + slow,
      durations: {bounds: [10, 50, 500], counts: [fast, fast + slow, fast + slow], total: fast + slow},
    })
    const {result} = after(latency, poll(shifted(100, 1900), shifted(17_000, 1000)))
    expect(result).toMatchObject({verdict: 'fail', reason: 'Slower'})
    expect(result.message).toContain('at most 10 ms')
  })
})
