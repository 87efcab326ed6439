// A grid time shows what was scraped before it. Counts that begin at a scrape from before a weight came into force span the
// change: an incident that both versions share within it looks like the fault of the one that got more requests since.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {type Caller, every, observe, range, work} from './callers.ts'
import {metricsOf} from './judged-release.ts'

const change = 310
const steps = [
  {weight: 5, since: 20},
  {weight: 75, since: change},
]

/** 100 requests a second; from the change on both versions fail 20 % for some seconds, and the canary alone by its share. */
function storeOf(scrape: Caller['scrape'], lasts: number, canaryFails = 0): MetricStore {
  const store = new MetricStore(4 * 3600_000)
  const sends: Caller['sends'] = (at, arms) => {
    const weight = at < 20 ? 0 : at <= change ? 5 : 75
    const shared = at > change && at <= change + lasts ? 0.2 : 0
    const canary = Math.max(shared, at > change ? canaryFails : 0)
    arms.a.ok += (100 - weight) * (1 - shared)
    arms.a.failed += (100 - weight) * shared
    arms.b.ok += weight * (1 - canary)
    arms.b.failed += weight * canary
  }
  work(store, 900, [{instance: 'x', sends, scrape}])
  return store
}

const verdictOf = (observation: AnalysisObservation | undefined) => observation?.results[0]?.verdict
const last = (seen: Map<number, AnalysisObservation>) => [...seen].at(-1)

describe.each([
  ['every 15 s, right after the grid time', 15, 1],
  ['every 15 s, right before it', 15, 14],
  ['every 60 s', 60, 31],
  ['every 5 s', 5, 1],
])('scraped %s', (_name, seconds, offset) => {
  test.each([6, 14])('a shared incident of %d s during a weight change is nobody’s fault', async lasts => {
    const metrics = metricsOf(storeOf(every(seconds, offset), lasts))
    const seen = await observe({metrics, steps, polls: range(3, 50)})
    expect([...seen.values()].map(verdictOf)).not.toContain('fail')
    // Nobody is told of missing traffic that is only not scraped yet, if it is scraped as often as it is read.
    const reasons = [...seen.values()].map(({results}) => results[0]?.reason)
    if (seconds <= 15) expect(reasons).not.toContain('NoTraffic')
    // Nor is the step stuck: its own requests are evidence.
    const evidence = last(seen)?.[1].evidence
    expect(evidence?.step).toBe('1')
    expect(evidence?.checks[0]?.proportions[0]?.canaryStep.total).toBeGreaterThan(10_000)
  })

  test('a canary that fails from the change on is rolled back by the first counts that are its own', async () => {
    const metrics = metricsOf(storeOf(every(seconds, offset), 0, 0.2))
    const seen = await observe({metrics, steps, polls: range(3, 50)})
    const [poll = 0, observation] = last(seen) ?? []
    expect(verdictOf(observation)).toBe('fail')
    // The grid time that shows the first scrape after the change, and the one that shows another.
    expect(poll * 15).toBeLessThanOrEqual(Math.ceil((change + seconds) / 15) * 15 + Math.max(15, seconds))
  })

  test('whenever the controller is killed, the numbers are the same', async () => {
    const metrics = metricsOf(storeOf(every(seconds, offset), 8))
    const polls = range(3, 40)
    const whole = last(await observe({metrics, steps, polls}))?.[1].evidence
    for (const victim of [20, 21, 22, 23, 25, 26]) {
      const killed = await observe({metrics, steps, polls, killedAt: poll => poll === victim})
      expect(last(killed)?.[1].evidence, `killed at ${victim}`).toEqual(whole)
    }
  })
})
