// Everything that happened to the objects of a release, in the order in which etcd took it: events of several watches,
// sorted by resourceVersion, which one etcd counts through for all kinds.

import {ClusterError} from '../../../controller/ports.ts'
import type {KubeClient, WatchQuery} from '../../../controller/shell/kube-client.ts'
import type {KubeObject} from '../../../crds/meta.ts'

export interface Change {
  version: bigint
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
}

export interface History {
  /** The latest version of an object that a watch has seen. */
  latest(kind: string, namespace: string, name: string): KubeObject | undefined
  /** Calls back after every change; the returned function ends that. */
  onChange(listener: (change: Change) => void): () => void
  /** All changes of a namespace so far, in order. */
  changes(namespace: string): Change[]
  close(): Promise<void>
}

const followed: readonly WatchQuery[] = [
  {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout'},
  {apiVersion: 'apps/v1', kind: 'Deployment'},
  {apiVersion: 'apps/v1', kind: 'DaemonSet'},
  {apiVersion: 'v1', kind: 'Service'},
  {apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice'},
  {apiVersion: 'networking.istio.io/v1', kind: 'VirtualService'},
  {apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule'},
]
/** Before a watch that broke off is begun anew. */
const retryMilliseconds = 100

/** Begins to follow; resolves once every kind is being watched. */
export async function startHistory(client: KubeClient, queries: readonly WatchQuery[] = followed): Promise<History> {
  const aborted = new AbortController()
  const all = new Map<string, Change[]>()
  const current = new Map<string, KubeObject>()
  const listeners = new Set<(change: Change) => void>()
  const record = (change: Change) => {
    const {kind, metadata} = change.object
    const namespace = metadata.namespace ?? ''
    const key = `${kind}/${namespace}/${metadata.name}`
    if (change.type === 'DELETED') current.delete(key)
    else current.set(key, change.object)
    const changes = all.get(namespace) ?? []
    changes.push(change)
    all.set(namespace, changes)
    for (const listener of listeners) listener(change)
  }
  const watches = await Promise.all(queries.map(query => follow(client, query, record, aborted.signal)))
  return {
    latest: (kind, namespace, name) => current.get(`${kind}/${namespace}/${name}`),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    changes: namespace => (all.get(namespace) ?? []).toSorted((left, right) => (left.version < right.version ? -1 : 1)),
    async close() {
      aborted.abort()
      await Promise.all(watches.map(watch => watch.ended))
    },
  }
}

/** Lists once, then watches from there on for good: a test would miss events that a new list leaves out. */
async function follow(
  client: KubeClient,
  query: WatchQuery,
  record: (change: Change) => void,
  signal: AbortSignal,
): Promise<{ended: Promise<void>}> {
  const list = await client.listVersioned(query)
  let resourceVersion = list.resourceVersion
  for (const object of list.items) record({type: 'ADDED', object, version: versionOf(object)})
  const run = async () => {
    while (!signal.aborted) {
      try {
        for await (const {type, object} of client.watch(query, {resourceVersion, signal})) {
          resourceVersion = object.metadata.resourceVersion ?? resourceVersion
          if (type !== 'BOOKMARK') record({type, object, version: versionOf(object)})
        }
      } catch (error) {
        if (error instanceof ClusterError && error.status === 410) throw error
        if (!signal.aborted) await new Promise(resolve => setTimeout(resolve, retryMilliseconds))
      }
    }
  }
  return {ended: run()}
}

function versionOf(object: KubeObject): bigint {
  return BigInt(object.metadata.resourceVersion ?? '0')
}
