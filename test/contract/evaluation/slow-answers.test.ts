// Whoever is slow to answer a threshold check holds up neither the comparison beside it nor other Rollouts; and what is
// remembered is the same as if the answer had come at once.
import {afterEach, describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {MetricAnswer, Metrics} from '../../../controller/ports.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {every, interval, lag, range, start, work} from './callers.ts'
import {JudgedRelease, metricsOf, sharedEvaluator} from './judged-release.ts'

/** Failures of the canary from a time on, of 10 requests a second. */
function storeOf(failsFrom: number): MetricStore {
  const store = new MetricStore(4 * 3600_000)
  work(store, 900, [
    {
      instance: 'x',
      sends(at, arms) {
        arms.a.ok += 90
        if (at > 60) arms.b[at > failsFrom ? 'failed' : 'ok'] += 10
      },
      scrape: every(5),
    },
  ])
  return store
}

/** Somebody else's metrics: what was asked, and not answered yet, by grid time in seconds. */
class Slow {
  readonly waiting = new Map<number, (answer: MetricAnswer) => void>()
  readonly asked: number[] = []
  prompt = false
  /** What of ours is not answered. */
  refuses: (query: string) => boolean = () => false

  metrics(store: MetricStore): Metrics {
    const ours = metricsOf(store)
    return {
      queryRange: request => ours.queryRange(request),
      query: request => {
        if (this.refuses(request.query)) return Promise.resolve(unreachable)
        if (request.query !== 'theirs') return ours.query(request)
        const at = (request.at - start) / 1000
        this.asked.push(at)
        if (this.prompt) return Promise.resolve(value(at))
        return new Promise(resolve => this.waiting.set(at, resolve))
      },
    }
  }

  async answer(at: number, answer = value(at)): Promise<void> {
    this.waiting.get(at)?.(answer)
    this.waiting.delete(at)
    await new Promise(resolve => setImmediate(resolve))
  }

  async answerAll(): Promise<void> {
    for (const at of this.waiting.keys()) await this.answer(at)
  }
}

const unreachable: MetricAnswer = {kind: 'error', reason: 'Unreachable', message: 'gone'}

/** Every third grid time is out of bounds. */
function value(at: number): MetricAnswer {
  return {kind: 'vector', samples: [{labels: {}, value: at % 45 === 0 ? 9 : 1}]}
}

const analysisWith = (threshold: object) => ({
  interval: '15s',
  window: '15s',
  checks: [
    {name: 'errors', compare: {metric: 'requestErrors'}},
    {name: 'theirs', threshold: {query: 'theirs', max: 5, ...threshold}},
  ],
})
const limited = analysisWith({failureLimit: {count: 3, outOf: 5}})

const slow = new Slow()
/** What passes waited, milliseconds. */
const waits: number[] = []
afterEach(async () => {
  await slow.answerAll()
  slow.asked.length = 0
  slow.prompt = false
  slow.refuses = () => false
  waits.length = 0
})

function releaseWith(analysis: object, failsFrom = 10_000): JudgedRelease {
  const metrics = slow.metrics(storeOf(failsFrom))
  const evaluator = sharedEvaluator(metrics, undefined, milliseconds => void waits.push(milliseconds))
  const release = new JudgedRelease({startedAt: start, analysis, metrics}, evaluator)
  release.step(0, 10, start + 60_000)
  return release
}

const timeOf = (poll: number) => start + poll * interval + lag
const verdicts = (observation: AnalysisObservation | undefined) =>
  observation?.results.map(({verdict, reason}) => `${verdict} ${reason}`)

async function settled(release: JudgedRelease, now: number): Promise<AnalysisObservation[]> {
  const seen: AnalysisObservation[] = []
  await release.settle(now, observation => void seen.push(observation))
  return seen
}

test('a check whose answer does not come keeps no passes going while the next reading can’t be completed', async () => {
  // The canary's failures are a new series: whether it was there before is asked, and not answered.
  const release = releaseWith(analysisWith({}), 100)
  await settled(release, timeOf(6))
  slow.refuses = query => query.startsWith('last_over_time(')
  const seen = await settled(release, timeOf(8))
  expect(seen.length).toBeLessThan(5)
  expect(verdicts(seen.at(-1))).toEqual(['error Unreachable', 'noData AnswerAwaited'])
  expect(seen.at(-1)?.again).toBe(timeOf(8) + 1000)
})

describe('a check whose answer does not come', () => {
  test('does not keep a comparison from failing, and nobody waits for it then', async () => {
    const release = releaseWith(analysisWith({dryRun: true}), 60)
    const seen = await settled(release, timeOf(6))
    expect(verdicts(seen.at(-1))).toEqual(['fail Harmful', 'noData AnswerAwaited'])
    expect(seen.at(-1)?.results[1]?.dryRun).toBe(true)
    expect(slow.asked).toEqual([75, 90])
    expect(waits).toEqual([])
  })

  test('neither advances nor is remembered, and comes in its turn', async () => {
    const release = releaseWith(limited)
    const waiting = await settled(release, timeOf(8))
    expect(waiting.map(({evidence}) => evidence)).toEqual(waiting.map(() => undefined))
    expect(verdicts(waiting.at(-1))).toEqual(['pass Harmless', 'noData AnswerAwaited'])
    expect(waiting.at(-1)).toMatchObject({again: timeOf(8) + 1000, awaiting: true})
    const asked = [...slow.asked]
    expect(asked).toEqual([75, 90, 105, 120])
    const evidenceAt = async (seconds: number) =>
      (await settled(release, timeOf(8) + seconds * 1000)).flatMap(({evidence}) => evidence?.through ?? [])
    expect(await evidenceAt(1)).toEqual([])
    await slow.answer(90)
    expect(await evidenceAt(2)).toEqual([])
    await slow.answer(75)
    expect(await evidenceAt(3)).toEqual([75, 90].map(at => new Date(start + at * 1000).toISOString()))
    await slow.answerAll()
    const [third] = await settled(release, timeOf(8) + 4000)
    expect(third?.thresholds).toMatchObject([{name: 'theirs', outcomes: 'pfp'}])
    expect(slow.asked).toEqual(asked)
  })

  test('does not keep a later comparison from failing either, and is waited for once', async () => {
    const release = releaseWith(limited, 150)
    const seen: AnalysisObservation[] = []
    for (const poll of [8, 9, 10, 11, 12]) seen.push(...(await settled(release, timeOf(poll))))
    expect(seen.every(({evidence}) => evidence === undefined)).toBe(true)
    expect(verdicts(seen.at(-1))).toEqual(['fail Harmful', 'noData AnswerAwaited'])
    expect(waits).toEqual([1000])
  })

  test('is an error in the end', async () => {
    const release = releaseWith(limited)
    await settled(release, timeOf(8))
    const seen = await settled(release, timeOf(8) + 61_000)
    expect(seen[0]?.at).toBe(start + 75_000)
    expect(verdicts(seen[0])).toEqual([expect.any(String), 'error Timeout'])
    // And stays one until there is an answer, so that nobody is told twice.
    expect(verdicts((await settled(release, timeOf(13))).at(-1))).toEqual([expect.any(String), 'error Timeout'])
  })

  test('is waited for no more once it was late, until it is in time again', async () => {
    const release = releaseWith(limited)
    for (const poll of range(6, 10)) {
      await settled(release, timeOf(poll))
      const late = poll <= 8 ? 3000 : 500
      await settled(release, timeOf(poll) + late)
      await slow.answerAll()
      await settled(release, timeOf(poll) + late + 1000)
    }
    expect(waits).toEqual([1000, 1000])
  })
})

test('what cannot be asked fails the pass, and is asked anew by the next', async () => {
  const plain = metricsOf(storeOf(10_000))
  let broken = true
  const metrics: Metrics = {
    queryRange: request => plain.queryRange(request),
    query(request) {
      if (request.query !== 'theirs') return plain.query(request)
      return broken ? Promise.reject(new Error('no such thing')) : Promise.resolve(value(1))
    },
  }
  const release = new JudgedRelease({startedAt: start, analysis: limited, metrics})
  release.step(0, 10, start + 60_000)
  await expect(settled(release, timeOf(8))).rejects.toThrow('no such thing')
  broken = false
  const seen = await settled(release, timeOf(8))
  expect(seen.map(({at}) => (at - start) / 1000)).toEqual([75, 90, 105, 120])
  expect(seen.at(-1)?.thresholds[0]?.outcomes).toBe('pppp')
})

test('a step that ends meanwhile leaves nothing of its answers to the next', async () => {
  const release = releaseWith(limited)
  await settled(release, timeOf(8))
  for (const poll of [9, 10]) await settled(release, timeOf(poll))
  release.step(1, 50, timeOf(10))
  slow.prompt = true
  const seen = await settled(release, timeOf(14))
  expect(seen.at(-1)?.step).toBe('1')
  expect(seen.every(({step}) => step === '1')).toBe(true)
  const canary = seen.at(-1)?.evidence?.checks[0]?.proportions[0]?.canaryStep.total ?? 0
  expect(canary).toBeGreaterThan(0)
  expect(canary).toBeLessThanOrEqual(10 * (14 - 11) * 15)
})

describe('what is remembered in the end', () => {
  const polls = range(6, 40)

  /** Passes every second; the answers come so many seconds late, and the controller is killed at some polls. */
  async function run(
    late: (at: number) => number,
    killedAt: (poll: number) => boolean,
  ): Promise<AnalysisObservation[]> {
    const release = releaseWith(limited)
    const final = new Map<number, AnalysisObservation>()
    for (const poll of polls) {
      if (killedAt(poll)) release.kill()
      for (let second = 0; second < 15; second++) {
        const now = timeOf(poll) + second * 1000
        for (const at of slow.waiting.keys()) if (start + (at + late(at)) * 1000 + lag <= now) await slow.answer(at)
        await release.settle(now, observation => {
          if (observation.awaiting) return
          final.set(observation.at, observation)
          if (poll % 3 === 0) release.persist(observation)
        })
      }
    }
    return [...final.values()].map(({again: _when, ...observation}) => observation as AnalysisObservation)
  }

  test('does not depend on how late the answers are, nor on kills', async () => {
    const whole = await run(
      () => 0,
      () => false,
    )
    expect(whole.length).toBeGreaterThan(30)
    expect(whole.at(-1)?.thresholds[0]?.outcomes).toHaveLength(5)
    const late = (at: number) => (at * 7) % 41
    const same = (all: AnalysisObservation[]) => all.filter(({at}) => at <= (all.at(-1)?.at ?? 0))
    for (const killedAt of [() => false, (poll: number) => poll % 5 === 0, (poll: number) => poll === 23]) {
      const other = same(await run(late, killedAt))
      expect(other.length).toBeGreaterThan(20)
      expect(other).toEqual(whole.slice(0, other.length))
    }
  })
})
