// What the figures are measured against: our own requirements, and another controller on the same control plane.
import type {Results} from './report.ts'

/** Rows of a table, as text. */
export type Rows = string[][]

/** Requests and writes of one release of five steps, events included. */
const maximumRequests = 45
const maximumWrites = 30
const maximumStatusKibibytes = 64
const maximumSecretsMebibytes = 20

/** Flagger 1.44.0 with its interval of 30 s, measured on this control plane (test/cluster/control-plane.ts). */
const flagger = {
  idleRequestsPerMinute: 24,
  releaseRequests: 172,
  releaseWrites: 28,
  idleCpuSecondsPerMinute: 1.9,
  residentMebibytes: [
    {rollouts: 10, mebibytes: 63},
    {rollouts: 100, mebibytes: 70},
  ],
}

interface Target {
  text: string
  measured: number
  /** The largest figure that meets it. */
  most: number
}

/** Every requirement, with what was measured. */
export function targetRows(results: Results): Rows {
  return targets(results).map(({text, measured, most}) => [
    text,
    String(most),
    rounded(measured),
    measured <= most ? 'met' : '**missed**',
  ])
}

function targets({idle, releases, largestStatusBytes, secrets}: Results): Target[] {
  const most = (values: number[]) => Math.max(...values)
  const name = `${secrets.count} foreign Secrets of ${secrets.bytes / 1000} kB: resident memory, MiB more`
  return [
    {
      text: 'idle: requests per minute beside watches and the Lease',
      measured: most(idle.map(row => row.requestsPerMinute)),
      most: 0,
    },
    {
      text: 'release of five steps: requests, the costliest',
      measured: most(releases.map(row => row.most.requests)),
      most: maximumRequests,
    },
    {
      text: 'release of five steps: writes with events, the costliest',
      measured: most(releases.map(row => row.most.writes)),
      most: maximumWrites,
    },
    {text: 'largest status, KiB', measured: largestStatusBytes / 1024, most: maximumStatusKibibytes},
    {
      text: name,
      measured: mean(secrets.withMebibytes) - mean(secrets.withoutMebibytes),
      most: maximumSecretsMebibytes,
    },
  ]
}

/** Each figure that was measured of the other controller, ours, and theirs by ours. */
export function peerRows({idle, releases}: Results): Rows {
  const largest = idle.at(-1)
  const hundred = idle.find(row => row.rollouts === 100)
  const [alone] = releases
  if (!largest || !hundred || !alone) return []
  return [
    compared(
      'idle: requests per Rollout and minute',
      flagger.idleRequestsPerMinute,
      largest.requestsPerMinute / largest.rollouts,
    ),
    compared(
      'idle at 100: the same, the Lease included',
      flagger.idleRequestsPerMinute,
      (hundred.requestsPerMinute + hundred.leasePerMinute) / hundred.rollouts,
    ),
    compared('release of five steps: requests', flagger.releaseRequests, alone.mean.requests),
    compared('release of five steps: writes', flagger.releaseWrites, alone.mean.writes),
    compared('idle at 100: CPU s / min', flagger.idleCpuSecondsPerMinute, hundred.cpuSecondsPerMinute),
    ...flagger.residentMebibytes.flatMap(({rollouts, mebibytes}) => {
      const ours = idle.find(row => row.rollouts === rollouts)
      return ours ? [compared(`idle at ${rollouts}: resident MiB`, mebibytes, ours.residentMebibytes)] : []
    }),
  ]
}

function compared(text: string, theirs: number, ours: number): string[] {
  const ratio = ours === 0 ? '∞' : rounded(theirs / ours)
  return [text, rounded(theirs), rounded(ours), ours < theirs ? ratio : `**${ratio}**`]
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}
