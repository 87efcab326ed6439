// The tables, for the terminal and for docs/benchmarks.md.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {peerRows, type Rows, targetRows} from './targets.ts'

export interface IdleRow {
  rollouts: number
  /** From the last Rollout that was made to all healthy. */
  adoptedSeconds: number
  firstPassMilliseconds: number
  requestsPerMinute: number
  watchesPerMinute: number
  leasePerMinute: number
  cpuSecondsPerMinute: number
  residentMebibytes: number
  /** p50 and p99 of the wait in the queue after a start, when all are looked at at once. */
  startWaitMilliseconds: [number, number]
}

interface Counts {
  requests: number
  writes: number
  events: number
}

export interface ReleaseRow {
  releases: number
  seconds: number
  mean: Counts
  most: Counts
  /** Mean per release, by verb and resource. */
  kinds: [kind: string, count: number][]
  cpuSecondsPerRelease: number
  peakMebibytes: number
  waitMilliseconds: [number, number]
}

export interface Results {
  machine: string
  idle: IdleRow[]
  releases: ReleaseRow[]
  largestStatusBytes: number
  secrets: {count: number; bytes: number; withoutMebibytes: number[]; withMebibytes: number[]}
}

const document = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url))
const begin = '<!-- measured by npm run bench:scale -->'
const end = '<!-- end -->'

function table(head: string[], rows: Rows): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function one(value: number): string {
  return value.toFixed(1)
}

function bound(value: number): string {
  return Number.isFinite(value) ? `≤ ${value}` : '> largest bucket'
}

function counts({requests, writes, events}: Counts): string {
  return `${one(requests)} / ${one(writes)} / ${one(events)}`
}

/** Markdown that a terminal shows well enough. */
export function render(results: Results): string {
  const {secrets} = results
  const memory = (values: number[]) => values.map(one).join(', ')
  return [
    `Measured on ${results.machine}.`,
    table(['requirement', 'at most', 'measured', ''], targetRows(results)),
    table(['Flagger 1.44.0 on the same control plane', 'Flagger', 'Fairlead', 'Flagger / Fairlead'], peerRows(results)),
    table(
      [
        'Rollouts, idle',
        'requests / min',
        'list and watch / min',
        'Lease / min',
        'CPU s / min',
        'resident MiB',
        'first pass after start, s',
        'queue wait after start p50, p99, ms',
        'adopted in, s',
      ],
      results.idle.map(row => [
        String(row.rollouts),
        String(row.requestsPerMinute),
        String(row.watchesPerMinute),
        String(row.leasePerMinute),
        row.cpuSecondsPerMinute.toFixed(2),
        one(row.residentMebibytes),
        (row.firstPassMilliseconds / 1000).toFixed(2),
        row.startWaitMilliseconds.map(bound).join(', '),
        one(row.adoptedSeconds),
      ]),
    ),
    table(
      [
        'releases at once',
        'took, s',
        'requests / writes / of them events, mean',
        'the same, most',
        'CPU s / release',
        'peak MiB',
        'queue wait p50, p99, ms',
      ],
      results.releases.map(row => [
        String(row.releases),
        one(row.seconds),
        counts(row.mean),
        counts(row.most),
        row.cpuSecondsPerRelease.toFixed(2),
        one(row.peakMebibytes),
        row.waitMilliseconds.map(bound).join(', '),
      ]),
    ),
    table(
      ['request of a release', ...results.releases.map(row => `mean, ${row.releases} at once`)],
      kindsOf(results.releases).map(kind => [
        kind,
        ...results.releases.map(row => one(row.kinds.find(([other]) => other === kind)?.[1] ?? 0)),
      ]),
    ),
    `Largest status: ${(results.largestStatusBytes / 1024).toFixed(1)} KiB.`,
    `Resident after a start, runs without and with ${secrets.count} foreign Secrets of ${secrets.bytes / 1000} kB in a followed namespace: ${memory(secrets.withoutMebibytes)} and ${memory(secrets.withMebibytes)} MiB.`,
  ].join('\n\n')
}

function kindsOf(rows: readonly ReleaseRow[]): string[] {
  return [...new Set(rows.flatMap(({kinds}) => kinds.map(([kind]) => kind)))]
}

/** Replaces what the last run measured. @throws Error when the document lacks the markers */
export function writeDocument(results: Results): void {
  const text = readFileSync(document, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md lacks ${begin} or ${end}`)
  writeFileSync(document, `${text.slice(0, from + begin.length)}\n\n${render(results)}\n\n${text.slice(to)}`)
}
