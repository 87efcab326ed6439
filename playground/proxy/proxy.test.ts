import {request as httpRequest} from 'node:http'
import {Pool} from 'undici'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  deployment,
  eventually,
  isRolledOut,
  pause,
  podsOf,
  readyEndpoints,
  service,
  template,
} from '../workloads/fixtures.ts'
import {seededRandom, startWorkloadRunner, type WorkloadRunner} from '../workloads/index.ts'
import {MemoryStore} from '../workloads/test-support/memory-store.ts'
import {parseMetrics, type Sample, split, virtualService} from './fixtures.ts'
import {type Proxy, startProxy} from './proxy.ts'

const propagationMilliseconds = 40

let store: MemoryStore
let runner: WorkloadRunner
let proxy: Proxy
let client: Pool

beforeEach(async () => {
  store = new MemoryStore()
  runner = startWorkloadRunner({
    store,
    random: seededRandom(1),
    settings: {terminationGraceMilliseconds: 150, crashDetectionMilliseconds: 400},
  })
  proxy = await startProxy({
    store,
    random: seededRandom(2),
    settings: {propagationMilliseconds, clientNamespace: 'shop'},
  })
  client = new Pool(proxy.url, {connections: 8})
})

afterEach(async () => {
  await client.destroy()
  await proxy.close()
  runner.close()
})

interface Answer {
  status: number
  version: string | undefined
  error: string | undefined
}

async function send(host = 'checkout', path = '/'): Promise<Answer> {
  const {statusCode, headers, body} = await client.request({path, method: 'GET', headers: {'x-playground-host': host}})
  await body.dump()
  return {
    status: statusCode,
    version: headers['x-version'] as string | undefined,
    error: headers['x-proxy-error'] as string | undefined,
  }
}

async function startSlots(a: number, b: number, environmentOfB: Record<string, string> = {}): Promise<void> {
  store.create(service('checkout', {app: 'checkout-a'}))
  for (const [slot, replicas, env] of [
    ['checkout-a', a, {}],
    ['checkout-b', b, environmentOfB],
  ] as const) {
    store.create(service(slot, {app: slot}))
    store.create(deployment(slot, replicas, {VERSION: slot, ...env}))
  }
  await eventually(
    'slots ready',
    () => readyEndpoints(store, 'checkout-a') === a && readyEndpoints(store, 'checkout-b') === b,
  )
  await pause(propagationMilliseconds * 2)
}

function route(a: number, b: number): void {
  const known = store.get('virtualservices.networking.istio.io', 'shop', 'checkout')
  if (known === undefined) store.create(virtualService('checkout', split(a, b)))
  else store.update({...known, spec: split(a, b)})
}

/** Sends requests until told to stop; resolves to all answers. */
function startLoad(): () => Promise<Answer[]> {
  const answers: Answer[] = []
  let running = true
  const workers = Array.from({length: 4}, async () => {
    while (running) answers.push(await send())
  })
  return async () => {
    running = false
    await Promise.all(workers)
    return answers
  }
}

function total(samples: Sample[], wanted: Record<string, string>): number {
  const matching = samples.filter(
    ({name, labels}) =>
      name === 'istio_requests_total' && Object.entries(wanted).every(([label, value]) => labels[label] === value),
  )
  return matching.reduce((sum, sample) => sum + sample.value, 0)
}

describe('routes', () => {
  it('split real requests by weight, within five standard deviations', async () => {
    await startSlots(2, 1)
    route(80, 20)
    await pause(propagationMilliseconds * 2)
    const answers = await Promise.all(Array.from({length: 1_000}, () => send()))
    expect(answers.every(answer => answer.status === 200)).toBe(true)
    const toCanary = answers.filter(answer => answer.version === 'checkout-b').length
    expect(Math.abs(toCanary - 200)).toBeLessThan(5 * Math.sqrt(1_000 * 0.2 * 0.8))
    const samples = parseMetrics(proxy.metricsText())
    for (const reporter of ['source', 'destination']) {
      const labels = {
        reporter,
        destination_workload: 'checkout-b',
        destination_service_name: 'checkout-b',
        response_code: '200',
      }
      expect(total(samples, labels)).toBe(toCanary)
    }
  })

  it('come into force after the propagation time, not before', async () => {
    await startSlots(1, 1)
    route(100, 0)
    await pause(propagationMilliseconds * 2)
    const changedAt = performance.now()
    route(0, 100)
    while ((await send()).version === 'checkout-a') await pause(1)
    expect(performance.now() - changedAt).toBeGreaterThanOrEqual(propagationMilliseconds - 2)
    expect((await send()).version).toBe('checkout-b')
    expect((await send('checkout.example.com')).version).toBe('checkout-b')
  })

  it('without one, the Service itself is asked', async () => {
    await startSlots(1, 1)
    expect((await send('checkout.shop')).version).toBe('checkout-a')
    expect(await send('nobody.example.com')).toEqual({status: 503, version: undefined, error: 'no_route'})
  })
})

describe('nothing is dropped', () => {
  it('while a release goes in the right order, under load', async () => {
    await startSlots(2, 0)
    route(100, 0)
    await pause(propagationMilliseconds * 2)
    const stop = startLoad()
    store.patchSpec('deployments.apps', 'shop', 'checkout-b', {replicas: 2})
    await eventually('canary ready', () => readyEndpoints(store, 'checkout-b') === 2)
    await pause(propagationMilliseconds * 2)
    for (const weight of [10, 50, 100]) {
      route(100 - weight, weight)
      await pause(propagationMilliseconds * 2)
    }
    store.patchSpec('deployments.apps', 'shop', 'checkout-a', {replicas: 0})
    await eventually('old slot empty', () => podsOf(store, 'checkout-a').length === 0)
    store.patchSpec('deployments.apps', 'shop', 'checkout-b', {template: template('checkout-b', {VERSION: 'rolled'})})
    await eventually('rolled', () => isRolledOut(store, 'checkout-b'))
    await pause(propagationMilliseconds * 2)
    store.patchSpec('deployments.apps', 'shop', 'checkout-b', {replicas: 1})
    await eventually('scaled', () => isRolledOut(store, 'checkout-b'))
    const answers = await stop()
    expect(answers.length).toBeGreaterThan(300)
    expect(answers.filter(answer => answer.status !== 200)).toEqual([])
    expect(answers.at(-1)?.version).toBe('rolled')
    expect(proxy.stats()).toMatchObject({dropped: {}, inFlight: 0, answered: answers.length})
  })
})

describe('something is dropped', () => {
  it('when the route names a slot that has no endpoints', async () => {
    await startSlots(1, 0)
    route(0, 100)
    await pause(propagationMilliseconds * 2)
    expect(await send()).toEqual({status: 503, version: undefined, error: 'no_healthy_upstream'})
    expect(proxy.stats().dropped).toEqual({no_healthy_upstream: 1})
    const samples = parseMetrics(proxy.metricsText())
    expect(
      total(samples, {
        reporter: 'source',
        destination_service_name: 'checkout-b',
        response_code: '503',
        response_flags: 'UH',
      }),
    ).toBe(1)
    expect(total(samples, {reporter: 'destination'})).toBe(0)
  })

  it('when the slot is scaled down before its traffic has moved', async () => {
    await startSlots(1, 1)
    route(0, 100)
    await pause(propagationMilliseconds * 2)
    const stop = startLoad()
    store.patchSpec('deployments.apps', 'shop', 'checkout-b', {replicas: 0})
    await pause(propagationMilliseconds * 4)
    route(100, 0)
    await pause(propagationMilliseconds * 2)
    const answers = await stop()
    expect(answers.filter(answer => answer.error !== undefined).length).toBeGreaterThan(0)
    expect(answers.at(-1)).toMatchObject({status: 200, version: 'checkout-a'})
  })

  it('when a pod crashes: resets of what it had, refused connections after', async () => {
    await startSlots(1, 1, {LATENCY_MILLISECONDS: '500'})
    route(0, 100)
    await pause(propagationMilliseconds * 2)
    const underWay = send()
    await eventually('under way', () => runner.stats().requests === 1)
    expect(runner.crashPod('shop', podsOf(store, 'checkout-b')[0]?.metadata.name ?? '')).toBe(true)
    expect(await underWay).toMatchObject({status: 503, error: 'upstream_reset'})
    expect(await send()).toMatchObject({status: 503, error: 'upstream_connect_failure'})
    expect(proxy.stats().dropped).toEqual({upstream_reset: 1, upstream_connect_failure: 1})
    await eventually('restarted', () => podsOf(store, 'checkout-b')[0]?.status.containerStatuses[0].restartCount === 1)
    await pause(propagationMilliseconds * 2)
    expect(await send()).toMatchObject({status: 200, version: 'checkout-b'})
  })
})

describe('clients', () => {
  it('that hang up are counted apart', async () => {
    await startSlots(1, 0)
    store.patchSpec('deployments.apps', 'shop', 'checkout-a', {
      template: template('checkout-a', {LATENCY_MILLISECONDS: '500'}),
    })
    await eventually('rolled', () => isRolledOut(store, 'checkout-a'))
    await pause(propagationMilliseconds * 2)
    const leaving = httpRequest(proxy.url, {headers: {host: 'checkout'}})
    leaving.on('error', () => {})
    leaving.end()
    await eventually('under way', () => runner.stats().requests === 1)
    leaving.destroy()
    await eventually('counted', () => proxy.stats().clientHangUps === 1)
    const samples = parseMetrics(proxy.metricsText())
    expect(
      total(samples, {
        reporter: 'source',
        response_code: '0',
        response_flags: 'DC',
        destination_workload: 'checkout-a',
      }),
    ).toBe(1)
    expect(proxy.stats()).toMatchObject({dropped: {}, inFlight: 0})
  })

  it('may send a body and get failures of the workload as they are', async () => {
    await startSlots(1, 1, {FAILURE_SHARE: '1'})
    route(0, 100)
    await pause(propagationMilliseconds * 2)
    const answer = await client.request({
      path: '/pay?x=1',
      method: 'POST',
      headers: {'x-playground-host': 'checkout'},
      body: 'x'.repeat(100_000),
    })
    expect(answer.statusCode).toBe(500)
    expect(answer.headers['x-proxy-error']).toBeUndefined()
    expect(await answer.body.json()).toMatchObject({path: '/pay?x=1', version: 'checkout-b'})
    expect(proxy.stats()).toMatchObject({answered: 1, dropped: {}})
  })

  it('find the metrics on a port of their own', async () => {
    await startSlots(1, 0)
    await send()
    const answer = await fetch(proxy.metricsUrl)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(
      total(parseMetrics(await answer.text()), {
        reporter: 'destination',
        destination_service: 'checkout.shop.svc.cluster.local',
      }),
    ).toBe(1)
  })

  it('can send 500 requests a second, pods and clients in the same process', async () => {
    await startSlots(3, 0)
    const startedAt = performance.now()
    await Promise.all(
      Array.from({length: 8}, async () => {
        for (let sent = 0; sent < 125; sent++) expect((await send()).status).toBe(200)
      }),
    )
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
