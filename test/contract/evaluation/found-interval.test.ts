// A spec that names no interval: a release takes that of the scrapes, which it asks for once, and keeps it.
import {expect, test} from 'vitest'
import type {MetricAnswer, Metrics} from '../../../controller/ports.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {every, work} from './callers.ts'
import {metricsOf} from './judged-release.ts'
import {WholeRelease} from './whole-release.ts'

const checks = [{name: 'errors', compare: {metric: 'requestErrors'}}]
const isAboutScrapes = (query: string) => query.startsWith('max(count_over_time(')

/** Two callers, of which one is scraped so often and the other once a minute; from second 200 on the canary fails. */
function scraped(seconds: number) {
  const store = new MetricStore(4 * 3600_000)
  const sends = (at: number, {a, b}: {a: {ok: number; failed: number}; b: {ok: number; failed: number}}) => {
    a.ok += 90
    b[at > 200 ? 'failed' : 'ok'] += 10
  }
  work(store, 600, [
    {instance: 'often', sends, scrape: every(seconds)},
    {instance: 'seldom', sends: (_, {a}) => void (a.ok += 1), scrape: every(60)},
  ])
  return metricsOf(store)
}

async function released(metrics: Metrics, analysis: object = {}, killedAt = Number.POSITIVE_INFINITY) {
  const release = new WholeRelease(metrics, {analysis: {checks, minimumDwell: '10m', ...analysis}})
  await release.until(() => release.status.phase === 'Healthy')
  release.cluster.deploy('app:2')
  let killed = false
  await release.until(() => {
    if (!killed && release.seconds >= killedAt) {
      killed = true
      release.kill()
    }
    return release.status.phase === 'Failed'
  }, 1200)
  return release
}

test.each([
  [2, 5],
  [5, 5],
  [10, 10],
  [15, 15],
  [30, 15],
])('scrapes every %i s are read every %i s', async (scrape, interval) => {
  const metrics = scraped(scrape)
  const release = new WholeRelease(metrics, {analysis: {checks}})
  await release.until(() => release.status.phase === 'Healthy')
  expect(metrics.queries).toEqual([])
  release.cluster.deploy('app:2')
  await release.until(() => release.status.release?.evidence !== undefined)
  expect(release.status.release?.interval).toBe(`${interval}s`)
  // One for each side that counts requests.
  expect(metrics.queries.filter(({query}) => isAboutScrapes(query))).toHaveLength(2)
  const read = new Set(metrics.queries.filter(({query}) => query.startsWith('istio_')).map(({at}) => at))
  const times = [...read].toSorted((one, other) => one - other)
  expect(Math.min(...times.slice(1).map((at, index) => at - (times[index] ?? 0)))).toBe(1000 * interval)
})

test('what the spec names holds, and nothing is asked', async () => {
  const metrics = scraped(5)
  const release = await released(metrics, {interval: '20s'})
  expect(release.status.history?.at(0)?.outcome).toBe('RolledBack')
  expect(metrics.queries.filter(({query}) => isAboutScrapes(query))).toEqual([])
  expect(new Set(metrics.queries.filter(({query}) => query.startsWith('istio_')).map(({at}) => at % 20_000))).toEqual(
    new Set([0]),
  )
})

test('a controller that is killed goes on with the interval in the status, and ends with the same numbers', async () => {
  const metrics = scraped(5)
  const whole = await released(metrics)
  const [entry] = whole.status.history ?? []
  expect(entry).toMatchObject({outcome: 'RolledBack', reason: 'CheckFailed'})
  for (const killedAt of [203, 207, 212]) {
    const [other] = (await released(metrics, {}, killedAt)).status.history ?? []
    expect(other).toEqual(entry)
  }
})

const answers: [string, () => Promise<MetricAnswer>][] = [
  ['fail', async () => ({kind: 'error', reason: 'Unreachable', message: 'no route'})],
  ['are empty', async () => ({kind: 'vector', samples: []})],
  ['are no numbers', async () => ({kind: 'vector', samples: [{labels: {}, value: Number.NaN}]})],
  ['never come', () => new Promise(() => {})],
  ['are thrown', () => Promise.reject(new Error('broken'))],
]

test.each(answers)('answers about scrapes that %s leave the usual 15 s, and hold nothing up', async (_, answer) => {
  const metrics = scraped(5)
  const release = new WholeRelease(
    {...metrics, query: request => (isAboutScrapes(request.query) ? answer() : metrics.query(request))},
    {analysis: {checks}},
  )
  await release.until(() => release.status.phase === 'Healthy')
  release.cluster.deploy('app:2')
  await release.until(() => release.status.release?.evidence !== undefined)
  expect(release.status.release).not.toHaveProperty('interval')
  const read = new Set(metrics.queries.filter(({query}) => query.startsWith('istio_')).map(({at}) => at % 15_000))
  expect(read).toEqual(new Set([0]))
})
