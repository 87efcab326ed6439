// Releases without a mesh, on the real control plane: the endpoints that kube-proxy would share connections out to are
// those of the versions that are to have requests, at every moment.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {type Bench, openAdopted, openSite, type Site} from './bench.ts'
import {image, name} from './fixture.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => site.close())

/** Percent of the canary's requests that succeed, told by a query of the user's own. */
function analysis(namespace: string): object {
  const of = (more: string) =>
    `sum(rate(istio_requests_total{destination_service_namespace="${namespace}",destination_service_name="{{ canary.workload }}"${more}}[3s]))`
  const query = `100 * ${of(',response_code="200"')} / ${of('')}`
  return {interval: '1s', window: '3s', checks: [{name: 'success', threshold: {query, min: 90}}]}
}

const traffic = {none: {settlingTime: '1s'}}

/** Pods behind a Service that take requests, by slot. */
function endpoints(bench: Bench, service: string): string[] {
  const slices = site.history.changes(bench.namespace)
  const latest = new Map(slices.map(({object, type}) => [`${object.kind}/${object.metadata.name}`, {object, type}]))
  const ready = new Set<string>()
  for (const {object, type} of latest.values()) {
    if (type === 'DELETED' || object.kind !== 'EndpointSlice') continue
    if (object.metadata.labels?.['kubernetes.io/service-name'] !== service) continue
    for (const endpoint of object.endpoints ?? []) {
      if (endpoint.conditions?.ready !== false) ready.add(endpoint.targetRef?.name ?? '')
    }
  }
  return [...ready].map(pod => pod.slice(0, `${name}-a`.length)).sort()
}

/** Slots that had endpoints behind the Service at once, in the order in which that came about. */
function mixtures(bench: Bench): string[] {
  const slices = new Map<string, string[]>()
  const seen: string[] = []
  for (const {type, object} of site.history.changes(bench.namespace)) {
    if (object.kind !== 'EndpointSlice' || object.metadata.labels?.['kubernetes.io/service-name'] !== name) continue
    const pods = (object.endpoints ?? []).filter(
      (one: {conditions?: {ready?: boolean}}) => one.conditions?.ready !== false,
    )
    const slots = pods.map(
      (one: {targetRef?: {name: string}}) => one.targetRef?.name.slice(0, `${name}-a`.length) ?? '',
    )
    slices.set(object.metadata.name, type === 'DELETED' ? [] : slots)
    const mixture = [...new Set([...slices.values()].flat())].sort().join(' and ')
    if (mixture !== seen.at(-1)) seen.push(mixture)
  }
  return seen
}

function release(bench: Bench, version: string): Promise<string> {
  return bench.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

describe.concurrent('no mesh', () => {
  test('a canary without a mesh: the endpoints of the Service are of both versions, by their pods', async () => {
    const namespace = 'plain-canary'
    const strategy = {canary: {steps: [{weight: 10}, {weight: 50}]}}
    const bench = await openAdopted(site, namespace, {
      target: {replicas: 3},
      rollout: {traffic, strategy, analysis: analysis(namespace)},
    })
    await release(bench, '2')
    for (const [weight, pods] of [
      [10, ['checkout-a', 'checkout-a', 'checkout-a', 'checkout-b']],
      [50, ['checkout-a', 'checkout-a', 'checkout-a', 'checkout-b', 'checkout-b', 'checkout-b']],
    ] as const) {
      await bench.until(`weight ${weight}`, ({traffic: now}) => now?.confirmed?.b === weight)
      await bench.untilTrue(`the endpoints of weight ${weight}`, () => {
        return JSON.stringify(endpoints(bench, name)) === JSON.stringify(pods)
      })
    }
    await bench.until('promotion', status => status.phase === 'Healthy' && status.primary?.image === image('2'))
    expect(new Set(endpoints(bench, name))).toEqual(new Set(['checkout-b']))
    expect(await bench.close()).toEqual([])
  })

  test('a bad version without a mesh loses its endpoints', async () => {
    const namespace = 'plain-bad'
    const strategy = {canary: {steps: [{weight: 25}]}}
    const bench = await openAdopted(site, namespace, {rollout: {traffic, strategy, analysis: analysis(namespace)}})
    bench.traffic('b', 0.5)
    await release(bench, 'bad')
    await bench.until('a rollback', status => status.phase === 'Failed')
    expect(bench.status().history?.[0]).toMatchObject({outcome: 'RolledBack', reason: 'CheckFailed', weights: [25]})
    expect(new Set(endpoints(bench, name))).toEqual(new Set(['checkout-a']))
    expect(await bench.close()).toEqual([])
  })

  test('blue/green without a mesh: the endpoints of the Service are those of one version at every moment', async () => {
    const namespace = 'plain-blue-green'
    const strategy = {blueGreen: {}}
    const bench = await openAdopted(site, namespace, {rollout: {traffic, strategy, analysis: analysis(namespace)}})
    await release(bench, '2')
    await bench.until('promotion', status => status.phase === 'Healthy' && status.primary?.image === image('2'))
    // The target's own pods served until the adoption.
    expect(mixtures(bench).slice(mixtures(bench).indexOf('checkout-a'))).toEqual(['checkout-a', 'checkout-b'])
    expect(await bench.close()).toEqual([])
  })
})
