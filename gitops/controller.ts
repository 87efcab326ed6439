// Reconciles GitSyncs by key. Everything that it must remember stands in the status; what it keeps in memory only saves
// work, and a restart costs one full pass.

import {createHash} from 'node:crypto'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {isDeepStrictEqual} from 'node:util'
import {type Clock, ClusterError} from '../controller/ports.ts'
import {durationMilliseconds} from '../crds/common.ts'
import {type GitSyncSpec, type GitSyncStatus, gitSyncSpec} from '../crds/git-sync.ts'
import type {KubeObject, ObjectRef} from '../crds/meta.ts'
import {apiVersion, fieldManager, gitSyncFinalizer} from '../crds/names.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {readCredentials} from './credentials.ts'
import {inPruneOrder} from './identity.ts'
import type {ScopeOf} from './prepare.ts'
import {pruneEntries} from './prune.ts'
import {openRepository, type Repository} from './repository.ts'
import {minimumRetryMilliseconds, withVerdict} from './status.ts'
import {type SyncResult, syncOnce} from './sync.ts'

/** Where log lines go; a pino logger fits. */
export interface GitSyncLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface GitSyncReconcilerOptions {
  cluster: ClusterAccess
  clock: Clock
  log: GitSyncLog
  /** Folder of the controller's own; each GitSync gets one in it. */
  cacheDirectory: string
  /** Whether file:// repositories are allowed. */
  allowFile: boolean
  /** Whether objects of a kind live in namespaces; undefined when the server doesn't know the kind. */
  scopeOf: ScopeOf
  events(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** Where git, ssh and setsid are found, as in PATH. */
  searchPath?: string | undefined
  /** How often what Git holds is compared with the cluster although Git did not change. */
  driftIntervalMilliseconds?: number | undefined
}

export interface ReconcileResult {
  requeueAfterMilliseconds?: number
}

interface Memory {
  uid: string
  generation: number
  lastPassAt?: number
  dueAt: number
}

const defaultDriftIntervalMilliseconds = 3 * 60_000
const conflictRetryMilliseconds = 200
const kind = 'GitSync'

/** One pass per call; the caller's queue keeps calls for one key apart. */
export class GitSyncReconciler {
  private readonly options: GitSyncReconcilerOptions
  /** One entry per living GitSync. */
  private readonly memories = new Map<string, Memory>()

  constructor(options: GitSyncReconcilerOptions) {
    this.options = options
  }

  /**
   * Brings one GitSync forward.
   * @param key `namespace/name`.
   * @returns when to call again; nothing when only a change calls for it. API failures are logged and retried.
   */
  async reconcile(key: string): Promise<ReconcileResult> {
    const [namespace = '', name = ''] = key.split('/')
    try {
      const gitSync = await this.options.cluster.get({apiVersion, kind, namespace, name})
      if (!gitSync) return await this.forget(key)
      if (gitSync.metadata.deletionTimestamp !== undefined) return await this.remove(key, gitSync)
      return await this.sync(key, gitSync)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      // Somebody else wrote in between: another pass on fresh data settles it.
      if (error.status === 409) return {requeueAfterMilliseconds: conflictRetryMilliseconds}
      this.options.log.warn({gitSync: key, status: error.status, reason: error.reason}, 'API request failed; retrying')
      return {requeueAfterMilliseconds: minimumRetryMilliseconds}
    }
  }

  /** Makes the next call for a key look at Git at once, as after a push. */
  trigger(key: string): void {
    const memory = this.memories.get(key)
    if (memory) memory.dueAt = 0
  }

  private async sync(key: string, found: KubeObject): Promise<ReconcileResult> {
    const {clock} = this.options
    const memory = this.recall(key, found)
    const wait = memory.dueAt - clock.now()
    // Our own status writes come back as changes; they are no reason to ask the remote again.
    if (wait > 0) return {requeueAfterMilliseconds: wait}
    const parsed = gitSyncSpec.safeParse(found.spec)
    const gitSync = await this.ensureFinalizer(found)
    const writer = new StatusWriter(this.options.cluster, gitSync)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      const field = ['spec', ...(issue?.path ?? [])].join('.')
      const verdict = {
        ready: 'False',
        reason: 'InvalidSpec',
        message: `${field}: ${issue?.message ?? 'invalid'}`,
      } as const
      const now = new Date(clock.now()).toISOString()
      await writer.write(withVerdict(writer.status, verdict, gitSync.metadata.generation ?? 0, now))
      return {}
    }
    const result = await this.runPass(key, gitSync, parsed.data, memory, writer)
    await writer.write(result.status)
    for (const {type, reason, message} of result.events) {
      this.options.events(gitSync, type, reason, message)
      this.options.log.info({gitSync: key, reason, detail: message}, 'GitSync event')
    }
    memory.dueAt = clock.now() + result.requeueAfterMilliseconds
    if (result.applied) memory.lastPassAt = clock.now()
    return {requeueAfterMilliseconds: result.requeueAfterMilliseconds}
  }

  private runPass(
    key: string,
    gitSync: KubeObject,
    spec: GitSyncSpec,
    memory: Memory,
    writer: StatusWriter,
  ): Promise<SyncResult> {
    const {cluster, clock, scopeOf, driftIntervalMilliseconds = defaultDriftIntervalMilliseconds} = this.options
    const input = {gitSync, spec, status: writer.status, lastPassAt: memory.lastPassAt, driftIntervalMilliseconds}
    return syncOnce(input, {
      cluster,
      clock,
      scopeOf,
      openRepository: () => this.openRepository(key, gitSync, spec),
      persist: status => writer.write(status),
    })
  }

  private async openRepository(key: string, gitSync: KubeObject, spec: GitSyncSpec): Promise<Repository> {
    const {cluster, allowFile, searchPath} = this.options
    const credentials = await readCredentials(spec, gitSync.metadata.namespace ?? '', cluster)
    return openRepository({
      url: spec.url,
      ref: spec.ref,
      cacheDirectory: this.cacheOf(key, spec.url),
      timeoutMilliseconds: Math.max(1, durationMilliseconds(spec.timeout)),
      credentials,
      allowFile,
      searchPath,
    })
  }

  /** A clone per GitSync, not per address: one must not read what another's credentials fetched. */
  private cacheOf(key: string, url?: string): string {
    const folder = join(this.options.cacheDirectory, digest(key))
    return url === undefined ? folder : join(folder, digest(url))
  }

  private recall(key: string, gitSync: KubeObject): Memory {
    const {uid = '', generation = 0} = gitSync.metadata
    const memory = this.memories.get(key)
    if (memory?.uid === uid && memory.generation === generation) return memory
    const fresh: Memory = {uid, generation, dueAt: 0}
    this.memories.set(key, fresh)
    return fresh
  }

  private async forget(key: string): Promise<ReconcileResult> {
    if (this.memories.delete(key)) await rm(this.cacheOf(key), {recursive: true, force: true})
    return {}
  }

  private async ensureFinalizer(gitSync: KubeObject): Promise<KubeObject> {
    const finalizers = gitSync.metadata.finalizers ?? []
    if (finalizers.includes(gitSyncFinalizer)) return gitSync
    return this.patchFinalizers(gitSync, [...finalizers, gitSyncFinalizer])
  }

  private patchFinalizers(gitSync: KubeObject, finalizers: string[]): Promise<KubeObject> {
    const {resourceVersion} = gitSync.metadata
    const patch = {metadata: {finalizers, resourceVersion}}
    return this.options.cluster.mergePatch(refOfGitSync(gitSync), patch, {fieldManager})
  }

  private async remove(key: string, gitSync: KubeObject): Promise<ReconcileResult> {
    const {cluster, clock, log} = this.options
    const finalizers = gitSync.metadata.finalizers ?? []
    if (!finalizers.includes(gitSyncFinalizer)) return this.forget(key)
    const inventory = statusOf(gitSync).inventory ?? []
    // A spec that never was valid has applied nothing that its inventory doesn't hold.
    if (gitSync.spec?.prune !== false) {
      const report = await pruneEntries(inPruneOrder(inventory), key, {cluster, clock})
      if (report.failures.length > 0)
        log.warn({gitSync: key, failures: report.failures}, 'Objects could not be removed')
      if (report.remaining.length > 0) return {requeueAfterMilliseconds: minimumRetryMilliseconds}
    }
    await this.patchFinalizers(
      gitSync,
      finalizers.filter(finalizer => finalizer !== gitSyncFinalizer),
    )
    await rm(this.cacheOf(key), {recursive: true, force: true})
    return this.forget(key)
  }
}

/** Writes a status only when it differs, on condition that nobody else changed the object. */
class StatusWriter {
  private readonly cluster: ClusterAccess
  private gitSync: KubeObject

  constructor(cluster: ClusterAccess, gitSync: KubeObject) {
    this.cluster = cluster
    this.gitSync = gitSync
  }

  get status(): GitSyncStatus {
    return statusOf(this.gitSync)
  }

  async write(status: GitSyncStatus): Promise<void> {
    if (isDeepStrictEqual(status, this.status)) return
    this.gitSync = await this.cluster.updateStatus({...this.gitSync, status})
  }
}

/** What stands in the status, as far as it is usable: a status is written by this controller alone. */
function statusOf(gitSync: KubeObject): GitSyncStatus {
  return gitSync.status ?? {}
}

function refOfGitSync(gitSync: KubeObject): ObjectRef {
  const {namespace = '', name} = gitSync.metadata
  return {apiVersion, kind, namespace, name}
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
