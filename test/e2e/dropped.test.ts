// The demo's figure "requests dropped because of Fairlead" must be able to be wrong. The same moves of one release are
// made in the right order and in two wrong ones, by the core's own manifests, under the demo's traffic: only the right
// order drops nothing.
import {afterEach, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import {meshes} from '../../mesh/registry.ts'
import type {MeshContext} from '../../mesh/types.ts'
import {meshCrds, Store} from '../../playground/api/index.ts'
import {startTraffic} from '../../playground/demo/traffic.ts'
import {startProxy} from '../../playground/proxy/index.ts'
import {seededRandom, startWorkloadRunner} from '../../playground/workloads/index.ts'

const namespace = 'shop'
const context: MeshContext = {
  rollout: {name: 'checkout', namespace, uid: 'uid'},
  apex: {name: 'checkout', ports: [{name: 'http', port: 80, protocol: 'TCP', targetPort: 8080}]},
  slots: {a: 'checkout-a', b: 'checkout-b'},
  traffic: {istio: {hosts: [], gateways: [], settlingTime: '1s'}},
}

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const pause = (milliseconds: number) => new Promise<void>(resolve => setTimeout(resolve, milliseconds))

/** The moves of a release from slot a to slot b. */
interface Moves {
  fillB(): Promise<void>
  route(a: number, b: number): Promise<void>
  emptyA(): Promise<void>
  propagated(): Promise<void>
}

/** Plays a release under traffic; the number of requests that the client saw dropped. */
async function droppedIn(release: (moves: Moves) => Promise<void>): Promise<number> {
  const store = new Store()
  for (const crd of meshCrds) store.create(structuredClone(crd) as KubeObject)
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  const runner = startWorkloadRunner({store, random: seededRandom(1), settings: {terminationGraceMilliseconds: 100}})
  closers.push(() => runner.close())
  const proxy = await startProxy({
    store,
    random: seededRandom(2),
    settings: {clientNamespace: namespace, propagationMilliseconds: 50},
  })
  closers.push(() => proxy.close())
  const apply = (object: KubeObject) => store.apply(object, {fieldManager: 'test', force: true})
  for (const name of ['checkout', 'checkout-a', 'checkout-b']) apply(service(name))
  apply(slot('a', 2))
  const moves: Moves = {
    async fillB() {
      apply(slot('b', 2))
      while ((store.get('deployments.apps', namespace, 'checkout-b')?.['status']?.readyReplicas ?? 0) < 2)
        await pause(20)
    },
    route: async (a, b) => void meshes.istio.renderRoutes(context, {a, b}, []).map(apply),
    emptyA: async () => void apply(slot('a', 0)),
    propagated: () => pause(300),
  }
  await moves.route(100, 0)
  await pause(600)
  const traffic = startTraffic({url: proxy.url, host: 'checkout', requestsPerSecond: 100, timeoutMilliseconds: 2000})
  await pause(300)
  await release(moves)
  await pause(500)
  await traffic.stop()
  const {total, dropped} = traffic.count()
  expect(total).toBeGreaterThan(50)
  return dropped
}

function service(name: string): KubeObject {
  const marks = name === 'checkout' ? {} : {[labels.slot]: name.slice(-1)}
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {name, namespace},
    spec: {selector: {app: 'checkout', ...marks}, ports: [{name: 'http', port: 80, targetPort: 8080}]},
  }
}

function slot(name: 'a' | 'b', replicas: number): KubeObject {
  const marks = {app: 'checkout', [labels.slot]: name}
  const env = [
    {name: 'VERSION', value: name},
    {name: 'STARTUP_MILLISECONDS', value: '300'},
  ]
  const template = {metadata: {labels: marks}, spec: {containers: [{name: 'app', image: `checkout:${name}`, env}]}}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: `checkout-${name}`, namespace},
    spec: {replicas, selector: {matchLabels: marks}, template},
  }
}

test('readiness before route, and drain before scale-down: nothing is dropped', async () => {
  const dropped = await droppedIn(async moves => {
    await moves.fillB()
    await moves.route(50, 50)
    await moves.propagated()
    await moves.route(0, 100)
    await moves.propagated()
    await moves.emptyA()
  })
  expect(dropped).toBe(0)
})

test('route before readiness: the figure rises', async () => {
  const dropped = await droppedIn(async moves => {
    await moves.route(50, 50)
    await moves.fillB()
    await moves.route(0, 100)
    await moves.propagated()
    await moves.emptyA()
  })
  expect(dropped).toBeGreaterThan(0)
})

test('scale-down before drain: the figure rises', async () => {
  const dropped = await droppedIn(async moves => {
    await moves.fillB()
    await moves.route(50, 50)
    await moves.emptyA()
    await moves.propagated()
    await pause(300)
    await moves.route(0, 100)
  })
  expect(dropped).toBeGreaterThan(0)
})
