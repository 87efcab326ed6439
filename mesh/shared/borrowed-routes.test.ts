import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext} from '../types.ts'
import {
  type Borrowing,
  borrowedProblems,
  ownOrBorrowed,
  readBorrowed,
  renderBorrowed,
  renderBorrowedBack,
} from './borrowed-routes.ts'

const context: MeshContext = {
  rollout: {name: 'checkout', namespace: 'shop', uid: 'uid-1'},
  apex: {name: 'checkout', ports: [{port: 80}]},
  slots: {a: 'checkout-a', b: 'checkout-b'},
  traffic: {},
}
const borrowing: Borrowing = {name: 'shop', ownership: 'exclusive'}

/** The user's route: a rule of another Service, and two of ours. */
function usersRoute(metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  const filters = [{type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: 'a', value: 'b'}]}}]
  const backend = {group: '', kind: 'Service', port: 80, weight: 1}
  const spec = {
    parentRefs: [{name: 'public'}],
    hostnames: ['shop.example.com'],
    rules: [
      {matches: [{path: {type: 'PathPrefix', value: '/cart'}}], backendRefs: [{...backend, name: 'cart'}]},
      {
        name: 'api',
        matches: [{path: {type: 'PathPrefix', value: '/api'}}],
        timeouts: {request: '3s'},
        backendRefs: [{...backend, name: 'checkout', filters}],
      },
      {name: 'rest', filters, backendRefs: [{...backend, name: 'checkout'}]},
    ],
  }
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {name: 'shop', namespace: 'shop', resourceVersion: '7', ...metadata},
    spec: spec as unknown as JsonObject,
  }
}

/** The user's object after an apply of ours. */
function applied(live: KubeObject, [manifest]: KubeObject[]): KubeObject {
  return {...live, spec: {...live.spec, ...manifest?.spec}}
}

describe('a borrowed route', () => {
  test('has other backends in the rules that lead to the Service, and nothing else changed', () => {
    const live = usersRoute()
    const [manifest] = renderBorrowed(context, borrowing, {a: 90, b: 10}, [live])
    expect(manifest?.metadata).toEqual({name: 'shop', namespace: 'shop', resourceVersion: '7'})
    expect(Object.keys(manifest?.spec)).toEqual(['rules'])
    const rules = structuredClone(live.spec.rules)
    for (const index of [1, 2]) {
      const [backend] = rules[index].backendRefs
      rules[index].backendRefs = [
        {...backend, name: 'checkout-a', weight: 90},
        {...backend, name: 'checkout-b', weight: 10},
      ]
    }
    expect(manifest?.spec.rules).toEqual(rules)
  })

  test('is read back, moved on, and given back as it was', () => {
    const live = usersRoute()
    const read = (route: KubeObject) => readBorrowed(context, borrowing, [route], false)
    expect(read(live)).toBeUndefined()
    const first = applied(live, renderBorrowed(context, borrowing, {a: 100, b: 0}, [live]))
    expect(first.spec.rules[1].backendRefs).toHaveLength(1)
    expect(read(first)).toEqual({a: 100, b: 0})
    const second = applied(first, renderBorrowed(context, borrowing, {a: 40, b: 60}, [first]))
    expect(read(second)).toEqual({a: 40, b: 60})
    expect(applied(second, renderBorrowedBack(context, borrowing, [second]))).toEqual(live)
  })

  test('only the named rules', () => {
    const live = usersRoute()
    const [manifest] = renderBorrowed(context, {...borrowing, rules: ['api']}, {a: 90, b: 10}, [live])
    expect(manifest?.spec.rules[2]).toEqual(live.spec.rules[2])
    expect(manifest?.spec.rules[1].backendRefs).toHaveLength(2)
  })

  test('a rule that somebody pointed back at the Service is drift', () => {
    const live = usersRoute()
    const taken = applied(live, renderBorrowed(context, borrowing, {a: 90, b: 10}, [live]))
    taken.spec.rules[2] = live.spec.rules[2]
    expect(readBorrowed(context, borrowing, [taken], false)).toBeUndefined()
  })

  test('one of another kind, or in another namespace, is not it', () => {
    expect(renderBorrowed(context, {...borrowing, kind: 'GRPCRoute'}, {a: 100, b: 0}, [usersRoute()])).toEqual([])
    expect(renderBorrowed(context, borrowing, {a: 100, b: 0}, [usersRoute({namespace: 'web'})])).toEqual([])
  })
})

test('the ports of the slots are those of the backends that lead to the Service, be it the apex or a slot', () => {
  const {routedPorts, renderRoutes} = ownOrBorrowed({
    borrowing: () => borrowing,
    render: () => usersRoute(),
    read: () => undefined,
    port: () => ({port: 9999}),
    lone: false,
  })
  expect(routedPorts(context, [usersRoute()])).toEqual([80])
  expect(routedPorts(context, renderRoutes(context, {a: 50, b: 50}, [usersRoute()]))).toEqual([80])
  expect(routedPorts(context, [])).toEqual([])
})

describe('what is in its way', () => {
  const problemsOf = (route: KubeObject[], more: Partial<Borrowing> = {}) =>
    borrowedProblems(context, {...borrowing, ...more}, route, 'spec.traffic.gatewayAPI.route')

  test('nothing; or it is missing, or a rule is', () => {
    expect(problemsOf([usersRoute()])).toEqual([])
    expect(problemsOf([])).toMatchObject([{reason: 'RouteMissing', object: 'HTTPRoute shop/shop'}])
    expect(problemsOf([usersRoute()], {rules: ['api', 'apj']})).toMatchObject([
      {reason: 'RuleMissing', problem: expect.stringContaining('no rule apj')},
    ])
    const other = usersRoute()
    other.spec.rules = other.spec.rules.slice(0, 1)
    expect(problemsOf([other])).toMatchObject([{reason: 'RuleMissing', field: 'spec.rules'}])
  })

  test('another Rollout writes it: both are named', () => {
    const [found, ...more] = problemsOf([usersRoute({labels: {'fairlead.dev/rollout': 'other'}})])
    expect(more).toEqual([])
    expect(found).toMatchObject({reason: 'RouteClaimed', object: 'HTTPRoute shop/shop'})
    expect(found?.problem).toBe('it is the route of Rollout shop/other, and Rollout shop/checkout would change it too')
  })

  test('a rule that shares with another Service', () => {
    const live = usersRoute()
    live.spec.rules[2].backendRefs.push({name: 'legacy', weight: 1})
    expect(problemsOf([live])).toMatchObject([{reason: 'UnsplittableRule', field: 'spec.rules[2].backendRefs'}])
  })

  test('a rule with several backends of the Service, of which one alone would be left', () => {
    const live = usersRoute()
    live.spec.rules[1].backendRefs.push({name: 'checkout', port: 8080, weight: 3})
    expect(problemsOf([live])).toMatchObject([{reason: 'UnsplittableRule', field: 'spec.rules[1].backendRefs'}])
    const shared = applied(usersRoute(), renderBorrowed(context, borrowing, {a: 90, b: 10}, [usersRoute()]))
    expect(problemsOf([shared])).toEqual([])
    shared.spec.rules[1].backendRefs.push({name: 'checkout-a', port: 8080, weight: 3})
    expect(problemsOf([shared])).toMatchObject([{reason: 'UnsplittableRule'}])
  })

  test.each([
    ['argocd-controller', 'RespectIgnoreDifferences=true'],
    ['kustomize-controller', 'ssa: IfNotPresent'],
    ['kubectl-client-side-apply', 'leave spec.rules out'],
  ])('%s manages the rules: refused with the setting that makes it leave them', (manager, setting) => {
    const managed = usersRoute({managedFields: [{manager, operation: 'Apply', fieldsV1: {'f:spec': {'f:rules': {}}}}]})
    const [problem] = problemsOf([managed])
    expect(problem).toMatchObject({reason: 'RouteOwnedElsewhere', field: 'spec.rules'})
    expect(problem?.fix).toContain(setting)
    expect(problem?.fix).toContain('spec.traffic.gatewayAPI.route.ownership: shared')
    expect(problemsOf([managed], {ownership: 'shared'})).toEqual([])
  })
})
