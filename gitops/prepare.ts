// From the files of a commit to objects that are ready to be applied.

import {ClusterError} from '../controller/ports.ts'
import type {GitSyncSpec} from '../crds/git-sync.ts'
import type {KubeObject} from '../crds/meta.ts'
import {apiVersion as fairleadApiVersion} from '../crds/names.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {inApplyOrder} from './identity.ts'
import {isManifestPath, parseManifests, type SourceObject} from './manifests.ts'
import type {CommitInfo, Repository} from './repository.ts'
import {
  claimsOf,
  declaredScope,
  type PreparedObject,
  refuseSameObject,
  rolloutsIn,
  type Scope,
  stamp,
  withNamespace,
} from './stamp.ts'

/** Whether objects of a kind live in namespaces; undefined when the server doesn't know the kind. */
export type ScopeOf = (apiVersion: string, kind: string) => Promise<Scope | undefined>

export interface PreparePorts {
  cluster: ClusterAccess
  scopeOf: ScopeOf
}

export interface PrepareOptions {
  spec: GitSyncSpec
  /** Namespace and name of the GitSync. */
  gitSync: {namespace: string; name: string}
  commit: CommitInfo
}

export interface Preparation {
  /** In the order in which they are to be applied. */
  objects: PreparedObject[]
  /** A sentence for each object whose kind the server doesn't know. */
  failures: string[]
}

/**
 * Reads and prepares what a commit holds under `spec.path`.
 * @throws GitError or ManifestError when the commit can't be applied as a whole; ClusterError when the API server fails.
 */
export async function prepareCommit(
  repository: Repository,
  options: PrepareOptions,
  ports: PreparePorts,
): Promise<Preparation> {
  const files = await repository.readTree(options.commit.hash, options.spec.path, isManifestPath)
  const sources = parseManifests(files)
  const {placed, failures} = await placeObjects(sources, options, ports.scopeOf)
  refuseSameObject(placed)
  const claims = claimsOf(await findRollouts(placed, ports.cluster))
  const {namespace, name} = options.gitSync
  const stampOptions = {gitSync: `${namespace}/${name}`, commit: options.commit}
  const stamped = placed.map(source => stamp(source, claims, stampOptions))
  return {objects: inApplyOrder(stamped, ({manifest}) => manifest), failures}
}

async function placeObjects(
  sources: readonly SourceObject[],
  options: PrepareOptions,
  scopeOf: ScopeOf,
): Promise<{placed: SourceObject[]; failures: string[]}> {
  const defaultNamespace = options.spec.targetNamespace ?? options.gitSync.namespace
  const scopes = new Map<string, Scope | undefined>()
  const placed: SourceObject[] = []
  const failures: string[] = []
  for (const source of sources) {
    const {apiVersion, kind, metadata} = source.object
    const key = `${apiVersion}/${kind}`
    if (!scopes.has(key)) {
      scopes.set(key, (await scopeOf(apiVersion, kind)) ?? declaredScope(sources, apiVersion, kind))
    }
    const scope = scopes.get(key)
    if (scope === undefined) {
      const fix = 'install its CustomResourceDefinition, or correct apiVersion and kind'
      failures.push(`${source.source}: ${kind} ${metadata.name}: the API server does not know ${key}: ${fix}`)
      continue
    }
    placed.push({...source, object: withNamespace(source.object, scope, defaultNamespace)})
  }
  return {placed, failures}
}

/** Rollouts in the commit, and those that live in the namespaces of the Deployments and Services that it holds. */
async function findRollouts(placed: readonly SourceObject[], cluster: ClusterAccess): Promise<KubeObject[]> {
  const objects = placed.map(({object}) => object)
  const claimable = objects.filter(({kind}) => kind === 'Deployment' || kind === 'Service')
  const namespaces = new Set(claimable.flatMap(({metadata}) => metadata.namespace ?? []))
  const found = rolloutsIn(objects)
  for (const namespace of namespaces) {
    found.push(...(await listRollouts(namespace, cluster)))
  }
  return found
}

async function listRollouts(namespace: string, cluster: ClusterAccess): Promise<KubeObject[]> {
  try {
    return await cluster.list({apiVersion: fairleadApiVersion, kind: 'Rollout', namespace})
  } catch (error) {
    // Without the CustomResourceDefinition there are none.
    if (error instanceof ClusterError && error.status === 404) return []
    throw error
  }
}
