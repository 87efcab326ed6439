import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {meshes} from '../../mesh/registry.ts'
import {contextOf} from './mesh-context.ts'
import {MeshIndex} from './mesh-index.ts'

function rollout(namespace: string, hosts: string[] = []): KubeObject {
  const spec = {
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {istio: {hosts}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}]},
  }
  return {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', metadata: {namespace, name: 'checkout'}, spec}
}

function route(path: string, hosts: string[], metadata: object = {}): KubeObject {
  const [namespace = '', name = ''] = path.split('/')
  const all = {namespace, name, ...metadata}
  return {apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: all, spec: {hosts}}
}

function indexed(...rollouts: KubeObject[]): MeshIndex {
  const index = new MeshIndex()
  for (const one of rollouts) index.rolloutChanged(`${one.metadata.namespace}/checkout`, undefined, one)
  return index
}

function seenBy(index: MeshIndex, of: KubeObject, mesh: keyof typeof meshes = 'istio'): string[] {
  const context = contextOf(of, rolloutSpec.parse(of.spec), undefined)
  return index.objectsFor(meshes[mesh], context).map(({metadata}) => `${metadata.namespace}/${metadata.name}`)
}

const own = route('shop/checkout', ['checkout.shop.svc.cluster.local'], {labels: {'fairlead.dev/rollout': 'checkout'}})

test("a Rollout's own route concerns it alone", () => {
  const index = indexed(rollout('shop'), rollout('web'))
  expect([...index.concerned(undefined, own)]).toEqual(['shop/checkout'])
})

test('a Rollout reads its own objects and those with a claim on its hosts, and hears of both', () => {
  const [shop, web] = [rollout('shop', ['shop.example.com']), rollout('web')]
  const index = indexed(shop, web)
  const rival = route('infra/rival', ['shop.example.com'])
  for (const one of [own, rival, route('infra/other', ['other.example.com'])]) index.objectChanged(undefined, one)
  expect(seenBy(index, shop).toSorted()).toEqual(['infra/rival', 'shop/checkout'])
  expect(seenBy(index, web)).toEqual([])
  expect([...index.concerned(undefined, rival)]).toEqual(['shop/checkout'])
})

test('a wildcard concerns every Rollout', () => {
  const index = indexed(rollout('shop'), rollout('web'))
  const wildcard = route('infra/all', ['*.local'])
  index.objectChanged(undefined, wildcard)
  expect([...index.concerned(undefined, wildcard)]).toEqual(['shop/checkout', 'web/checkout'])
  expect(seenBy(index, rollout('web'))).toEqual(['infra/all'])
})

test("a filter of the user's under a name that Fairlead needs is read, heard of and refused; another is not", () => {
  const shop = rollout('shop')
  const index = indexed(shop, rollout('web'))
  const filter = (name: string): KubeObject => ({
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: {namespace: 'shop', name},
    spec: {configPatches: []},
  })
  const taken = ['checkout-a-faults', 'checkout-b-rate-limit'].map(filter)
  for (const one of [...taken, filter('lua')]) index.objectChanged(undefined, one)
  const context = contextOf(shop, rolloutSpec.parse(shop.spec), undefined)
  const found = meshes.istio.problems(context, index.objectsFor(meshes.istio, context))
  expect(found.filter(({reason}) => reason === 'ForeignEnvoyFilter').map(({object}) => object)).toEqual([
    'EnvoyFilter shop/checkout-a-faults',
    'EnvoyFilter shop/checkout-b-rate-limit',
  ])
  expect(taken.map(one => [...index.concerned(undefined, one)])).toEqual([['shop/checkout'], ['shop/checkout']])
  expect([...index.concerned(undefined, filter('lua'))]).toEqual([])
})

test('what an object no longer claims is heard of once more, and not read', () => {
  const [before, after] = [route('infra/x', ['checkout.shop'], {generation: 1}), route('infra/x', [], {generation: 2})]
  const index = indexed(rollout('shop'))
  index.objectChanged(undefined, before)
  index.objectChanged(before, after)
  expect([...index.concerned(before, after)]).toEqual(['shop/checkout'])
  expect(seenBy(index, rollout('shop'))).toEqual([])
  index.objectChanged(after, undefined)
  expect(seenBy(index, rollout('shop'))).toEqual([])
})

test('a status concerns the Rollout alone whose object it is', () => {
  const index = indexed(rollout('shop'), rollout('web', ['checkout.shop.svc.cluster.local']))
  const known = {...own, metadata: {...own.metadata, generation: 1}}
  expect([...index.concerned(known, {...known, status: {}})]).toEqual(['shop/checkout'])
  expect([...index.concerned(undefined, known)].toSorted()).toEqual(['shop/checkout', 'web/checkout'])
})

test('a Rollout that is gone hears of nothing', () => {
  const shop = rollout('shop')
  const index = indexed(shop)
  index.rolloutChanged('shop/checkout', shop, undefined)
  expect([...index.concerned(undefined, own)]).toEqual([])
})

test('a kind that several meshes read concerns the Rollouts of each, for its own reasons', () => {
  const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'}
  const of = (namespace: string, traffic: object): KubeObject => {
    const made = rollout(namespace)
    return {...made, spec: {...made.spec, targetRef, traffic}}
  }
  const index = indexed(of('shop', {linkerd: {}}), of('web', {gatewayAPI: {parentRefs: [{name: 'public'}]}}))
  const httpRoute = (namespace: string, parent: object): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {namespace, name: 'rival'},
    spec: {parentRefs: [parent]},
  })
  const service = httpRoute('shop', {group: '', kind: 'Service', name: 'checkout'})
  expect([...index.concerned(undefined, service)]).toEqual(['shop/checkout'])
  expect([...index.concerned(undefined, httpRoute('web', {name: 'public'}))]).toEqual(['web/checkout'])
})

test('a class concerns every Rollout of its mesh, its status too, and is read by each', () => {
  const of = (namespace: string, traffic: object): KubeObject => {
    const made = rollout(namespace)
    return {...made, spec: {...made.spec, traffic}}
  }
  const index = indexed(of('shop', {gatewayAPI: {parentRefs: [{name: 'public'}]}}), rollout('web'))
  const gatewayClass = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: {name: 'envoy', generation: 1},
  }
  index.objectChanged(undefined, gatewayClass)
  expect([...index.concerned(gatewayClass, {...gatewayClass, status: {supportedFeatures: []}})]).toEqual([
    'shop/checkout',
  ])
  expect(seenBy(index, of('shop', {gatewayAPI: {parentRefs: [{name: 'public'}]}}), 'gatewayAPI')).toEqual([
    'undefined/envoy',
  ])
})

/** A Rollout that borrows HTTPRoute shop/users, and what it reads with it. */
function borrowing() {
  const made = rollout('shop')
  const borrower = {...made, spec: {...made.spec, traffic: {gatewayAPI: {route: {name: 'users', ownership: 'shared'}}}}}
  const httpRoute = (path: string, spec: object, generation = 1): KubeObject => {
    const [namespace = '', name = ''] = path.split('/')
    const backendRefs = [{name: namespace === 'shop' ? 'checkout' : 'legacy', port: 80}]
    const rules = [{backendRefs}]
    const metadata = {namespace, name, generation}
    return {apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata, spec: {rules, ...spec}}
  }
  const gateway = {...httpRoute('infra/public', {}), kind: 'Gateway'}
  return {borrower, httpRoute, gateway}
}

const atPublic = {parentRefs: [{name: 'public', namespace: 'infra'}], hostnames: ['shop.example.com']}

test('a Rollout that borrows a route reads it and its Gateways, and hears of its status', () => {
  const {borrower, httpRoute, gateway} = borrowing()
  const index = indexed(borrower)
  const users = httpRoute('shop/users', atPublic)
  for (const one of [users, gateway, httpRoute('shop/other', {})]) index.objectChanged(undefined, one)
  expect(seenBy(index, borrower, 'gatewayAPI').toSorted()).toEqual(['infra/public', 'shop/users'])
  expect([...index.concerned(users, {...users, status: {parents: []}})]).toEqual(['shop/checkout'])
})

test.each(['before', 'after'])(
  'what has a host of the borrowed route is read, heard of and refused; it came %s it',
  when => {
    const {borrower, httpRoute, gateway} = borrowing()
    const index = indexed(borrower)
    const older = httpRoute('web/older', atPublic)
    const users = httpRoute('shop/users', atPublic)
    const objects = when === 'before' ? [older, users] : [users, older]
    for (const one of [gateway, ...objects]) index.objectChanged(undefined, one)
    const refused = () => {
      const context = contextOf(borrower, rolloutSpec.parse(borrower.spec), undefined)
      const found = meshes.gatewayAPI.problems(context, index.objectsFor(meshes.gatewayAPI, context))
      return found.map(({reason, object}) => `${reason} ${object}`)
    }
    expect(refused()).toEqual(['HostConflict HTTPRoute web/older'])
    expect([...index.concerned(older, undefined)]).toEqual(['shop/checkout'])
    const moved = httpRoute('shop/users', {...atPublic, hostnames: ['other.example.com']}, 2)
    index.objectChanged(users, moved)
    expect(refused()).toEqual([])
    expect([...index.concerned(older, undefined)]).toEqual([])
  },
)

test('what has a host of a borrowed VirtualService is read and heard of', () => {
  const made = rollout('shop')
  const borrower = {...made, spec: {...made.spec, traffic: {istio: {virtualService: {name: 'users'}}}}}
  const index = indexed(borrower)
  const rival = route('infra/rival', ['shop.example.com'])
  for (const one of [rival, route('shop/users', ['shop.example.com'])]) index.objectChanged(undefined, one)
  expect(seenBy(index, borrower).toSorted()).toEqual(['infra/rival', 'shop/users'])
  expect([...index.concerned(undefined, rival)]).toEqual(['shop/checkout'])
})
