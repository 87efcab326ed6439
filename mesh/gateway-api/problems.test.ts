import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {ServicePort} from '../types.ts'
import {answer, routeWith, testContext, userObject} from './fixtures.ts'
import {gatewayAPI} from './index.ts'

const context = testContext()
const gateway = userObject('Gateway', 'infra/public', {})
const ours = {name: 'public', namespace: 'infra'}

function found(...objects: KubeObject[]): string[] {
  return gatewayAPI.problems(context, [gateway, ...objects]).map(one => `${one.reason} ${one.object} ${one.field}`)
}

function route(
  hostnames: string[],
  parentRefs: JsonObject[],
  rules: JsonObject[] = [{}],
  path = 'web/other',
): KubeObject {
  return userObject('HTTPRoute', path, {hostnames, parentRefs, rules})
}

const prefix = (value: string) => ({matches: [{path: {type: 'PathPrefix', value}}]})

describe('another HTTPRoute', () => {
  const hosts = ['shop.example.com']
  test.each([
    ['the same host and Gateway', route(hosts, [ours])],
    ['one of many hosts and parents', route(['x.example.com', ...hosts], [{name: 'x'}, ours])],
    ['one listener of the Gateway', route(hosts, [{...ours, sectionName: 'https'}])],
    ['the Gateway, named from its own namespace', route(hosts, [{name: 'public'}], [{}], 'infra/other')],
    ['a catch-all after narrower rules', route(hosts, [ours], [prefix('/api'), prefix('/')])],
  ])('is in the way: %s', (_, other) => {
    const path = `${other.metadata.namespace}/${other.metadata.name}`
    expect(found(other)).toEqual([`HostConflict HTTPRoute ${path} spec.hostnames`])
  })

  test.each([
    ['another host', route(['cart.example.com'], [ours])],
    ['a wildcard, which loses to the host itself', route(['*.example.com'], [ours])],
    ['every host, which loses too', route([], [ours])],
    ['another Gateway', route(hosts, [{...ours, name: 'private'}])],
    ['a Gateway of the same name elsewhere', route(hosts, [{name: 'public'}])],
    ['certain paths only', route(hosts, [ours], [prefix('/api'), prefix('/cart')])],
    ['one method only', route(hosts, [ours], [{matches: [{method: 'GET'}]}])],
    ['nonsense', userObject('HTTPRoute', 'web/other', {hostnames: 'x', parentRefs: 3, rules: 'y'})],
  ])('is not: %s', (_, other) => {
    expect(found(other)).toEqual([])
  })

  test('without hosts on both sides', () => {
    const open = testContext({hosts: []})
    const reasons = (other: KubeObject) => gatewayAPI.problems(open, [gateway, other]).map(one => one.reason)
    expect(reasons(route([], [ours]))).toEqual(['HostConflict'])
    expect(reasons(route(hosts, [ours]))).toEqual([])
  })

  test('on another listener', () => {
    const web = testContext({parentRefs: [{...ours, sectionName: 'web'}]})
    const reasons = (other: KubeObject) => gatewayAPI.problems(web, [gateway, other]).map(one => one.reason)
    expect(reasons(route(hosts, [{...ours, sectionName: 'https'}]))).toEqual([])
    expect(reasons(route(hosts, [ours]))).toEqual(['HostConflict'])
  })

  test('under our name is foreign, and named once', () => {
    const other = route(hosts, [ours], [{}], 'shop/checkout')
    expect(found(other)).toEqual(['ForeignHTTPRoute HTTPRoute shop/checkout metadata.name'])
    other.metadata.labels = {'fairlead.dev/rollout': 'checkout'}
    expect(found(other)).toEqual([])
  })
})

describe('another route beside a borrowed one', () => {
  const borrowed = testContext({route: {name: 'mine', ownership: 'shared'}})
  const hosts = ['shop.example.com']
  const to = (name: string, matches: JsonObject = {}) => ({...matches, backendRefs: [{name, port: 80}]})
  const mine = (...rules: JsonObject[]) => route(hosts, [ours], rules, 'shop/mine')
  const reasons = (...objects: KubeObject[]) =>
    gatewayAPI.problems(borrowed, [gateway, ...objects]).map(one => `${one.reason} ${one.object} ${one.field}`)
  const conflict = ['HostConflict HTTPRoute web/other spec.hostnames']

  test.each([
    ['everything', mine(to('checkout')), route(hosts, [ours]), conflict],
    ['everything of another host', mine(to('checkout')), route(['x.example.com'], [ours]), []],
    ['everything at another Gateway', mine(to('checkout')), route(hosts, [{name: 'private'}]), []],
    ['certain paths', mine(to('checkout')), route(hosts, [ours], [prefix('/cart')]), []],
    ['everything, where ours is narrower', mine(to('checkout', prefix('/shop'))), route(hosts, [ours]), []],
    ['the same paths', mine(to('checkout', prefix('/shop'))), route(hosts, [ours], [prefix('/shop')]), conflict],
    ["what isn't ours in the route", mine(to('checkout', prefix('/shop')), to('cart')), route(hosts, [ours]), []],
  ])('takes %s', (_, live, other, expected) => {
    expect(reasons(live, other)).toEqual(expected)
  })

  test('names the route that carries the weights', () => {
    const [problem] = gatewayAPI.problems(borrowed, [gateway, mine(to('checkout')), route(hosts, [ours])])
    expect(problem?.problem).toContain('HTTPRoute shop/mine')
  })
})

describe('the parents', () => {
  test('a Gateway that is not there', () => {
    expect(gatewayAPI.problems(context, [])).toMatchObject([
      {reason: 'GatewayNotFound', object: 'Gateway infra/public'},
    ])
    const other = userObject('Gateway', 'shop/public', {})
    expect(gatewayAPI.problems(context, [other])).toHaveLength(1)
  })

  test('is not known where the controller sees another namespace only', () => {
    const parentRefs = [ours, {name: 'inner'}]
    const narrow = testContext({parentRefs, visibleNamespace: 'shop'})
    expect(gatewayAPI.problems(narrow, []).map(one => one.object)).toEqual(['Gateway shop/inner'])
  })

  test('of another kind are not looked for', () => {
    const service = testContext({parentRefs: [{group: '', kind: 'Service', name: 'checkout'}]})
    expect(gatewayAPI.problems(service, [])).toEqual([])
  })

  test.each([
    ['RouteNotAccepted', {Accepted: ['False', 'NoMatchingListenerHostname']}],
    ['RefsNotResolved', {Accepted: ['True'], ResolvedRefs: ['False', 'RefNotPermitted']}],
  ] as const)('that refuse the route: %s', (reason, conditions) => {
    const [first] = gatewayAPI.problems(context, [
      gateway,
      routeWith(context, answer(ours, structuredClone(conditions) as never)),
    ])
    expect(first).toMatchObject({reason, object: 'HTTPRoute shop/checkout'})
  })

  test.each([
    ['said nothing yet', []],
    ['refused an older route', [answer(ours, {Accepted: ['False', 'NoMatchingParent', 2]})]],
    [
      'have not seen a new Service yet',
      [answer(ours, {Accepted: ['True'], ResolvedRefs: ['False', 'BackendNotFound']})],
    ],
  ])('that %s are no problem', (_, parents) => {
    expect(found(routeWith(context, ...parents))).toEqual([])
  })
})

describe("the Service's ports", () => {
  const reasons = (ports: ServicePort[], port?: number) =>
    gatewayAPI
      .problems(testContext({ports, ...(port === undefined ? {} : {port})}), [gateway])
      .map(({reason, field}) => `${reason} ${field}`)

  test.each([
    [[]],
    [[{port: 53, protocol: 'UDP'}]],
    [
      [
        {port: 443, name: 'https'},
        {port: 7000, name: 'tcp'},
      ],
    ],
  ])('no port to route: %j', ports => {
    expect(reasons(ports)).toEqual(['NoRoutablePort spec.ports'])
  })

  test("the Rollout's choice", () => {
    const ports = [{port: 80}, {port: 443, name: 'https'}]
    expect(reasons(ports, 80)).toEqual([])
    expect(reasons(ports, 443)).toEqual(['NoRoutablePort spec.ports[port=443]'])
    expect(reasons(ports, 81)).toEqual(['PortNotFound spec.traffic.gatewayAPI.port'])
  })
})

test('every problem says what to do, and their number is bounded', () => {
  const hosts = ['shop.example.com']
  const many = Array.from({length: 100}, (_, index) => route(hosts, [ours], [{}], `web/route-${index}`))
  const problems = gatewayAPI.problems(context, many)
  expect(problems).toHaveLength(20)
  for (const problem of problems) expect(Object.values(problem).every(text => text.length > 0)).toBe(true)
})
