// The rules around the E-values: which polls may speak, what starts anew when, and what a verdict carries.
import {describe, expect, test} from 'vitest'
import {emptyEvidence, judgePoll} from './judge.ts'
import type {Poll} from './poll.ts'
import {afterPolls, pollOf, requests, settingsOf, timed} from './test-support.ts'

const errors = settingsOf({metric: 'requestErrors'})
const latency = settingsOf({metric: 'requestDuration', slowerThan: '500ms'})

describe('arms of separate scrapes: the poll that confirms harm must be evidence itself', () => {
  const bad = pollOf(requests(9, 150), requests(1, 1350), {separateScrapes: true})
  const idle = pollOf(requests(0, 0), requests(0, 0), {separateScrapes: true})
  const primaryAlone = pollOf(requests(0, 0), requests(1, 1350), {separateScrapes: true})
  const spansChange = pollOf(requests(0, 150), requests(0, 1350), {separateScrapes: true, counts: false})

  test.each([
    ['without requests', idle],
    ['without requests of the canary', primaryAlone],
    ['that spans a weight change', spansChange],
  ])('a poll %s confirms nothing, and the next one that is evidence does', (_, silent) => {
    expect(afterPolls(errors, bad, silent).result.verdict).toBe('inconclusive')
    expect(afterPolls(errors, bad, silent, silent).result.verdict).toBe('inconclusive')
    expect(afterPolls(errors, bad, silent, bad).result.verdict).toBe('fail')
  })

  test('for latency it is the requests with a duration that count', () => {
    const slow = (total: number, failing = total / 5): Poll =>
      pollOf(timed([100, 500], [0, total - failing], total), timed([100, 500], [0, 1340], 1350), {
        separateScrapes: true,
      })
    const none = {...slow(0), canary: {...timed([100, 500], [0, 0], 0), total: 150}}
    expect(afterPolls(latency, slow(150), none).result.verdict).not.toBe('fail')
    expect(afterPolls(latency, slow(150), slow(150)).result.verdict).toBe('fail')
  })
})

describe('with a baseline the overdispersion is that of the primary itself', () => {
  const own = (failed: number, total: number) => ({own: requests(failed, total)})
  const warmUp = [5, 0, 5, 0, 0, 5, 10, 0].map(failed =>
    pollOf(requests(0, 0), requests(0, 0), {counts: false, ...own(failed, 1350)}),
  )

  test('before the baseline has had a request, and beside its own few', () => {
    const {result} = afterPolls(errors, ...warmUp, pollOf(requests(0, 150), requests(0, 150), own(0, 1350)))
    expect(result.evidence?.overdispersion).toBeGreaterThan(4)
    const tempered = afterPolls(errors, ...warmUp, pollOf(requests(16, 150), requests(0, 150), own(1, 1350)))
    const quiet = afterPolls(errors, pollOf(requests(16, 150), requests(0, 150), own(1, 1350)))
    expect(quiet.result.verdict).toBe('fail')
    expect(tempered.result.verdict).toBe('inconclusive')
  })

  test('what the baseline does says nothing of it', () => {
    const polls = [5, 0, 5, 0, 0, 5, 10, 0].map(failed =>
      pollOf(requests(0, 150), requests(failed, 150), own(failed === 0 ? 1 : 2, 1350)),
    )
    expect(afterPolls(errors, ...polls).result.evidence?.overdispersion).toBeLessThan(1.5)
  })

  test('of slow requests too, by the bucket bound that the comparison has', () => {
    const bounds = [100, 500]
    const arm = (slow: number, total: number) => timed(bounds, [0, total - slow], total)
    const nothing = timed([], [], 0)
    const quiet = (slow: number) => pollOf(nothing, nothing, {counts: false, own: arm(slow, 1350)})
    const judged = afterPolls(latency, ...[5, 0, 5, 0, 0, 5, 10, 0].map(quiet))
    expect(judged.evidence.proportions[0]?.boundMilliseconds).toBe(500)
    expect(judged.result.evidence?.overdispersion).toBeGreaterThan(4)
    const other = pollOf(arm(0, 100), arm(0, 100), {own: timed([50, 5000], [0, 1000], 1350)})
    expect(afterPolls(latency, other, other, other).result.evidence?.overdispersion).toBe(1)
  })
})

test('a bound that the primary alone had before the canary came does not bind the comparison', () => {
  const settings = settingsOf({metric: 'requestDuration', slowerThan: '450ms'})
  const primary = timed([100, 500, 1000], [900, 990, 1000], 1000)
  const before = pollOf(timed([], [], 0), primary, {counts: false})
  const both = pollOf(timed([100, 400, 1000], [90, 99, 100], 100), primary)
  const {result} = afterPolls(settings, before, before, both)
  expect(result.evidence?.slowerThanMilliseconds).toBe(1000)
  expect(result.verdict).toBe('inconclusive')
})

describe('a shared incident', () => {
  const calm = pollOf(timed([100, 500], [90, 100], 100), timed([100, 500], [900, 1000], 1000))
  const incident = {...calm, primary: timed([100, 500], [900, 1000], 1000, 200)}

  test('leaves the bands as they are: they say nothing of advancing', () => {
    const {standing, evidence} = afterPolls(latency, calm, calm, calm, calm, incident)
    expect(standing.kind).toBe('incident')
    expect(evidence.bands).toMatchObject({canaryTotal: 500, primaryTotal: 5000})
    expect(evidence.proportions[0]?.canaryStep.total).toBe(0)
  })

  test('keeps the evidence for harm, which it may have begun with', () => {
    const bad = pollOf(requests(4, 150), requests(1, 1350))
    const both = pollOf(requests(30, 150), requests(270, 1350))
    const {evidence} = afterPolls(errors, bad, both)
    expect(evidence.proportions[0]?.advanceAbsolute).toEqual([0, 0, 0])
    expect(evidence.proportions[0]?.rollbackAbsolute.logs).not.toEqual([])
  })
})

describe('a shared incident beside a baseline', () => {
  const against = {...errors, against: 'baseline'} as const
  const clean = Array.from({length: 3}, () => pollOf(requests(0, 200), requests(0, 200), {own: requests(0, 1600)}))
  const incident = {own: requests(320, 1600)}

  test('is seen by the many requests of the primary, where the baseline had too few in a poll', () => {
    const few = pollOf(requests(0, 15), requests(3, 15), incident)
    const {result, evidence} = afterPolls(against, ...clean, few)
    expect(result).toMatchObject({verdict: 'inconclusive', reason: 'SharedIncident'})
    expect(result.message).toMatch(/^the primary fails more than 5 % of its requests too: both versions suffer/)
    expect(evidence.proportions[0]?.advanceAbsolute).toEqual([0, 0, 0])
    const none = afterPolls(against, ...clean, pollOf(requests(0, 0), requests(0, 0), incident))
    expect(none.result.reason).toBe('SharedIncident')
  })

  test('is seen by the baseline, where the primary has none', () => {
    const {result} = afterPolls(
      against,
      ...clean,
      pollOf(requests(40, 200), requests(40, 200), {own: requests(0, 1600)}),
    )
    expect(result.reason).toBe('SharedIncident')
    expect(result.message).toMatch(/^the baseline fails more than 5 % /)
  })

  test('takes as many requests of the primary as of the baseline', () => {
    const few = pollOf(requests(0, 200), requests(0, 200), {own: requests(10, 19)})
    expect(afterPolls(against, ...clean, few).result.verdict).toBe('pass')
    const enough = {...few, own: requests(2, 20)}
    expect(afterPolls(against, ...clean, enough).result.reason).toBe('SharedIncident')
  })

  test('arms scraped apart: takes the poll before it back', () => {
    const apart = {separateScrapes: true}
    const begin = pollOf(requests(50, 150), requests(0, 150), {...apart, own: requests(0, 1350)})
    const both = pollOf(requests(150, 150), requests(10, 10), {...apart, own: requests(1350, 1350)})
    const {evidence} = afterPolls(against, begin, both)
    expect(evidence.proportions[0]?.canary.total).toBe(0)
  })
})

test('a shared incident is one of failed requests, whatever the check compares', () => {
  const slow = timed([100, 500], [900, 1000], 1000, 200)
  const {result} = afterPolls(latency, pollOf(timed([100, 500], [90, 100], 100), slow))
  expect(result.message).toMatch(/^the primary fails more than 5 % of its requests too: both versions suffer/)
})

describe('a poll without requests, in which the primary has no histogram', () => {
  const both = pollOf(timed([100, 500], [90, 100], 100), timed([100, 500], [900, 1000], 1000))
  const idle = pollOf(timed([100, 500], [0, 0], 0), timed([], [], 0))

  test('says nothing of the buckets', () => {
    expect(afterPolls(latency, idle).result).toMatchObject({verdict: 'noData', reason: 'NoTraffic'})
    const {result, evidence} = afterPolls(latency, both, idle)
    expect(result).toMatchObject({verdict: 'inconclusive', reason: 'MoreRequestsNeeded'})
    expect(evidence).toMatchObject(afterPolls(latency, both).evidence)
  })

  test('with requests of either, a histogram that has no bound is an error', () => {
    const unbounded = {...idle, primary: timed([], [], 7)}
    expect(afterPolls(latency, unbounded).result.reason).toBe('NoSharedBounds')
  })
})

describe('a rollback by the bands', () => {
  const bounds = [10, 50, 500]
  const shifted = (fast: number, slow: number) => timed(bounds, [fast, fast + slow, fast + slow], fast + slow)
  const {result} = afterPolls(latency, pollOf(shifted(100, 1900), shifted(17_000, 1000)))

  test('carries what the bands found: both arms at the bound, how far they are apart, and what chance allows', () => {
    expect(result).toMatchObject({verdict: 'fail', reason: 'Slower'})
    const bands = result.evidence?.bands
    expect(bands).toMatchObject({
      boundMilliseconds: 10,
      canary: {failed: 1900, total: 2000},
      primary: {failed: 1000, total: 18_000},
      tolerance: 0.05,
    })
    expect(bands?.distance).toBeCloseTo(17 / 18 - 0.05, 10)
    // alpha 1 %: half for the bands, of which the first time has its share, over two arms.
    const share = (0.01 / 2) * (1 - Math.SQRT1_2)
    const radius = (count: number) =>
      0.85 * Math.sqrt((Math.log(1 + Math.log(count)) + 0.8 * Math.log(1612 / (share / 2))) / count)
    expect(bands?.radius).toBeCloseTo(radius(2000) + radius(18_000), 10)
  })

  test('says so in one sentence', () => {
    expect(result.message).toBe(
      "5 % of the canary's 2,000 requests took at most 10 ms, of the primary's 18,000 94 %: 89 points apart, where chance allows 9.4 and the tolerance 5",
    )
  })

  test('every other verdict rests on the E-values alone', () => {
    const calm = afterPolls(latency, pollOf(shifted(100, 100), shifted(900, 900)))
    expect(calm.result.evidence?.bands).toBeUndefined()
  })
})

describe('whom messages and figures name', () => {
  const against = {...errors, against: 'baseline'} as const
  const bad = pollOf(requests(9, 150), requests(1, 150))

  test('the baseline, where the canary is compared with one', () => {
    const {result} = afterPolls(against, bad)
    expect(result.evidence?.against).toBe('baseline')
    expect(result.message).toContain('the baseline 1 of 150')
    expect(result.message).not.toContain('primary')
    expect(afterPolls(errors, bad).result.evidence?.against).toBeUndefined()
  })

  test('the baseline, for bounds and bands too', () => {
    const one = {...latency, against: 'baseline'} as const
    const apart = pollOf(timed([5, 50], [9, 10], 10), timed([7, 70], [9, 10], 10))
    const judged = judgePoll(one, emptyEvidence(one), apart)
    expect(judged.standing.kind).toBe('noSharedBounds')
    expect(afterPolls(one, apart).result.message).toContain('canary and baseline')
    const shifted = (fast: number, slow: number) => timed([10, 500], [fast, fast + slow], fast + slow)
    const {message} = afterPolls(one, pollOf(shifted(100, 1900), shifted(17_000, 1000))).result
    expect(message).toContain("of the baseline's 18,000")
  })

  test('every verdict has the odds ratio and its evidence in the sentence', () => {
    const sure = afterPolls(errors, pollOf(requests(1, 750), requests(7, 6750)))
    expect(sure.result.message).toMatch(
      /^the canary failed 1 of 750 requests \(.*\), the primary 7 of 6,750 .*; the odds are .* \(99 % confidence sequence: .* to .*\); evidence that it is harmless 21, boundary 20$/,
    )
    const open = afterPolls(errors, pollOf(requests(1, 150), requests(7, 1350)))
    expect(open.result.message).toMatch(
      /confidence sequence: .*; evidence that it is harmless .*, boundary 20; about \d+ more/,
    )
  })

  test('the confidence sequence says how sure it is', () => {
    expect(afterPolls(errors, bad).result.evidence?.oddsRatio.confidence).toBeCloseTo(0.99, 12)
  })
})
