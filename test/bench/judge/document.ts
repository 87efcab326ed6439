// docs/judge.md keeps its own words; what is between the markers is measured.
import {type Measured, tables} from './report.ts'

const begin = '<!-- measured by npm run bench:judge -->'
const end = '<!-- end of what was measured -->'

/** The page with fresh figures. @throws Error when a marker is missing */
export function document(page: string, measured: Measured): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/judge.md needs the lines "${begin}" and "${end}"`)
  return `${page.slice(0, from + begin.length)}\n\n${body(measured)}\n\n${page.slice(to)}`
}

/** Everything that was measured, in Markdown. */
export function body(measured: Measured): string {
  const of = tables(measured)
  const {runs, seconds, machine} = measured
  return [
    `${runs.toLocaleString('en-US')} runs per scenario and judge, ${seconds} s on ${machine}. Shares with their 95 % intervals after Wilson.`,
    '### Against the targets',
    of.targets,
    '### Beside other judges',
    'Share of the runs that were rolled back, and the median of failed user requests until the weight had moved. For the first rows a rollback is wrong, from "canary fails" on it is right.',
    of.compared,
    '![Failed requests until the weight moved back](judge/damage.svg)',
    'From the first weight to the promotion of a healthy version, without the times of pods:',
    of.promotions,
    '### Errors, scenario by scenario',
    of.errors,
    '![False rollbacks](judge/false-rollbacks.svg)',
    '### Scrapes that differ from the polls, and arms scraped apart',
    of.scrapes,
    '### Latency',
    "Lognormal durations (median 100 ms, sigma 0.7) in Istio's buckets, `slowerThan: 500ms`; several bounds are that with `furtherBounds: [250ms, 1s]`.",
    of.latency,
    '### Errors and latency together',
    'One check of errors and one of latency with three bounds: alpha is for both.',
    of.combined,
    '### Against a baseline',
    "As many fresh pods of the old version as the canary has: one beside the primary's ten, with an eleventh of their requests.",
    of.baselines,
    '### Whole releases',
    of.releases,
    '### The bake',
    'Steps 5, 20 and 50 %, the promotion, and ten minutes after it.',
    of.bakes,
    '### From a scrape to the moved weight',
    of.lag,
    '### CPU',
    'Of one check in one poll, evidence to sentence; the canary has a tenth of the requests.',
    of.cpu,
    '### Queries',
    'What Prometheus is asked for all Rollouts together, with a check of errors and one of latency each; counted at the port, ten intervals of 15 s.',
    of.queries,
  ].join('\n\n')
}
