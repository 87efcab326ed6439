// Callers' proxies that count what they sent to both slots, second by second, and are scraped at times of their own.
import {gridOf} from '../../../analysis/grid.ts'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {Metrics} from '../../../controller/ports.ts'
import {createTarget} from '../../../playground/metrics/scraper.ts'
import type {MetricStore} from '../../../playground/metrics/store.ts'
import {JudgedRelease} from './judged-release.ts'

export const interval = 15_000
/** A grid time. */
export const start = Math.ceil(1_700_000_000_000 / interval) * interval
/** How long after a grid time it is read. */
export const lag = gridOf(interval).lagMilliseconds

interface Arm {
  ok: number
  failed: number
}
export type Arms = Record<'a' | 'b', Arm>

/** One page of Istio's: cumulative counts per slot. A series is not there before its first request. */
export function page(arms: Arms, side: 'source' | 'destination' = 'source'): string {
  return Object.entries(arms)
    .flatMap(([slot, {ok, failed}]) => {
      const names = side === 'source' ? ['destination_service_namespace', 'destination_service_name'] : workloadNames
      const labels = `reporter="${side}",${names[0]}="shop",${names[1]}="checkout-${slot}",grpc_response_status=""`
      const series = (code: string, count: number) =>
        count < 1 ? '' : `istio_requests_total{${labels},response_code="${code}"} ${Math.round(count)}\n`
      return [series('200', ok), series('503', failed)]
    })
    .join('')
}
const workloadNames = ['destination_workload_namespace', 'destination_workload']

export interface Caller {
  /** Label instance of its target. */
  instance: string
  /** What it sends in the second after a time (seconds since the start), added to what it counted before. */
  sends(at: number, arms: Arms): void
  /** What a scrape at a time gives: a page, nothing because it failed, or nothing because nobody scraped. */
  scrape(at: number): 'page' | 'failed' | 'none'
}

/** Lets callers work from an hour before the start on, for so many seconds after it. */
export function work(store: MetricStore, seconds: number, callers: readonly Caller[]): void {
  const all = callers.map(caller => ({
    caller,
    target: createTarget(store, {instance: caller.instance, job: 'proxies'}),
    arms: {a: {ok: 0, failed: 0}, b: {ok: 0, failed: 0}},
  }))
  for (let at = -3600; at <= seconds; at++) {
    for (const {caller, target, arms} of all) {
      caller.sends(at, arms)
      const scraped = caller.scrape(at)
      if (scraped !== 'none') target.take(scraped === 'page' ? page(arms) : undefined, start + at * 1000)
    }
  }
}

/** Whether it is a caller's time to be scraped. */
export function every(seconds: number, offset = 0): (at: number) => 'page' | 'none' {
  return at => ((((at - offset) % seconds) + seconds) % seconds === 0 ? 'page' : 'none')
}

const errors = {interval: '15s', checks: [{name: 'errors', compare: {metric: 'requestErrors'}}]}

export interface Run {
  metrics: Metrics
  /** Steps: weight, and the time (seconds) since which it is in force. */
  steps: {weight: number; since: number}[]
  /** Grid times that are looked at. */
  polls: number[]
  /** What happens before a poll; its time is in milliseconds. */
  before?: (now: number) => void
  /** Killed before these. */
  killedAt?: (poll: number) => boolean
  analysis?: object
}

/** Runs a release until a verdict `fail`; the observations by poll. The status is written once a minute and at each step. */
export async function observe(run: Run): Promise<Map<number, AnalysisObservation>> {
  const {metrics, steps, polls, before = () => {}, killedAt = () => false, analysis = errors} = run
  const release = new JudgedRelease({startedAt: start, analysis, weights: steps.map(({weight}) => weight), metrics})
  const seen = new Map<number, AnalysisObservation>()
  let last: AnalysisObservation | undefined
  let done = 0
  for (const poll of polls) {
    const now = start + poll * interval + lag
    for (; done < steps.length && start + (steps[done]?.since ?? 0) * 1000 <= now; done++) {
      if (last) release.persist(last)
      release.step(done, steps[done]?.weight ?? 0, start + (steps[done]?.since ?? 0) * 1000)
    }
    before(now)
    if (killedAt(poll)) release.kill()
    await release.settle(now, observation => {
      last = observation
      seen.set(poll, observation)
      if (poll % 4 === 0 && observation.evidence) release.persist(observation)
    })
    if (last?.results.some(({verdict}) => verdict === 'fail')) break
  }
  return seen
}

export function range(from: number, to: number): number[] {
  return Array.from({length: to - from + 1}, (_, index) => from + index)
}
