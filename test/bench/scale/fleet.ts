// Many Rollouts at once: made, watched from outside, and given a new version.
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import type {KubeObject} from '../../../crds/meta.ts'
import {image, name, rollout, service, settings, target} from '../../cluster/release/fixture.ts'
import type {MeshExporter} from '../../cluster/release/mesh-exporter.ts'

/** One namespace for each Rollout, so that all are the team's objects of the lanes. */
export function namespaceOf(index: number): string {
  return `bench-${index}`
}

const concurrency = 20
const lookMilliseconds = 500
const requestsPerSecond = 20

/** Intervals of a release that takes about a minute and a half; five steps. */
export const releaseSpec = {
  strategy: {canary: {steps: [5, 10, 25, 50, 75].map(weight => ({weight}))}},
  traffic: {istio: {settlingTime: '2s'}},
  analysis: {
    interval: '5s',
    window: '15s',
    checks: [
      {name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}},
      {name: 'latency', threshold: {metric: 'requestDuration', quantile: 0.99, max: 500}},
    ],
  },
  bake: {duration: '20s'},
  drainTime: '5s',
  revision: {settle: '2s'},
}

export interface Fleet {
  /** Makes Rollouts until there are so many. */
  grow(count: number): Promise<void>
  /** Waits until the first `count` Rollouts are healthy, on a version or any; returns the milliseconds that it took. */
  healthy(count: number, version: string | undefined, patienceSeconds: number): Promise<number>
  /** A merge: the first `count` targets get another image. */
  release(count: number, version: string): Promise<void>
  /** Size of the largest status, in bytes of JSON. */
  largestStatus(): Promise<number>
  foreignSecrets(count: number, bytes: number): Promise<void>
  client: KubeClient
  close(): Promise<void>
}

export function openFleet(kubeconfig: string, exporter: MeshExporter): Fleet {
  const connection = loadConnection({kubeconfig})
  const transport = new HttpTransport({connection, clock: systemClock(), queriesPerSecond: 400, burst: 400})
  const client = new KubeClient(transport)
  let made = 0
  const rollouts = async () =>
    (await client.listVersioned({apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout'})).items
  return {
    client,
    async grow(count) {
      const first = made
      await inParallel(count - first, offset => makeOne(client, first + offset))
      made = count
    },
    async healthy(count, version, patienceSeconds) {
      const startedAt = performance.now()
      for (;;) {
        const waiting = (await rollouts()).filter(object => isAmong(object, count) && !serves(object, version))
        if (waiting.length === 0) return performance.now() - startedAt
        if (performance.now() - startedAt > patienceSeconds * 1000) {
          const [one] = waiting
          throw new Error(`${waiting.length} of ${count} are not healthy: ${JSON.stringify(one?.status)}`)
        }
        await new Promise(resolve => setTimeout(resolve, lookMilliseconds))
      }
    },
    async release(count, version) {
      await inParallel(count, async index => {
        for (const slot of ['a', 'b']) {
          exporter.set(namespaceOf(index), `${name}-${slot}`, {requestsPerSecond, failureShare: 0})
        }
        const ref = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: namespaceOf(index), name}
        const path = '/spec/template/spec/containers/0/image'
        await client.jsonPatch(ref, [{op: 'replace', path, value: image(version)}], {fieldManager: 'merge'})
      })
    },
    async largestStatus() {
      return Math.max(...(await rollouts()).map(({status}) => Buffer.byteLength(JSON.stringify(status ?? {}))))
    },
    async foreignSecrets(count, bytes) {
      const namespace = 'foreign'
      await client.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
      const data = {value: Buffer.alloc(bytes * 0.75, 'x').toString('base64')}
      await inParallel(count, async index => {
        await client.create({apiVersion: 'v1', kind: 'Secret', metadata: {name: `foreign-${index}`, namespace}, data})
      })
    },
    close: () => transport.close(),
  }
}

function isAmong({metadata: {namespace = ''}}: KubeObject, count: number): boolean {
  return Number(namespace.replace('bench-', '')) < count
}

function serves({status}: KubeObject, version: string | undefined): boolean {
  if (status?.['phase'] !== 'Healthy') return false
  return version === undefined || status['primary']?.image === image(version)
}

async function makeOne(client: KubeClient, index: number): Promise<void> {
  const namespace = namespaceOf(index)
  await client.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  for (const object of [settings('one'), service(), target({replicas: 1}), rollout(releaseSpec)]) {
    await client.create({...object, metadata: {...object.metadata, namespace}})
  }
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({length: concurrency}, worker))
}
