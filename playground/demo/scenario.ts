// What a user does: merge a good version, a bad one, then the fix; and what is measured of each release.
import type {KubeObject} from '../../crds/meta.ts'
import type {HistoryEntry, RolloutStatus} from '../../crds/rollout-status.ts'
import type {DemoEnvironment} from './environment.ts'
import {type DemoVersion, demoName, demoNamespace} from './manifests.ts'
import {between, type Traffic, type TrafficCount} from './traffic.ts'

export interface DemoMerge {
  version: DemoVersion
  subject: string
  expected: 'Promoted' | 'RolledBack'
}

export const firstVersion: DemoVersion = {version: '1.0.0', failureShare: 0}

export const merges: readonly DemoMerge[] = [
  {version: {version: '2.0.0', failureShare: 0}, subject: 'checkout 2.0.0: new basket', expected: 'Promoted'},
  {version: {version: '3.0.0', failureShare: 0.3}, subject: 'checkout 3.0.0: faster payment', expected: 'RolledBack'},
  {version: {version: '3.0.1', failureShare: 0}, subject: 'checkout 3.0.1: fix payment', expected: 'Promoted'},
]

/** One release as the demo reports it. */
export interface ReleaseReport {
  commit: string
  subject: string
  outcome: HistoryEntry['outcome']
  weights: number[]
  durationSeconds: number
  requests: {total: number; failed: number; canaryTotal: number; canaryFailed: number}
  alerts: {event: string; title: string; text: string}[]
  reason: string
}

export interface MeasuredRelease {
  report: ReleaseReport
  /** From the push of the merge to the first wish that it has requests: a weight, or those that match. */
  firstWeightSeconds: number
  counted: TrafficCount
  expected: boolean
}

/** Told of everything that happens, for the live view or plain lines. */
export interface DemoListener {
  step(text: string): void
  status(status: RolloutStatus): void
  event(reason: string, message: string): void
}

const releaseTimeoutMilliseconds = 60_000

/** Follows the Rollout and its events for the listener; the way out. */
export function follow(environment: DemoEnvironment, listener: DemoListener): () => void {
  const stopRollouts = environment.store.watch(
    'rollouts.fairlead.dev',
    ({object}) => listener.status((object.status ?? {}) as RolloutStatus),
    {initial: true},
  )
  const stopEvents = environment.store.watch('events', ({type, object}) => {
    if (type === 'ADDED') listener.event(String(object.reason), String(object.message))
  })
  return () => {
    stopRollouts()
    stopEvents()
  }
}

/** The Rollout's status; empty before there is one. */
function statusNow(environment: DemoEnvironment): RolloutStatus {
  const rollout: KubeObject | undefined = environment.store.get('rollouts.fairlead.dev', demoNamespace, demoName)
  return (rollout?.status ?? {}) as RolloutStatus
}

/** Resolves once the Rollout's status meets a condition. @throws Error that says where it stands after the time-out */
export async function untilStatus(
  environment: DemoEnvironment,
  what: string,
  holds: (status: RolloutStatus) => boolean,
  timeoutMilliseconds = releaseTimeoutMilliseconds,
): Promise<RolloutStatus> {
  const end = Date.now() + timeoutMilliseconds
  for (;;) {
    const status = statusNow(environment)
    if (holds(status)) return status
    if (Date.now() > end)
      throw new Error(
        `${what} did not happen within ${timeoutMilliseconds / 1000} s: the Rollout is ${status.phase ?? 'without status'} (${status.message ?? ''})`,
      )
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Whether the version of a commit has requests, or had: at once with a blue/green switch, which makes it the primary. */
function reaches({canary, primary, traffic, history}: RolloutStatus, commit: string): boolean {
  if (primary?.commit?.hash === commit || history?.[0]?.commit?.hash === commit) return true
  if (canary?.commit?.hash !== commit || !traffic) return false
  const {wanted} = traffic
  return wanted[canary.slot] > 0 || wanted.apart?.matched === true
}

/** Merges one version and waits for the end of its release. */
export async function release(
  environment: DemoEnvironment,
  traffic: Traffic,
  merge: DemoMerge,
): Promise<MeasuredRelease> {
  const before = traffic.count()
  const alertsBefore = new Set(environment.alerts.alerts().map(alert => alert.id))
  const commit = await environment.repository.merge(merge.version, merge.subject)
  const startedAt = Date.now()
  await untilStatus(environment, 'the first request', status => reaches(status, commit))
  const firstWeightSeconds = (Date.now() - startedAt) / 1000
  const ended = await untilStatus(
    environment,
    'the end of the release',
    status => status.history?.[0]?.commit?.hash === commit && status.release === undefined,
  )
  const entry = ended.history?.[0]
  if (!entry) throw new Error(`no history after the release of ${commit}`)
  // An alert is sent beside the rollback: it may arrive a moment after its end.
  await untilStatus(environment, 'delivery of the alerts', status => (status.alerts ?? []).length === 0)
  const counted = between(before, traffic.count())
  const canary = counted.byVersion[merge.version.version] ?? {total: 0, failed: 0}
  const alerts = environment.alerts.alerts().filter(alert => !alertsBefore.has(alert.id))
  const report: ReleaseReport = {
    commit,
    subject: merge.subject,
    outcome: entry.outcome,
    weights: entry.weights,
    durationSeconds: Math.round((Date.now() - startedAt) / 100) / 10,
    requests: {total: counted.total, failed: counted.failed, canaryTotal: canary.total, canaryFailed: canary.failed},
    alerts: alerts.map(({event, title, text}) => ({event, title, text})),
    reason: entry.message,
  }
  const alerted = merge.expected === 'RolledBack' ? alerts.length > 0 : true
  return {report, firstWeightSeconds, counted, expected: entry.outcome === merge.expected && alerted}
}
