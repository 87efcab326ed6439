import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {testContext} from './fixtures.ts'
import {readRoute, renderRoute} from './route.ts'

const context = testContext()

/** What is read after somebody edited the route that carries 90 and 10. */
function readAfter(edit: (spec: KubeObject['spec'], route: KubeObject) => void) {
  const route = renderRoute(context, {a: 90, b: 10}, [])
  edit(route.spec, route)
  return readRoute(context, [route])
}

describe('drift that makes the weights unreadable', () => {
  const edits: [string, (spec: KubeObject['spec'], route: KubeObject) => void][] = [
    ['another rule to another Service', spec => spec.rules.push({backendRefs: [{name: 'elsewhere', port: 80}]})],
    ['a rule to the apex Service', spec => spec.rules.push({backendRefs: [{name: 'checkout', port: 80}]})],
    ['a rule with other weights', spec => spec.rules.push({backendRefs: [{name: 'checkout-a', port: 80}]})],
    ['a third backend', spec => spec.rules[0].backendRefs.push({name: 'elsewhere', port: 80, weight: 0})],
    ['a slot in another namespace', spec => Object.assign(spec.rules[0].backendRefs[0], {namespace: 'web'})],
    ['a backend of another kind', spec => Object.assign(spec.rules[0].backendRefs[0], {kind: 'ServiceImport'})],
    ['a backend of another group', spec => Object.assign(spec.rules[0].backendRefs[0], {group: 'example.com'})],
    ['both weights 0', spec => spec.rules[0].backendRefs.forEach((one: KubeObject) => Object.assign(one, {weight: 0}))],
    ['weights that are no percentages', spec => Object.assign(spec.rules[0].backendRefs[0], {weight: 91})],
    ['a negative weight', spec => Object.assign(spec.rules[0].backendRefs[1], {weight: -10})],
    ['a redirect', spec => Object.assign(spec.rules[0], {filters: [{type: 'RequestRedirect'}]})],
    ['a mirror', spec => Object.assign(spec.rules[0], {filters: [{type: 'RequestMirror'}]})],
    ['one path only', spec => Object.assign(spec.rules[0], {matches: [{path: {type: 'PathPrefix', value: '/api'}}]})],
    ['an exact path', spec => Object.assign(spec.rules[0], {matches: [{path: {type: 'Exact', value: '/'}}]})],
    ['one method only', spec => Object.assign(spec.rules[0], {matches: [{method: 'GET'}]})],
    ['no backends', spec => Object.assign(spec.rules[0], {backendRefs: []})],
    ['every rule held back', spec => Object.assign(spec.rules[0], {matches: spec.rules[1].matches})],
    ['a held rule in use beside another', spec => Object.assign(spec.rules[1], {matches: []})],
    [
      'a header that is ours, but by a pattern',
      spec => Object.assign(spec.rules[1].matches[0].headers[0], {type: 'RegularExpression'}),
    ],
    ['no rules', spec => Object.assign(spec, {rules: []})],
    ['nonsense', spec => Object.assign(spec, {rules: ['x', {backendRefs: 'y'}]})],
    ['no spec', (_, route) => Object.assign(route, {spec: undefined})],
    ['another namespace', (_, route) => Object.assign(route.metadata, {namespace: 'web'})],
    ['another kind', (_, route) => Object.assign(route, {kind: 'GRPCRoute'})],
  ]

  test.each(edits)('%s', (_, edit) => {
    expect(readAfter(() => undefined)).toEqual({a: 90, b: 10})
    expect(readAfter(edit)).toBeUndefined()
  })
})

test('routes that say the same: other sums, no match, one backend, another version', () => {
  const edited = (backendRefs: object[]) =>
    readAfter((spec, route) => {
      route.apiVersion = 'gateway.networking.k8s.io/v1beta1'
      spec.rules = [{backendRefs}]
    })
  const [a, b] = [{name: 'checkout-a'}, {name: 'checkout-b'}]
  expect(edited([a, b])).toEqual({a: 50, b: 50})
  expect(
    edited([
      {...b, weight: 3},
      {...a, weight: 1},
    ]),
  ).toEqual({a: 25, b: 75})
  expect(edited([b])).toEqual({a: 0, b: 100})
  expect(edited([a, {...b, weight: 0}])).toEqual({a: 100, b: 0})
})

describe('rendering', () => {
  test('a slot keeps its places and its own filter, whatever the weights', () => {
    for (const b of [0, 1, 99, 100]) {
      const rules: KubeObject[] = renderRoute(context, {a: 100 - b, b}, []).spec.rules
      const filter = (value: string) => [
        {type: 'RequestHeaderModifier', requestHeaderModifier: {set: [{name: 'fairlead-slot', value}]}},
      ]
      const found = rules.map(rule => rule.backendRefs.map((one: KubeObject) => [one.name, one.filters]))
      const [a, other] = [
        ['checkout-a', filter('a')],
        ['checkout-b', filter('b')],
      ]
      expect(found).toEqual([[a, other], [a], [other]])
    }
  })

  test('no backend has weight 0, in use or held back: it would lose its cluster', () => {
    for (const b of [0, 1, 99, 100]) {
      const rules: KubeObject[] = renderRoute(context, {a: 100 - b, b}, []).spec.rules
      const weights = rules.flatMap(rule => rule.backendRefs.map((one: KubeObject) => one.weight))
      expect(Math.min(...weights)).toBeGreaterThan(0)
    }
  })

  test.each([
    [{a: 100, b: 0}, 1],
    [{a: 99, b: 1}, 0],
    [{a: 0, b: 100}, 2],
  ] as const)('weights %j are carried by rule %i alone', (weights, place) => {
    const route = renderRoute(context, weights, [])
    const open = route.spec.rules.map((rule: KubeObject) => rule.matches[0].headers === undefined)
    expect(open).toEqual([0, 1, 2].map(one => one === place))
    expect(route.spec.rules[(place + 1) % 3].matches[0].headers).toEqual([
      {type: 'Exact', name: 'fairlead-held', value: 'uid-1'},
    ])
    expect(readRoute(context, [route])).toEqual(weights)
    // A Rollout that was restored has another uid, and must find its weights all the same.
    expect(readRoute({...context, rollout: {...context.rollout, uid: 'uid-2'}}, [route])).toEqual(weights)
  })

  test('without any port the rules have no backends, which a Service that lost its ports could not serve', () => {
    const {spec} = renderRoute(testContext({ports: []}), {a: 100, b: 0}, [])
    expect(spec.rules.map((rule: KubeObject) => rule.backendRefs)).toEqual([[], [], []])
  })
})
