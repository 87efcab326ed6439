// Checks of latency: lognormal durations (median 100 ms, sigma 0.7), slow from 500 ms on.
import {type Scenario, scenario} from './scenario.ts'

const oneBound = [{metric: 'requestDuration', slowerThan: '500ms'}]
const severalBounds = [{metric: 'requestDuration', slowerThan: '500ms', furtherBounds: ['250ms', '1s']}]
export const durations = (slower: number) => ({durations: {medianMilliseconds: 100, slower}})
export const slowDown = [{from: 200, to: 320, share: 0, slower: 2}]
const slow = {harm: 'slow'} as const
/** At this factor the canary's odds to take more than 500 ms are twice the primary's 1.07 %: harmful by the margins. */
const harmfulFactor = 1.2065

export const latencyScenarios: readonly Scenario[] = [
  ...[1, 1.1, 1.5, 2].map(factor =>
    scenario(
      `latency ${factor}`,
      factor === 1 ? 'healthy latency' : `canary slower by a factor of ${factor}`,
      factor === 1 ? 'stays' : 'rollback',
      durations(factor),
      {checks: oneBound},
      slow,
    ),
  ),
  scenario(
    'latency, harmful',
    'harmful: slow requests with an odds ratio of 2',
    'rollback',
    durations(harmfulFactor),
    {checks: oneBound},
    slow,
  ),
  scenario(
    'latency, slow-down',
    'both slower by a factor of 2 for two minutes',
    'stays',
    {...durations(1), incidents: slowDown},
    {checks: oneBound},
    slow,
  ),
  ...([1, 5, 'random'] as const).map(skew =>
    scenario(
      `latency, slow-down, skew ${skew}`,
      `the same, scraped apart, ${skew === 'random' ? 'the arms at times of their own' : `the canary ${skew} s before the primary`}`,
      'stays',
      {...durations(1), incidents: slowDown, skew},
      {checks: oneBound},
      slow,
    ),
  ),
  scenario(
    'latency, onset 30 min',
    'canary slower by a factor of 2 from minute 30 on',
    'rollback',
    {...durations(2), onset: 1800},
    {checks: oneBound, goOn: true, deadlineSeconds: 2700},
    slow,
  ),
  ...[1, 1.5, 2].map(factor =>
    scenario(
      `latency, several bounds, ${factor}`,
      `bounds 250 ms, 500 ms and 1 s: ${factor === 1 ? 'healthy' : `canary slower by a factor of ${factor}`}`,
      factor === 1 ? 'stays' : 'rollback',
      durations(factor),
      {checks: severalBounds},
      slow,
    ),
  ),
]
