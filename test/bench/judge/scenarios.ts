// The scenarios, as data. Times are seconds, shares fractions.
import type {Conditions} from './conditions.ts'
import type {Plan} from './fairlead.ts'
import type {LatencyConditions} from './latency.ts'

export type Judge = 'fairlead' | 'flagger' | 'flagger, 1 check' | 'argo' | 'kayenta'

interface Common {
  /** Unique; tables and pictures name it. */
  id: string
  title: string
  plan: Plan
  preset?: 'standard' | 'lowTraffic'
  /** What should happen. */
  good: 'stays' | 'rollback'
}

export interface ErrorScenario extends Common {
  kind: 'errors'
  conditions: Conditions
  judges: readonly Judge[]
}

export interface LatencyScenario extends Common {
  kind: 'latency'
  conditions: LatencyConditions
}

export type Scenario = ErrorScenario | LatencyScenario

const usual: Conditions = {rate: 100, weight: 0.1, primary: 0.001, canary: 0.001}
/** One step: it ends with a verdict, or after ten minutes. Ten seconds pass from a grid time to the moved weight. */
const step: Plan = {pollSeconds: 15, lagSeconds: 10, deadlineSeconds: 600}
/** A quarter of an hour of steps at one weight, however often one could end: what may roll back has every chance to. */
const long: Plan = {...step, deadlineSeconds: 900, goOn: true}
const allJudges: readonly Judge[] = ['fairlead', 'flagger', 'flagger, 1 check', 'argo', 'kayenta']
const ours: readonly Judge[] = ['fairlead']
const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`

function errors(
  id: string,
  title: string,
  good: Common['good'],
  change: Partial<Conditions>,
  more: Partial<ErrorScenario> = {},
): ErrorScenario {
  return {
    kind: 'errors',
    id,
    title,
    good,
    conditions: {...usual, ...change},
    plan: good === 'stays' ? long : step,
    judges: ours,
    ...more,
  }
}

const healthy = [0, 0.001, 0.003, 0.01, 0.02].map(share =>
  errors(
    `healthy ${percent(share)}`,
    `healthy, both fail ${percent(share)}`,
    'stays',
    {primary: share, canary: share},
    {judges: allJudges},
  ),
)

const faulty = [0.005, 0.01, 0.05, 0.2, 1].map(share =>
  errors(
    `fault ${percent(share)}`,
    `canary fails ${percent(share)}, primary 0.1 %`,
    'rollback',
    {canary: share},
    {judges: allJudges},
  ),
)

const fast = [0.05, 0.2, 1].map(share =>
  errors(
    `fault ${percent(share)}, 5 s`,
    `canary fails ${percent(share)}, polls every 5 s`,
    'rollback',
    {canary: share},
    {
      plan: {...step, pollSeconds: 5},
    },
  ),
)

/** What the product takes at this interval: a third of it until the reading, and some three seconds in the mesh. */
const quickest = errors(
  'fault 5 %, 5 s, lag 5 s',
  'canary fails 5 %, polls every 5 s, five seconds from a grid time to the moved weight',
  'rollback',
  {canary: 0.05},
  {
    plan: {...step, pollSeconds: 5, lagSeconds: 5},
  },
)

const incident = (share: number) => ({from: 200, to: 320, share})
const shared = [0.2, 1].flatMap(share => [
  errors(
    `incident ${percent(share)}`,
    `both fail ${percent(share)} for two minutes`,
    'stays',
    {incident: incident(share)},
    {judges: allJudges},
  ),
  ...[1, 5, -1, -5].map(skew =>
    errors(
      `incident ${percent(share)}, skew ${skew} s`,
      `the same, the canary scraped ${Math.abs(skew)} s ${skew > 0 ? 'earlier' : 'later'}`,
      'stays',
      {
        incident: incident(share),
        skew,
      },
    ),
  ),
])

/** The primary's share at which the canary's 1 % has an odds ratio of 3. */
const third = 0.01 / 0.99 / 3
const harmful = {primary: third / (1 + third), canary: 0.01}
const clustered = [
  errors('clusters', 'healthy, failures in clusters of five', 'stays', {cluster: 5}, {judges: allJudges}),
  errors('clusters 1 %', 'the same at 1 %', 'stays', {cluster: 5, primary: 0.01, canary: 0.01}),
  errors('clusters, harmful', 'harmful (1 %, odds ratio 3), clusters of five', 'rollback', {...harmful, cluster: 5}),
  errors('clusters, fault 5 %', 'canary fails 5 %, clusters of five', 'rollback', {canary: 0.05, cluster: 5}),
]

const lowTraffic = [
  errors('1/s healthy', '1 request/s, healthy', 'stays', {rate: 1}),
  errors('1/s healthy, preset', '1 request/s, healthy, preset lowTraffic', 'stays', {rate: 1}, {preset: 'lowTraffic'}),
  errors('1/s fault 20 %', '1 request/s, canary fails 20 %', 'rollback', {rate: 1, canary: 0.2}),
  errors(
    '1/s fault 20 %, preset',
    '1 request/s, canary fails 20 %, preset lowTraffic',
    'rollback',
    {rate: 1, canary: 0.2},
    {preset: 'lowTraffic'},
  ),
]

const weights = [0.01, 0.05, 0.25, 0.5, 0.75].flatMap(weight => [
  errors(`weight ${percent(weight)}`, `healthy at weight ${percent(weight)}`, 'stays', {weight}),
  errors(`weight ${percent(weight)}, fault`, `canary fails 5 % at weight ${percent(weight)}`, 'rollback', {
    weight,
    canary: 0.05,
  }),
])

const rates = [10, 1000].flatMap(rate => [
  errors(`${rate}/s`, `healthy at ${rate} requests/s`, 'stays', {rate}),
  errors(`${rate}/s, fault`, `canary fails 5 % at ${rate} requests/s`, 'rollback', {rate, canary: 0.05}),
])

const late = [30, 60].flatMap(minute =>
  [0.05, 0.2].map(share =>
    errors(
      `onset ${minute} min, ${percent(share)}`,
      `canary fails ${percent(share)} from minute ${minute} on`,
      'rollback',
      {canary: share, onset: minute * 60},
      {
        plan: {...step, goOn: true, deadlineSeconds: minute * 60 + 900},
      },
    ),
  ),
)

const releaseWeights = [0.05, 0.2, 0.5, 0.75]
const releases = [0.001, 0.005, 0.01, 0.05].map(share =>
  errors(
    `release ${percent(share)}`,
    `release 5, 20, 50, 75 %; canary fails ${percent(share)}`,
    share === 0.001 ? 'stays' : 'rollback',
    {canary: share},
    {
      plan: {...step, weights: releaseWeights},
    },
  ),
)

const latencies = [1, 1.1, 1.5, 2].map(
  (slower): LatencyScenario => ({
    kind: 'latency',
    id: `latency ${slower}`,
    title: slower === 1 ? 'healthy latency' : `canary slower by a factor of ${slower}`,
    good: slower === 1 ? 'stays' : 'rollback',
    conditions: {rate: 100, weight: 0.1, medianMilliseconds: 100, slower},
    plan: slower === 1 ? long : step,
  }),
)

export const scenarios: readonly Scenario[] = [
  ...healthy,
  ...shared,
  ...clustered.slice(0, 2),
  ...faulty,
  ...fast,
  quickest,
  errors('harmful', 'harmful: 1 %, odds ratio 3', 'rollback', harmful),
  ...clustered.slice(2),
  ...late,
  ...weights,
  ...rates,
  ...lowTraffic,
  ...releases,
  ...latencies,
]
