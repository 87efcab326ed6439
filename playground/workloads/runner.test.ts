import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  deployment,
  eventually,
  pause,
  podsOf,
  podUrl,
  readyEndpoints,
  service,
  slicesOf,
  statusOf,
  template,
} from './fixtures.ts'
import {startWorkloadRunner, type WorkloadRunner} from './runner.ts'
import {seededRandom} from './seeded-random.ts'
import {MemoryStore} from './test-support/memory-store.ts'

let store: MemoryStore
let runner: WorkloadRunner

beforeEach(() => {
  store = new MemoryStore()
  const settings = {terminationGraceMilliseconds: 200, crashDetectionMilliseconds: 200}
  runner = startWorkloadRunner({store, random: seededRandom(7), settings})
})

afterEach(() => {
  runner.close()
})

async function startCheckout(replicas: number, env: Record<string, string> = {}): Promise<void> {
  store.create(service('checkout', {app: 'checkout'}))
  store.create(deployment('checkout', replicas, env))
  await eventually(`${replicas} ready`, () => readyEndpoints(store, 'checkout') === replicas)
}

describe('pods of a Deployment', () => {
  it('run as real servers that say who they are', async () => {
    await startCheckout(2, {VERSION: '1.4.2'})
    const [pod] = podsOf(store, 'checkout')
    expect(pod?.metadata.name).toMatch(/^checkout-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(pod?.metadata.ownerReferences?.[0]).toMatchObject({kind: 'Deployment', name: 'checkout', controller: true})
    const answer = await fetch(podUrl(pod as never))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-pod')).toBe(pod?.metadata.name)
    expect(answer.headers.get('x-version')).toBe('1.4.2')
    expect(answer.headers.get('x-revision')).toMatch(/^[0-9a-f]{10}$/)
    expect(await answer.json()).toMatchObject({version: '1.4.2', status: 200})
    expect(pod?.status).toMatchObject({phase: 'Running', podIP: '127.0.0.1'})
    expect(pod?.status.containerStatuses[0].imageID).toMatch(/^registry\.example\/checkout:1@sha256:[0-9a-f]{64}$/)
    expect(runner.stats()).toMatchObject({servers: 2, requests: 1, failedPasses: 0})
  })

  it('give the Deployment the status of the real controller', async () => {
    await startCheckout(2)
    await eventually('available', () => statusOf(store, 'checkout')['availableReplicas'] === 2)
    expect(statusOf(store, 'checkout')).toMatchObject({
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
    })
    expect(statusOf(store, 'checkout')).not.toHaveProperty('unavailableReplicas')
    expect(statusOf(store, 'checkout')['conditions']).toMatchObject([
      {type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable'},
      {type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable'},
    ])
  })

  it('settle: nothing is written while nothing changes', async () => {
    await startCheckout(2)
    await pause(50)
    let writes = 0
    for (const resource of ['pods', 'deployments.apps', 'endpointslices.discovery.k8s.io'])
      store.watch(resource, () => writes++)
    await pause(100)
    expect(writes).toBe(0)
  })

  it('go with the Deployment, and their endpoints with them', async () => {
    await startCheckout(2)
    store.delete('deployments.apps', 'shop', 'checkout')
    await eventually('no pods', () => podsOf(store, 'checkout').length === 0)
    await eventually('no endpoints', () => slicesOf(store, 'checkout').length === 0)
    expect(runner.stats().servers).toBe(0)
  })

  it('take the youngest first when scaled down', async () => {
    await startCheckout(2)
    const oldest = podsOf(store, 'checkout').map(pod => pod.metadata.name)
    store.patchSpec('deployments.apps', 'shop', 'checkout', {replicas: 4})
    await eventually('4 ready', () => readyEndpoints(store, 'checkout') === 4)
    store.patchSpec('deployments.apps', 'shop', 'checkout', {replicas: 2})
    await eventually('2 left', () => podsOf(store, 'checkout').length === 2)
    expect(podsOf(store, 'checkout').map(pod => pod.metadata.name)).toEqual(oldest)
  })
})

describe('the end of a pod', () => {
  it('is graceful: out of the endpoints at once, gone after the grace time', async () => {
    await startCheckout(1)
    const [pod] = podsOf(store, 'checkout')
    const url = podUrl(pod as never)
    store.patchSpec('deployments.apps', 'shop', 'checkout', {replicas: 0})
    await eventually('not ready', () => readyEndpoints(store, 'checkout') === 0)
    expect(slicesOf(store, 'checkout')[0]?.endpoints[0].conditions).toEqual({
      ready: false,
      serving: true,
      terminating: true,
    })
    expect((await fetch(url)).status).toBe(200)
    await eventually('gone', () => podsOf(store, 'checkout').length === 0)
    await expect(fetch(url)).rejects.toThrow()
  })

  it('waits for requests in flight', async () => {
    await startCheckout(1, {LATENCY_MILLISECONDS: '600'})
    const [pod] = podsOf(store, 'checkout')
    const inFlight = fetch(podUrl(pod as never))
    await eventually('under way', () => runner.stats().requests === 1)
    store.delete('pods', 'shop', pod?.metadata.name ?? '')
    await pause(300)
    expect(podsOf(store, 'checkout').map(one => one.metadata.name)).toContain(pod?.metadata.name)
    expect((await inFlight).status).toBe(200)
    await eventually('gone', () => !podsOf(store, 'checkout').some(one => one.metadata.name === pod?.metadata.name))
    expect(readyEndpoints(store, 'checkout')).toBe(1)
  })

  it('by a crash is noticed, and the container restarted', async () => {
    await startCheckout(1)
    const [pod] = podsOf(store, 'checkout')
    const {name} = pod?.metadata ?? {name: ''}
    expect(runner.crashPod('shop', 'nobody')).toBe(false)
    expect(runner.crashPod('shop', name)).toBe(true)
    await expect(fetch(podUrl(pod as never))).rejects.toThrow()
    expect(readyEndpoints(store, 'checkout')).toBe(1)
    await eventually('restarted', () => store.get('pods', 'shop', name)?.status.containerStatuses[0].restartCount === 1)
    const restarted = store.get('pods', 'shop', name)
    expect((await fetch(podUrl(restarted as never))).status).toBe(200)
    expect(restarted?.status.containerStatuses[0].lastState.terminated.exitCode).toBe(137)
  })
})

describe('readiness', () => {
  it('comes after the start-up time, and not at all with READY=false', async () => {
    store.create(service('checkout', {app: 'checkout'}))
    store.create(deployment('checkout', 1, {STARTUP_MILLISECONDS: '200'}))
    await eventually('running', () => podsOf(store, 'checkout')[0]?.status?.phase === 'Running')
    expect(readyEndpoints(store, 'checkout')).toBe(0)
    const answer = await fetch(`${podUrl(podsOf(store, 'checkout')[0] as never)}readyz`)
    expect(answer.status).toBe(503)
    await eventually('ready', () => readyEndpoints(store, 'checkout') === 1)
    store.create(service('search', {app: 'search'}))
    store.create(deployment('search', 1, {READY: 'false'}))
    await eventually('running', () => podsOf(store, 'search')[0]?.status?.phase === 'Running')
    await pause(100)
    expect(readyEndpoints(store, 'search')).toBe(0)
    expect(statusOf(store, 'search')).toMatchObject({replicas: 1, unavailableReplicas: 1})
  })

  it('waits for a missing ConfigMap, and says so', async () => {
    const env = {env: [{name: 'VERSION', valueFrom: {configMapKeyRef: {name: 'settings', key: 'version'}}}]}
    const wanted = deployment('checkout', 1)
    store.create(service('checkout', {app: 'checkout'}))
    store.create({
      ...wanted,
      spec: {...wanted.spec, template: template('checkout', {}, {...env, envFrom: [{configMapRef: {name: 'more'}}]})},
    })
    await eventually('waiting', () => podsOf(store, 'checkout')[0]?.status?.containerStatuses !== undefined)
    const status = podsOf(store, 'checkout')[0]?.status
    expect(status.phase).toBe('Pending')
    expect(status.containerStatuses[0].state.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "more" not found',
    })
    const configMap = (name: string, data: object) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name, namespace: 'shop'},
      data,
    })
    store.create(configMap('more', {FAILURE_SHARE: '1', VERSION: 'overridden'}))
    store.create(configMap('settings', {version: '9'}))
    await eventually('ready', () => readyEndpoints(store, 'checkout') === 1)
    const answer = await fetch(podUrl(podsOf(store, 'checkout')[0] as never))
    expect(answer.status).toBe(500)
    expect(answer.headers.get('x-version')).toBe('9')
  })

  it('names an environment variable that cannot be used', async () => {
    store.create(deployment('checkout', 1, {FAILURE_SHARE: '7'}))
    await eventually('waiting', () => podsOf(store, 'checkout')[0]?.status?.containerStatuses !== undefined)
    const {waiting} = podsOf(store, 'checkout')[0]?.status.containerStatuses[0].state ?? {}
    expect(waiting.message).toBe('environment variable FAILURE_SHARE is "7"; give a number between 0 and 1')
  })
})

describe('a rolling update', () => {
  it('has new pods ready before old ones go', async () => {
    await startCheckout(3, {VERSION: '1', STARTUP_MILLISECONDS: '30'})
    let fewestReady = 3
    let mostPods = 3
    store.watch('endpointslices.discovery.k8s.io', () => {
      fewestReady = Math.min(fewestReady, readyEndpoints(store, 'checkout'))
    })
    store.watch('pods', () => {
      mostPods = Math.max(mostPods, podsOf(store, 'checkout').filter(pod => !pod.metadata.deletionTimestamp).length)
    })
    const next = template('checkout', {VERSION: '2', STARTUP_MILLISECONDS: '30'})
    store.patchSpec('deployments.apps', 'shop', 'checkout', {template: next})
    await eventually('rolled', () => statusOf(store, 'checkout')['observedGeneration'] === 2 && complete(3))
    await eventually('old ones gone', () => podsOf(store, 'checkout').length === 3)
    expect(fewestReady).toBe(3)
    expect(mostPods).toBe(4)
    const versions = await Promise.all(
      podsOf(store, 'checkout').map(async pod => (await fetch(podUrl(pod))).headers.get('x-version')),
    )
    expect(versions).toEqual(['2', '2', '2'])
  })

  it('stops at the first pod that never becomes ready', async () => {
    await startCheckout(2)
    store.patchSpec('deployments.apps', 'shop', 'checkout', {template: template('checkout', {READY: 'false'})})
    await eventually('one new pod', () => podsOf(store, 'checkout').length === 3)
    await pause(150)
    expect(readyEndpoints(store, 'checkout')).toBe(2)
    expect(statusOf(store, 'checkout')).toMatchObject({
      replicas: 3,
      updatedReplicas: 1,
      readyReplicas: 2,
      unavailableReplicas: 1,
    })
  })

  function complete(replicas: number): boolean {
    const status = statusOf(store, 'checkout')
    return (
      status['updatedReplicas'] === replicas &&
      status['replicas'] === replicas &&
      status['availableReplicas'] === replicas
    )
  }
})

describe('endpoints', () => {
  it('follow the selector and go with the Service', async () => {
    await startCheckout(1)
    store.create(deployment('search', 1))
    store.patchSpec('services', 'shop', 'checkout', {selector: {app: 'search'}})
    await eventually('moved', () => {
      const [slice, second] = slicesOf(store, 'checkout')
      return second === undefined && slice?.metadata.annotations?.['playground.fairlead.dev/workload'] === 'search'
    })
    const [slice] = slicesOf(store, 'checkout')
    expect(slice?.ports).toEqual([
      {name: 'http', port: Number(new URL(podUrl(podsOf(store, 'search')[0] as never)).port), protocol: 'TCP'},
    ])
    store.delete('services', 'shop', 'checkout')
    await eventually('gone', () => slicesOf(store, 'checkout').length === 0)
  })
})
