// Releases beside Linkerd: the core and the real renderer on the model cluster, and requests that go where Linkerd's proxies
// would send them, by the routes that are there.
import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import {runUntil} from './driver.ts'
import {requestFrom, sharesOf} from './mesh-reading.ts'
import {ModelCluster, type ModelSettings, type Oracle} from './model-cluster.ts'
import {insideCaller, linkerdRoute, usersRoute} from './model-linkerd.ts'
import {settings} from './usual-settings.ts'

function openCluster(
  spec: object,
  oracle: Oracle = () => 'pass',
  mesh: ModelSettings['mesh'] = 'linkerd',
): ModelCluster {
  return new ModelCluster({...settings, mesh, spec}, oracle)
}

/** Where requests of one kind go by what is there now, percent; undefined where no route sends them to a slot. */
function sharesFor(cluster: ModelCluster, headers: Record<string, string> = {}, query = ''): Weights | undefined {
  const route = linkerdRoute([...cluster.objects.values()])
  return route && sharesOf(route, requestFrom(insideCaller, headers, query))
}

/** Runs until it holds. @returns what slot b had of the requests that nothing sets apart, percent, one after the other */
function weightsUntil(cluster: ModelCluster, holds: (cluster: ModelCluster) => boolean): (number | undefined)[] {
  const seen: (number | undefined)[] = []
  const look = () => {
    const b = sharesFor(cluster)?.b
    if (seen.length === 0 || b !== seen.at(-1)) seen.push(b)
  }
  look()
  const held = runUntil(cluster, () => holds(cluster), 300_000, {}, look)
  expect(held, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
  look()
  return seen
}

const isTested = ({status}: ModelCluster) => status.release?.stepSince !== undefined
const inPhase =
  (phase: string) =>
  ({status}: ModelCluster) =>
    status.phase === phase
const serves = (image: string) => (cluster: ModelCluster) =>
  cluster.status.phase === 'Healthy' && cluster.status.primary?.image === image

function adopted(...of: Parameters<typeof openCluster>): ModelCluster {
  const cluster = openCluster(...of)
  expect(weightsUntil(cluster, inPhase('Healthy'))).toEqual([undefined, 0])
  return cluster
}

const failing: Oracle = image => (image === 'app:2' ? 'fail' : 'pass')
const canary = {strategy: {canary: {steps: [{weight: 20}, {weight: 50}]}}}

describe('beside Linkerd', () => {
  test('a canary gets the share of each step from the callers inside, and in the end everything', () => {
    const cluster = adopted(canary)
    cluster.deploy('app:2')
    expect(weightsUntil(cluster, serves('app:2'))).toEqual([0, 20, 50, 100])
    expect(cluster.dropped).toBe(0)
    cluster.deploy('app:3')
    expect(weightsUntil(cluster, serves('app:3'))).toEqual([100, 80, 50, 0])
  })

  test('a canary that fails loses its share', () => {
    const cluster = adopted(canary, failing)
    cluster.deploy('app:2')
    expect(weightsUntil(cluster, inPhase('Failed'))).toEqual([0, 20, 0])
    expect(cluster.dropped).toBe(0)
  })

  test('blue/green: all requests move at once, and back at once where it fails in the bake', () => {
    let bad = false
    const oracle: Oracle = image => (bad && image === 'app:2' ? 'fail' : 'pass')
    const strategy = {blueGreen: {pause: {duration: '10s'}}}
    const cluster = adopted({strategy, bake: {duration: '1m'}}, oracle)
    const preview = () => cluster.find('Service', 'checkout-preview')?.spec.selector['fairlead.dev/slot']
    cluster.deploy('app:2')
    expect([weightsUntil(cluster, isTested), preview()]).toEqual([[0], 'b'])
    expect(weightsUntil(cluster, inPhase('Baking'))).toEqual([0, 100])
    expect(cluster.readyWith({'fairlead.dev/slot': 'a'})).toHaveLength(3)
    bad = true
    expect(weightsUntil(cluster, inPhase('Failed'))).toEqual([100, 0])
    expect([cluster.status.primary?.image, cluster.dropped]).toEqual(['app:1', 0])
  })

  test('A/B: who matches gets the new version for the time of the test, the others by their weight', () => {
    const match = [{headers: [{name: 'x-group', exact: 'insiders'}]}]
    const cluster = adopted({strategy: {abTest: {match, weight: 10, duration: '30s'}}})
    const insiders = () => sharesFor(cluster, {'x-group': 'insiders'})
    const outsiders = () => sharesFor(cluster, {'x-group': 'outsiders'})
    cluster.deploy('app:2')
    expect(weightsUntil(cluster, isTested)).toEqual([0, 10])
    expect([insiders(), outsiders()]).toEqual([
      {a: 0, b: 100},
      {a: 90, b: 10},
    ])
    expect(weightsUntil(cluster, serves('app:2'))).toEqual([10, 100])
    expect([insiders(), outsiders(), cluster.dropped]).toEqual([{a: 0, b: 100}, {a: 0, b: 100}, 0])
  })

  test('gRPC: the calls have the share of each step, by a GRPCRoute alone', () => {
    const cluster = openCluster(canary)
    const service = cluster.find('Service', 'checkout') as KubeObject
    const ports = [{name: 'api', port: 80, appProtocol: 'grpc'}]
    cluster.put({...service, spec: {...service.spec, ports}})
    expect(weightsUntil(cluster, inPhase('Healthy'))).toEqual([undefined, 0])
    cluster.deploy('app:2')
    expect(weightsUntil(cluster, serves('app:2'))).toEqual([0, 20, 50, 100])
    const kinds = [...cluster.objects.values()].map(({kind}) => kind).filter(kind => kind.endsWith('Route'))
    expect([kinds, cluster.dropped]).toEqual([['GRPCRoute'], 0])
  })
})

describe('matches beside Linkerd', () => {
  const only = (match: object) => {
    const cluster = adopted({strategy: {canary: {steps: [{weight: 0}, {weight: 20}], match: [match]}}})
    cluster.deploy('app:2')
    weightsUntil(cluster, isTested)
    expect(sharesFor(cluster)).toEqual({a: 100, b: 0})
    return (headers: Record<string, string>, query?: string) => sharesFor(cluster, headers, query)?.b
  }

  test('by headers: those requests alone get the new version', () => {
    const exact = only({headers: [{name: 'X-Group', exact: 'insiders'}]})
    expect([exact({'x-group': 'insiders'}), exact({'x-group': 'insiders2'})]).toEqual([100, 0])
    const regex = only({headers: [{name: 'x-n', regex: '[0-9]+'}]})
    expect([regex({'x-n': '42'}), regex({'x-n': '42x'})]).toEqual([100, 0])
  })

  test('by cookies: those requests alone get the new version', () => {
    const found = only({cookies: [{name: 'plan', value: 'pro'}]})
    const cookies = ['plan=pro', 'x=1; plan=pro; y=2', 'xplan=pro', 'plan=prof', 'plan=free']
    expect(cookies.map(cookie => found({cookie}))).toEqual([100, 100, 0, 0, 0])
  })

  test('by query parameters: those requests alone get the new version', () => {
    const found = only({queryParams: [{name: 'v', exact: '2'}]})
    expect(['v=2', 'a=1&v=2', 'v=21', ''].map(query => found({}, query))).toEqual([100, 100, 0, 0])
  })
})

describe("a route of the user's, whose parent is the Service", () => {
  const rules = (cluster: ModelCluster): KubeObject['spec'][] => cluster.find('HTTPRoute', 'users')?.spec.rules

  /** The route with other backends in the one rule that leads to the Service. */
  function withBackends(backends: [name: string, weight: number][]): unknown {
    const {parentRefs, rules: theirs} = usersRoute.spec
    const [legacy, rest] = theirs
    const [backend] = rest.backendRefs
    const backendRefs = backends.map(([name, weight]) => ({...backend, name, weight}))
    return {parentRefs, rules: [legacy, {...rest, backendRefs}]}
  }

  test('has the weights of the release, which Linkerd obeys, nothing else changes, and it is given back as it was', () => {
    const cluster = adopted(canary, undefined, 'linkerd, borrowed')
    const spec = () => cluster.find('HTTPRoute', 'users')?.spec
    expect(spec()).toEqual(withBackends([['checkout-a', 100]]))
    cluster.deploy('app:2')
    expect(weightsUntil(cluster, ({status}) => status.traffic?.confirmed?.b === 20)).toEqual([0, 20])
    const shared: [string, number][] = [
      ['checkout-a', 80],
      ['checkout-b', 20],
    ]
    expect(spec()).toEqual(withBackends(shared))
    expect(weightsUntil(cluster, serves('app:2'))).toEqual([20, 50, 100])
    // No route of Fairlead's stands beside it.
    expect(cluster.find('HTTPRoute', 'checkout')).toBeUndefined()
    const {rollout} = cluster
    cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
    expect(weightsUntil(cluster, ({gone}) => gone)).toEqual([100, undefined])
    expect([spec(), cluster.find('HTTPRoute', 'users')?.metadata.labels]).toEqual([
      usersRoute.spec,
      usersRoute.metadata.labels,
    ])
    expect(cluster.dropped).toBe(0)
  })

  test('a backend alone gets everything, whatever its weight: weight 0 is no drift', () => {
    const cluster = adopted(canary, undefined, 'linkerd, borrowed')
    const route = cluster.find('HTTPRoute', 'users') as KubeObject
    const edited = structuredClone(route.spec)
    edited.rules[1].backendRefs[0].weight = 0
    cluster.put({...route, spec: edited})
    const reasons: string[] = []
    const noted = (notes: {reason: string}[]) => void reasons.push(...notes.map(({reason}) => reason))
    runUntil(cluster, () => false, 5000, {}, noted)
    expect([sharesFor(cluster), reasons]).toEqual([{a: 100, b: 0}, []])
    const [, rule] = rules(cluster)
    Object.assign(rule?.backendRefs[0], {name: 'checkout'})
    cluster.put({...route, spec: {...route.spec, rules: rules(cluster)}})
    expect(runUntil(cluster, () => reasons.includes('RouteDrift'), 10_000, {}, noted)).toBe(true)
  })
})

describe('the model of Linkerd', () => {
  const route = () => structuredClone(adopted(canary).find('HTTPRoute', 'checkout') as KubeObject)

  test.each<[string, (spec: KubeObject['spec']) => unknown]>([
    ['a name of a rule', spec => Object.assign(spec.rules[0], {name: 'all'})],
    ['a retry', spec => Object.assign(spec.rules[0], {retry: {attempts: 3}})],
    ['a copy', spec => Object.assign(spec.rules[0], {filters: [{type: 'RequestMirror'}]})],
    ['a name of a host', spec => Object.assign(spec, {hostnames: ['checkout.shop']})],
    ['a Gateway as the parent', spec => Object.assign(spec, {parentRefs: [{name: 'checkout'}]})],
    ['another port', spec => Object.assign(spec.parentRefs[0], {port: 81})],
  ])('knows no route with %s', (_, edit) => {
    const object = route()
    expect(linkerdRoute([object])).toBeDefined()
    edit(object.spec)
    expect(linkerdRoute([object])).toBeUndefined()
  })

  test('may panic where a weight is 0, and sends everything to a backend alone', () => {
    const object = route()
    const [backend] = object.spec.rules[0].backendRefs
    object.spec.rules[0].backendRefs = [{...backend, weight: 0}]
    const alone = linkerdRoute([object])
    expect(alone && sharesOf(alone, requestFrom(insideCaller))).toEqual({a: 100, b: 0})
    for (const weight of [0, 100]) {
      const backendRefs = [
        {...backend, name: 'checkout-a', weight},
        {...backend, name: 'checkout-b', weight: 0},
      ]
      object.spec.rules[0].backendRefs = backendRefs
      expect(() => linkerdRoute([object])).toThrow('panics')
    }
  })
})
