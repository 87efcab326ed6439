import {afterEach, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {meshes} from '../../mesh/registry.ts'
import {ClusterError} from '../ports.ts'
import {Caches} from './caches.ts'
import type {VersionedList, WatchEvent, WatchOptions, WatchQuery, WatchSource} from './kube-client.ts'
import {missingKinds} from './lookup.ts'
import {fixedRandom, ManualClock, settle, silentLog} from './test-support.ts'

const running: Caches[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(caches => caches.stop()))
})

/** An API server of plain data: kinds in `missing` are not installed, and watches say what the test sends. */
class PlainSource implements WatchSource {
  readonly objects: readonly KubeObject[]
  readonly missing: readonly string[]
  readonly asked: WatchQuery[] = []
  readonly watchers = new Map<string, (event: WatchEvent) => Promise<void>>()

  constructor(objects: readonly KubeObject[], missing: readonly string[] = []) {
    this.objects = objects
    this.missing = missing
  }

  async listVersioned(query: WatchQuery): Promise<VersionedList> {
    const {kind} = query
    this.asked.push(query)
    if (this.missing.includes(kind)) throw new ClusterError(404, 'NotFound', `${kind} is not installed`)
    return {items: this.objects.filter(object => object.kind === kind), resourceVersion: '1'}
  }

  async *watch({kind}: WatchQuery, {signal}: WatchOptions): AsyncGenerator<WatchEvent> {
    const inbox: (WatchEvent | 'end')[] = []
    let wake = () => {}
    const put = async (item: WatchEvent | 'end') => {
      inbox.push(item)
      wake()
      await settle()
    }
    this.watchers.set(kind, put)
    signal.addEventListener('abort', () => void put('end'))
    for (;;) {
      const item = inbox.shift()
      if (item === 'end') return
      if (item) yield item
      else await new Promise<void>(resolve => void (wake = resolve))
    }
  }
}

function rollout(path: string, traffic: object): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  const spec = {
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name},
    traffic,
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}]},
  }
  return {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', metadata: {namespace, name, resourceVersion: '1'}, spec}
}

function route(path: string, spec: object, metadata: object = {}): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  const all = {namespace, name, resourceVersion: '2', ...metadata}
  return {apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: all, spec}
}

async function start(source: PlainSource, namespace?: string): Promise<{caches: Caches; told: string[]}> {
  const log = silentLog
  const options = {source, clock: new ManualClock(), random: fixedRandom(), log}
  const caches = new Caches({...options, ...(namespace === undefined ? {} : {namespace})})
  running.push(caches)
  caches.start()
  await caches.synced()
  await settle()
  const told: string[] = []
  caches.onRollout(key => told.push(key))
  return {caches, told}
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const gatewayKinds = ['HTTPRoute', 'Gateway', 'GatewayClass']
const rollouts = [
  rollout('shop/checkout', {gatewayAPI: {parentRefs: [{name: 'public'}]}}),
  rollout('web/cart', {gatewayAPI: {parentRefs: [{name: 'public'}]}}),
  rollout('shop/ledger', {istio: {}}),
]

test('a mesh that is not installed is missing, and nobody waits for it', async () => {
  const {caches} = await start(new PlainSource(rollouts, gatewayKinds))
  for (const kind of gatewayKinds) expect(caches.missing('gateway.networking.k8s.io/v1', kind)).toBe(true)
  expect(caches.missing('networking.istio.io/v1', 'VirtualService')).toBe(false)
  expect(caches.list('fairlead.dev/v1alpha1', 'Rollout')).toHaveLength(3)
})

test("a mesh's object concerns the Rollouts that share its claim, in every namespace, and no others", async () => {
  const source = new PlainSource(rollouts)
  const {told} = await start(source)
  const spec = {parentRefs: [{name: 'public', namespace: 'shop'}]}
  await source.watchers.get('HTTPRoute')?.({type: 'ADDED', object: route('infra/other', spec)})
  expect(told).toEqual(['shop/checkout'])
})

test('the managers of fields are kept where they are read; of a route, who owns each field of the spec', async () => {
  const fieldsV1 = {'f:metadata': {'f:labels': {}}, 'f:spec': {'f:rules': {'k:{}': {}}}}
  const managers = {
    managedFields: [{manager: 'kubectl', time: '', fieldsV1}],
    annotations: {[lastApplied]: '{}', note: 'kept'},
  }
  const deployment = {apiVersion: 'apps/v1', kind: 'Deployment', metadata: {namespace: 'shop', name: 'x', ...managers}}
  const {caches} = await start(new PlainSource([route('shop/x', {}, managers), deployment]))
  const refOf = (apiVersion: string, kind: string) => ({apiVersion, kind, namespace: 'shop', name: 'x'})
  const seen = caches.get(refOf('gateway.networking.k8s.io/v1', 'HTTPRoute'))?.metadata
  expect(seen?.annotations).toEqual({note: 'kept'})
  expect(seen?.managedFields).toEqual([{manager: 'kubectl', fieldsV1: {'f:spec': {'f:rules': {}}}}])
  expect(caches.get(refOf('apps/v1', 'Deployment'))?.metadata.managedFields).toHaveLength(1)
})

test('where one namespace is looked at, whoever reads the caches can tell', async () => {
  const narrow = await start(new PlainSource([]), 'shop')
  expect(narrow.caches.namespace).toBe('shop')
  const wide = await start(new PlainSource([]))
  expect(wide.caches.namespace).toBeUndefined()
})

test('a kind of no namespace is read where every namespace is, narrowly; elsewhere it is neither read nor missed', async () => {
  const ofCluster = ['GatewayClass', 'CustomResourceDefinition']
  const asked = ({asked: all}: PlainSource) => all.filter(({kind}) => ofCluster.includes(kind))
  const source = new PlainSource([])
  const wide = await start(source)
  expect(asked(source)).toEqual([
    {apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GatewayClass'},
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: 'httproutes.gateway.networking.k8s.io',
      metadataOnly: true,
    },
  ])
  expect(missingKinds(meshes.gatewayAPI, wide.caches)).toEqual([])
  const without = await start(new PlainSource([], ['GatewayClass']))
  expect(missingKinds(meshes.gatewayAPI, without.caches)).toEqual(['GatewayClass (gateway.networking.k8s.io/v1)'])
  const narrow = new PlainSource([])
  const {caches} = await start(narrow, 'shop')
  expect(asked(narrow)).toEqual([])
  expect(missingKinds(meshes.gatewayAPI, caches)).toEqual([])
})
