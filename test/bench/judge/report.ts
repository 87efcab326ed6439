// docs/judge.md: what was measured, in tables and sentences.
import type {Figures} from './measure.ts'
import {shareInterval} from './measure.ts'
import type {QueriesRow} from './queries.ts'
import {type Judge, type Scenario, scenarios} from './scenarios.ts'
import {sprt} from './sprt.ts'

export interface Measured {
  runs: number
  figures: Figures[]
  queries: QueriesRow[]
  /** CPU milliseconds of one check in one poll. */
  cpu: {errors: number; latency: number}
  seconds: number
  machine: string
}

/** One line of a table. */
type Line = readonly string[]

/** Fairlead's figures of some scenarios. */
type Found = {scenario: Scenario; one: Figures}[]

export function tables({
  figures,
  queries,
}: Measured): Record<'targets' | 'errors' | 'compared' | 'promotions' | 'latency' | 'releases' | 'queries', string> {
  const ours = (filter: (scenario: Scenario) => boolean): Found =>
    scenarios
      .filter(filter)
      .flatMap(scenario =>
        figures.filter(one => one.scenario === scenario.id && one.judge === 'fairlead').map(one => ({scenario, one})),
      )
  const isRelease = ({id}: Scenario) => id.startsWith('release')
  return {
    targets: targetTable(figures),
    compared: comparison(figures),
    promotions: promotionTable(figures),
    errors: stepTable(
      'failed',
      ours(scenario => scenario.kind === 'errors' && !isRelease(scenario)),
    ),
    latency: stepTable(
      'slow',
      ours(({kind}) => kind === 'latency'),
    ),
    releases: releaseTable(ours(isRelease)),
    queries: table(
      ['Rollouts in a release', 'queries per interval', 'queries per Rollout when its release begins'],
      queries.map(({rollouts, perInterval, atBegin}) => [String(rollouts), figure(perInterval), figure(atBegin)]),
    ),
  }
}

function stepTable(what: string, found: Found): string {
  const head = [
    'scenario',
    'rolled back',
    'could end a step',
    `${what} until the weight moved, median (90 %)`,
    'seconds, median',
    'to end a step, s',
  ]
  return table(
    head,
    found.map(({scenario, one}) => [
      scenario.title,
      share(one.rollbacks, one.runs),
      share(one.everCleared, one.runs),
      failures(scenario, one),
      figure(isLate(scenario) ? one.onsetSecondsMedian : one.secondsMedian),
      figure(one.clearedMean),
    ]),
  )
}

function releaseTable(found: Found): string {
  return table(
    ['scenario', 'promoted', 'rolled back', 'paused', 'failed until then, median (90 %)', 'to the promotion, s'],
    found.map(({scenario, one}) => [
      scenario.title,
      share(one.advances, one.runs),
      share(one.rollbacks, one.runs),
      share(one.runs - one.advances - one.rollbacks, one.runs),
      failures(scenario, one),
      figure(one.advanceMean),
    ]),
  )
}

function isLate(scenario: Scenario): boolean {
  return scenario.kind === 'errors' && scenario.conditions.onset !== undefined
}

const judges = ['fairlead', 'flagger', 'flagger, 1 check', 'argo', 'kayenta'] as const satisfies readonly Judge[]

/** Every judge on the same scenarios. */
function comparison(figures: readonly Figures[]): string {
  const common = scenarios.filter(scenario => scenario.kind === 'errors' && scenario.judges.length > 1)
  return table(
    ['scenario', ...judges, 'bound'],
    common.map(scenario => [
      scenario.title,
      ...judges.map(judge => {
        const one = figures.find(found => found.scenario === scenario.id && found.judge === judge)
        if (!one) return ''
        const rolled = `${figure((100 * one.rollbacks) / one.runs)} %`
        return one.failedMedian === undefined ? rolled : `${rolled}, ${figure(one.failedMedian)} failed`
      }),
      scenario.kind === 'errors' && scenario.good === 'rollback'
        ? `${figure(boundOf(scenario.conditions.primary, scenario.conditions.canary))} failed`
        : '',
    ]),
  )
}

/** How long a healthy version takes: a release of four steps here, five good windows or one judgement there. */
function promotionTable(figures: readonly Figures[]): string {
  const mean = (id: string, judge: Judge) =>
    figure(figures.find(one => one.scenario === id && one.judge === judge)?.advanceMean)
  const peers = judges.filter(judge => judge !== 'fairlead')
  return table(
    ['judge', 'seconds, mean'],
    [
      ['fairlead (5, 20, 50, 75 %)', mean('release 0.1 %', 'fairlead')],
      ...peers.map(judge => [judge, mean('healthy 0.1 %', judge)]),
    ],
  )
}

/** Failed requests at Wald's bound with both rates known, alpha 1 % and beta 5 %; at least one. */
export function boundOf(primary: number, canary: number): number {
  return canary >= 1 ? 1 : Math.max(1, canary * sprt(primary, canary, 0.01, 0.05).requestsIfHigh)
}

/** What the judge is held to. */
interface Target {
  what: string
  target: string
  measured(find: (id: string) => Figures): {text: string; met: boolean}
}

function targetTable(figures: readonly Figures[]): string {
  const find = (id: string) => {
    const one = figures.find(({scenario, judge}) => scenario === id && judge === 'fairlead')
    if (!one) throw new Error(`scenario ${id} was not measured`)
    return one
  }
  return table(
    ['target', 'at most', 'measured', 'met'],
    targets.map(({what, target, measured}) => {
      const {text, met} = measured(find)
      return [what, target, text, met ? 'yes' : '**no**']
    }),
  )
}

const atMost =
  (limit: number, pick: (one: Figures) => number | undefined, id: string) => (find: (id: string) => Figures) => {
    const value = pick(find(id))
    return {text: figure(value), met: value !== undefined && value <= limit}
  }

/** The largest share of false rollbacks among scenarios in which nothing is wrong with the canary alone. */
const worstHealthy = (skewed: boolean) => (find: (id: string) => Figures) => {
  const healthy = scenarios.filter(({good, id}) => good === 'stays' && id.includes('skew') === skewed)
  const all = healthy.map(({id}) => find(id))
  const worst = all.toSorted((left, right) => right.rollbacks / right.runs - left.rollbacks / left.runs)[0] as Figures
  const [, high] = shareInterval(worst.rollbacks, worst.runs)
  return {
    text: `${share(worst.rollbacks, worst.runs)}, of ${all.length} scenarios (${worst.scenario})`,
    met: high <= 0.01,
  }
}

const targets: readonly Target[] = [
  {what: 'false rollbacks, worst healthy scenario', target: '1 %', measured: worstHealthy(false)},
  {what: 'the same with skewed scrapes', target: 'to be reported', measured: worstHealthy(true)},
  {
    what: 'failed requests of a 5 % fault, polls every 15 s',
    target: '20',
    measured: atMost(20, one => one.failedMedian, 'fault 5 %'),
  },
  {
    what: 'the same, polls every 5 s, 10 s from a grid time to the moved weight',
    target: '10',
    measured: atMost(10, one => one.failedMedian, 'fault 5 %, 5 s'),
  },
  {
    what: 'the same, 5 s from a grid time to the moved weight',
    target: '10',
    measured: atMost(10, one => one.failedMedian, 'fault 5 %, 5 s, lag 5 s'),
  },
  ...[30, 60].map(minute => ({
    what: `seconds until a 5 % fault of minute ${minute} is found, median`,
    target: '40',
    measured: atMost(40, one => one.onsetSecondsMedian, `onset ${minute} min, 5 %`),
  })),
  {
    what: 'seconds until a healthy canary with 10 requests/s may end a step, mean',
    target: '75',
    measured: atMost(75, one => one.clearedMean, 'healthy 0.1 %'),
  },
  {
    what: 'a harmful canary (1 %, odds ratio 3) ever ends a step',
    target: '5 %',
    measured: find => {
      const one = find('harmful')
      return {text: share(one.everCleared, one.runs), met: shareInterval(one.everCleared, one.runs)[1] <= 0.05}
    },
  },
  {
    what: 'the same with failures in clusters of five',
    target: '5 %',
    measured: find => {
      const one = find('clusters, harmful')
      return {text: share(one.everCleared, one.runs), met: shareInterval(one.everCleared, one.runs)[1] <= 0.05}
    },
  },
]

function failures(scenario: Scenario, one: Figures): string {
  if (one.failedMedian === undefined) return ''
  const late = scenario.kind === 'errors' && scenario.conditions.onset !== undefined
  return late
    ? `${figure(one.onsetFailedMedian)} since the onset`
    : `${figure(one.failedMedian)} (${figure(one.failedNinetieth)})`
}

/** A share with its 95 % confidence interval, in percent. */
function share(count: number, runs: number): string {
  const [low, high] = shareInterval(count, runs)
  return `${figure((100 * count) / runs)} % (${figure(100 * low)}–${figure(100 * high)})`
}

function figure(value: number | undefined): string {
  if (value === undefined) return ''
  return String(Number(value.toPrecision(value >= 100 ? 4 : 3)))
}

function table(head: Line, rows: readonly Line[]): string {
  const line = (cells: Line) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
