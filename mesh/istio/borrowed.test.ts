import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {testContext, userObject} from './fixtures.ts'
import {istio} from './index.ts'

type Settings = NonNullable<NonNullable<Parameters<typeof testContext>[0]>['virtualService']>

function contextWith(settings: Partial<Settings> = {}) {
  return testContext({virtualService: {name: 'shop', ownership: 'exclusive', ...settings}})
}

/** The user's route: a redirect, a rule of another Service, two of ours, a TCP rule. */
function usersRoute(metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  const spec = {
    hosts: ['shop.example.com', 'checkout'],
    gateways: ['ingress/public', 'mesh'],
    http: [
      {match: [{uri: {exact: '/old'}}], redirect: {uri: '/new'}},
      {match: [{uri: {prefix: '/cart'}}], route: [{destination: {host: 'cart'}}]},
      {
        name: 'api',
        match: [{uri: {prefix: '/api'}}],
        rewrite: {uri: '/'},
        timeout: '3s',
        retries: {attempts: 2},
        mirror: {host: 'recorder'},
        route: [{destination: {host: 'checkout', port: {number: 80}}, headers: {request: {set: {a: 'b'}}}}],
      },
      {name: 'rest', route: [{destination: {host: 'checkout.shop.svc.cluster.local'}}]},
    ],
    tcp: [{match: [{port: 7000}], route: [{destination: {host: 'checkout', port: {number: 7000}}}]}],
  }
  return userObject('VirtualService', 'shop/shop', spec as JsonObject, {resourceVersion: '7', ...metadata})
}

/** The user's object after an apply of ours: fields of the manifest in place of its own. */
function applied(live: KubeObject, [manifest]: KubeObject[]): KubeObject {
  return {...live, spec: {...live.spec, ...manifest?.spec}}
}

describe('a borrowed VirtualService', () => {
  test('has other destinations in the rules that lead to the Service, and nothing else changed', () => {
    const live = usersRoute()
    const [manifest] = istio.renderRoutes(contextWith(), {a: 90, b: 10}, [live])
    expect(manifest).toMatchObject({metadata: {name: 'shop', namespace: 'shop', resourceVersion: '7'}})
    expect(Object.keys(manifest?.metadata ?? {})).toHaveLength(3)
    const headers = {request: {set: {a: 'b'}}}
    const http = structuredClone(live.spec.http)
    http[2].route = [
      {destination: {host: 'checkout-a', port: {number: 80}}, headers, weight: 90},
      {destination: {host: 'checkout-b', port: {number: 80}}, headers, weight: 10},
    ]
    http[3].route = [
      {destination: {host: 'checkout-a.shop.svc.cluster.local'}, weight: 90},
      {destination: {host: 'checkout-b.shop.svc.cluster.local'}, weight: 10},
    ]
    const tcp = structuredClone(live.spec.tcp)
    tcp[0].route = [
      {destination: {host: 'checkout-a', port: {number: 7000}}, weight: 90},
      {destination: {host: 'checkout-b', port: {number: 7000}}, weight: 10},
    ]
    expect(manifest?.spec).toEqual({http, tcp})
  })

  test('is read back, moved on, and given back as it was', () => {
    const context = contextWith()
    const live = usersRoute()
    expect(istio.read(context, [live])).toBeUndefined()
    const first = applied(live, istio.renderRoutes(context, {a: 100, b: 0}, [live]))
    expect(istio.read(context, [first])).toEqual({a: 100, b: 0})
    const second = applied(first, istio.renderRoutes(context, {a: 40, b: 60}, [first]))
    expect(istio.read(context, [second])).toEqual({a: 40, b: 60})
    expect(applied(second, istio.renderReturned(context, [second]))).toEqual(live)
  })

  test('only the named rules', () => {
    const live = usersRoute()
    const [manifest] = istio.renderRoutes(contextWith({routes: ['api']}), {a: 90, b: 10}, [live])
    expect(Object.keys(manifest?.spec)).toEqual(['http'])
    expect(manifest?.spec.http[3]).toEqual(live.spec.http[3])
    expect(manifest?.spec.http[2].route).toHaveLength(2)
  })

  test('a rule that somebody pointed back at the Service is drift', () => {
    const context = contextWith()
    const live = usersRoute()
    const taken = applied(live, istio.renderRoutes(context, {a: 90, b: 10}, [live]))
    taken.spec.http[3] = live.spec.http[3]
    expect(istio.read(context, [taken])).toBeUndefined()
  })

  test('does weights alone, and says what to use for more', () => {
    const limits = istio.limits?.(contextWith(), [])
    for (const feature of ['matchHeaders', 'sticky', 'mirror'] as const) {
      expect(limits?.[feature]?.why).toContain('delegate')
    }
  })
})

test('the ports of the slots are those that its rules name; one that names none means the Service', () => {
  const context = {...contextWith(), apex: {name: 'checkout', ports: [{port: 8080, name: 'http'}]}}
  expect(istio.routedPorts(context, [usersRoute()])).toEqual([80, 8080, 7000])
  expect(istio.routedPorts(context, istio.renderRoutes(context, {a: 50, b: 50}, [usersRoute()]))).toEqual([
    80, 8080, 7000,
  ])
  expect(istio.routedPorts(context, [])).toEqual([])
})

const problemsOf = (route: KubeObject[], settings: Partial<Settings> = {}) =>
  istio.problems(contextWith(settings), route)

describe('what is in its way', () => {
  test('nothing', () => {
    expect(problemsOf([usersRoute()])).toEqual([])
  })

  test('another Rollout writes it', () => {
    expect(problemsOf([usersRoute({labels: {'fairlead.dev/rollout': 'other'}})])).toMatchObject([
      {reason: 'RouteClaimed', problem: expect.stringMatching(/Rollout shop\/other.*Rollout shop\/checkout/)},
    ])
  })

  test('it is missing; then nothing is rendered', () => {
    expect(problemsOf([])).toMatchObject([{reason: 'RouteMissing', object: 'VirtualService shop/shop'}])
    expect(istio.renderRoutes(contextWith(), {a: 100, b: 0}, [])).toEqual([])
  })

  test('a named rule is missing, or no rule leads to the Service', () => {
    expect(problemsOf([usersRoute()], {routes: ['api', 'apj']})).toMatchObject([
      {reason: 'RuleMissing', problem: expect.stringContaining('no rule apj')},
    ])
    const other = userObject('VirtualService', 'shop/shop', {http: [{route: [{destination: {host: 'cart'}}]}]})
    expect(problemsOf([other])).toMatchObject([{reason: 'RuleMissing'}])
  })

  test('a rule that shares with another Service, and one with a subset', () => {
    const live = usersRoute()
    live.spec.http[2].route.push({destination: {host: 'legacy'}, weight: 20})
    live.spec.http[3].route[0].destination.subset = 'v1'
    expect(problemsOf([live])).toMatchObject([
      {reason: 'UnsplittableRule', field: 'spec.http[2].route'},
      {reason: 'UnsplittableRule', field: 'spec.http[3].route'},
    ])
  })

  test('a rule with several destinations of the Service, of which one alone would be left', () => {
    const live = usersRoute()
    const [, , api, rest] = live.spec.http
    api.route.push({destination: {host: 'checkout.shop.svc.cluster.local', port: {number: 8080}}, weight: 30})
    expect(problemsOf([live])).toMatchObject([{reason: 'UnsplittableRule', field: 'spec.http[2].route'}])
    api.route.pop()
    rest.route = ['a', 'b'].map(slot => ({destination: {host: `checkout-${slot}`}, weight: 50}))
    expect(problemsOf([live])).toEqual([])
  })

  test.each([
    ['the Service', ['checkout.shop.svc.cluster.local'], undefined, true],
    ['another host of the route', ['shop.example.com'], ['mesh'], true],
    ['a wildcard over the Service', ['*.cluster.local'], ['mesh'], true],
    ['its host at a gateway, where Istio merges the two', ['shop.example.com'], ['ingress/public'], false],
    ['another host', ['cart'], undefined, false],
  ])('a second VirtualService in the mesh: %s', (_, hosts, gateways, inTheWay) => {
    const other = userObject('VirtualService', 'shop/second', {hosts, ...(gateways ? {gateways} : {}), http: []})
    const found = problemsOf([usersRoute(), other])
    expect(found.map(({reason, object}) => `${reason} ${object}`)).toEqual(
      inTheWay ? ['HostConflict VirtualService shop/second'] : [],
    )
    if (inTheWay) expect(found[0]?.problem).toContain('as VirtualService shop/shop does')
    // Where the borrowed route isn't for the mesh, nobody in the mesh misses it.
    const outside = usersRoute()
    outside.spec.gateways = ['ingress/public']
    expect(problemsOf([outside, other])).toEqual([])
  })
})

describe('who else manages its rules', () => {
  const managedBy = (manager: string, list = 'http') =>
    usersRoute({managedFields: [{manager, operation: 'Apply', fieldsV1: {'f:spec': {[`f:${list}`]: {}}}}]})

  test.each([
    ['argocd-controller', 'RespectIgnoreDifferences=true'],
    ['kustomize-controller', 'kustomize.toolkit.fluxcd.io/ssa: IfNotPresent'],
    ['helm-controller', 'driftDetection'],
    ['kubectl-client-side-apply', 'leave spec.http and spec.tcp out'],
    ['fairlead-gitsync', 'GitSync'],
  ])('%s manages the rules: refused with the setting that makes it leave them', (manager, setting) => {
    const [problem, ...rest] = problemsOf([managedBy(manager)])
    expect(problem).toMatchObject({reason: 'RouteOwnedElsewhere', problem: expect.stringContaining(manager)})
    expect(problem?.fix).toContain(setting)
    expect(problem?.fix).toContain('ownership: shared')
    expect(rest).toEqual([])
    expect(problemsOf([managedBy(manager)], {ownership: 'shared'})).toEqual([])
  })

  test.each([
    ['Fairlead itself', managedBy('fairlead')],
    ['a command that somebody typed', managedBy('kubectl-edit')],
    ['whoever manages other fields', managedBy('argocd-controller', 'hosts')],
  ])('%s is not', (_, route) => {
    expect(problemsOf([route])).toEqual([])
  })
})
