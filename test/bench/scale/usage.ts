// What a process costs, from /proc; and the wait in its queue, from its own metrics.
import {readFileSync} from 'node:fs'

/** Clock ticks of /proc/<pid>/stat per second: USER_HZ, 100 on every Linux that Node runs on. */
const ticksPerSecond = 100
const bytesPerMebibyte = 1024 * 1024

/** User and system time so far. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Fields 14 and 15 of proc(5); the first one here is field 3.
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory now. */
export function residentMebibytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return (Number(line?.[1]) * 1024) / bytesPerMebibyte
}

/** Counts of a histogram's buckets by their upper bound in seconds. */
export type Buckets = Map<number, number>

/** The wait in the queue of Rollouts since the controller began. */
export async function queueWait(port: number): Promise<Buckets> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const buckets: Buckets = new Map()
  for (const [, labels = '', count] of text.matchAll(/^fairlead_queue_wait_seconds_bucket\{(.*)\} (\d+)$/gm)) {
    if (!labels.includes('queue="rollout"')) continue
    const bound = /le="([^"]+)"/.exec(labels)?.[1]
    buckets.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count))
  }
  return buckets
}

/** Milliseconds below which the share of the waits between two readings lies: the upper bound of its bucket. */
export function quantileMilliseconds(before: Buckets, after: Buckets, share: number): number {
  const rows = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
  const total = rows.at(-1)?.[1] ?? 0
  const row = rows.find(([, count]) => count >= share * total)
  return (row?.[0] ?? Number.NaN) * 1000
}

/** Passes of the queue of Rollouts that have begun. */
export function passes(buckets: Buckets): number {
  return buckets.get(Number.POSITIVE_INFINITY) ?? 0
}
