// A release whose threshold check is always answered later than the next reading is due: one grid time waits whenever another
// is closed, and the release ends all the same. The core with the real evaluator.
import {expect, test} from 'vitest'
import type {MetricAnswer, Metrics} from '../../../controller/ports.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {every, work} from './callers.ts'
import {metricsOf} from './judged-release.ts'
import {WholeRelease} from './whole-release.ts'

const lateMilliseconds = 20_000
const passed: MetricAnswer = {kind: 'vector', samples: [{labels: {}, value: 1}]}

test('a release whose answers are always late ends', async () => {
  const store = new MetricStore(4 * 3600_000)
  const sends = (_at: number, arms: Record<'a' | 'b', {ok: number}>) => {
    arms.a.ok += 90
    arms.b.ok += 10
  }
  work(store, 1800, [{instance: 'x', sends, scrape: every(5)}])
  const ours = metricsOf(store)
  const out: {at: number; resolve(answer: MetricAnswer): void}[] = []
  const metrics: Metrics = {
    queryRange: request => ours.queryRange(request),
    query: request =>
      request.query === 'theirs'
        ? new Promise(resolve => out.push({at: release.cluster.now + lateMilliseconds, resolve}))
        : ours.query(request),
  }
  const checks = [
    {name: 'errors', compare: {metric: 'requestErrors'}},
    {name: 'theirs', threshold: {query: 'theirs', max: 5}},
  ]
  const analysis = {interval: '15s', window: '15s', inconclusiveDeadline: '20m', checks}
  const release: WholeRelease = new WholeRelease(metrics, {analysis, bake: {duration: '1m'}})
  const answered = (holds: () => boolean) => () => {
    const {now} = release.cluster
    for (const {resolve} of out.filter(({at}) => at <= now)) resolve(passed)
    return holds()
  }
  await release.until(() => release.status.phase === 'Healthy')
  release.cluster.deploy('app:2')
  const isOver = () => release.status.phase === 'Healthy' && release.status.release === undefined
  await release.until(answered(() => release.status.phase === 'Progressing'))
  await release.until(answered(isOver), 1500)
  expect(release.status.primary?.image).toBe('app:2')
  expect(release.status.history?.[0]?.outcome).toBe('Promoted')
})
