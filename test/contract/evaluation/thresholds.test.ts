// Threshold checks in a release: what a failure limit remembers lives in the status alone, so that no kill changes a verdict.
import {expect, test} from 'vitest'
import {gridOf} from '../../../analysis/grid.ts'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {Metrics} from '../../../controller/ports.ts'
import {JudgedRelease} from './judged-release.ts'

const interval = 15_000
const lag = gridOf(interval).lagMilliseconds
const start = Math.ceil(1_700_000_000_000 / interval) * interval

/** What the query yields at each grid time: within bounds, out of them, nothing, no answer. */
const history = 'pppppppppffpfnfpeffnnfppp'

const threshold = {query: 'x', max: 100}

const metrics: Metrics = {
  async query({query, at}) {
    // There are no counters of the mesh.
    if (query !== threshold.query) return {kind: 'vector', samples: []}
    switch (history[Math.round((at - start) / interval)]) {
      case 'p':
        return {kind: 'vector', samples: [{labels: {}, value: 1}]}
      case 'f':
        return {kind: 'vector', samples: [{labels: {}, value: 900}]}
      case 'e':
        return {kind: 'error', reason: 'Timeout', message: 'late'}
      default:
        return {kind: 'vector', samples: []}
    }
  },
  async queryRange() {
    return {kind: 'matrix', series: []}
  },
}

const analysis = {
  interval: '15s',
  window: '1m',
  checks: [
    {name: 'first', threshold},
    {name: 'row', threshold: {...threshold, failureLimit: {consecutive: 3}}},
    {name: 'share', threshold: {...threshold, failureLimit: {count: 3, outOf: 5}}},
    {name: 'late', threshold: {...threshold, initialDelay: '2m'}},
    {name: 'dry', threshold: {...threshold, dryRun: true}},
    {name: 'strict', threshold: {...threshold, noData: 'fail', failureLimit: {consecutive: 2}}},
  ],
}

/** Runs the release; the status is written at every fourth poll, and the controller is killed at some. */
async function run(killedAt: (poll: number) => boolean): Promise<AnalysisObservation[]> {
  const release = new JudgedRelease({startedAt: start, analysis, metrics})
  release.step(0, 10, start)
  const seen = new Map<number, AnalysisObservation>()
  for (let poll = 1; poll < history.length; poll++) {
    if (killedAt(poll)) release.kill()
    await release.settle(start + poll * interval + lag, observation => {
      seen.set(observation.at, observation)
      if (poll % 4 === 0) release.persist(observation)
    })
  }
  return [...seen.values()].map(({again: _when, ...observation}) => observation as AnalysisObservation)
}

test('limits, delays and policies hold over a whole release', async () => {
  const observations = await run(() => false)
  expect(observations.map(({at}) => (at - start) / interval)).toEqual(Array.from({length: 24}, (_, index) => index + 1))
  const letters = {pass: 'p', fail: 'F', noData: '-', error: 'e', inconclusive: '?'}
  const verdicts = analysis.checks.map(({name}, index) => [
    name,
    observations.map(({results}) => letters[results[index]?.verdict ?? 'inconclusive']).join(''),
  ])
  expect(Object.fromEntries(verdicts)).toEqual({
    // From the first whole window on: polls 4 to 24 are `pppppffpfnfpeffnnfppp`.
    first: '---pppppFFpF-FpeFF--Fppp',
    row: '---ppppp--p---pe----Fppp',
    share: '---ppppp--pF-FpeFF--Fppp',
    late: '-------pFFpF-FpeFF--Fppp',
    dry: '---pppppFFpF-FpeFF--Fppp',
    strict: '---ppppp-Fp-FFpe-FFFFppp',
  })
  expect(observations[10]?.results[1]?.reason).toBe('Passed')
  expect(observations[8]?.results[1]).toMatchObject({
    reason: 'BelowFailureLimit',
    message: 'row 900 is above 100; 1 of 3 failures in a row',
  })
  expect(observations.at(-1)?.results[4]).toMatchObject({name: 'dry', dryRun: true})
  expect(observations.at(-1)?.thresholds.map(({name, outcomes}) => [name, outcomes])).toEqual([
    ['row', 'ppp'],
    ['share', 'ffppp'],
    ['strict', 'pp'],
  ])
})

test('whenever the controller is killed, the verdicts are the same', async () => {
  const whole = await run(() => false)
  for (let victim = 1; victim < history.length; victim++) {
    expect(await run(poll => poll === victim), `killed at poll ${victim}`).toEqual(whole)
  }
  expect(await run(() => true), 'killed at every poll').toEqual(whole)
})
