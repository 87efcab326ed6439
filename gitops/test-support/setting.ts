// A GitSync of a real repository in an emulated cluster, under a clock that the test moves.
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import {GitSyncReconciler} from '../controller.ts'
import type {Scope} from '../stamp.ts'
import {FakeCluster} from './fake-cluster.ts'
import {GitFixture} from './git-fixture.ts'

export const gitSyncRef = {apiVersion, kind: 'GitSync', namespace: 'shop', name: 'apps'}
export const minute = 60_000
const startTime = Date.parse('2026-01-01T00:00:00Z')

export class Setting {
  readonly cluster = new FakeCluster()
  readonly git = new GitFixture()
  readonly events: string[] = []
  readonly scopes: Record<string, Scope> = {Namespace: 'Cluster', CustomResourceDefinition: 'Cluster'}
  readonly unknownKinds = new Set<string>()
  now = startTime
  readonly reconciler: GitSyncReconciler

  constructor() {
    this.reconciler = this.restart()
  }

  /** A reconciler that remembers nothing, over the same cluster and cache. */
  restart(): GitSyncReconciler {
    const log = {info: () => undefined, warn: () => undefined}
    return new GitSyncReconciler({
      cluster: this.cluster,
      clock: {
        now: () => this.now,
        after: (_delay, callback) => {
          callback()
          return () => undefined
        },
      },
      log,
      cacheDirectory: this.git.cacheDirectory,
      allowFile: true,
      scopeOf: async (_version, kind) =>
        this.unknownKinds.has(kind) ? undefined : (this.scopes[kind] ?? 'Namespaced'),
      events: (_object, type, reason, message) => this.events.push(`${type} ${reason}: ${message}`),
    })
  }

  async start(spec: object = {}): Promise<void> {
    const metadata = {name: 'apps', namespace: 'shop'}
    const full = {url: this.git.url, path: 'deploy', ...spec}
    await this.cluster.create({apiVersion, kind: 'GitSync', metadata, spec: full})
  }

  /** One pass some time later. */
  async pass(laterMilliseconds = 2 * minute): Promise<number | undefined> {
    this.now += laterMilliseconds
    return (await this.reconciler.reconcile('shop/apps')).requeueAfterMilliseconds
  }

  async status(): Promise<KubeObject['status']> {
    return (await this.cluster.get(gitSyncRef))?.status
  }

  async condition(type: string): Promise<KubeObject> {
    return (await this.status()).conditions.find((condition: {type: string}) => condition.type === type)
  }

  object(kind: string, name: string, version = 'v1', namespace = 'shop'): Promise<KubeObject | undefined> {
    return this.cluster.get({apiVersion: version, kind, namespace, name})
  }
}

/** A manifest. */
export function configMap(name: string, value = 'one'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {key: ${value}}\n`
}
