// Runs scenarios and sums their endings up.

import {emptyEvidence} from '../../../analysis/compare/judge.ts'
import type {CompareSettings} from '../../../analysis/compare/settings.ts'
import type {CompareEvidence} from '../../../crds/evidence.ts'
import {jittered} from './conditions.ts'
import {type Ending, type Run, runFairlead, settingsFor, warmedUp} from './fairlead.ts'
import {runLatency} from './latency.ts'
import {argo, flagger, flaggerStrict, runKayenta, runThreshold} from './peers.ts'
import {Chance} from './random.ts'
import type {ErrorScenario, Judge, LatencyScenario, Scenario} from './scenarios.ts'

/** What became of many runs of one scenario under one judge. Times in seconds. */
export interface Figures {
  scenario: string
  judge: Judge
  runs: number
  rollbacks: number
  advances: number
  /** Failed requests of the canary until the weight had moved, over the runs that rolled back. */
  failedMedian?: number
  failedNinetieth?: number
  secondsMedian?: number
  /** Since the onset of the fault. */
  onsetFailedMedian?: number
  onsetSecondsMedian?: number
  /** Mean time until a step could end, over the runs in which one could. */
  clearedMean?: number
  /** Runs in which a step could end at some time. */
  everCleared: number
  /** Mean time to the end of a run that advanced. */
  advanceMean?: number
}

/** Runs of the judges beside Fairlead: their shares are not close calls. */
const peerRuns = 1000

export function measure(scenario: Scenario, runs: number): Figures[] {
  if (scenario.kind === 'latency') return [latencyFigures(scenario, runs)]
  return scenario.judges.map(judge => {
    const count = judge === 'fairlead' ? runs : Math.min(runs, peerRuns)
    const settings = settingsFor(scenario.preset)
    const before = judge === 'fairlead' ? hoursBefore(scenario, settings, count) : []
    const endings = Array.from({length: count}, (_, index) => runOf(scenario, judge, settings, index, before))
    return figuresOf(scenario.id, judge, endings)
  })
}

function latencyFigures(scenario: LatencyScenario, runs: number): Figures {
  const settings = settingsFor('standard', {metric: 'requestDuration', slowerThan: '500ms'})
  const endings = Array.from({length: runs}, (_, index) =>
    runLatency(scenario.conditions, scenario.plan, settings, new Chance(seedOf(scenario.id, index))),
  )
  return figuresOf(scenario.id, 'fairlead', endings)
}

/** Hours before a release that are drawn per scenario; runs take turns with them. */
const hours = 250

function hoursBefore(scenario: ErrorScenario, settings: CompareSettings, runs: number): CompareEvidence[] {
  return Array.from({length: Math.min(hours, runs)}, (_, index) =>
    warmedUp(scenario.conditions, scenario.plan, settings, new Chance(seedOf(`hour before ${scenario.id}`, index))),
  )
}

function runOf(
  scenario: ErrorScenario,
  judge: Judge,
  settings: CompareSettings,
  index: number,
  before: readonly CompareEvidence[],
): Run {
  const {plan} = scenario
  const random = new Chance(seedOf(scenario.id, index))
  const conditions = jittered(scenario.conditions, random)
  switch (judge) {
    case 'fairlead':
      return runFairlead(conditions, plan, settings, random, before[index % before.length] ?? emptyEvidence(settings))
    case 'flagger':
      return runThreshold(conditions, flagger, plan.lagSeconds, random)
    case 'flagger, 1 check':
      return runThreshold(conditions, flaggerStrict, plan.lagSeconds, random)
    case 'argo':
      return runThreshold(conditions, argo, plan.lagSeconds, random)
    case 'kayenta':
      return runKayenta(conditions, plan.lagSeconds, random)
    default:
      return judge satisfies never
  }
}

/** Every run of every scenario has its own seed, and every judge meets the same ones. */
function seedOf(id: string, index: number): number {
  let hash = 2_166_136_261
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619)
  return (hash ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
}

function figuresOf(scenario: string, judge: Judge, endings: readonly (Ending & {cleared?: number})[]): Figures {
  const back = endings.filter(({kind}) => kind === 'rollback')
  const advanced = endings.filter(({kind}) => kind === 'advance')
  const cleared = endings.flatMap(one => one.cleared ?? [])
  return {
    scenario,
    judge,
    runs: endings.length,
    rollbacks: back.length,
    advances: advanced.length,
    everCleared: cleared.length,
    ...known(
      'failedMedian',
      quantile(
        back.map(one => one.failed),
        0.5,
      ),
    ),
    ...known(
      'failedNinetieth',
      quantile(
        back.map(one => one.failed),
        0.9,
      ),
    ),
    ...known(
      'secondsMedian',
      quantile(
        back.map(one => one.seconds),
        0.5,
      ),
    ),
    ...known(
      'onsetFailedMedian',
      quantile(
        back.map(one => one.failedSinceOnset),
        0.5,
      ),
    ),
    ...known(
      'onsetSecondsMedian',
      quantile(
        back.map(one => one.secondsSinceOnset),
        0.5,
      ),
    ),
    ...known('clearedMean', mean(cleared)),
    ...known('advanceMean', mean(advanced.map(one => one.seconds))),
  }
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
