import {describe, expect, it} from 'vitest'
import {service} from '../workloads/fixtures.ts'
import {seededRandom} from '../workloads/index.ts'
import {slice, split, virtualService} from './fixtures.ts'
import {chooseRoute} from './route.ts'
import {buildSnapshot, type Snapshot} from './snapshot.ts'

const context = {clientNamespace: 'shop', ownPort: 4000}

function snapshotOf(...specs: object[]): Snapshot {
  const services = ['checkout', 'checkout-a', 'checkout-b'].map(name => service(name, {app: name}))
  const endpointSlices = [slice('checkout-a', 'one', 5001), slice('checkout-b', 'two', 5002)]
  const virtualServices = specs.map((spec, index) =>
    virtualService(`route-${index}`, spec, `2026-01-0${index + 1}T00:00:00Z`),
  )
  return buildSnapshot({services, endpointSlices, virtualServices}, 1)
}

function goesTo(
  snapshot: Snapshot,
  host: string,
  more: Record<string, string> = {},
  url = '/',
  random = seededRandom(1),
): string {
  const decision = chooseRoute(snapshot, {method: 'GET', url, headers: {host, ...more}}, context, random)
  return decision.kind === 'service' ? decision.service.name : decision.kind
}

const toA = {route: [{destination: {host: 'checkout-a'}}]}
const toB = {route: [{destination: {host: 'checkout-b'}}]}

describe('hosts', () => {
  it.each([
    'checkout',
    'CHECKOUT',
    'checkout:80',
    'checkout.shop',
    'checkout.shop.svc',
    'checkout.shop.svc.cluster.local',
  ])('finds the route of %s', host => {
    expect(goesTo(snapshotOf(split(0, 100)), host)).toBe('checkout-b')
  })

  it('finds a route by another name and by wildcard, and prefers the exact and then the longer', () => {
    const wild = {hosts: ['*.example.com'], gateways: ['public'], http: [toB]}
    const wilder = {hosts: ['*'], gateways: ['public'], http: [toA]}
    expect(goesTo(snapshotOf(split(100, 0), wild), 'checkout.example.com')).toBe('checkout-a')
    expect(goesTo(snapshotOf(split(100, 0), wild), 'other.example.com')).toBe('checkout-b')
    expect(goesTo(snapshotOf(wilder, wild), 'other.example.com')).toBe('checkout-b')
    expect(goesTo(snapshotOf(wilder, wild), 'example.org')).toBe('checkout-a')
  })

  it('goes to a Service without a route, and nowhere for a name that nobody has', () => {
    expect(goesTo(snapshotOf(), 'checkout-a.shop')).toBe('checkout-a')
    expect(goesTo(snapshotOf(split(0, 100)), 'checkout-a')).toBe('checkout-a')
    expect(goesTo(snapshotOf(), 'nobody')).toBe('no_route')
    expect(goesTo(snapshotOf(), '127.0.0.1:4000')).toBe('no_route')
    expect(goesTo(snapshotOf(), '127.0.0.1:4000', {'x-playground-host': 'checkout-b'})).toBe('checkout-b')
  })

  it('takes the oldest of two routes for one host', () => {
    expect(goesTo(snapshotOf({hosts: ['checkout'], http: [toB]}, {hosts: ['checkout'], http: [toA]}), 'checkout')).toBe(
      'checkout-b',
    )
  })
})

describe('names as Istio takes them', () => {
  it('a dot in a route means that the name is complete', () => {
    const snapshot = snapshotOf({hosts: ['checkout.shop'], http: [toA]})
    expect(goesTo(snapshot, 'checkout.shop')).toBe('checkout-a')
    expect(goesTo(snapshot, 'checkout')).toBe('checkout')
    const partly = {route: [{destination: {host: 'checkout-a.shop'}}]}
    expect(goesTo(snapshotOf({hosts: ['checkout'], http: [partly]}), 'checkout')).toBe('no_cluster')
  })
})

describe('gateways', () => {
  const snapshot = snapshotOf(
    {hosts: ['checkout', 'checkout.example.com'], gateways: ['public'], http: [toA]},
    {hosts: ['checkout'], http: [toB]},
  )

  it('keep requests of the mesh and of the ingress apart', () => {
    expect(goesTo(snapshot, 'checkout')).toBe('checkout-b')
    expect(goesTo(snapshot, 'checkout.example.com')).toBe('checkout-a')
    expect(goesTo(snapshot, 'checkout.example.com', {'x-playground-gateway': 'shop/public'})).toBe('checkout-a')
    expect(goesTo(snapshot, 'checkout.example.com', {'x-playground-gateway': 'other/public'})).toBe('no_route')
  })
})

describe('rules', () => {
  const spec = (match: object) => ({hosts: ['checkout'], http: [{match: [match], ...toB}, toA]})

  it.each([
    {match: {uri: {prefix: '/api'}}, url: '/api/x?y', headers: {}, other: '/x'},
    {match: {uri: {exact: '/api'}}, url: '/api?y=1', headers: {}, other: '/api/x'},
    {match: {uri: {regex: '/v[0-9]+'}}, url: '/v12', headers: {}, other: '/v12/x'},
    {match: {headers: {'X-Canary': {exact: 'yes'}}}, url: '/', headers: {'x-canary': 'yes'}, other: '/'},
    {match: {port: 8080}, url: '/', headers: {'x-playground-port': '8080'}, other: '/'},
    {match: {gateways: ['mesh'], method: {exact: 'GET'}, uri: {prefix: '/g'}}, url: '/g', headers: {}, other: '/h'},
  ])('match $match', ({match, url, headers, other}) => {
    const snapshot = snapshotOf(spec(match))
    expect(goesTo(snapshot, 'checkout', headers as unknown as Record<string, string>, url)).toBe('checkout-b')
    expect(goesTo(snapshot, 'checkout', {}, other)).toBe('checkout-a')
  })

  it('of connections take what no rule of requests takes', () => {
    const spec = {hosts: ['checkout'], http: [{match: [{port: 81}], ...toA}], tcp: [{match: [{port: 80}], ...toB}]}
    expect(goesTo(snapshotOf(spec), 'checkout')).toBe('checkout-b')
    expect(goesTo(snapshotOf(spec), 'checkout', {'x-playground-port': '82'})).toBe('no_route')
  })

  it('that cannot be kept to are left out and reported', () => {
    const snapshot = snapshotOf(spec({sourceLabels: {a: 'b'}}))
    expect(goesTo(snapshot, 'checkout')).toBe('checkout-a')
    expect(snapshot.problems).toEqual([
      'VirtualService shop/route-0: http[0] is left out: match.sourceLabels is not supported',
    ])
  })

  it('without a destination, or with one that does not exist, are not routed', () => {
    expect(goesTo(snapshotOf({hosts: ['checkout'], http: []}), 'checkout')).toBe('no_route')
    expect(
      goesTo(snapshotOf({hosts: ['checkout'], http: [{route: [{destination: {host: 'gone'}}]}]}), 'checkout'),
    ).toBe('no_cluster')
    const wrongPort = {route: [{destination: {host: 'checkout-a', port: {number: 81}}}]}
    expect(goesTo(snapshotOf({hosts: ['checkout'], http: [wrongPort]}), 'checkout')).toBe('no_cluster')
  })
})

describe('weights', () => {
  it('are kept to within five standard deviations', () => {
    const snapshot = snapshotOf(split(90, 10))
    const random = seededRandom(3)
    let toCanary = 0
    for (let request = 0; request < 10_000; request++)
      if (goesTo(snapshot, 'checkout', {}, '/', random) === 'checkout-b') toCanary++
    expect(Math.abs(toCanary - 1_000)).toBeLessThan(5 * Math.sqrt(10_000 * 0.1 * 0.9))
  })

  it('do not matter for a single destination, and are nothing when 0 beside others', () => {
    const zero = (host: string) => ({destination: {host}, weight: 0})
    expect(goesTo(snapshotOf({hosts: ['checkout'], http: [{route: [zero('checkout-b')]}]}), 'checkout')).toBe(
      'checkout-b',
    )
    expect(
      goesTo(snapshotOf({hosts: ['checkout'], http: [{route: [zero('checkout-a'), zero('checkout-b')]}]}), 'checkout'),
    ).toBe('no_route')
  })
})

describe('endpoints', () => {
  it('are those that are ready', () => {
    const endpointSlices = [
      slice('checkout', 'ready', 1),
      slice('checkout', 'unknown', 2, {}),
      slice('checkout', 'starting', 3, {ready: false}),
      slice('checkout', 'ending', 4, {ready: true, terminating: true}),
    ]
    const {services} = buildSnapshot({services: [service('checkout', {})], endpointSlices, virtualServices: []}, 1)
    const found = services.get('checkout.shop.svc.cluster.local')?.endpoints
    expect(found?.map(endpoint => endpoint.port)).toEqual([1, 2])
    expect(found?.[0]?.workload).toBe('checkout')
  })
})
