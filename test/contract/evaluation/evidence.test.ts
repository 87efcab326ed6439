// Evidence is a function of what Prometheus holds: whatever happens to the controller, the series or Prometheus.
import {describe, expect, test} from 'vitest'
import {gridOf} from '../../../analysis/grid.ts'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {Metrics} from '../../../controller/ports.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {JudgedRelease, metricsOf} from './judged-release.ts'

const second = 1000
const interval = 15 * second
/** A grid time. */
const start = Math.ceil(1_700_000_000_000 / interval) * interval
const lag = gridOf(interval).lagMilliseconds

interface Arm {
  ok: number
  failed: number
}

/** One page of one caller's proxy: cumulative counts per slot, and two buckets. */
function page(arms: Record<'a' | 'b', Arm>): string {
  return Object.entries(arms)
    .filter(([, {ok, failed}]) => ok + failed > 0)
    .map(([slot, {ok, failed}]) => {
      const labels = `reporter="source",destination_service_namespace="shop",destination_service_name="checkout-${slot}"`
      const requests = (code: string, count: number) =>
        count === 0 ? '' : `istio_requests_total{${labels},response_code="${code}",grpc_response_status=""} ${count}\n`
      const bucket = (le: string, count: number) =>
        `istio_request_duration_milliseconds_bucket{${labels},le="${le}"} ${count}\n`
      return `${requests('200', ok)}${requests('503', failed)}${bucket('50', ok)}${bucket('500', ok + failed)}${bucket('+Inf', ok + failed)}`
    })
    .join('')
}

/** Two callers, scraped every five seconds for so many seconds: what happens to them is told by the events. */
function history(seconds: number, away = {from: 600, to: 1800}): MetricStore {
  const store = new MetricStore(4 * 3600 * second)
  const callers = ['x', 'y'].map(pod => ({
    target: createTarget(store, {pod}),
    arms: {a: {ok: 0, failed: 0}, b: {ok: 0, failed: 0}},
    pod,
  }))
  for (let at = -3600; at <= seconds; at += 5) {
    for (const caller of callers) {
      const {arms, pod, target} = caller
      arms.a.ok += 40
      if (at % 35 === 0) arms.a.failed += 1
      if (at > 60) arms.b.ok += 6
      if (at > 60 && at % 95 === 0) arms.b.failed += 1
      // A proxy is restarted, and begins again at 0.
      if (pod === 'x' && at === 200) caller.arms = {a: {ok: 3, failed: 0}, b: {ok: 1, failed: 0}}
      // A proxy can't be scraped for a while, and is back with all that it counted.
      const unreachable = pod === 'y' && at > 300 && at < 340
      // Prometheus is away for a while.
      if (at > away.from && at < away.to) continue
      target.take(unreachable ? undefined : page(caller.arms), start + at * second)
    }
  }
  return store
}

const analysis = {
  interval: '15s',
  checks: [
    {name: 'errors', compare: {metric: 'requestErrors'}},
    {name: 'latency', compare: {metric: 'requestDuration', slowerThan: '50ms'}},
    {name: 'success', threshold: {metric: 'requestSuccessRate', min: 90}},
    {name: 'p99', threshold: {metric: 'requestDuration', max: 600}},
  ],
}

const polls = 140

/** Runs the release; the status is written once a minute, and the controller is killed at some polls. */
async function run(
  metrics: Metrics,
  killedAt: (poll: number) => boolean,
  until = polls,
): Promise<AnalysisObservation[]> {
  const release = new JudgedRelease({startedAt: start, analysis, metrics})
  const seen = new Map<number, AnalysisObservation>()
  let last: AnalysisObservation | undefined
  const step = (index: number, weight: number, now: number) => {
    // A step is written with the evidence that allowed it.
    if (last) release.persist(last)
    release.step(index, weight, now)
  }
  for (let poll = 1; poll <= until; poll++) {
    const now = start + poll * interval + lag
    if (poll === 5) step(0, 10, now)
    if (poll === 30) step(1, 50, now)
    if (killedAt(poll)) release.kill()
    await release.settle(now, observation => {
      seen.set(observation.at, observation)
      last = observation
      if (poll % 4 === 0) release.persist(observation)
    })
  }
  return [...seen.values()].map(({again: _when, ...observation}) => observation as AnalysisObservation)
}

const metrics = metricsOf(history(polls * 15))

/** The same, with 10 polls between the first step and the second, of which the canary's weight changes in the eighth. */
async function runWithPause(killedAt: (poll: number) => boolean, until = 48): Promise<AnalysisObservation[]> {
  const release = new JudgedRelease({startedAt: start, analysis, metrics})
  const seen = new Map<number, AnalysisObservation>()
  let last: AnalysisObservation | undefined
  const write = (change: () => void) => {
    if (last) release.persist(last)
    change()
  }
  for (let poll = 1; poll <= until; poll++) {
    const now = start + poll * interval + lag
    if (poll === 5) write(() => release.step(0, 10, now))
    if (poll === 25) write(() => release.leave())
    if (poll === 33) write(() => release.wish(50, now))
    if (poll === 35) write(() => release.step(1, 50, now))
    if (killedAt(poll)) release.kill()
    await release.settle(now, observation => {
      seen.set(observation.at, observation)
      last = observation
      if (poll % 4 === 0) release.persist(observation)
    })
  }
  return [...seen.values()].map(({again: _when, ...observation}) => observation as AnalysisObservation)
}

describe('evidence', () => {
  test('is the same whenever the controller was killed and started again', async () => {
    const whole = await run(metrics, () => false)
    expect(whole.length).toBeGreaterThan(120)
    expect(whole.at(-1)?.evidence?.checks[0]?.proportions[0]?.canary.total).toBeGreaterThan(400)
    for (let victim = 1; victim <= polls; victim += 3) {
      expect(await run(metrics, poll => poll === victim), `killed at poll ${victim}`).toEqual(whole)
    }
    expect(await run(metrics, () => true), 'killed at every poll').toEqual(whole)
  })

  test('is gathered between two steps too, and is the same whenever the controller was killed there', async () => {
    const whole = await runWithPause(() => false)
    const canaryAt = (poll: number) =>
      whole.find(({at}) => at === start + poll * interval)?.evidence?.checks[0]?.proportions[0]?.canary.total ?? 0
    const stepAt = (poll: number) => whole.find(({at}) => at === start + poll * interval)?.step
    expect([24, 30, 34, 37].map(stepAt)).toEqual(['0', '0', '0', '1'])
    // Up to the wish every poll counts, those that hold both weights do not.
    expect(canaryAt(32)).toBeGreaterThan(canaryAt(25) + 6 * 20)
    expect(canaryAt(33)).toBeGreaterThan(canaryAt(32))
    expect(canaryAt(34)).toBe(canaryAt(33))
    expect(canaryAt(48)).toBeGreaterThan(canaryAt(34))
    for (let victim = 24; victim <= 40; victim++) {
      expect(await runWithPause(poll => poll === victim), `killed at poll ${victim}`).toEqual(whole)
    }
    expect(await runWithPause(() => true), 'killed at every poll').toEqual(whole)
  })

  test('survives a Prometheus that lost more than an hour', async () => {
    const long = 320
    const lost = metricsOf(history(long * 15, {from: 600, to: 4400}))
    const whole = await run(lost, () => false, long)
    const counted = whole.at(-1)?.evidence?.checks[0]?.proportions[0]?.canary.total ?? 0
    // Less than what was served while it was there: the hour is not made up from counters that go on after it.
    expect(counted).toBeGreaterThan(1000)
    expect(counted).toBeLessThan((12 * (600 - 75 + (long * 15 - 4400))) / 5)
    for (const victim of [100, 290, 300]) expect(await run(lost, poll => poll === victim, long)).toEqual(whole)
  })

  test('counts every request once: not those of a gap, nor those before a reset twice', async () => {
    const whole = await run(metrics, () => false)
    const last = whole.at(-1)
    // 12 a poll and caller less the polls that span the weight change, the restart, the failed scrapes and the outage.
    const requests = last?.requests.total ?? 0
    const counted = last?.evidence?.checks[0]?.proportions[0]?.canary.total ?? 0
    expect(requests).toBeGreaterThan(counted)
    expect(requests).toBeLessThan((2 * 6 * (polls * 15 - 60 - 1200)) / 5)
    expect(last?.results.map(({name, verdict}) => [name, verdict])).toEqual([
      ['errors', 'inconclusive'],
      ['latency', 'inconclusive'],
      ['success', 'pass'],
      ['p99', 'pass'],
    ])
  })
})

describe('a Prometheus in trouble', () => {
  test('no answer is an error, changes nothing, and is made up for', async () => {
    let broken = false
    const failure = {kind: 'error', reason: 'Unreachable', message: 'gone'} as const
    const flaky: Metrics = {
      query: request => (broken ? Promise.resolve(failure) : metrics.query(request)),
      queryRange: request => (broken ? Promise.resolve(failure) : metrics.queryRange(request)),
    }
    const release = new JudgedRelease({startedAt: start, analysis, metrics: flaky})
    release.step(0, 10, start + 60 * second)
    const at = async (poll: number) => {
      let last: AnalysisObservation | undefined
      await release.settle(start + poll * interval + lag, observation => {
        last = observation
      })
      return last
    }
    await at(8)
    broken = true
    for (const poll of [9, 10, 11, 12, 13, 14]) {
      const observation = await at(poll)
      expect(observation?.results.slice(0, 2)).toMatchObject([
        {name: 'errors', verdict: 'error', reason: 'Unreachable'},
        {name: 'latency', verdict: 'error', reason: 'Unreachable'},
      ])
      expect(observation?.evidence).toBeUndefined()
    }
    broken = false
    const mended = await at(15)
    const unbroken = new JudgedRelease({startedAt: start, analysis, metrics})
    unbroken.step(0, 10, start + 60 * second)
    let expected: AnalysisObservation | undefined
    for (let poll = 8; poll <= 15; poll++) {
      await unbroken.settle(start + poll * interval + lag, observation => {
        expected = observation
      })
    }
    expect(mended?.evidence).toEqual(expected?.evidence)
  })

  test('a Prometheus whose clock is behind is an error', async () => {
    let now = 0
    const slow: Metrics = {
      query: async () => ({kind: 'vector', samples: [], serverTime: now - 30 * second}),
      queryRange: metrics.queryRange,
    }
    const release = new JudgedRelease({startedAt: start, analysis, metrics: slow})
    release.step(0, 10, start)
    let last: AnalysisObservation | undefined
    for (const poll of [8, 9, 10]) {
      now = start + poll * interval + lag
      await release.settle(now, observation => {
        last = observation
      })
    }
    expect(last?.results[0]).toMatchObject({verdict: 'error', reason: 'ClockSkew'})
    expect(last?.results[0]?.message).toContain('30 s behind')
  })
})
