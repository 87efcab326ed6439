// One check of errors, at one weight.
import {harmful, incident, judges, percent, type Scenario, scenario} from './scenario.ts'

const all = {judges}

const healthy = [0, 0.001, 0.003, 0.01, 0.02].map(share =>
  scenario(
    `healthy ${percent(share)}`,
    `healthy, both fail ${percent(share)}`,
    'stays',
    {primary: share, canary: share},
    {},
    all,
  ),
)

const shared = [0.2, 1].flatMap(share => [
  scenario(
    `incident ${percent(share)}`,
    `both fail ${percent(share)} for two minutes`,
    'stays',
    {incidents: incident(share)},
    {},
    all,
  ),
  ...[0.01, 0.5].map(weight =>
    scenario(
      `incident ${percent(share)}, weight ${percent(weight)}`,
      `the same at weight ${percent(weight)}`,
      'stays',
      {incidents: incident(share), weight},
    ),
  ),
])

const faulty = [0.005, 0.01, 0.05, 0.2, 1].map(share =>
  scenario(
    `fault ${percent(share)}`,
    `canary fails ${percent(share)}, primary 0.1 %`,
    'rollback',
    {canary: share},
    {},
    all,
  ),
)

const overBaselines = [0, 0.003, 0.01, 0.02].map(share =>
  scenario(`fault 5 % over ${percent(share)}`, `canary fails 5 %, primary ${percent(share)}`, 'rollback', {
    primary: share,
    canary: 0.05,
  }),
)

const fast = [0.05, 0.2, 1].map(share =>
  scenario(
    `fault ${percent(share)}, 5 s`,
    `canary fails ${percent(share)}, polls and scrapes every 5 s`,
    'rollback',
    {canary: share},
    {pollSeconds: 5},
  ),
)

const istio = [15, 5].map(pollSeconds =>
  scenario(
    `fault 5 %, ${pollSeconds} s, Istio`,
    `canary fails 5 %, polls and scrapes every ${pollSeconds} s, Istio's settling time of 8 s`,
    'rollback',
    {canary: 0.05},
    {pollSeconds, settleSeconds: 8},
  ),
)

const clustered = [
  scenario('clusters', 'healthy, failures in clusters of five', 'stays', {cluster: 5}, {}, all),
  scenario('clusters 1 %', 'the same at 1 %', 'stays', {cluster: 5, primary: 0.01, canary: 0.01}),
  scenario('clusters, harmful', 'harmful (1 %, odds ratio 3), clusters of five', 'rollback', {...harmful, cluster: 5}),
  scenario('clusters, fault 5 %', 'canary fails 5 %, clusters of five', 'rollback', {canary: 0.05, cluster: 5}),
]

const lowTraffic = ([undefined, 'lowTraffic'] as const).flatMap(preset => {
  const named = preset ? ', preset lowTraffic' : ''
  const plan = preset ? {preset} : {}
  return [
    scenario(`1/s healthy${named}`, `1 request/s, healthy${named}`, 'stays', {rate: 1}, plan),
    scenario(
      `1/s fault 20 %${named}`,
      `1 request/s, canary fails 20 %${named}`,
      'rollback',
      {rate: 1, canary: 0.2},
      plan,
    ),
  ]
})

const weights = [0.01, 0.05, 0.25, 0.5, 0.75].flatMap(weight => [
  scenario(`weight ${percent(weight)}`, `healthy at weight ${percent(weight)}`, 'stays', {weight}),
  scenario(`weight ${percent(weight)}, fault`, `canary fails 5 % at weight ${percent(weight)}`, 'rollback', {
    weight,
    canary: 0.05,
  }),
])

const rates = [10, 1000].flatMap(rate => [
  scenario(`${rate}/s`, `healthy at ${rate} requests/s`, 'stays', {rate}),
  scenario(`${rate}/s, fault`, `canary fails 5 % at ${rate} requests/s`, 'rollback', {rate, canary: 0.05}),
])

const late = [30, 60].flatMap(minute =>
  [0.05, 0.2].map(share =>
    scenario(
      `onset ${minute} min, ${percent(share)}`,
      `canary fails ${percent(share)} from minute ${minute} on`,
      'rollback',
      {canary: share, onset: minute * 60},
      {goOn: true, deadlineSeconds: minute * 60 + 900},
    ),
  ),
)

export const errorScenarios: readonly Scenario[] = [
  ...healthy,
  ...shared,
  ...clustered.slice(0, 2),
  ...faulty,
  ...overBaselines,
  ...fast,
  ...istio,
  scenario('harmful', 'harmful: 1 %, odds ratio 3', 'rollback', harmful),
  ...clustered.slice(2),
  ...late,
  ...weights,
  ...rates,
  ...lowTraffic,
]
