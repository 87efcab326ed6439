// Errors and latency with several bounds in one release: alpha is for all of them together.
import {durations, slowDown} from './latency.ts'
import {harmful, incident, type Scenario, scenario} from './scenario.ts'

const checks = [
  {metric: 'requestErrors'},
  {metric: 'requestDuration', slowerThan: '500ms', furtherBounds: ['250ms', '1s']},
]
const slow = {harm: 'slow'} as const

export const combinedScenarios: readonly Scenario[] = [
  scenario('checks, healthy', 'healthy', 'stays', durations(1), {checks}),
  scenario(
    'checks, healthy 1 %',
    'healthy, both fail 1 %',
    'stays',
    {...durations(1), primary: 0.01, canary: 0.01},
    {checks},
  ),
  scenario(
    'checks, incident 20 %',
    'both fail 20 % for two minutes, and are slower by a factor of 2',
    'stays',
    {...durations(1), incidents: incident(0.2).map(one => ({...one, slower: 2}))},
    {checks},
  ),
  scenario(
    'checks, outage',
    'both fail 100 % for two minutes',
    'stays',
    {...durations(1), incidents: incident(1)},
    {checks},
  ),
  scenario(
    'checks, slow-down',
    'both slower by a factor of 2 for two minutes',
    'stays',
    {...durations(1), incidents: slowDown},
    {checks},
  ),
  scenario(
    'checks, clusters',
    'healthy, failures in clusters of five',
    'stays',
    {...durations(1), cluster: 5},
    {checks},
  ),
  scenario(
    'checks, fault 1 %',
    'canary fails 1 %, primary 0.1 %',
    'rollback',
    {...durations(1), canary: 0.01},
    {checks},
  ),
  scenario(
    'checks, fault 5 %',
    'canary fails 5 %, primary 0.1 %',
    'rollback',
    {...durations(1), canary: 0.05},
    {checks},
  ),
  scenario('checks, harmful', 'harmful: 1 %, odds ratio 3', 'rollback', {...durations(1), ...harmful}, {checks}),
  scenario('checks, latency 1.5', 'canary slower by a factor of 1.5', 'rollback', durations(1.5), {checks}, slow),
  scenario('checks, latency 2', 'canary slower by a factor of 2', 'rollback', durations(2), {checks}, slow),
]
