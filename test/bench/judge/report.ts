// docs/judge.md: what was measured, in tables and sentences.
import {boundOfHarm, boundOfStep} from './bounds.ts'
import type {CpuRow} from './cpu.ts'
import {type Figures, isLate} from './measure.ts'
import {moveSeconds, readSeconds} from './plan.ts'
import type {QueriesRow} from './queries.ts'
import {type Judge, judges, type Scenario} from './scenarios/scenario.ts'
import {groups, scenarios} from './scenarios.ts'
import {targetTable} from './targets.ts'
import {beside, figure, share, table} from './text.ts'

export interface Measured {
  runs: number
  figures: Figures[]
  queries: QueriesRow[]
  cpu: CpuRow[]
  /** From the reading of a grid time to the route that goes back, milliseconds, one per rollback on the playground. */
  reactions: number[]
  seconds: number
  machine: string
}

/** Fairlead's figures of some scenarios. */
type Found = {scenario: Scenario; one: Figures}[]

export function tables(measured: Measured) {
  const {figures, queries, cpu} = measured
  const ours = (group: readonly Scenario[]): Found =>
    group.flatMap(scenario =>
      figures.filter(one => one.scenario === scenario.id && one.judge === 'fairlead').map(one => ({scenario, one})),
    )
  return {
    targets: targetTable(measured),
    compared: comparison(figures),
    promotions: promotionTable(figures),
    errors: stepTable('failed', ours(groups.errors)),
    scrapes: stepTable('failed', ours(groups.scrapes)),
    latency: stepTable('slow', ours(groups.latency)),
    combined: stepTable('failed or slow', ours(groups.combined)),
    baselines: stepTable('failed', ours(groups.baselines)),
    releases: releaseTable(ours(groups.releases)),
    bakes: releaseTable(ours(groups.bakes)),
    lag: lagTable(measured),
    cpu: table(
      ['check', 'ms per poll'],
      cpu.map(({what, milliseconds}) => [what, milliseconds.toFixed(3)]),
    ),
    queries: table(
      ['Rollouts in a release', 'queries per interval', 'queries per Rollout when its release begins'],
      queries.map(({rollouts, perInterval, atBegin}) => [String(rollouts), figure(perInterval), figure(atBegin)]),
    ),
  }
}

function stepTable(what: string, found: Found): string {
  return table(
    [
      'scenario',
      'rolled back',
      'could end a step',
      `${what} until the weight moved, median (90 %)`,
      'bound',
      'verdict after s, median',
      'to end a step, s, mean',
      'bound, s',
    ],
    found.map(({scenario, one}) => [
      scenario.title,
      rolledBack(one),
      share(one.everCleared, one.runs),
      badRequests(scenario, one),
      figure(boundOfHarm(scenario)),
      figure(one.foundMedian),
      figure(one.clearedMean),
      figure(boundOfStep(scenario)),
    ]),
  )
}

function releaseTable(found: Found): string {
  return table(
    [
      'scenario',
      'promoted',
      'rolled back',
      'paused',
      'failed until then, median (90 %)',
      'bound',
      'to the end, s, mean',
    ],
    found.map(({scenario, one}) => [
      scenario.title,
      share(one.advances, one.runs),
      rolledBack(one),
      share(one.runs - one.advances - one.rollbacks, one.runs),
      badRequests(scenario, one),
      figure(boundOfHarm(scenario)),
      figure(one.advanceMean),
    ]),
  )
}

/** The share that was rolled back, and how many of these before there was anything to find. */
function rolledBack({rollbacks, early, runs}: Figures): string {
  return early === 0 ? share(rollbacks, runs) : `${share(rollbacks, runs)}, ${share(early, runs)} before the onset`
}

function badRequests(scenario: Scenario, {badMedian, badNinetieth}: Figures): string {
  const since = badMedian !== undefined && isLate(scenario) ? ' since the onset' : ''
  return `${beside(badMedian, badNinetieth)}${since}`
}

/** Every judge on the same scenarios. */
function comparison(figures: readonly Figures[]): string {
  const common = scenarios.filter(scenario => scenario.judges.length > 1)
  return table(
    ['scenario', ...judges, 'bound'],
    common.map(scenario => {
      const bound = boundOfHarm(scenario)
      const cells = judges.map(judge => {
        const one = figures.find(found => found.scenario === scenario.id && found.judge === judge)
        if (!one) return ''
        const rolled = share(one.rollbacks, one.runs)
        return one.badMedian === undefined ? rolled : `${rolled}, ${figure(one.badMedian)} failed`
      })
      return [scenario.title, ...cells, bound === undefined ? '' : `${figure(bound)} failed`]
    }),
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

function lagTable({reactions}: Measured): string {
  const sorted = reactions.toSorted((left, right) => left - right)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  const seconds = (milliseconds: number | undefined) => figure((milliseconds ?? 0) / 1000)
  return table(
    ['from', 'to', 'seconds', 'source'],
    [
      ['the scrape', 'the grid time that reads it', '0 to 15, evenly (polls of 5 s: 0 to 5)', 'drawn in each run'],
      [
        'the grid time',
        'its reading',
        `${figure(readSeconds(15))} (polls of 5 s: ${figure(readSeconds(5))})`,
        '`analysis/grid.ts`',
      ],
      [
        'the reading',
        'the moved weight',
        `${moveSeconds}`,
        `an assumption: the controller takes ${seconds(middle)} until the route is written (median of ${sorted.length} rollbacks of this run on the demo's playground, at most ${seconds(sorted.at(-1))}), Envoy Gateway with Envoy 0.1 more (\`test/cluster/envoy\`)`,
      ],
    ],
  )
}
