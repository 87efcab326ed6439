// Differences that span a gap are no evidence: of a caller that could not be scraped for a while, of a Prometheus that was
// away, of series that were renamed. Both versions are alike in all of these, so nothing may roll back.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {type Arms, type Caller, every, observe, range, start, work} from './callers.ts'
import {metricsOf} from './judged-release.ts'

/** 50 requests per second, 10 % of them to the canary from second 60 on; some share fails. */
function send(at: number, arms: Arms, failing: number): void {
  const canary = at > 60 ? 5 : 0
  const primary = 50 - canary
  arms.a.ok += primary * (1 - failing)
  arms.a.failed += primary * failing
  arms.b.ok += canary * (1 - failing)
  arms.b.failed += canary * failing
}

const steps = [{weight: 10, since: 75}]
const verdicts = (seen: Map<number, AnalysisObservation>) =>
  [...seen.values()].map(({results}) => results[0]?.verdict ?? 'none')
const canaryOf = (seen: Map<number, AnalysisObservation>) =>
  [...seen.values()].at(-1)?.evidence?.checks[0]?.proportions[0]?.canary

describe('a caller that cannot be scraped while both versions fail alike', () => {
  const store = new MetricStore(4 * 3600_000)
  const healthy: Caller = {instance: 'x', sends: (at, arms) => send(at, arms, 0), scrape: every(5)}
  const away: Caller = {
    instance: 'y',
    sends(at, arms) {
      // The primary's series of failures is an old one; the canary's first failure happens while nobody looks.
      if (at === -1800) arms.a.failed += 1
      send(at, arms, at > 300 && at <= 340 ? 0.2 : 0)
    },
    scrape: at => (every(5)(at) === 'none' ? 'none' : at > 300 && at <= 340 ? 'failed' : 'page'),
  }
  work(store, 600, [healthy, away])
  const metrics = metricsOf(store)

  test('counts for nothing, in series that are new since the gap too', async () => {
    const seen = await observe({metrics, steps, polls: range(8, 40)})
    expect(verdicts(seen)).not.toContain('fail')
    expect(canaryOf(seen)?.failed).toBe(0)
    expect(canaryOf(seen)?.total).toBeGreaterThan(3000)
  })

  test('counts for nothing whenever the controller is killed', async () => {
    const whole = await observe({metrics, steps, polls: range(8, 40)})
    for (const victim of [21, 22, 23, 24, 25]) {
      const killed = await observe({metrics, steps, polls: range(8, 40), killedAt: poll => poll === victim})
      expect(canaryOf(killed), `killed at ${victim}`).toEqual(canaryOf(whole))
    }
  })
})

describe('a Prometheus that was away for longer than series are remembered', () => {
  const gone = {from: 600, to: 25_000}
  const store = new MetricStore(30 * 3600_000)
  const caller = (instance: string, back: number): Caller => ({
    instance,
    sends: (at, arms) => send(at, arms, at < 3000 && at % 100 === 0 ? 0.5 : 0),
    scrape: at => (at > gone.from && at < back ? 'none' : every(5)(at)),
  })
  work(store, 26_000, [caller('x', gone.to), caller('y', gone.to + 20)])
  const metrics = metricsOf(store)
  const polls = [...range(8, 46), ...range(1660, 1680)]

  test('no target counts from the begin of its process, however late it is scraped again', async () => {
    const seen = await observe({metrics, steps, polls})
    const before = seen.get(46)?.evidence?.checks[0]?.proportions[0]?.canary.total ?? 0
    // Ten requests a second until 25,200 s, less the polls of the begin.
    expect((canaryOf(seen)?.total ?? 0) - before).toBeGreaterThan(1000)
    expect((canaryOf(seen)?.total ?? 0) - before).toBeLessThanOrEqual(10 * (25_200 - gone.to))
  })

  test('a failure that is new on a target that is there counts at once', async () => {
    const failing = new MetricStore(30 * 3600_000)
    const late = (instance: string): Caller => ({
      instance,
      sends(at, arms) {
        send(at, arms, 0)
        if (at > gone.to + 40) arms.b.failed += 1
      },
      scrape: at => (at > gone.from && at < gone.to ? 'none' : every(5)(at)),
    })
    work(failing, 26_000, [late('x')])
    const seen = await observe({metrics: metricsOf(failing), steps, polls})
    const [last] = [...seen.keys()].slice(-1)
    expect(verdicts(seen).at(-1)).toBe('fail')
    expect(start + (last ?? 0) * 15_000).toBeLessThanOrEqual(start + (gone.to + 90) * 1000)
  })
})

test('series that are renamed on the way did not begin at 0', async () => {
  const store = new MetricStore(4 * 3600_000)
  // From second 300 on Prometheus writes another label to all that it scrapes.
  const caller = (instance: string, scrapedAt: (at: number) => boolean): Caller => ({
    instance,
    sends: (at, arms) => send(at, arms, at < 200 && at % 100 === 0 ? 0.5 : 0),
    scrape: at => (every(5)(at) === 'none' ? 'none' : scrapedAt(at) ? 'page' : 'failed'),
  })
  work(store, 900, [caller('x:1', at => at < 300), caller('x:2', at => at >= 300)])
  const seen = await observe({metrics: metricsOf(store), steps, polls: range(8, 50)})
  expect(verdicts(seen)).not.toContain('fail')
  expect(canaryOf(seen)?.total).toBeLessThanOrEqual(5 * (750 - 75))
  expect(canaryOf(seen)?.total).toBeGreaterThan(5 * 500)
})
