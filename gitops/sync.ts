// One pass of a GitSync: look at the remote, and where something is to be done, read, apply, prune and report.
// What is about to be applied is written into the inventory first, so that a crash in between forgets no object.

import type {Clock} from '../controller/ports.ts'
import {durationMilliseconds} from '../crds/common.ts'
import type {GitSyncSpec, GitSyncStatus, InventoryEntry} from '../crds/git-sync.ts'
import type {KubeObject} from '../crds/meta.ts'
import {type ApplyReport, applyObjects} from './apply.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {GitError} from './git-error.ts'
import {describeRef, refOf} from './identity.ts'
import {mergeInventories, planPrune} from './inventory.ts'
import {ManifestError, maximumObjects} from './manifests.ts'
import {type Preparation, prepareCommit, type ScopeOf} from './prepare.ts'
import {pruneEntries} from './prune.ts'
import type {CommitInfo, Repository} from './repository.ts'
import {
  failedForGood,
  findCondition,
  passIntervalMilliseconds,
  type ReadyReason,
  type Verdict,
  withReconciling,
  withVerdict,
} from './status.ts'

export interface SyncPorts {
  cluster: ClusterAccess
  clock: Clock
  scopeOf: ScopeOf
  /** Opens the repository of `spec`, credentials resolved. Throws {@link GitError}. */
  openRepository(): Promise<Repository>
  /** Writes the status in the middle of a pass, conditionally; what it throws ends the pass. */
  persist(status: GitSyncStatus): Promise<void>
}

export interface SyncInput {
  gitSync: KubeObject
  spec: GitSyncSpec
  status: GitSyncStatus
  /** When the commit was last applied in full, in milliseconds since the epoch; undefined when nobody remembers. */
  lastPassAt?: number | undefined
  /** How often what Git holds is compared with the cluster although Git did not change. */
  driftIntervalMilliseconds: number
}

export interface SyncEvent {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

export interface SyncResult {
  /** To be written when it differs from the one that came in. */
  status: GitSyncStatus
  requeueAfterMilliseconds: number
  events: SyncEvent[]
  /** Whether this was a full pass, for the next `lastPassAt`. */
  applied: boolean
}

/** A GitSync may not ask its remote more often than this. */
const minimumIntervalMilliseconds = 1_000
const maximumListed = 5

interface Pass {
  input: SyncInput
  ports: SyncPorts
  gitSyncName: string
  generation: number
  now: string
  /** The commit that this pass got hold of. */
  attempted?: string
}

/**
 * Runs one pass.
 * @throws ClusterError when the API server fails or the GitSync changed meanwhile: run another pass.
 */
export async function syncOnce(input: SyncInput, ports: SyncPorts): Promise<SyncResult> {
  const {metadata} = input.gitSync
  const pass: Pass = {
    input,
    ports,
    gitSyncName: `${metadata.namespace}/${metadata.name}`,
    generation: metadata.generation ?? 0,
    now: new Date(ports.clock.now()).toISOString(),
  }
  if (input.spec.suspend) {
    const message = 'suspended: set spec.suspend to false to go on'
    return conclude(pass, input.status, {ready: 'Unknown', reason: 'Suspended', message}, [])
  }
  let repository: Repository | undefined
  try {
    repository = await ports.openRepository()
    return await syncRepository(pass, repository)
  } catch (error) {
    if (!(error instanceof GitError) && !(error instanceof ManifestError)) throw error
    return fail(pass, error.reason, error.message)
  } finally {
    await repository?.close()
  }
}

async function syncRepository(pass: Pass, repository: Repository): Promise<SyncResult> {
  const remote = await repository.remoteHash()
  if (!isDue(pass, remote))
    return {status: pass.input.status, events: [], applied: false, ...requeue(pass, pass.input.status)}
  pass.attempted = remote
  const hash = (await repository.localHash()) === remote ? remote : await repository.fetch()
  pass.attempted = hash
  const commit = await repository.commitInfo(hash)
  const {spec, gitSync, status} = pass.input
  const {namespace = '', name} = gitSync.metadata
  const preparation = await prepareCommit(repository, {spec, gitSync: {namespace, name}, commit}, pass.ports)
  const before = status.inventory ?? []
  if (spec.prune && preparation.objects.length === 0 && preparation.failures.length === 0) {
    const plan = planPrune(before, [], spec.path)
    if (plan.kind === 'refused') return fail(pass, 'PruneRefused', plan.message)
  }
  return applyCommit(pass, commit, preparation, before)
}

/** Whether something is to be done: a new commit or spec, a failure whose retry is due, or a look for drift. */
function isDue(pass: Pass, remote: string): boolean {
  const {status, lastPassAt, driftIntervalMilliseconds} = pass.input
  if (status.lastAttemptedCommit !== remote || status.observedGeneration !== pass.generation) return true
  if (failedForGood(status)) return false
  const ready = findCondition(status, 'Ready')
  if (ready === undefined || ready.reason !== 'Applied') {
    // Git was out of reach, or the GitSync suspended: what was done before is not known to hold.
    if (!['ApplyFailed', 'PruneFailed', 'Pruning'].includes(ready?.reason ?? '')) return true
  }
  if (lastPassAt === undefined) return true
  return pass.ports.clock.now() - lastPassAt >= passIntervalMilliseconds(status, lastPassAt, driftIntervalMilliseconds)
}

async function applyCommit(
  pass: Pass,
  commit: CommitInfo,
  preparation: Preparation,
  before: InventoryEntry[],
): Promise<SyncResult> {
  const {ports, input} = pass
  const wanted = preparation.objects.map(({manifest}) => refOf(manifest))
  const all = mergeInventories(before, wanted)
  if (all.length > maximumObjects) {
    const message = `this commit and the one before hold ${all.length} objects together, more than the ${maximumObjects} of an inventory: remove the old ones in a commit of their own`
    return fail(pass, 'InvalidManifest', message)
  }
  if (all.length > before.length) {
    const announced = withReconciling(input.status, `applying ${describeCommit(commit)}`, pass.generation, pass.now)
    await ports.persist({...announced, inventory: all})
  }
  const report = await applyObjects(preparation.objects, pass.gitSyncName, ports)
  const failures = [...preparation.failures, ...report.failures]
  const status: GitSyncStatus = {...input.status, lastAttemptedCommit: commit.hash, inventory: all}
  if (failures.length > 0) {
    // What failed may be what replaces something else: nothing is removed.
    const message = `${failures.length} of ${wanted.length + preparation.failures.length} objects failed: ${listed(failures, ' | ')}`
    return conclude(pass, status, {ready: 'False', reason: 'ApplyFailed', message}, [], true)
  }
  return pruneAndFinish(pass, commit, {status, wanted, before, report})
}

interface AppliedCommit {
  status: GitSyncStatus
  wanted: InventoryEntry[]
  before: InventoryEntry[]
  report: ApplyReport
}

async function pruneAndFinish(pass: Pass, commit: CommitInfo, applied: AppliedCommit): Promise<SyncResult> {
  const {spec, status: previous} = pass.input
  const {wanted, before, report} = applied
  const plan = spec.prune ? planPrune(before, wanted, spec.path) : undefined
  const pruned = await pruneEntries(plan?.kind === 'prune' ? plan.entries : [], pass.gitSyncName, pass.ports)
  const isNew = previous.lastAppliedCommit !== commit.hash
  const status: GitSyncStatus = {
    ...applied.status,
    inventory: mergeInventories(pruned.remaining, wanted),
    lastAppliedCommit: commit.hash,
    lastAppliedSubject: commit.subject,
    lastAppliedAuthor: commit.author,
    ...(isNew ? {lastAppliedTime: pass.now} : {}),
  }
  const events = eventsOf(commit, isNew, report, pruned.removed)
  return conclude(pass, status, verdictOf(commit, wanted.length, pruned), events, true)
}

function verdictOf(
  commit: CommitInfo,
  objectCount: number,
  pruned: {remaining: InventoryEntry[]; failures: string[]},
): Verdict {
  if (pruned.failures.length > 0) {
    const message = `applied, but ${pruned.failures.length} objects could not be removed: ${listed(pruned.failures, ' | ')}`
    return {ready: 'False', reason: 'PruneFailed', message}
  }
  if (pruned.remaining.length > 0) {
    const message = `applied; waiting for the removal of ${listed(pruned.remaining.map(describeRef), ', ')}`
    return {ready: 'Unknown', reason: 'Pruning', message}
  }
  return {ready: 'True', reason: 'Applied', message: `applied ${describeCommit(commit)}: ${objectCount} objects`}
}

function eventsOf(
  commit: CommitInfo,
  isNew: boolean,
  report: ApplyReport,
  removed: readonly InventoryEntry[],
): SyncEvent[] {
  const events: SyncEvent[] = []
  if (isNew) {
    const message = `Applied ${describeCommit(commit)}: ${report.changed.length} of ${report.applied.length} objects changed`
    events.push({type: 'Normal', reason: 'Applied', message})
  } else if (report.changed.length > 0) {
    const names = listed(report.changed.map(describeRef), ', ')
    events.push({type: 'Normal', reason: 'DriftCorrected', message: `Set back to what Git says: ${names}`})
  }
  if (removed.length > 0) {
    const names = listed(removed.map(describeRef), ', ')
    events.push({type: 'Normal', reason: 'Pruned', message: `Removed what Git no longer holds: ${names}`})
  }
  return events
}

function fail(pass: Pass, reason: ReadyReason, message: string): SyncResult {
  const {status} = pass.input
  const attempted = pass.attempted === undefined ? {} : {lastAttemptedCommit: pass.attempted}
  return conclude(pass, {...status, ...attempted}, {ready: 'False', reason, message}, [], pass.attempted !== undefined)
}

function conclude(
  pass: Pass,
  status: GitSyncStatus,
  verdict: Verdict,
  events: SyncEvent[],
  applied = false,
): SyncResult {
  const before = findCondition(pass.input.status, 'Ready')
  const isNews =
    before?.status !== verdict.ready || before.reason !== verdict.reason || before.message !== verdict.message
  const warnings: SyncEvent[] =
    verdict.ready === 'False' && isNews ? [{type: 'Warning', reason: verdict.reason, message: verdict.message}] : []
  const next = withVerdict(status, verdict, pass.generation, pass.now)
  return {status: next, events: [...events, ...warnings], applied, ...requeue(pass, next)}
}

/** The remote is asked at the interval; a failed pass may come back sooner, and never later. */
function requeue(pass: Pass, status: GitSyncStatus): {requeueAfterMilliseconds: number} {
  const {spec, driftIntervalMilliseconds} = pass.input
  const interval = Math.max(minimumIntervalMilliseconds, durationMilliseconds(spec.interval))
  const isSettled = findCondition(status, 'Ready')?.status === 'True' || failedForGood(status) || spec.suspend
  if (isSettled) return {requeueAfterMilliseconds: interval}
  const retry = passIntervalMilliseconds(status, pass.ports.clock.now(), driftIntervalMilliseconds)
  return {requeueAfterMilliseconds: Math.min(interval, retry)}
}

function describeCommit(commit: CommitInfo): string {
  return `commit ${commit.hash.slice(0, 12)} ${JSON.stringify(commit.subject)} by ${commit.author}`
}

function listed(items: readonly string[], separator: string): string {
  const shown = items.slice(0, maximumListed).join(separator)
  return items.length > maximumListed ? `${shown} and ${items.length - maximumListed} more` : shown
}
