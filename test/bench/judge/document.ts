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

function body(measured: Measured): string {
  const {targets, compared, errors, latency, releases, queries, promotions} = tables(measured)
  const {runs, cpu, seconds, machine} = measured
  return [
    `${runs.toLocaleString('en-US')} runs per scenario (1,000 for the other judges), ${seconds} s on ${machine}. Shares with their 95 % intervals after Wilson. CPU of one check in one poll: ${cpu.errors.toFixed(3)} ms for errors, ${cpu.latency.toFixed(3)} ms for latency with twelve buckets (target: below 0.2).`,
    '### Against the targets',
    targets,
    '### Beside other judges',
    'Share of the runs that were rolled back, and the median of failed user requests until the weight had moved. For the first rows a rollback is wrong, from "canary fails" on it is right.',
    compared,
    '![Failed requests until the weight moved back](judge/damage.svg)',
    'From the first weight to the promotion of a healthy version, without the times of pods and of the mesh:',
    promotions,
    '### Errors, scenario by scenario',
    errors,
    '![False rollbacks](judge/false-rollbacks.svg)',
    '### Latency',
    "Lognormal durations (median 100 ms, sigma 0.7) in Istio's buckets, `slowerThan: 500ms`.",
    latency,
    '### Whole releases',
    releases,
    '### Queries',
    'What Prometheus is asked for all Rollouts together, with a check of errors and one of latency each; counted at the port, ten intervals of 15 s.',
    queries,
  ].join('\n\n')
}
