// Scrapes that differ from the polls, and arms that come from different scrapes: the pods' own counters.
import {incident, percent, type Scenario, scenario} from './scenario.ts'

const skews = [1, 5, -1, -5, 'random'] as const
const skewText = (skew: (typeof skews)[number]) =>
  skew === 'random'
    ? 'the arms at times of their own'
    : `the canary ${Math.abs(skew)} s ${skew > 0 ? 'before' : 'after'} the primary`

const apart = [0.2, 1].flatMap(share =>
  skews.map(skew =>
    scenario(
      `incident ${percent(share)}, skew ${skew}`,
      `both fail ${percent(share)} for two minutes, scraped apart, ${skewText(skew)}`,
      'stays',
      {incidents: incident(share), skew},
    ),
  ),
)

export const scrapeScenarios: readonly Scenario[] = [
  ...apart,
  scenario('healthy, skew random', 'healthy, scraped apart, the arms at times of their own', 'stays', {skew: 'random'}),
  scenario('fault 5 %, skew random', 'canary fails 5 %, scraped apart, the arms at times of their own', 'rollback', {
    canary: 0.05,
    skew: 'random',
  }),
  scenario(
    'fault 5 %, polls 5 s, scrapes 15 s',
    'canary fails 5 %, polls every 5 s, scrapes every 15 s',
    'rollback',
    {canary: 0.05, scrapeSeconds: 15},
    {pollSeconds: 5},
  ),
  scenario(
    'incident 20 %, polls 5 s, scrapes 15 s',
    'both fail 20 % for two minutes, polls every 5 s, scrapes every 15 s',
    'stays',
    {incidents: incident(0.2), scrapeSeconds: 15},
    {pollSeconds: 5},
  ),
  scenario(
    'incident 20 %, scrapes 60 s',
    'both fail 20 % for two minutes, polls every 15 s, scrapes every 60 s',
    'stays',
    {incidents: incident(0.2), scrapeSeconds: 60},
  ),
  scenario('fault 5 %, scrapes 60 s', 'canary fails 5 %, polls every 15 s, scrapes every 60 s', 'rollback', {
    canary: 0.05,
    scrapeSeconds: 60,
  }),
]
