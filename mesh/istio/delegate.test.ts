import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {testContext, userObject} from './fixtures.ts'
import {istio} from './index.ts'

const matches = [{headers: [{name: 'x-group', exact: 'insiders'}]}]
const context = testContext({delegate: true, routing: {matches}})
const split = {a: 90, b: 10, apart: {slot: 'b', matched: true}} as const

const root = userObject('VirtualService', 'web/shop', {
  hosts: ['shop.example.com'],
  gateways: ['ingress/public'],
  http: [{match: [{uri: {prefix: '/checkout'}}], delegate: {name: 'checkout', namespace: 'shop'}}],
})

describe('a delegate', () => {
  test('has neither hosts nor gateways nor ports to match, so that its rules fit into those that lead to it', () => {
    const [route] = istio.renderRoutes(context, split, [])
    expect(Object.keys(route?.spec)).toEqual(['http'])
    expect(route?.spec.http.map((rule: KubeObject['spec']) => rule.match)).toEqual([
      [{headers: {'x-group': {exact: 'insiders'}}}],
      undefined,
    ])
    expect(istio.read(context, [route as KubeObject])).toEqual(split)
  })

  test('is in force only where a route leads to it', () => {
    expect(istio.confirmed(context, [root], 0, 8000)).toEqual({confirmed: true})
    const missing = istio.confirmed(context, [], 0, 8000)
    expect(missing).toMatchObject({confirmed: false, waitingFor: {reason: 'DelegateUnused'}})
    expect(missing.waitingFor?.fix).toContain('delegate: {name: checkout, namespace: shop}')
  })

  test('hears of the routes that lead to it', () => {
    const claimed = istio.claims(root) ?? []
    expect(claimed.some(name => istio.interests(context).includes(name))).toBe(true)
    expect(claimed.some(name => istio.interests(testContext({})).includes(name))).toBe(true)
    const elsewhere = userObject('VirtualService', 'web/shop', {http: [{delegate: {name: 'checkout'}}]})
    expect((istio.claims(elsewhere) ?? []).some(name => istio.interests(context).includes(name))).toBe(false)
  })

  test('stays behind with the apex Service, since rules that lead to it would fail without it', () => {
    const [route] = istio.renderRoutes(context, split, [])
    const [returned] = istio.renderReturned(context, [route as KubeObject])
    expect(returned?.metadata.annotations).toBeUndefined()
    expect(returned?.spec.http[0].route).toEqual([
      {destination: {host: 'checkout.shop.svc.cluster.local', port: {number: 80}}, weight: 100},
    ])
    expect(istio.problems(context, [returned as KubeObject])).toEqual([])
    expect(istio.renderReturned(testContext(), [route as KubeObject])).toEqual([])
  })

  test('hosts of the user do not clash with it', () => {
    const clash = userObject('VirtualService', 'web/x', {hosts: ['checkout.shop.svc.cluster.local'], http: []})
    expect(istio.problems(context, [clash])).toEqual([])
    expect(istio.problems(testContext(), [clash])).toMatchObject([{reason: expect.stringContaining('Conflict')}])
  })

  test('but a second route for a host of the one that leads to it does, in the mesh', () => {
    const inside = {...root, spec: {...root.spec, hosts: ['checkout.shop.svc.cluster.local'], gateways: ['mesh']}}
    const second = userObject('VirtualService', 'shop/x', {hosts: ['checkout'], http: []})
    expect(istio.problems(context, [inside, second])).toMatchObject([
      {
        reason: 'HostConflict',
        object: 'VirtualService shop/x',
        problem: expect.stringContaining('as VirtualService web/shop does'),
      },
    ])
    expect(istio.problems(context, [root, second])).toEqual([])
    expect(istio.problems(context, [inside])).toEqual([])
  })
})

test.each([
  ['a delegate', {delegate: true as const}, 'matchSourceLabels', 'gateways'],
  ['the ambient data plane', {dataPlane: 'ambient' as const}, 'faults', 'EnvoyFilters'],
  ['a Service without HTTP', {ports: [{name: 'tcp', port: 7000}]}, 'matchHeaders', 'no HTTP port'],
  [
    'a Service of gRPC alone',
    {
      ports: [
        {name: 'grpc-api', port: 9090},
        {name: 'udp', port: 53, protocol: 'UDP'},
      ],
    },
    'sticky',
    'gRPC',
  ],
] as const)('%s says what it takes away', (_, options, feature, why) => {
  expect(
    istio.limits?.(testContext({...options, ports: 'ports' in options ? [...options.ports] : [{port: 80}]}), [])[
      feature
    ]?.why,
  ).toContain(why)
  expect(istio.limits?.(testContext(), [])[feature]).toBeUndefined()
})

test.each([
  [[{name: 'grpc', port: 80}], true],
  [[{name: 'x', port: 80, appProtocol: 'grpc'}], true],
  [[{name: 'grpc-web', port: 80}], false],
  [
    [
      {name: 'grpc', port: 80},
      {name: 'http', port: 81},
    ],
    false,
  ],
  [[{name: 'grpc', port: 80}, {port: 81}], false],
])('a Service of gRPC alone: %j: %s', (ports, expected) => {
  expect(istio.limits?.(testContext({ports}), []).sticky !== undefined).toBe(expected)
})
