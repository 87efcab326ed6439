// Runs scenarios and sums their endings up.
import type {CompareSettings} from '../../../analysis/compare/settings.ts'
import {jittered} from './conditions.ts'
import type {Ending} from './ending.ts'
import {type Run, runFairlead} from './fairlead.ts'
import {argo, flagger, flaggerStrict, runKayenta, runThreshold} from './peers.ts'
import {settingsOf} from './plan.ts'
import {Chance, seedOf} from './random.ts'
import type {Judge, Scenario} from './scenarios/scenario.ts'
import {WarmUps} from './warm-up.ts'

/** What became of many runs of one scenario under one judge. Times in seconds. */
export interface Figures {
  scenario: string
  judge: Judge
  runs: number
  rollbacks: number
  /** Those of them before the fault began. */
  early: number
  advances: number
  /** Bad requests of the canary until the weight had moved, over the runs that rolled back; since the onset of a late fault. */
  badMedian?: number
  badNinetieth?: number
  /** Until the verdict, and until the weight had moved; since the onset of a late fault. */
  foundMedian?: number
  movedMedian?: number
  /** Mean time until a step could end, over the runs in which one could, and the canary requests that were compared by then. */
  clearedMean?: number
  clearedRequestsMean?: number
  /** Runs in which a step could end at some time. */
  everCleared: number
  /** Mean time until the last weight of a run that advanced had moved. */
  advanceMean?: number
}

/** The runs of one scenario, for each of its judges. Warm-ups are kept for the next one. */
export class Measurement {
  readonly #runs: number
  readonly #warmUps = new WarmUps()

  constructor(runs: number) {
    this.#runs = runs
  }

  of(scenario: Scenario): Figures[] {
    const settings = settingsOf(scenario.plan)
    return scenario.judges.map(judge => {
      const runs = Array.from({length: this.#runs}, (_, index) => this.#run(scenario, judge, settings, index))
      return figuresOf(scenario, judge, runs)
    })
  }

  #run(
    {id, conditions: planned, plan}: Scenario,
    judge: Judge,
    settings: readonly CompareSettings[],
    index: number,
  ): Run {
    const chance = new Chance(seedOf(id, index))
    const conditions = jittered(planned, chance)
    switch (judge) {
      case 'fairlead':
        return runFairlead(conditions, plan, settings, chance, this.#warmUps.of(conditions, plan, settings, index))
      case 'flagger':
        return runThreshold(conditions, flagger, chance)
      case 'flagger, 1 check':
        return runThreshold(conditions, flaggerStrict, chance)
      case 'argo':
        return runThreshold(conditions, argo, chance)
      case 'kayenta':
        return runKayenta(conditions, chance)
      default:
        return judge satisfies never
    }
  }
}

/** Whether a fault begins later than the canary. */
export function isLate({conditions, plan}: Scenario): boolean {
  return conditions.onset !== undefined || plan.bake?.onset !== undefined
}

function figuresOf(scenario: Scenario, judge: Judge, runs: readonly Run[]): Figures {
  const back = runs.filter(({kind}) => kind === 'rollback')
  const right = back.filter(({foundSinceOnset}) => foundSinceOnset >= 0)
  const advanced = runs.filter(({kind}) => kind === 'advance')
  const late = isLate(scenario)
  const bad = right.map(badOf(scenario, late))
  return {
    scenario: scenario.id,
    judge,
    runs: runs.length,
    rollbacks: back.length,
    early: back.length - right.length,
    advances: advanced.length,
    everCleared: runs.filter(({cleared}) => cleared !== undefined).length,
    ...known('badMedian', quantile(bad, 0.5)),
    ...known('badNinetieth', quantile(bad, 0.9)),
    ...known(
      'foundMedian',
      quantile(
        right.map(one => (late ? one.foundSinceOnset : one.found)),
        0.5,
      ),
    ),
    ...known(
      'movedMedian',
      quantile(
        right.map(one => (late ? one.movedSinceOnset : one.moved)),
        0.5,
      ),
    ),
    ...known('clearedMean', mean(runs.flatMap(one => one.cleared ?? []))),
    ...known('clearedRequestsMean', mean(runs.flatMap(one => one.clearedRequests ?? []))),
    ...known('advanceMean', mean(advanced.map(one => one.moved))),
  }
}

function badOf({harm}: Scenario, late: boolean): (one: Ending) => number {
  if (harm === 'slow') return one => (late ? one.slowSinceOnset : one.slow)
  return one => (late ? one.failedSinceOnset : one.failed)
}

function known<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({[key]: value} as Record<K, number>)
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((left, right) => left - right)[Math.floor(share * (values.length - 1))]
}

/** 95 % confidence interval of a share, after Wilson. */
export function shareInterval(count: number, runs: number): [number, number] {
  const z = 1.96
  const share = count / runs
  const middle = (share + (z * z) / (2 * runs)) / (1 + (z * z) / runs)
  const half = (z / (1 + (z * z) / runs)) * Math.sqrt((share * (1 - share)) / runs + (z * z) / (4 * runs * runs))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}
