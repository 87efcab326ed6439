// The number of queries per grid time doesn't depend on how many Rollouts are in a release.
import {expect, test} from 'vitest'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {JudgedRelease, metricsOf, sharedEvaluator} from './judged-release.ts'

const interval = 15_000
const start = Math.ceil(1_700_000_000_000 / interval) * interval
const analysis = {
  interval: '15s',
  checks: [
    {name: 'errors', compare: {metric: 'requestErrors'}},
    {name: 'latency', compare: {metric: 'requestDuration', slowerThan: '50ms'}},
    {name: 'success', threshold: {metric: 'requestSuccessRate', min: 90}},
  ],
}

function page(names: readonly string[], requests: number): string {
  return names
    .flatMap(name =>
      ['a', 'b'].flatMap(slot => {
        const labels = `reporter="source",destination_service_namespace="shop",destination_service_name="${name}-${slot}"`
        const bucket = (le: string) => `istio_request_duration_milliseconds_bucket{${labels},le="${le}"} ${requests}`
        return [`istio_requests_total{${labels},response_code="200"} ${requests}`, bucket('50'), bucket('+Inf')]
      }),
    )
    .join('\n')
}

/** Queries that so many Rollouts ask at one grid time, once all of them are under way. */
async function queriesPerPoll(rollouts: number): Promise<number> {
  const store = new MetricStore()
  const target = createTarget(store, {pod: 'x'})
  const names = Array.from({length: rollouts}, (_, index) => `app-${index}`)
  for (let poll = 0; poll <= 8; poll++) target.take(page(names, 1000 + poll * 150), start + poll * interval)
  const metrics = metricsOf(store)
  const evaluator = sharedEvaluator(metrics)
  const releases = names.map(name => new JudgedRelease({name, startedAt: start, analysis, metrics}, evaluator))
  for (const release of releases) release.step(0, 10, start + interval)
  const poll = (index: number) => Promise.all(releases.map(one => one.settle(start + index * interval + 5000)))
  await poll(5)
  metrics.queries.length = 0
  await poll(6)
  await poll(7)
  const observed = await Promise.all(releases.map(one => one.pass(start + 7 * interval + 5000)))
  for (const observation of observed) expect(observation?.requests.total).toBe(150 * 7)
  return metrics.queries.length / 2
}

test('two sides of requests and of durations, and when they were scraped: six queries, for one Rollout or many', async () => {
  expect(await queriesPerPoll(1)).toBe(6)
  expect(await queriesPerPoll(60)).toBe(6)
})

test('an answer that is too large is asked for in halves', async () => {
  const store = new MetricStore()
  const names = ['one', 'two', 'three', 'four']
  const target = createTarget(store, {pod: 'x'})
  for (let poll = 0; poll <= 8; poll++) target.take(page(names, 1000 + poll * 150), start + poll * interval)
  const whole = metricsOf(store)
  const small = {
    ...whole,
    query: (request: Parameters<typeof whole.query>[0]) =>
      request.query.includes('one-a|') && request.query.includes('two-a')
        ? Promise.resolve({kind: 'error', reason: 'TooLarge', message: 'too large'} as const)
        : whole.query(request),
  }
  const evaluator = sharedEvaluator(small)
  const releases = names.map(name => new JudgedRelease({name, startedAt: start, analysis, metrics: small}, evaluator))
  for (const release of releases) release.step(0, 10, start + interval)
  for (const index of [5, 6]) await Promise.all(releases.map(one => one.settle(start + index * interval + 5000)))
  const observed = await Promise.all(releases.map(one => one.pass(start + 6 * interval + 5000)))
  expect(observed.map(observation => observation?.results[0]?.verdict)).toEqual(names.map(() => 'pass'))
  expect(observed.map(observation => observation?.requests.total)).toEqual(names.map(() => 150 * 6))
})

test('who is back after a gap is asked once for all whose series came', async () => {
  const store = new MetricStore()
  const names = Array.from({length: 40}, (_, index) => `app-${index}`)
  const [one, other] = ['x', 'y'].map(instance => createTarget(store, {instance}))
  for (let poll = 0; poll <= 9; poll++) {
    one?.take(page(names, 1000 + poll * 150), start + poll * interval)
    // A second caller of all but two of them, from a certain time on.
    if (poll >= 7) other?.take(page(names.slice(2), poll), start + poll * interval)
  }
  const metrics = metricsOf(store)
  const evaluator = sharedEvaluator(metrics)
  const releases = names.map(name => new JudgedRelease({name, startedAt: start, analysis, metrics}, evaluator))
  for (const release of releases) release.step(0, 10, start + interval)
  for (const index of [5, 6]) await Promise.all(releases.map(one => one.settle(start + index * interval + 5000)))
  metrics.queries.length = 0
  // Few passes run at once: the others come when the first have been answered.
  for (const release of releases) await release.settle(start + 7 * interval + 5000)
  const before = metrics.queries.filter(({query}) => query.startsWith('last_over_time('))
  expect(before).toHaveLength(2)
  for (const {query} of before) {
    expect(query).toContain('app-39-a')
    expect(query).not.toContain('app-1-a')
  }
})
