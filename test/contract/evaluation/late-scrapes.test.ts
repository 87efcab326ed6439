// A Prometheus that stores a scrape seconds after it began, or whose clock is behind ours within what is allowed: a grid time
// is read before its last scrape is there. That scrape counts a poll later, and is never taken for an earlier one.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {MetricSample, Metrics} from '../../../controller/ports.ts'
import {evaluateInstant} from '../../../playground/metrics/promql/evaluate.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {type Caller, observe, page, range, start} from './callers.ts'
import {seriesOver} from './judged-release.ts'

const scrapeSeconds = 15

interface Lateness {
  /** Seconds from a grid time to the next scrape. */
  offset: number
  /** Milliseconds from the begin of a scrape until its samples are there. */
  storedAfter: number
  /** How far the clock of Prometheus is behind, milliseconds. */
  behind: number
}

/** One caller and its Prometheus, which knows what it has stored by the time that it was told. */
function latePrometheus(sends: Caller['sends'], {offset, storedAfter, behind}: Lateness) {
  const store = new MetricStore(4 * 3600_000)
  const target = createTarget(store, {instance: 'x', job: 'proxies'})
  const arms = {a: {ok: 0, failed: 0}, b: {ok: 0, failed: 0}}
  const scrapes: {at: number; text: string}[] = []
  for (let at = -3600; at <= 1200; at++) {
    sends(at, arms)
    if ((at - offset) % scrapeSeconds === 0) scrapes.push({at: start + at * 1000, text: page(arms)})
  }
  let clock = start
  const tell = (now: number) => {
    clock = now - behind
    while (scrapes[0] && scrapes[0].at + storedAfter <= clock) {
      const {at, text} = scrapes.shift() ?? {at: 0, text: ''}
      target.take(text, at)
    }
  }
  /** An HTTP date has whole seconds. */
  const serverTime = () => Math.floor(clock / 1000) * 1000
  const instant = (query: string, at: number): MetricSample[] => {
    const value = evaluateInstant(store, query, at)
    return value.kind === 'vector' ? value.elements : [{labels: {}, value: value.value}]
  }
  const metrics: Metrics = {
    async query({query, at}) {
      return {kind: 'vector', samples: instant(query, at), serverTime: serverTime()}
    },
    async queryRange(request) {
      return {kind: 'matrix', series: seriesOver(request, instant), serverTime: serverTime()}
    },
  }
  return {metrics, tell}
}

const prompt: Lateness = {offset: 14, storedAfter: 0, behind: 0}
/**
 * And what a fault that begins with the canary's first request at 298 s has cost when it is found, and at which poll. The first
 * scrape to hold it is at 299 s or 300 s, read with the 20th grid time, or a poll later.
 */
const latenesses: [string, Lateness, {poll: number; failed: number}][] = [
  ['in time', prompt, {poll: 21, failed: 170}],
  ['after scrapes of four seconds', {...prompt, storedAfter: 4000}, {poll: 22, failed: 170}],
  ['by a clock that is 2.5 s behind', {offset: 0, storedAfter: 0, behind: 2500}, {poll: 21, failed: 30}],
]

function play(
  sends: Caller['sends'],
  lateness: Lateness,
  steps: {weight: number; since: number}[],
  killed?: number,
): Promise<Map<number, AnalysisObservation>> {
  const {metrics, tell} = latePrometheus(sends, lateness)
  return observe({metrics, steps, polls: range(1, 40), before: tell, killedAt: poll => poll === killed})
}

const verdictOf = (observation: AnalysisObservation | undefined) => observation?.results[0]?.verdict

describe.each(latenesses)('stored %s', (name, lateness, found) => {
  test('a shared incident at a change of weight is nobody’s fault', async () => {
    const change = 297
    const seen = await play(
      (at, arms) => {
        const weight = at < 20 ? 0 : at <= change ? 5 : 75
        const shared = at > change && at <= change + 6 ? 0.2 : 0
        // Every series is there from the begin, so that none is new at the change.
        if (at % 10 === 0) arms.a.failed += 1
        if (at === 25) arms.b.failed += 1
        arms.a.ok += (100 - weight) * (1 - shared)
        arms.a.failed += (100 - weight) * shared
        arms.b.ok += weight * (1 - shared)
        arms.b.failed += weight * shared
      },
      lateness,
      [
        {weight: 5, since: 20},
        {weight: 75, since: change},
      ],
    )
    expect([...seen.values()].map(verdictOf)).not.toContain('fail')
    expect([...seen.values()].map(({results}) => results[0]?.reason)).not.toContain('ClockSkew')
    expect(seen.get(40)?.evidence?.checks[0]?.proportions[0]?.canaryStep.total).toBeGreaterThan(10_000)
  })

  test('the first failures of a canary are new series, and all of them count', async () => {
    const seen = await play(
      (at, arms) => {
        const weight = at <= 297 ? 0 : 10
        arms.a.ok += 100 - weight
        arms.b.failed += weight
      },
      lateness,
      [{weight: 10, since: 285}],
    )
    const [poll, observation] = [...seen].at(-1) ?? []
    expect(verdictOf(observation)).toBe('fail')
    expect({poll, ...observation?.requests}).toEqual({...found, total: found.failed})
  })

  test.each([6, 11, 18, 25])('a kill before poll %d loses at most the one scrape that was late', async killed => {
    const sends: Caller['sends'] = (at, arms) => {
      const weight = at <= 15 ? 0 : 10
      arms.a.ok += 100 - weight
      arms.b.ok += weight
      if (at % 10 === 0) arms.a.failed += 1
    }
    const steps = [{weight: 10, since: 15}]
    const totals = await Promise.all(
      [undefined, killed].map(async at => (await play(sends, lateness, steps, at)).get(40)?.requests.total ?? 0),
    )
    const [whole = 0, after = 0] = totals
    expect(whole - after).toBe(name === 'in time' ? 0 : 150)
  })
})
