import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {MeshContext} from '../types.ts'
import {testContext, userObject} from './fixtures.ts'
import {linkerd} from './index.ts'

const plain = testContext()
const context: MeshContext = {
  ...plain,
  traffic: {linkerd: {settlingTime: '2s', route: {name: 'users', ownership: 'exclusive'}}},
}
const service = {group: '', kind: 'Service', name: 'checkout', port: 80}
const backendRefs = [{name: 'checkout', port: 80, weight: 1}]

function users(spec: JsonObject, kind = 'HTTPRoute'): KubeObject {
  return userObject(kind, 'shop/users', {parentRefs: [service], rules: [{backendRefs}], ...spec} as JsonObject)
}

function found(route: KubeObject): string[] {
  return linkerd.problems(context, [route]).map(({reason, object, field}) => `${reason} ${object} ${field}`)
}

describe('a borrowed route that Linkerd would not obey', () => {
  test.each<[string, JsonObject, string]>([
    ['the parent is a Gateway', {parentRefs: [{name: 'gw'}]}, 'spec.parentRefs'],
    ['the parent is another Service', {parentRefs: [{...service, name: 'cart'}]}, 'spec.parentRefs'],
    ['the parent is another port', {parentRefs: [{...service, port: 81}]}, 'spec.parentRefs'],
    ['it is for certain names', {hostnames: ['x.example.com']}, 'spec.hostnames'],
    ['a field of the route', {useDefaultGateways: 'All'}, 'spec.useDefaultGateways'],
    ['a retry', {rules: [{backendRefs, retry: {attempts: 3}}]}, 'spec.rules[0].retry'],
    ['a session', {rules: [{backendRefs, sessionPersistence: {}}]}, 'spec.rules[0].sessionPersistence'],
    ['a name, in a rule of another Service', {rules: [{backendRefs}, {name: 'x'}]}, 'spec.rules[1].name'],
    ['a filter that is newer', {rules: [{backendRefs, filters: [{type: 'CORS'}]}]}, 'spec.rules[0].filters[0]'],
    ['a filter that it lacks', {rules: [{backendRefs, filters: [{type: 'URLRewrite'}]}]}, 'spec.rules[0].filters[0]'],
    [
      'a filter of a backend',
      {rules: [{backendRefs: [{...backendRefs[0], filters: [{type: 'RequestMirror'}]}]}]},
      'spec.rules[0].backendRefs[0].filters[0]',
    ],
  ])('%s', (_, spec, field) => {
    expect(found(users(spec))).toEqual([`RouteNotRead HTTPRoute shop/users ${field}`])
  })

  test('every problem says what to do; rules that the Rollout names have to lose their names', () => {
    const [problem] = linkerd.problems(context, [users({rules: [{backendRefs, name: 'all'}]})])
    expect(problem?.fix).toContain('spec.traffic.linkerd.route.rules out of the Rollout')
  })
})

test.each<[string, JsonObject]>([
  ['as it should be', {}],
  ['beside a Gateway, of which Linkerd knows nothing', {parentRefs: [{name: 'gw'}, service]}],
  ['at every port of the Service', {parentRefs: [{group: 'core', kind: 'Service', name: 'checkout'}]}],
  [
    'with what 1.2.1 has',
    {
      rules: [
        {
          matches: [{method: 'GET', path: {type: 'PathPrefix', value: '/'}, headers: [], queryParams: []}],
          filters: [{type: 'RequestHeaderModifier'}, {type: 'RequestRedirect'}],
          timeouts: {request: '1s'},
          backendRefs: [{...backendRefs[0], filters: [{type: 'ResponseHeaderModifier'}]}],
        },
      ],
    },
  ],
])('one that it obeys: %s', (_, spec) => {
  expect(found(users(spec))).toEqual([])
})
