// Whole releases, and what comes after the promotion.
import {type Plan, usualPlan} from '../plan.ts'
import {harmful, percent, type Scenario, scenario} from './scenario.ts'

const weights = [0.05, 0.2, 0.5, 0.75]
/** Unlike single steps, they end. */
const step: Plan = {...usualPlan, goOn: false}
const release: Plan = {...step, weights}
const text = 'steps 5, 20, 50, 75 %'

export const releaseScenarios: readonly Scenario[] = [
  ...[0.001, 0.005, 0.01, 0.05].map(share =>
    scenario(
      `release ${percent(share)}`,
      `${text}; canary fails ${percent(share)}`,
      share === 0.001 ? 'stays' : 'rollback',
      {canary: share},
      release,
    ),
  ),
  scenario('release, healthy 1 %', 'the same; both fail 1 %', 'stays', {primary: 0.01, canary: 0.01}, release),
  scenario('release, harmful', 'the same; harmful: 1 %, odds ratio 3', 'rollback', harmful, release),
  scenario('release, clusters', 'the same; healthy, failures in clusters of five', 'stays', {cluster: 5}, release),
  ...[10, 1000].flatMap(rate => [
    scenario(`release, ${rate}/s`, `the same at ${rate} requests/s; healthy`, 'stays', {rate}, release),
    scenario(
      `release, ${rate}/s, fault`,
      `the same at ${rate} requests/s; canary fails 5 %`,
      'rollback',
      {rate, canary: 0.05},
      release,
    ),
  ]),
  scenario(
    'release, incident at a move',
    'steps 5, 75 %; both fail 20 % for 8 s as the weight moves',
    'stays',
    {},
    {...step, weights: [0.05, 0.75], atMove: {step: 1, incident: {from: 0, to: 8, share: 0.2}}},
  ),
]

const steps: Plan = {...step, weights: [0.05, 0.2, 0.5]}
const seconds = 600
const holdback = 0.25
const fault = {canary: 0.05, onset: Number.POSITIVE_INFINITY}
const shared = {from: 200, to: 320, share: 0.2}

export const bakeScenarios: readonly Scenario[] = [
  scenario('bake, holdback', 'holdback 25 %; healthy', 'stays', {}, {...steps, bake: {seconds, holdback}}),
  scenario(
    'bake, holdback, incident',
    'holdback 25 %; both fail 20 % for two minutes of it',
    'stays',
    {},
    {...steps, bake: {seconds, holdback, incident: shared}},
  ),
  scenario(
    'bake, holdback, clusters',
    'holdback 25 %; healthy, failures in clusters of five',
    'stays',
    {cluster: 5},
    {
      ...steps,
      bake: {seconds, holdback},
    },
  ),
  scenario(
    'bake, holdback, fault',
    'holdback 25 %; the new version fails 5 % from its minute 5 on',
    'rollback',
    fault,
    {
      ...steps,
      bake: {seconds, holdback, onset: 300},
    },
  ),
  scenario('bake, alone', 'no holdback; healthy', 'stays', {}, {...steps, bake: {seconds}}),
  scenario(
    'bake, alone, 1 %',
    'no holdback; healthy, both fail 1 %',
    'stays',
    {primary: 0.01, canary: 0.01},
    {
      ...steps,
      bake: {seconds},
    },
  ),
  scenario(
    'bake, alone, clusters',
    'no holdback; healthy, failures in clusters of five',
    'stays',
    {cluster: 5},
    {
      ...steps,
      bake: {seconds},
    },
  ),
  scenario('bake, alone, fault', 'no holdback; the new version fails 5 % from its minute 5 on', 'rollback', fault, {
    ...steps,
    bake: {seconds, onset: 300},
  }),
  scenario(
    'bake, alone, incident',
    'no holdback; it fails 20 % for two minutes, as the old version would have',
    'stays',
    {},
    {...steps, bake: {seconds, incident: shared}},
    {beyond: true},
  ),
]
