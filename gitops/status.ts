// Conditions and timing of a GitSync, as pure functions of what the last pass found.
import type {GitSyncStatus} from '../crds/git-sync.ts'
import type {GitErrorReason} from './git-error.ts'
import type {ManifestErrorReason} from './manifests.ts'

type Condition = NonNullable<GitSyncStatus['conditions']>[number]

export type FailureReason =
  | GitErrorReason
  | ManifestErrorReason
  | 'ApplyFailed'
  | 'PruneFailed'
  | 'PruneRefused'
  | 'InvalidSpec'

export type ReadyReason = FailureReason | 'Applied' | 'Pruning' | 'Suspended'

/** What the Ready, Reconciling and Stalled conditions are to say. */
export interface Verdict {
  ready: Condition['status']
  reason: ReadyReason
  message: string
}

/** A user must change something; the same commit and the same spec would only fail again. */
const terminalReasons: ReadonlySet<string> = new Set<FailureReason>([
  'InvalidUrl',
  'PathNotFound',
  'RepositoryTooLarge',
  'UnsafeContent',
  'InvalidManifest',
  'NotSupported',
  'PruneRefused',
  'InvalidSpec',
])
/** The user must change something, but it may be something that only a new look shows. */
const stalledReasons: ReadonlySet<string> = new Set([...terminalReasons, 'RefNotFound', 'AuthenticationFailed'])

export const minimumRetryMilliseconds = 5_000
const maximumRetryMilliseconds = 10 * 60_000
const maximumStatusMessageLength = 2048
const maximumConditionMessageLength = 8192

/** One condition of a status. */
export function findCondition(status: GitSyncStatus, type: string): Condition | undefined {
  return status.conditions?.find(condition => condition.type === type)
}

/** Whether the last pass failed in a way that the same commit and spec can't heal. */
export function failedForGood(status: GitSyncStatus): boolean {
  const ready = findCondition(status, 'Ready')
  return ready?.status === 'False' && terminalReasons.has(ready.reason)
}

/**
 * The status with the three conditions of a verdict; a transition time moves only when its status flips.
 * @param now RFC 3339.
 */
export function withVerdict(status: GitSyncStatus, verdict: Verdict, generation: number, now: string): GitSyncStatus {
  const {ready, reason} = verdict
  const message = verdict.message.slice(0, maximumConditionMessageLength)
  const stalled = ready === 'False' && stalledReasons.has(reason)
  const reconciling = ready !== 'True' && !stalled && reason !== 'Suspended'
  const flag = (on: boolean): Condition['status'] => (on ? 'True' : 'False')
  const wanted: [string, Condition['status'], string][] = [
    ['Ready', ready, message],
    ['Reconciling', flag(reconciling), reconciling ? message : ''],
    ['Stalled', flag(stalled), stalled ? message : ''],
  ]
  const conditions = wanted.map(([type, value, text]) => {
    const before = findCondition(status, type)
    const lastTransitionTime = before?.status === value ? before.lastTransitionTime : now
    return {type, status: value, reason, message: text, lastTransitionTime, observedGeneration: generation}
  })
  const others = (status.conditions ?? []).filter(({type}) => !wanted.some(([name]) => name === type))
  return {
    ...status,
    observedGeneration: generation,
    message: message.slice(0, maximumStatusMessageLength),
    conditions: [...conditions, ...others],
  }
}

/** The status while objects are being applied: Ready keeps telling of the last pass. */
export function withReconciling(
  status: GitSyncStatus,
  message: string,
  generation: number,
  now: string,
): GitSyncStatus {
  const before = findCondition(status, 'Reconciling')
  const reconciling: Condition = {
    type: 'Reconciling',
    status: 'True',
    reason: 'Applying',
    message,
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
    observedGeneration: generation,
  }
  const others = (status.conditions ?? []).filter(({type}) => type !== 'Reconciling')
  return {...status, conditions: [...others, reconciling]}
}

/**
 * How long after its last full pass a commit is applied again. A failure is retried after as long as it has lasted, so
 * the waits double; what is well is looked at for drift.
 */
export function passIntervalMilliseconds(
  status: GitSyncStatus,
  lastPassAt: number,
  driftIntervalMilliseconds: number,
): number {
  const ready = findCondition(status, 'Ready')
  if (ready?.status === 'True') return driftIntervalMilliseconds
  if (ready === undefined || ready.reason === 'Pruning') return minimumRetryMilliseconds
  const lasted = lastPassAt - Date.parse(ready.lastTransitionTime)
  return Math.min(maximumRetryMilliseconds, Math.max(minimumRetryMilliseconds, Number.isFinite(lasted) ? lasted : 0))
}
