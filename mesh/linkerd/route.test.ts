import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {grpcContext, testContext} from './fixtures.ts'
import {readRoute, renderRoute} from './route.ts'

const context = testContext()
const backendsOf = (route: KubeObject): KubeObject[] => route.spec.rules.flatMap((rule: KubeObject) => rule.backendRefs)

describe('rendering', () => {
  test('no backend has weight 0, alone or beside another: a proxy would panic, or send it everything', () => {
    for (let b = 0; b <= 100; b++) {
      const weights = backendsOf(renderRoute(context, {a: 100 - b, b})).map(one => one.weight)
      expect(weights).toEqual([100 - b, b].filter(weight => weight > 0))
    }
  })

  test('the kind is that of the port, by its appProtocol', () => {
    expect(renderRoute(context, {a: 90, b: 10}).kind).toBe('HTTPRoute')
    const {kind, spec} = renderRoute(grpcContext(), {a: 90, b: 10})
    expect(kind).toBe('GRPCRoute')
    expect(spec.parentRefs).toEqual([{group: '', kind: 'Service', namespace: 'shop', name: 'checkout', port: 9090}])
    // A match without method is not in the API: no match stands for all.
    expect(Object.keys(spec.rules[0])).toEqual(['backendRefs'])
  })

  test('has no field that Gateway API 1.2.1 does not know: Linkerd would ignore the route', () => {
    const known = {
      spec: ['parentRefs', 'rules'],
      parentRefs: ['group', 'kind', 'namespace', 'name', 'port'],
      rules: ['matches', 'backendRefs'],
      backendRefs: ['group', 'kind', 'name', 'port', 'weight'],
    }
    for (const of of [context, grpcContext()]) {
      const {spec} = renderRoute(of, {a: 90, b: 10})
      const [rule] = spec.rules
      const [parent, backend] = [spec.parentRefs[0], rule.backendRefs[0]]
      expect(known.spec).toEqual(Object.keys(spec))
      expect(known.parentRefs).toEqual(Object.keys(parent))
      expect(known.rules).toEqual(expect.arrayContaining(Object.keys(rule)))
      expect(known.backendRefs).toEqual(Object.keys(backend))
    }
  })

  test('without any port the route has no backends, which a Service that lost its ports could not serve', () => {
    expect(backendsOf(renderRoute(testContext({ports: []}), {a: 90, b: 10}))).toEqual([])
  })
})

describe('drift that makes the weights unreadable', () => {
  type Edit = (spec: KubeObject['spec'], route: KubeObject) => void
  const edits: [string, Edit][] = [
    ['another rule to another Service', spec => spec.rules.push({backendRefs: [{name: 'elsewhere', port: 80}]})],
    ['a rule with other weights', spec => spec.rules.push({backendRefs: [{name: 'checkout-a', port: 80}]})],
    ['a third backend', spec => spec.rules[0].backendRefs.push({name: 'elsewhere', port: 80, weight: 0})],
    ['a slot in another namespace', spec => Object.assign(spec.rules[0].backendRefs[0], {namespace: 'web'})],
    ['a backend of another kind', spec => Object.assign(spec.rules[0].backendRefs[0], {kind: 'EgressNetwork'})],
    ['a backend of another group', spec => Object.assign(spec.rules[0].backendRefs[0], {group: 'example.com'})],
    ['weights that are no percentages', spec => Object.assign(spec.rules[0].backendRefs[0], {weight: 91})],
    ['both weights 0', spec => spec.rules[0].backendRefs.forEach((one: KubeObject) => Object.assign(one, {weight: 0}))],
    ['a redirect', spec => Object.assign(spec.rules[0], {filters: [{type: 'RequestRedirect'}]})],
    ['one path only', spec => Object.assign(spec.rules[0], {matches: [{path: {type: 'PathPrefix', value: '/api'}}]})],
    ['one method only', spec => Object.assign(spec.rules[0], {matches: [{method: 'GET'}]})],
    ['one host only', spec => Object.assign(spec, {hostnames: ['checkout']})],
    ['another port of the Service', spec => Object.assign(spec.parentRefs[0], {port: 81})],
    ['another Service', spec => Object.assign(spec.parentRefs[0], {name: 'cart'})],
    ['a Gateway as the parent', spec => Object.assign(spec, {parentRefs: [{name: 'checkout'}]})],
    ['no parents', spec => Object.assign(spec, {parentRefs: undefined})],
    ['no backends', spec => Object.assign(spec.rules[0], {backendRefs: []})],
    ['no rules', spec => Object.assign(spec, {rules: []})],
    ['nonsense', spec => Object.assign(spec, {rules: ['x', {backendRefs: 'y'}]})],
    ['no spec', (_, route) => Object.assign(route, {spec: undefined})],
    ['another kind', (_, route) => Object.assign(route, {kind: 'GRPCRoute'})],
  ]
  const readAfter = (edit: Edit) => {
    const route = renderRoute(context, {a: 90, b: 10})
    edit(route.spec, route)
    return readRoute(context, [route])
  }

  test.each(edits)('%s', (_, edit) => {
    expect(readAfter(() => undefined)).toEqual({a: 90, b: 10})
    expect(readAfter(edit)).toBeUndefined()
  })

  test('routes that say the same are read: other sums, every port, a backend alone even with weight 0', () => {
    const [a, b] = [{name: 'checkout-a'}, {name: 'checkout-b', group: 'core'}]
    const edited = (...backendRefs: object[]) =>
      readAfter((spec, route) => {
        route.apiVersion = 'gateway.networking.k8s.io/v1beta1'
        Object.assign(spec.parentRefs[0], {port: undefined})
        spec.rules = [{backendRefs}]
      })
    expect(edited(a, b)).toEqual({a: 50, b: 50})
    expect(edited({...b, weight: 3}, {...a, weight: 1})).toEqual({a: 25, b: 75})
    expect(edited({...b, weight: 0})).toEqual({a: 0, b: 100})
    expect(edited(a, {...b, weight: 0})).toEqual({a: 100, b: 0})
  })
})
