// A metrics system that fails, refuses or has another time: what is known stays, what can be had is had, and nobody pays for
// somebody else's trouble.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {MetricErrorReason, MetricFailure, Metrics} from '../../../controller/ports.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {every, interval, lag, observe, page, range, start, work} from './callers.ts'
import {type Judge, JudgedRelease, metricsOf, sharedEvaluator} from './judged-release.ts'

const store = new MetricStore(4 * 3600_000)
work(store, 900, [
  {
    instance: 'x',
    sends(at, arms) {
      arms.a.ok += 90
      if (at > 60) arms.b.ok += 10
    },
    scrape: every(5),
  },
])
const steps = [{weight: 10, since: 60}]

const failed = (reason: MetricErrorReason): MetricFailure => ({kind: 'error', reason, message: 'said so'})

/** Metrics that fail for as long as a question is asked for which there is a reason. */
function failing(
  reasonFor: (query: string, times: number) => MetricErrorReason | undefined,
): Metrics & {asked: number} {
  const whole = metricsOf(store)
  const metrics = {
    asked: 0,
    query(request: Parameters<Metrics['query']>[0]) {
      metrics.asked++
      const reason = reasonFor(request.query, 1)
      return reason ? Promise.resolve(failed(reason)) : whole.query(request)
    },
    queryRange(request: Parameters<Metrics['queryRange']>[0]) {
      metrics.asked++
      const reason = reasonFor(request.query, (request.to - request.from) / request.stepMilliseconds + 1)
      return reason ? Promise.resolve(failed(reason)) : whole.queryRange(request)
    },
  }
  return metrics
}

/** Each poll's verdict, as one letter. */
function letters(seen: Map<number, AnalysisObservation>): string {
  return [...seen.values()].map(({results}) => results[0]?.verdict.slice(0, 1) ?? '-').join('')
}

const analysis = {interval: '15s', checks: [{name: 'errors', compare: {metric: 'requestErrors'}}]}

describe('an outage', () => {
  test('of one poll costs one poll, and the queries of one more', async () => {
    let broken = false
    const metrics = failing(() => (broken ? 'Unreachable' : undefined))
    const release = new JudgedRelease({startedAt: start, analysis, metrics})
    release.step(0, 10, start + 60_000)
    const seen: Record<number, {asked: number; reasons: string[]; through: string | undefined}> = {}
    for (const poll of range(8, 14)) {
      broken = poll === 11
      metrics.asked = 0
      const reasons: string[] = []
      let through: string | undefined
      await release.settle(start + poll * interval + lag, observation => {
        reasons.push(observation.results[0]?.reason ?? '')
        through = observation.evidence?.through
      })
      seen[poll] = {asked: metrics.asked, reasons, through}
    }
    const at = (poll: number) => new Date(start + poll * interval).toISOString()
    expect(seen[11]).toMatchObject({asked: 2, reasons: ['Unreachable'], through: undefined})
    expect(seen[12]).toMatchObject({asked: 8, reasons: ['Harmless', 'Harmless'], through: at(12)})
    expect(seen[13]).toMatchObject({asked: 4, reasons: ['Harmless'], through: at(13)})
  })

  test('is asked about once by all passes of its moment, and again by those of the next', async () => {
    let broken = false
    const metrics = failing(() => (broken ? 'Unreachable' : undefined))
    const evaluator = sharedEvaluator(metrics)
    const releases = ['one', 'two', 'three'].map(
      name => new JudgedRelease({name, startedAt: start, analysis, metrics}, evaluator),
    )
    for (const release of releases) release.step(0, 10, start + 60_000)
    const askedAt = async (poll: number) => {
      metrics.asked = 0
      for (const release of releases) await release.settle(start + poll * interval + lag)
      return metrics.asked
    }
    await askedAt(8)
    expect(await askedAt(9)).toBe(4)
    broken = true
    expect(await askedAt(10)).toBe(2)
    // The grid time that is missing, and the one that is due.
    expect(await askedAt(11)).toBe(4)
  })
})

describe('clocks that are apart', () => {
  /** The last observation with a clock of Prometheus that is off by so many seconds, in both kinds of answers or one. */
  async function observed(seconds: number, kinds: ('instant' | 'range')[]): Promise<AnalysisObservation | undefined> {
    const whole = metricsOf(store)
    let now = 0
    // As the header Date says it: in whole seconds.
    const serverTime = () => 1000 * Math.floor((now + seconds * 1000) / 1000)
    const metrics: Metrics = {
      query: async request => ({
        ...(await whole.query(request)),
        ...(kinds.includes('instant') ? {serverTime: serverTime()} : {}),
      }),
      queryRange: async request => ({
        ...(await whole.queryRange(request)),
        ...(kinds.includes('range') ? {serverTime: serverTime()} : {}),
      }),
    }
    const release = new JudgedRelease({startedAt: start, analysis, metrics})
    release.step(0, 10, start + 60_000)
    let last: AnalysisObservation | undefined
    for (const poll of range(8, 11)) {
      now = start + poll * interval + lag
      await release.settle(now, observation => {
        last = observation
      })
    }
    return last
  }

  test.each<[number, 'instant' | 'range', string]>([
    [600, 'instant', '600 s ahead of the controller'],
    [600, 'range', '600 s ahead of the controller'],
    [-600, 'instant', '600 s behind the controller'],
    [-600, 'range', '600 s behind the controller'],
    [-5, 'instant', '5 s behind the controller'],
    [5, 'instant', '5 s ahead of the controller'],
  ])('by %d s are an error in an %s answer', async (seconds, kind, message) => {
    const last = await observed(seconds, [kind])
    expect(last?.results[0]).toMatchObject({verdict: 'error', reason: 'ClockSkew'})
    expect(last?.results[0]?.message).toContain(message)
    expect(last?.evidence).toBeUndefined()
  })

  test.each([-2, 0, 2])('by %d s are not', async seconds => {
    expect((await observed(seconds, ['instant', 'range']))?.results[0]?.reason).toBe('Harmless')
  })
})

describe('a store that gives only so much at once', () => {
  test.each<MetricErrorReason>(['TooLarge', 'BadQuery'])('%s: the history is read in parts', async reason => {
    const seen = await observe({
      metrics: failing((_, times) => (times > 50 ? reason : undefined)),
      steps,
      polls: [8, 9],
    })
    const whole = await observe({metrics: metricsOf(store), steps, polls: [8, 9]})
    expect(letters(seen)).toBe(letters(whole))
    expect([...seen.values()].map(({evidence}) => evidence)).toEqual([...whole.values()].map(({evidence}) => evidence))
  })

  test('an error that lasts is asked about a few times, not for each grid time', async () => {
    const metrics = failing(() => 'BadQuery')
    const seen = await observe({metrics, steps, polls: [8]})
    expect([...seen.values()][0]?.results[0]).toMatchObject({verdict: 'error', reason: 'BadQuery'})
    expect(metrics.asked).toBeLessThan(25)
  })
})

const names = ['one', 'two', 'three', 'four', 'five']
const ofShop = names.map(name => ({name, namespace: 'shop'}))

/** Rollouts that share a caller; the metrics refuse what a query asks for. */
async function together(refuses: (query: string, asked: number) => MetricErrorReason | undefined, rollouts = ofShop) {
  const shared = new MetricStore()
  const target = createTarget(shared, {instance: 'x', job: 'proxies'})
  for (let poll = 0; poll <= 12; poll++) {
    const arms = {a: {ok: 1000 + poll * 1350, failed: 0}, b: {ok: 100 + poll * 150, failed: 0}}
    const pages = rollouts.map(({name, namespace}) =>
      page(arms).replaceAll('checkout-', `${name}-`).replaceAll('"shop"', `"${namespace}"`),
    )
    target.take(pages.join(''), start + poll * interval)
  }
  const whole = metricsOf(shared)
  let asked = 0
  const metrics: Metrics = {
    ...whole,
    query(request) {
      asked++
      const reason = refuses(request.query, asked)
      return reason ? Promise.resolve(failed(reason)) : whole.query(request)
    },
  }
  const evaluator: Judge = sharedEvaluator(metrics)
  const releases = rollouts.map(
    rollout => new JudgedRelease({...rollout, startedAt: start, analysis, metrics}, evaluator),
  )
  for (const release of releases) release.step(0, 10, start + interval)
  const counts: number[] = []
  for (const index of range(5, 12)) {
    asked = 0
    await Promise.all(releases.map(one => one.settle(start + index * interval + lag)))
    counts.push(asked)
  }
  const observed = await Promise.all(releases.map(one => one.pass(start + 12 * interval + lag)))
  return {reasons: observed.map(one => one?.results[0]?.reason), counts}
}

describe('Rollouts that are asked for together', () => {
  test('one Rollout with too many series is the only one without a verdict, and is asked for apart', async () => {
    const {reasons, counts} = await together(query => (query.includes('three-a') ? 'TooLarge' : undefined))
    expect(reasons).toEqual(['Harmless', 'Harmless', 'TooLarge', 'Harmless', 'Harmless'])
    // Counters and times of two families for the others; the same for each grid time that the one lacks, until it lacks so
    // many that a range is asked for, which is given here.
    expect(counts.slice(-4)).toEqual([4, 6, 8, 10])
  })

  test('a query that is refused for its size is asked in halves, whatever the store calls that', async () => {
    const {reasons} = await together(query => (query.split('-a').length > 3 ? 'BadQuery' : undefined))
    expect(reasons).toEqual(names.map(() => 'Harmless'))
  })

  test('Rollouts of the same names in several namespaces are not mixed up, nor counted twice', async () => {
    const places = [
      ['shop', 'one'],
      ['bank', 'two'],
      ['shop', 'two'],
      ['bank', 'one'],
    ].map(([namespace = '', name = '']) => ({namespace, name}))
    const {reasons} = await together((_, asked) => (asked <= 2 ? 'TooLarge' : undefined), places)
    expect(reasons).toEqual(places.map(() => 'Harmless'))
  })

  test('whoever refuses everything is not asked for everybody', async () => {
    const {reasons, counts} = await together(() => 'BadQuery')
    expect(reasons).toEqual(names.map(() => 'BadQuery'))
    expect(counts.at(-1)).toBeLessThan(40)
  })
})
