import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {testContext, userObject} from './fixtures.ts'
import {istio} from './index.ts'

const context = testContext({hosts: ['checkout.example.com'], gateways: ['istio-ingress/public', 'internal']})
const fullName = 'checkout.shop.svc.cluster.local'

function found(...objects: KubeObject[]): string[] {
  return istio.problems(context, objects).map(problem => `${problem.reason} ${problem.object} ${problem.field}`)
}

function route(hosts: string[], gateways?: string[], exportTo?: string[], path = 'web/other'): KubeObject {
  return userObject('VirtualService', path, {hosts, ...(gateways ? {gateways} : {}), ...(exportTo ? {exportTo} : {})})
}

function rule(path: string, host: string, further: object = {}): KubeObject {
  return userObject('DestinationRule', path, {host, ...further})
}

describe('another VirtualService', () => {
  test.each([
    ['the full name', route([fullName])],
    ['the short name in our namespace', route(['checkout'], undefined, undefined, 'shop/other')],
    ['a name that sidecars serve too', route(['checkout.shop'], ['mesh'])],
    ["a host of the user's in the mesh", route(['checkout.example.com'])],
    ["a host of the user's on the user's gateway", route(['checkout.example.com'], ['istio-ingress/public'])],
    ['the same gateway, named from its own namespace', route([fullName], ['public'], undefined, 'istio-ingress/other')],
    ['a gateway of our namespace, in full', route([fullName], ['shop/internal'])],
    ['a wildcard over the Service', route(['*.svc.cluster.local'])],
    ['callers of its own namespace', route([fullName], ['mesh'], ['.'])],
    ['one of many hosts', route(['a.example.com', 'b.example.com', fullName], ['x/y', 'mesh'])],
  ])('is in the way: %s', (_, other) => {
    const path = `${other.metadata.namespace}/${other.metadata.name}`
    expect(found(other)).toEqual([`HostConflict VirtualService ${path} spec.hosts`])
  })

  test.each([
    ['other hosts', route(['cart.shop.svc.cluster.local', 'cart'])],
    ['the short name in its own namespace', route(['checkout'])],
    ['another gateway', route(['checkout.example.com', fullName], ['istio-ingress/private'])],
    ['a gateway of the same name elsewhere', route([fullName], ['internal'])],
    ['a wildcard on a real gateway', route(['*.example.com', '*'], ['istio-ingress/public'])],
    ["a wildcard over the user's host alone", route(['*.example.com'], ['mesh'])],
    ['exported to nobody', route([fullName], ['mesh'], ['~'])],
    ['a delegate without hosts', userObject('VirtualService', 'web/other', {http: []})],
    ['nonsense', userObject('VirtualService', 'web/other', {hosts: 'x', gateways: 3})],
  ])('is not: %s', (_, other) => {
    expect(found(other)).toEqual([])
  })

  test('under our name is foreign, and named once', () => {
    const other = route([fullName], undefined, undefined, 'shop/checkout')
    expect(found(other)).toEqual(['ForeignVirtualService VirtualService shop/checkout metadata.name'])
    // One of another Rollout's isn't to be deleted: what is wrong is that both name one Service.
    other.metadata.labels = {'fairlead.dev/rollout': 'cart'}
    const claimed = ['RouteClaimed VirtualService shop/checkout metadata.labels[fairlead.dev/rollout]']
    expect(found(other)).toEqual(claimed)
    expect(istio.problems(testContext(), [other])[0]?.problem).toContain('Rollout shop/cart')
    other.metadata.labels = {'fairlead.dev/rollout': 'checkout'}
    expect(found(other)).toEqual([])
  })
})

describe('a DestinationRule', () => {
  test('with subsets of the apex host', () => {
    const subsets = [{name: 'v1', labels: {version: 'v1'}}]
    expect(found(rule('shop/x', 'checkout', {subsets}))).toEqual(['ApexSubsets DestinationRule shop/x spec.subsets'])
    expect(found(rule('web/x', fullName, {subsets}))).toEqual(['ApexSubsets DestinationRule web/x spec.subsets'])
    expect(found(rule('web/x', 'checkout', {subsets}))).toEqual([])
    expect(found(rule('shop/x', 'checkout', {subsets: []}))).toEqual([])
  })

  test("under a slot's name, or for a slot's host", () => {
    expect(found(rule('shop/checkout-b', 'cart'))).toEqual([
      'ForeignDestinationRule DestinationRule shop/checkout-b metadata.name',
    ])
    const elsewhere = rule('web/x', 'checkout-a.shop.svc.cluster.local')
    expect(found(elsewhere)).toEqual(['SlotHostConflict DestinationRule web/x spec.host'])
    expect(found(rule('shop/x', 'checkout-a'))).toEqual(['SlotHostConflict DestinationRule shop/x spec.host'])
    expect(found(rule('web/x', 'checkout-a'), rule('web/checkout-a', 'cart'))).toEqual([])
  })
})

describe("the Rollout's own spec", () => {
  test('a delegate of a Service without HTTP: rules that delegate are http rules', () => {
    const ports = [{port: 3306, name: 'mysql'}]
    expect(istio.problems(testContext({ports}), [])).toEqual([])
    const [problem, ...others] = istio.problems(testContext({ports, delegate: true}), [])
    expect(problem).toMatchObject({reason: 'NoRoutablePort', object: 'Service shop/checkout', field: 'spec.ports'})
    expect(problem?.fix).toContain('spec.traffic.istio.delegate')
    expect(others).toEqual([])
    // Istio tells the protocol of a port without a name by its first bytes, so it may be HTTP.
    expect(istio.problems(testContext({ports: [{port: 8080}], delegate: true}), [])).toEqual([])
  })

  test.each([[[]], [[{port: 53, protocol: 'UDP'}]], [[{port: 443, name: 'https'}]]])('no port to route: %j', ports => {
    const [problem, ...others] = istio.problems(testContext({ports}), [])
    expect(problem).toMatchObject({reason: 'NoRoutablePort', object: 'Service shop/checkout', field: 'spec.ports'})
    expect(others).toEqual([])
  })

  test.each([[['*']], [['*.example.com', 'checkout.example.com']], [['*.shop.svc.cluster.local']]])(
    'hosts that Istio refuses: %j',
    hosts => {
      expect(istio.problems(testContext({hosts}), []).map(problem => problem.reason)).toEqual(['InvalidHosts'])
    },
  )

  test('hosts that it accepts', () => {
    const hosts = ['*.example.com', 'example.com', 'checkout', 'checkout.shop']
    expect(istio.problems(testContext({hosts}), [])).toEqual([])
  })
})

test('every problem says what to do, and their number is bounded', () => {
  const many = Array.from({length: 100}, (_, index) => route([fullName], undefined, undefined, `web/route-${index}`))
  const problems = istio.problems(context, many)
  expect(problems).toHaveLength(20)
  for (const problem of problems) expect(Object.values(problem).every(text => text.length > 0)).toBe(true)
})

describe('the ambient data plane', () => {
  const label = 'istio.io/use-waypoint'
  const found = (labels: Record<string, string> | undefined, settings: object = {}) =>
    istio.problems(testContext({dataPlane: 'ambient', ...(labels ? {labels} : {}), ...settings}), [])

  test('a Service without a waypoint, where the weights would have no effect', () => {
    expect(found(undefined)).toMatchObject([
      {reason: 'NoWaypoint', object: 'Service shop/checkout', field: `metadata.labels[${label}]`},
    ])
    expect(found({app: 'checkout'})[0]?.fix).toContain('spec.traffic.istio.waypoint: namespace')
    expect(found({[label]: 'none'})[0]?.problem).toContain('to use no waypoint')
    expect(found({[label]: 'none'}, {waypoint: 'namespace'})).toHaveLength(1)
  })

  test('one of its own, or of its namespace', () => {
    expect(found({[label]: 'waypoint'})).toEqual([])
    expect(found(undefined, {waypoint: 'namespace'})).toEqual([])
    expect(istio.problems(testContext(), [])).toEqual([])
  })
})
