// What the judge promises, on drawn requests: a harmless canary is rolled back with a probability of at most alpha, and a
// harmful one ends a step with at most beta. A small sample from fixed seeds, held to bounds that a judge which keeps its
// promise would exceed with one set of seeds in a thousand million; `npm run bench:judge` has the large one.
import {describe, expect, test} from 'vitest'
import {beginStep, emptyEvidence, judgePoll} from '../../../analysis/compare/judge.ts'
import type {ArmCounts} from '../../../analysis/compare/poll.ts'
import {type CompareSettings, compareSettings} from '../../../analysis/compare/settings.ts'
import type {CompareEvidence} from '../../../crds/evidence.ts'
import {rolloutSpec} from '../../../crds/rollout.ts'
import {Chance} from './random.ts'

const runs = 200
const interval = 15_000
const start = 1_700_000_000_000
/** A correct judge fails a test with at most this probability. */
const chanceOfFailure = 1e-9

/** P(X >= from) of a binomial distribution. */
function tail(trials: number, probability: number, from: number): number {
  let sum = 0
  let logTerm = trials * Math.log1p(-probability)
  for (let successes = 0; successes <= trials; successes++) {
    if (successes >= from) sum += Math.exp(logTerm)
    logTerm += Math.log(((trials - successes) / (successes + 1)) * (probability / (1 - probability)))
  }
  return sum
}

/** The smallest number that is reached with less than the chance of a failure. */
function bound(trials: number, probability: number): number {
  let successes = Math.floor(trials * probability)
  while (successes <= trials && tail(trials, probability, successes) >= chanceOfFailure) successes++
  return successes
}

function settingsOf(analysis: object, compare: object = {metric: 'requestErrors'}): CompareSettings {
  const spec = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'app'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {...analysis, checks: [{name: 'errors', compare}]},
  })
  const [settings] = compareSettings(spec.analysis)
  if (!settings) throw new Error('no check')
  return settings
}

/** What both arms get and fail in a poll. */
interface Draw {
  canary: ArmCounts
  primary: ArmCounts
  /** The primary's own pods beside a baseline. */
  own?: ArmCounts
}

interface Scenario {
  settings: CompareSettings
  polls: number
  /** Polls of the half hour before the release, of which only the primary has requests. */
  warmUp?: number
  draw(chance: Chance, poll: number): Draw
}

/** How many polls it took to the first of each verdict; undefined where there was none. */
interface Ending {
  rollback: number | undefined
  advances: number[]
}

/** One release that stays at its weight: whenever a step could end, the next one begins. */
function run({settings, polls, warmUp = 0, draw}: Scenario, seed: number): Ending {
  const chance = new Chance(seed)
  let evidence: CompareEvidence = emptyEvidence(settings)
  const advances: number[] = []
  for (let poll = -warmUp; poll < polls; poll++) {
    const drawn = draw(chance, poll)
    const before = poll < 0 ? {canary: {failed: 0, total: 0}} : {}
    const judged = judgePoll(settings, evidence, {
      at: start + poll * interval,
      milliseconds: interval,
      separateScrapes: false,
      counts: poll >= 0,
      ...drawn,
      ...before,
    })
    evidence = judged.evidence
    if (judged.standing.kind === 'rollback') return {rollback: poll, advances}
    if (judged.standing.kind !== 'advance') continue
    advances.push(poll)
    evidence = beginStep(evidence)
  }
  return {rollback: undefined, advances}
}

function endings(scenario: Scenario): Ending[] {
  return Array.from({length: runs}, (_, seed) => run(scenario, seed + 1))
}

const rolledBack = (all: readonly Ending[]) => all.filter(({rollback}) => rollback !== undefined).length

function requests(chance: Chance, mean: number, share: number, cluster = 1): ArmCounts {
  const total = chance.poisson(mean)
  if (cluster === 1) return {failed: chance.binomial(total, share), total}
  return {failed: Math.min(total, cluster * chance.poisson((total * share) / cluster)), total}
}

/** The share whose odds are a multiple of another share's. */
function timesTheOdds(share: number, ratio: number): number {
  const odds = (share / (1 - share)) * ratio
  return odds / (1 + odds)
}

test('the bounds are those of the binomial distribution', () => {
  expect(bound(20, 0.5)).toBe(21)
  expect(bound(40, 0.5)).toBe(38)
  expect(tail(10, 0.5, 9)).toBeCloseTo(11 / 1024, 12)
  expect(tail(250, 0.1, 0)).toBeCloseTo(1, 9)
  // Mean 25, standard deviation 4.7: some seven of them above.
  expect(bound(250, 0.1)).toBeGreaterThan(53)
  expect(bound(250, 0.1)).toBeLessThan(62)
})

describe('a harmless canary', () => {
  test('with odds just as large as is harmless, and looked at 40 times, is rolled back at most alpha', () => {
    const primaryShare = 0.02
    const settings = settingsOf({alpha: 0.1, sharedIncident: {percent: 99}})
    const all = endings({
      settings,
      polls: 40,
      draw: chance => ({
        canary: requests(chance, 150, timesTheOdds(primaryShare, settings.margins.harmlessOdds)),
        primary: requests(chance, 1350, primaryShare),
      }),
    })
    expect(rolledBack(all)).toBeLessThan(bound(runs, 0.1))
  })

  test('with a share just as large as is harmless, beside a perfect primary, is rolled back at most alpha', () => {
    const settings = settingsOf({alpha: 0.1})
    const all = endings({
      settings,
      polls: 40,
      draw: chance => ({
        canary: requests(chance, 150, settings.margins.harmlessShare),
        primary: requests(chance, 1350, 0),
      }),
    })
    expect(rolledBack(all)).toBeLessThan(bound(runs, 0.1))
  })

  test.each([0.2, 1])('in an incident of both versions that fails %d of all requests', share => {
    const all = endings({
      settings: settingsOf({}),
      polls: 30,
      draw(chance, poll) {
        const failing = poll >= 10 && poll < 18 ? share : 0.001
        return {canary: requests(chance, 150, failing), primary: requests(chance, 1350, failing)}
      },
    })
    expect(rolledBack(all)).toBeLessThan(bound(runs, 0.01))
  })
})

describe('a harmless canary whose failures come in clusters', () => {
  test('of five, as those of the primary do', () => {
    const all = endings({
      settings: settingsOf({}),
      polls: 40,
      warmUp: 120,
      draw: chance => ({canary: requests(chance, 150, 0.001, 5), primary: requests(chance, 1350, 0.001, 5)}),
    })
    expect(rolledBack(all)).toBeLessThan(bound(runs, 0.01))
  })

  test('of ten, beside a baseline that has no more requests than it', () => {
    const all = endings({
      settings: settingsOf({}),
      polls: 40,
      warmUp: 120,
      draw: (chance, poll) => ({
        canary: requests(chance, 150, 0.001, 10),
        primary: poll < 0 ? {failed: 0, total: 0} : requests(chance, 150, 0.001, 10),
        own: requests(chance, poll < 0 ? 1350 : 1200, 0.001, 10),
      }),
    })
    expect(rolledBack(all)).toBeLessThan(bound(runs, 0.01))
  })
})

test('a harmless canary ends a step, mostly within three minutes', () => {
  const all = endings({
    settings: settingsOf({}),
    polls: 12,
    draw: chance => ({canary: requests(chance, 150, 0.001), primary: requests(chance, 1350, 0.001)}),
  })
  expect(all.filter(({advances}) => advances.length > 0).length).toBeGreaterThan(0.9 * runs)
})

describe('a harmful canary', () => {
  const harmful = (chance: Chance, {margins}: CompareSettings): Draw => ({
    canary: requests(chance, 150, margins.harmfulShare),
    primary: requests(chance, 1350, timesTheOdds(margins.harmfulShare, 1 / margins.harmfulOdds)),
  })

  test('ever ends a step at most beta', () => {
    const settings = settingsOf({beta: 0.2})
    const all = endings({settings, polls: 40, draw: chance => harmful(chance, settings)})
    expect(all.filter(({advances}) => advances.length > 0).length).toBeLessThan(bound(runs, 0.2))
  })

  test('that was harmless in the step before ends the next one at most beta', () => {
    const settings = settingsOf({beta: 0.2})
    // Clean for as many polls as a step takes, and some more; then harmful in a step of its own.
    const onset = 20
    let counted = 0
    for (let seed = 1; seed <= runs; seed++) {
      const chance = new Chance(seed)
      let evidence: CompareEvidence = emptyEvidence(settings)
      for (let poll = 0; poll < onset + 40; poll++) {
        if (poll === onset) evidence = beginStep(evidence)
        const clean = {canary: requests(chance, 150, 0), primary: requests(chance, 1350, 0.0034)}
        const drawn = poll < onset ? clean : harmful(chance, settings)
        const at = start + poll * interval
        const judged = judgePoll(settings, evidence, {
          at,
          milliseconds: interval,
          separateScrapes: false,
          counts: true,
          ...drawn,
        })
        evidence = judged.evidence
        const {kind} = judged.standing
        if (poll >= onset && kind === 'advance') counted++
        if (poll >= onset && (kind === 'advance' || kind === 'rollback')) break
      }
    }
    expect(counted).toBeLessThan(bound(runs, 0.2))
  })

  test('that fails 5 % is always found, after 30 failed requests at most', () => {
    const all = endings({
      settings: settingsOf({}),
      polls: 20,
      draw: chance => ({canary: requests(chance, 150, 0.05), primary: requests(chance, 1350, 0.001)}),
    })
    expect(rolledBack(all)).toBe(runs)
    expect(all.every(({rollback = 0}) => rollback < 8)).toBe(true)
  })
})
