// Settings that users change while a slot serves: nothing stays behind that leads to a slot, and no request is lost.
import {describe, expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {contextOf} from '../../controller/shell/mesh-context.ts'
import {MeshIndex} from '../../controller/shell/mesh-index.ts'
import {labels} from '../../crds/names.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {linkerd} from '../../mesh/linkerd/index.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

function serving(more: Partial<ModelSettings> = {}): ModelCluster {
  const cluster = new ModelCluster({...settings, ...more}, () => 'pass')
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)
  return cluster
}

/** What a user does to the spec. */
function edit(cluster: ModelCluster, change: object): void {
  const {metadata, spec} = cluster.rollout
  const generation = (metadata.generation ?? 0) + 1
  cluster.rollout = {...cluster.rollout, metadata: {...metadata, generation}, spec: {...spec, ...change}}
}

const selectorOf = (cluster: ModelCluster) =>
  cluster.find('Service', 'checkout')?.spec.selector as Record<string, string>

/** Releases a version to its end, and says how many pods the Service then has for callers outside the mesh. */
function release(cluster: ModelCluster, image: string): number {
  cluster.deploy(image)
  const ended = () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === image
  runUntil(cluster, ended, 120_000)
  runUntil(cluster, () => false, 10_000)
  expect(ended()).toBe(true)
  return cluster.readyWith(selectorOf(cluster)).length
}

test('a selector that somebody else keeps putting back costs no status, and holds up neither adoption nor the end of a release', () => {
  const cluster = new ModelCluster(settings, () => 'pass')
  let put = cluster.now
  const fighting = (holds: () => boolean, milliseconds: number) =>
    runUntil(
      cluster,
      () => {
        const apex = cluster.find('Service', 'checkout')
        if (apex && cluster.now >= put + 1500) {
          put = cluster.now
          cluster.put({...apex, spec: {...apex.spec, selector: {app: 'checkout'}}})
        }
        return holds()
      },
      milliseconds,
    )
  expect(fighting(() => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
  fighting(() => false, 10_000)
  const before = cluster.statusWrites
  fighting(() => false, 60_000)
  expect(cluster.statusWrites).toBe(before)
  cluster.deploy('app:2')
  const emptied = () => !cluster.pods.some(({workload}) => workload === 'checkout-a')
  expect(fighting(() => cluster.status.primary?.image === 'app:2' && emptied(), 120_000)).toBe(true)
})

describe('spec.service.selector', () => {
  test('from exclusive to shared: the selector is given back, and back again it is taken', () => {
    const cluster = serving()
    expect(selectorOf(cluster)).toMatchObject({[labels.slot]: 'a'})
    edit(cluster, {service: {selector: 'shared'}})
    runUntil(cluster, () => false, 5000)
    expect(selectorOf(cluster)).toEqual({app: 'checkout'})
    expect(release(cluster, 'app:2')).toBe(3)
    edit(cluster, {service: {selector: 'exclusive'}})
    runUntil(cluster, () => false, 5000)
    expect(selectorOf(cluster)).toMatchObject({[labels.slot]: 'b'})
    expect(release(cluster, 'app:3')).toBe(3)
    expect(cluster.dropped).toBe(0)
  })

  test('in the middle of a release too', () => {
    const cluster = serving()
    cluster.deploy('app:2')
    runUntil(cluster, () => cluster.status.canaryWeight === 50, 60_000)
    edit(cluster, {service: {selector: 'shared'}})
    runUntil(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:2', 120_000)
    runUntil(cluster, () => false, 10_000)
    expect([selectorOf(cluster), cluster.dropped]).toEqual([{app: 'checkout'}, 0])
  })

  test("another Rollout's is left alone", () => {
    const cluster = serving({spec: {service: {selector: 'shared'}}})
    const apex = cluster.find('Service', 'checkout')
    const selector = {app: 'checkout', [labels.rollout]: 'other', [labels.slot]: 'a'}
    if (apex) cluster.put({...apex, spec: {...apex.spec, selector}})
    runUntil(cluster, () => false, 5000)
    expect(selectorOf(cluster)).toEqual(selector)
  })

  test('without a mesh it stays what moves the traffic', () => {
    const cluster = serving({
      spec: {
        traffic: {none: {settlingTime: '1s'}},
        analysis: {interval: '5s', window: '5s', checks: []},
        strategy: {blueGreen: {}},
      },
    })
    edit(cluster, {service: {selector: 'shared'}})
    runUntil(cluster, () => false, 5000)
    expect(selectorOf(cluster)).toMatchObject({[labels.slot]: 'a'})
  })
})

describe.each([
  ['istio', 'VirtualService', {istio: {settlingTime: '1s', hosts: ['shop.example.com'], gateways: ['infra/public']}}],
  [
    'gatewayAPI',
    'HTTPRoute',
    {gatewayAPI: {parentRefs: [{name: 'public', sectionName: 'http'}], hosts: ['new.example.com'], settlingTime: '1s'}},
  ],
] as const)('hosts and parents with %s', (mesh, kind, traffic) => {
  test('change in one write, which is that of the route', () => {
    const cluster = serving({mesh, spec: {analysis: {interval: '5s', window: '5s', checks: []}}})
    const before = cluster.find(kind, 'checkout')
    const {writes} = cluster
    edit(cluster, {traffic})
    runUntil(cluster, () => false, 1000)
    const after = cluster.find(kind, 'checkout')
    expect(cluster.writes - writes).toBe(1)
    expect(after?.metadata.generation).toBe((before?.metadata.generation ?? 0) + 1)
    expect(JSON.stringify(after?.spec)).toContain(mesh === 'istio' ? 'infra/public' : 'new.example.com')
    expect(cluster.dropped).toBe(0)
  })
})

describe('another mesh, in an object that is older than the rule against it', () => {
  test('what was made for the one before goes, after the new route has come', () => {
    const cluster = serving({mesh: 'istio'})
    const seen = cluster.observe()
    edit(cluster, {traffic: {linkerd: {}}})
    const {rollout} = cluster
    const spec = rolloutSpec.parse(rollout.spec)
    const meshContext = contextOf(rollout, spec, seen.apex)
    const index = new MeshIndex()
    for (const object of seen.meshObjects) index.objectChanged(undefined, object)
    const meshObjects = index.objectsFor(linkerd, meshContext)
    const {intents} = decide({...seen, rollout, spec, mesh: linkerd, meshContext, meshObjects})
    const writes = intents.flatMap(intent => {
      if (intent.kind === 'apply' && intent.manifest.kind === 'HTTPRoute') return ['apply HTTPRoute checkout']
      return intent.kind === 'delete' ? [`delete ${intent.ref.kind} ${intent.ref.name}`] : []
    })
    expect(writes[0]).toBe('apply HTTPRoute checkout')
    expect(writes.slice(1).toSorted()).toEqual([
      'delete DestinationRule checkout-a',
      'delete DestinationRule checkout-b',
      'delete VirtualService checkout',
    ])
  })
})
