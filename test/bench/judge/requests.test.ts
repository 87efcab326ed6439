import {describe, expect, test} from 'vitest'
import {bounds} from './durations.ts'
import {Chance} from './random.ts'
import {difference, Requests} from './requests.ts'
import {Scrapes} from './scrapes.ts'

const usual = {rate: 100, weight: 0.1, primary: 0, canary: 0}

describe('requests', () => {
  test('each version gets its share, however often one looks', () => {
    const [seldom, often] = [1, 2].map(seed => new Requests({...usual, baseline: 0.5}, new Chance(seed)))
    for (let time = -100; time < 10_000; time += 0.7) {
      for (const version of ['canary', 'primary', 'baseline'] as const) often?.upTo(version, time)
    }
    for (const requests of [seldom, often]) {
      expect(requests?.upTo('canary', 10_000).total).toBeGreaterThan(98_500)
      expect(requests?.upTo('canary', 10_000).total).toBeLessThan(101_500)
      expect(Math.abs((requests?.upTo('baseline', 10_000).total ?? 0) / 450_000 - 1)).toBeLessThan(0.01)
      // It had the traffic alone for two minutes before.
      expect(Math.abs((requests?.upTo('primary', 10_000).total ?? 0) / 462_000 - 1)).toBeLessThan(0.01)
    }
  })

  test('the canary has none before time 0, and another share from a time on', () => {
    const requests = new Requests(usual, new Chance(3))
    expect(requests.upTo('canary', 0).total).toBe(0)
    requests.setWeight(100.5, 1)
    const before = requests.upTo('canary', 100.5)
    const after = difference(requests.upTo('canary', 200.5), before)
    expect(Math.abs(before.total / 1005 - 1)).toBeLessThan(0.2)
    expect(Math.abs(after.total / 10_000 - 1)).toBeLessThan(0.06)
    requests.upTo('primary', 100.5)
    expect(difference(requests.upTo('primary', 200), requests.upTo('primary', 200)).total).toBe(0)
  })

  test('a fault begins at its onset, and an incident lasts from one time to another', () => {
    const requests = new Requests({...usual, canary: 1, onset: 50.25}, new Chance(4))
    requests.addIncident({from: 20, to: 30, share: 1})
    const span = (from: number, to: number) => {
      const before = requests.upTo('canary', from)
      return difference(requests.upTo('canary', to), before)
    }
    expect(span(0, 20).failed).toBe(0)
    const incident = span(20, 30)
    expect(incident.failed).toBe(incident.total)
    expect(span(30, 50.25).failed).toBe(0)
    const fault = span(50.25, 60)
    expect(fault.failed).toBe(fault.total)
    expect(requests.atOnset.failed).toBe(incident.failed)
    expect(requests.upTo('primary', 60).failed).toBeGreaterThan(0)
  })
})

describe('requests of one version', () => {
  test('failures come in clusters', () => {
    const requests = new Requests({...usual, canary: 0.01, cluster: 5}, new Chance(5))
    let failed = 0
    for (let time = 1; time <= 2000; time++) {
      const now = requests.upTo('canary', time).failed
      expect(now - failed === 0 || (now - failed) % 5 === 0 || now - failed > 5).toBe(true)
      failed = now
    }
    expect(Math.abs(failed / 200 - 1)).toBeLessThan(0.5)
  })

  test('durations are lognormal: half below the median, and more above it when the version is slow', () => {
    const requests = new Requests({...usual, durations: {medianMilliseconds: 100, slower: 2.5}}, new Chance(6))
    const share = (version: 'canary' | 'primary', bound: number) => {
      const {total, buckets} = requests.upTo(version, 2000)
      return (buckets[bounds.indexOf(bound)] ?? 0) / total
    }
    expect(Math.abs(share('primary', 100) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(share('canary', 250) - 0.5)).toBeLessThan(0.02)
    expect(share('primary', 60_000)).toBe(1)
  })

  test('pods that were just started fail more for a while', () => {
    const requests = new Requests({...usual, baseline: 0.5, cold: {seconds: 30, share: 1}}, new Chance(7))
    for (const version of ['canary', 'baseline'] as const) {
      const {failed, total} = requests.upTo(version, 30)
      expect(failed).toBe(total)
      expect(requests.upTo(version, 100).failed).toBe(failed)
    }
    expect(requests.upTo('primary', 30).failed).toBe(0)
  })
})

describe('scrapes', () => {
  const ages = (change: object, pollSeconds: number, time = 1000) =>
    Array.from({length: 400}, (_, seed) => {
      const chance = new Chance(seed)
      const requests = new Requests({...usual, ...change}, chance)
      const {scrapedAt} = new Scrapes(requests, {...usual, ...change}, pollSeconds, chance).read(time)
      return {canary: time - scrapedAt.canary, primary: time - scrapedAt.primary, baseline: time - scrapedAt.baseline}
    })
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

  test.each([
    [15, {}, 15],
    [5, {}, 5],
    [5, {scrapeSeconds: 15}, 15],
  ])('polls of %d s: a sample is up to a scrape old, evenly', (pollSeconds, change, interval) => {
    const found = ages(change, pollSeconds)
    for (const {canary, primary, baseline} of found) {
      expect(canary).toBeGreaterThanOrEqual(0)
      expect(canary).toBeLessThan(interval)
      expect([primary, baseline]).toEqual([canary, canary])
    }
    expect(Math.abs(mean(found.map(({canary}) => canary)) / (interval / 2) - 1)).toBeLessThan(0.12)
  })

  test.each([1, -5])('scraped apart by %d s', skew => {
    for (const {canary, primary} of ages({skew}, 15)) {
      expect((((canary - primary - skew) % 15) + 15.0000001) % 15).toBeLessThan(0.000001)
      expect(canary).toBeLessThan(15.0000001)
    }
  })

  test('at times of their own', () => {
    const apart = ages({skew: 'random'}, 15).map(({canary, primary}) => Math.abs(canary - primary))
    // Two even times of 15 s are 5 s apart on average.
    expect(Math.abs(mean(apart) / 5 - 1)).toBeLessThan(0.15)
  })

  test('a target keeps its place from one scrape to the next', () => {
    const chance = new Chance(9)
    const requests = new Requests(usual, chance)
    const scrapes = new Scrapes(requests, usual, 15, chance)
    const times = [0, 15, 30, 45].map(time => scrapes.read(time).scrapedAt.canary)
    for (const [index, time] of times.entries()) expect(time - (times[0] ?? 0)).toBeCloseTo(15 * index, 9)
  })

  test('several polls see one scrape where it is the rarer of the two', () => {
    const chance = new Chance(10)
    const conditions = {...usual, scrapeSeconds: 60}
    const requests = new Requests(conditions, chance)
    const scrapes = new Scrapes(requests, conditions, 15, chance)
    const totals = Array.from({length: 9}, (_, index) => scrapes.read(60 + index * 15).counts.canary.total)
    expect(new Set(totals).size).toBe(3)
  })
})
