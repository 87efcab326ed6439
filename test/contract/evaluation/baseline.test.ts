// A baseline stands in the primary's slot: its requests are told apart by the workload that they reached.
import {expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {JudgedRelease, metricsOf} from './judged-release.ts'

const interval = 15_000
const start = Math.ceil(1_700_000_000_000 / interval) * interval

/** Requests of one caller to each workload, in the service of its slot. */
function page(
  side: 'source' | 'destination',
  counts: Record<string, [service: string, ok: number, failed: number]>,
): string {
  return Object.entries(counts)
    .flatMap(([workload, [service, ok, failed]]) => {
      const labels =
        side === 'source'
          ? `reporter="source",destination_service_namespace="shop",destination_service_name="${service}",destination_workload="${workload}"`
          : `reporter="destination",destination_workload_namespace="shop",destination_workload="${workload}"`
      return [
        `istio_requests_total{${labels},response_code="200"} ${ok}`,
        `istio_requests_total{${labels},response_code="503"} ${failed}`,
      ]
    })
    .join('\n')
}

async function judged(side: 'source' | 'destination', baseline: boolean): Promise<AnalysisObservation | undefined> {
  const store = new MetricStore()
  const target = createTarget(store, {pod: 'x'})
  for (let poll = 0; poll <= 8; poll++) {
    const counts = {
      // The primary's old pods are warm and never fail; its fresh copy fails like the canary.
      'checkout-a': ['checkout-a', 1000 + poll * 1500, 0],
      'checkout-baseline': ['checkout-a', 100 + poll * 140, poll * 10],
      'checkout-b': ['checkout-b', 100 + poll * 140, poll * 10],
    } satisfies Record<string, [string, number, number]>
    target.take(page(side, counts), start + poll * interval)
  }
  const checks = [{name: 'errors', compare: {metric: 'requestErrors'}}]
  const release = new JudgedRelease({
    startedAt: start,
    analysis: {interval: '15s', baseline, sharedIncident: {percent: 50}, checks},
    metrics: metricsOf(store),
  })
  release.step(0, 10, start + interval)
  let last: AnalysisObservation | undefined
  for (let poll = 2; poll <= 8 && last?.results[0]?.verdict !== 'fail'; poll++) {
    await release.settle(start + poll * interval + 5000, observation => {
      last = observation
    })
  }
  return last
}

test.each(['source', 'destination'] as const)(
  'a canary is compared with the baseline, seen from the %s',
  async side => {
    const against = await judged(side, true)
    expect(against?.results[0]?.evidence?.primary).toEqual(against?.results[0]?.evidence?.canary)
    expect(against?.results[0]?.verdict).not.toBe('fail')
    expect(against?.results[0]?.message).toContain(', the baseline ')
    const plain = await judged(side, false)
    expect(plain?.results[0]).toMatchObject({verdict: 'fail', reason: 'Harmful', evidence: {primary: {failed: 0}}})
  },
)

test('how failures scatter is learnt from the primary itself, an hour before there is a baseline', async () => {
  const store = new MetricStore(2 * 3600_000)
  const target = createTarget(store, {pod: 'x'})
  const begin = 40
  let burst = 0
  for (let poll = 0; poll <= begin + 8; poll++) {
    // The primary's own failures come ten at once; its copy and the canary fail one by one.
    if (poll % 4 === 0) burst += 10
    const young = Math.max(0, poll - begin)
    const counts: Record<string, [string, number, number]> = {'checkout-a': ['checkout-a', poll * 1500, burst]}
    if (young > 0) {
      counts['checkout-baseline'] = ['checkout-a', young * 140, young]
      counts['checkout-b'] = ['checkout-b', young * 140, young]
    }
    target.take(page('source', counts), start + poll * interval)
  }
  const checks = [{name: 'errors', compare: {metric: 'requestErrors'}}]
  const release = new JudgedRelease({
    startedAt: start + begin * interval,
    analysis: {interval: '15s', baseline: true, checks},
    metrics: metricsOf(store),
  })
  const at = start + (begin + 1) * interval
  release.step(0, 10, at)
  let last: AnalysisObservation | undefined
  for (let poll = begin + 2; poll <= begin + 8; poll++) {
    await release.settle(start + poll * interval + 5000, observation => {
      last = observation
    })
  }
  expect(last?.results[0]?.evidence).toMatchObject({against: 'baseline', primary: {failed: 7, total: 987}})
  expect(last?.results[0]?.evidence?.overdispersion).toBeGreaterThan(4)
})
