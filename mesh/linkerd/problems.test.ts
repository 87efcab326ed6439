import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext, ServicePort} from '../types.ts'
import {answer, grpcContext, routeWith, testContext, userObject} from './fixtures.ts'
import {linkerd} from './index.ts'
import {renderRoute} from './route.ts'

const context = testContext()
const ours = {group: '', kind: 'Service', name: 'checkout', port: 80}

function found(of: MeshContext, ...objects: KubeObject[]): string[] {
  return linkerd.problems(of, objects).map(one => `${one.reason} ${one.object} ${one.field}`)
}

function route(kind: string, parentRefs: JsonObject[], rules: JsonObject[] = [{}], path = 'shop/other'): KubeObject {
  return userObject(kind, path, {parentRefs, rules})
}

const prefix = (value: string) => ({matches: [{path: {type: 'PathPrefix', value}}]})
const grpcParent = {...ours, port: 9090}

describe('another route of the Service', () => {
  test.each([
    ['takes everything', context, route('HTTPRoute', [ours])],
    ['takes everything after narrower rules', context, route('HTTPRoute', [ours], [prefix('/api'), prefix('/')])],
    ['is for every port', context, route('HTTPRoute', [{...ours, port: undefined}])],
    ['is a GRPCRoute, however narrow', context, route('GRPCRoute', [ours], [{matches: [{method: {method: 'x'}}]}])],
    [
      'is a GRPCRoute left over from another appProtocol',
      context,
      {...renderRoute(grpcContext(), {a: 100, b: 0}), spec: {parentRefs: [ours]}},
    ],
    ['is a GRPCRoute beside ours', grpcContext(), route('GRPCRoute', [grpcParent])],
  ])('is in the way: it %s', (_, of, other) => {
    const {name} = other.metadata
    expect(found(of, other)).toEqual([`RouteConflict ${other.kind} shop/${name} spec.parentRefs`])
  })

  test.each([
    ['certain paths only', context, route('HTTPRoute', [ours], [prefix('/api')])],
    ['another port', context, route('HTTPRoute', [{...ours, port: 81}])],
    ['another Service', context, route('HTTPRoute', [{...ours, name: 'cart'}])],
    ['a Gateway', context, route('HTTPRoute', [{name: 'checkout'}])],
    ['callers of another namespace', context, route('HTTPRoute', [{...ours, namespace: 'shop'}], [{}], 'web/other')],
    ['HTTP beside our GRPCRoute, which Linkerd refuses', grpcContext(), route('HTTPRoute', [grpcParent])],
    ['nonsense', context, userObject('HTTPRoute', 'shop/other', {parentRefs: 3, rules: 'y'})],
  ])('is not: %s', (_, of, other) => {
    expect(found(of, other)).toEqual([])
  })

  test('under our name is foreign, and named once', () => {
    const other = route('HTTPRoute', [ours], [{}], 'shop/checkout')
    expect(found(context, other)).toEqual(['ForeignHTTPRoute HTTPRoute shop/checkout metadata.name'])
    other.metadata.labels = {'fairlead.dev/rollout': 'checkout'}
    expect(found(context, other)).toEqual([])
    const grpc = route('GRPCRoute', [grpcParent], [{}], 'shop/checkout')
    expect(found(grpcContext(), grpc)).toEqual(['ForeignGRPCRoute GRPCRoute shop/checkout metadata.name'])
  })
})

describe('a ServiceProfile', () => {
  const profile = (path: string, spec: JsonObject) => userObject('ServiceProfile', path, spec)
  const routes = [{name: 'all', condition: {pathRegex: '.*'}}]
  const own = 'shop/checkout.shop.svc.cluster.local'

  test.each([
    ['routes', profile(own, {routes})],
    ['dstOverrides', profile(own, {dstOverrides: [{authority: 'x', weight: 1}]})],
    ['routes', profile('shop/checkout.shop.svc.example.com', {routes})],
  ])('of the apex Service with %s overrides every route', (field, object) => {
    const path = `${object.metadata.namespace}/${object.metadata.name}`
    expect(found(context, object)).toEqual([`ServiceProfileOverrides ServiceProfile ${path} spec.${field}`])
  })

  test.each([
    ['has neither routes nor overrides', profile(own, {routes: [], retryBudget: {retryRatio: 0.2}})],
    ['is for another Service', profile('shop/cart.shop.svc.cluster.local', {routes})],
    ['is for a Service elsewhere', profile('shop/checkout.web.svc.cluster.local', {routes})],
    ['is for callers of another namespace', profile('web/checkout.shop.svc.cluster.local', {routes})],
  ])('that %s does not', (_, object) => {
    expect(found(context, object)).toEqual([])
  })
})

describe('what Linkerd refuses', () => {
  const reasons = (...parents: JsonObject[]) => linkerd.problems(context, [routeWith(context, ...parents)])

  test('is named', () => {
    expect(reasons(answer({Accepted: ['False', 'NoMatchingParent']}))).toMatchObject([{reason: 'RouteNotAccepted'}])
    expect(reasons(answer({Accepted: ['True'], ResolvedRefs: ['False', 'InvalidKind']}))).toMatchObject([
      {reason: 'RefsNotResolved'},
    ])
  })

  test('is no problem while it has only not seen it yet', () => {
    expect(reasons()).toEqual([])
    expect(reasons(answer({Accepted: ['True'], ResolvedRefs: ['False', 'BackendNotFound']}))).toEqual([])
  })
})

describe("the Service's ports", () => {
  const reasons = (ports: ServicePort[], port?: number) =>
    found(testContext({ports, ...(port === undefined ? {} : {port})}))

  test.each([[[]], [[{port: 53, protocol: 'UDP'}]], [[{port: 443, name: 'https'}]]])('none to route: %j', ports => {
    expect(reasons(ports)).toEqual(['NoRoutablePort Service shop/checkout spec.ports'])
  })

  test("the Rollout's choice", () => {
    const ports = [{port: 80}, {port: 443, name: 'https'}]
    expect(reasons(ports, 80)).toEqual([])
    expect(reasons(ports, 443)).toEqual(['NoRoutablePort Service shop/checkout spec.ports[port=443]'])
    expect(reasons(ports, 81)).toEqual(['PortNotFound Rollout shop/checkout spec.traffic.linkerd.port'])
  })
})

test('every problem says what to do, and their number is bounded', () => {
  const many = Array.from({length: 100}, (_, index) => route('HTTPRoute', [ours], [{}], `shop/route-${index}`))
  const problems = linkerd.problems(context, many)
  expect(problems).toHaveLength(20)
  for (const problem of problems) expect(Object.values(problem).every(text => text.length > 0)).toBe(true)
})

test("a match that the API's schema refuses", () => {
  const routing = {matches: [{queryParams: [{name: 'a b', exact: '1'}]}], field: 'spec.strategy.canary.match'}
  expect(linkerd.problems({...testContext(), routing}, [])).toMatchObject([
    {reason: 'InvalidMatch', field: 'spec.strategy.canary.match[0].queryParams[0].name'},
  ])
})
