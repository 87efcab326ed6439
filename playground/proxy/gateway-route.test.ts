import {describe, expect, it} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {service} from '../workloads/fixtures.ts'
import {seededRandom} from '../workloads/index.ts'
import {slice} from './fixtures.ts'
import {chooseRoute} from './route.ts'
import {buildSnapshot} from './snapshot.ts'

const toA = {backendRefs: [{name: 'checkout-a', port: 80}]}
const toB = {backendRefs: [{name: 'checkout-b', port: 80}]}
const ofGateway = {parentRefs: [{name: 'public'}], hostnames: ['shop.example.com']}
const ofService = {parentRefs: [{group: '', kind: 'Service', name: 'checkout', port: 80}]}

/** Where a request goes by one route: the Service, or why nowhere, and how it is counted. */
function decide(spec: object, host: string, url = '/', headers: Record<string, string> = {}, kind = 'HTTPRoute') {
  const metadata = {name: 'checkout', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z'}
  const route: KubeObject = {apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata, spec}
  const snapshot = buildSnapshot(
    {
      services: ['checkout', 'checkout-a', 'checkout-b'].map(name => service(name, {app: name})),
      endpointSlices: [slice('checkout-a', 'one', 5001), slice('checkout-b', 'two', 5002)],
      virtualServices: [],
      gatewayRoutes: [route],
    },
    1,
  )
  const request = {method: 'GET', url, headers: {host, ...headers}}
  return chooseRoute(snapshot, request, {clientNamespace: 'shop', ownPort: 4000}, seededRandom(1))
}

function goesTo(...asked: Parameters<typeof decide>): string {
  const decision = decide(...asked)
  return decision.kind === 'service' ? decision.service.name : decision.kind
}

describe('parents', () => {
  it('a Gateway takes its hosts, a Service the callers inside', () => {
    expect(goesTo({...ofGateway, rules: [toB]}, 'shop.example.com')).toBe('checkout-b')
    expect(goesTo({...ofGateway, rules: [toB]}, 'checkout')).toBe('checkout')
    expect(goesTo({...ofService, rules: [toB]}, 'checkout')).toBe('checkout-b')
    expect(goesTo({...ofService, rules: [toB]}, 'shop.example.com')).toBe('no_route')
  })

  it('decide how requests are counted', () => {
    const filtered = {name: 'checkout-b', filters: [{type: 'RequestHeaderModifier'}]}
    const counted = (spec: object, host: string) => {
      const decision = decide(spec, host)
      return decision.kind === 'service' ? decision.counted : undefined
    }
    const places = {backendRefs: [{name: 'checkout-a', weight: 0}, filtered]}
    expect(counted({...ofGateway, rules: [places]}, 'shop.example.com')).toEqual({
      by: 'envoyGateway',
      cluster: 'httproute/shop/checkout/rule/0/backend/1',
    })
    expect(counted({...ofGateway, rules: [toB]}, 'shop.example.com')).toMatchObject({
      cluster: 'httproute/shop/checkout/rule/0',
    })
    expect(counted({...ofService, rules: [toB]}, 'checkout')).toMatchObject({
      by: 'linkerd',
      route: {backend_kind: 'Service', backend_name: 'checkout-b', backend_namespace: 'shop'},
    })
  })
})

describe('matches', () => {
  const rules = [
    {matches: [{path: {type: 'PathPrefix', value: '/'}}], ...toA},
    {
      matches: [
        {headers: [{name: 'X-Group', value: 'insiders'}]},
        {headers: [{name: 'cookie', type: 'RegularExpression', value: '.*beta=1.*'}]},
        {queryParams: [{name: 'v', value: '2'}]},
        {path: {type: 'PathPrefix', value: '/new/'}},
        {path: {type: 'Exact', value: '/one'}},
      ],
      ...toB,
    },
  ]
  it.each<[string, string, Record<string, string>, string]>([
    ['nothing special', '/', {}, 'checkout-a'],
    ['a header', '/', {'x-group': 'insiders'}, 'checkout-b'],
    ['another value', '/', {'x-group': 'insider'}, 'checkout-a'],
    ['a cookie', '/', {cookie: 'a=1; beta=1'}, 'checkout-b'],
    ['a query parameter', '/?a=1&v=2', {}, 'checkout-b'],
    ['another one', '/?v=21', {}, 'checkout-a'],
    ['a prefix, by whole parts of the path', '/new/x', {}, 'checkout-b'],
    ['the prefix itself', '/new', {}, 'checkout-b'],
    ['another path', '/news', {}, 'checkout-a'],
    ['an exact path', '/one', {}, 'checkout-b'],
    ['no exact path', '/one/two', {}, 'checkout-a'],
  ])('the more special one wins, whatever its place: %s', (_, url, headers, expected) => {
    expect(goesTo({...ofGateway, rules}, 'shop.example.com', url, headers)).toBe(expected)
  })

  it('a GRPCRoute has a rule without matches for every call', () => {
    const grpc = [toA, {matches: [{headers: [{name: 'x-group', value: 'insiders'}]}], ...toB}]
    expect(goesTo({...ofService, rules: grpc}, 'checkout', '/shop.Checkout/Pay', {}, 'GRPCRoute')).toBe('checkout-a')
    const insiders = {'x-group': 'insiders'}
    expect(goesTo({...ofService, rules: grpc}, 'checkout', '/x', insiders, 'GRPCRoute')).toBe('checkout-b')
  })
})

describe('weights', () => {
  it('of 0 mean nothing at a gateway; Linkerd sends everything to a backend that stands alone', () => {
    const none = [{backendRefs: [{name: 'checkout-b', weight: 0}]}]
    expect(goesTo({...ofGateway, rules: none}, 'shop.example.com')).toBe('no_route')
    expect(goesTo({...ofService, rules: none}, 'checkout')).toBe('checkout-b')
  })

  it('what cannot be read holds for nobody', () => {
    const broken = [{matches: [{headers: [{name: 'x', type: 'RegularExpression', value: '('}]}], ...toB}]
    expect(goesTo({...ofGateway, rules: broken}, 'shop.example.com', '/', {x: '('})).toBe('no_route')
  })
})
