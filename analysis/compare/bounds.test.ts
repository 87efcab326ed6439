// The bucket bound that a latency check is about: the next one that both versions' histograms have.
import {describe, expect, test} from 'vitest'
import {rolloutSpec} from '../../crds/rollout.ts'
import type {JudgedStep} from '../comparisons.ts'
import {judgeComparisons} from '../comparisons.ts'
import {emptyEvidence, type Judged, judgePoll} from './judge.ts'
import type {ArmCounts, Poll} from './poll.ts'
import {type CompareSettings, compareSettings} from './settings.ts'

function latency(...bounds: string[]): CompareSettings {
  const [slowerThan, ...furtherBounds] = bounds
  const compare = {metric: 'requestDuration', slowerThan, ...(furtherBounds.length > 0 ? {furtherBounds} : {})}
  const spec = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {checks: [{name: 'latency', compare}]},
  })
  const [settings] = compareSettings(spec.analysis)
  if (!settings) throw new Error('no settings')
  return settings
}

/** An arm's requests by their buckets: how many took at most each bound, and the rest. */
const arm = (counts: Record<number, number>, total: number): ArmCounts => ({
  total: 0,
  failed: 0,
  durations: {bounds: Object.keys(counts).map(Number), counts: Object.values(counts), total},
})
const nobody = arm({}, 0)

/** What polls come to: canary and primary in turn. Polls before the weight is in force don't count. */
function after(settings: CompareSettings, polls: [ArmCounts, ArmCounts, boolean?][]): Judged {
  let judged: Judged | undefined
  for (const [index, [canary, primary, counts = true]] of polls.entries()) {
    const at = 1_000_000 + index * 15_000
    const poll: Poll = {at, milliseconds: 15_000, separateScrapes: false, counts, canary, primary}
    judged = judgePoll(settings, judged?.evidence ?? emptyEvidence(settings), poll)
  }
  if (!judged) throw new Error('no polls')
  return judged
}

const primary = arm({100: 900, 500: 990, 1000: 1000}, 1000)
const canary = arm({100: 90, 400: 99, 1000: 100}, 100)
const questionOf = ({evidence}: Judged) => evidence.proportions[0]

describe('a bound that only the primary has', () => {
  test('is given up for one that both have as soon as the canary has requests', () => {
    const warm = after(latency('450ms'), [[nobody, primary, false]])
    expect(questionOf(warm)?.boundMilliseconds).toBe(500)
    const judged = after(latency('450ms'), [
      [nobody, primary, false],
      [canary, primary],
      [canary, primary],
    ])
    expect(judged.standing.kind).not.toBe('noSharedBounds')
    expect(questionOf(judged)).toMatchObject({boundMilliseconds: 1000, canary: {failed: 0, total: 200}})
  })

  test('leaves how the primary scatters', () => {
    const restless = [arm({500: 1000}, 1000), arm({500: 900}, 1000)]
    const warm: [ArmCounts, ArmCounts, boolean][] = restless.map(one => [nobody, one, false])
    const before = questionOf(after(latency('450ms'), warm))?.dispersion
    expect(before?.weights).toBeGreaterThan(0)
    const judged = after(latency('450ms'), [...warm, [arm({1000: 100}, 100), arm({500: 990, 1000: 1000}, 1000)]])
    expect(questionOf(judged)).toMatchObject({boundMilliseconds: 1000})
    expect(questionOf(judged)?.dispersion.weights).toBeCloseTo(before?.weights ?? 0, 6)
  })

  test('is an error that says so where they share none', () => {
    const judged = after(latency('450ms'), [
      [nobody, primary, false],
      [arm({400: 99}, 100), primary],
    ])
    expect(judged.standing.kind).toBe('noSharedBounds')
  })
})

test('a bound that goes away on the way begins anew at another, and stays there', () => {
  const both = arm({100: 90, 500: 90, 1000: 100}, 100)
  const judged = after(latency('450ms'), [
    [both, primary],
    [canary, primary],
    [both, primary],
  ])
  expect(questionOf(judged)).toMatchObject({boundMilliseconds: 1000, canary: {failed: 0, total: 200}})
})

describe('slowerThan that is edited during a release', () => {
  const step: JudgedStep = {id: '0', since: 0, canary: 'b', primary: 'a', compared: true}
  const both = {a: arm({100: 900, 500: 1000}, 1000), b: arm({100: 0, 500: 100}, 100), baseline: nobody}
  const polled = (at: number) =>
    ({at, kind: 'counted', poll: {at, milliseconds: 15_000, sides: {caller: both}}}) as const
  const first = judgeComparisons([latency('500ms')], step, undefined, polled(15_000))

  test('is what counts from then on', () => {
    const edited = judgeComparisons([latency('100ms')], step, first.evidence, polled(30_000))
    const fresh = judgeComparisons([latency('100ms')], step, undefined, polled(30_000))
    expect(edited.results).toEqual(fresh.results)
    expect(edited.results[0]?.evidence).toMatchObject({slowerThanMilliseconds: 100, canary: {failed: 100, total: 100}})
  })

  test('keeps the evidence where it comes to the same bound', () => {
    const edited = judgeComparisons([latency('450ms')], step, first.evidence, polled(30_000))
    expect(edited.results[0]?.evidence).toMatchObject({slowerThanMilliseconds: 500, canary: {failed: 0, total: 200}})
  })
})
