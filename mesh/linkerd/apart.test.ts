import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import {testContext} from './fixtures.ts'
import {linkerd} from './index.ts'

const matches = [
  {headers: [{name: 'x-group', exact: 'insiders'}]},
  {cookies: [{name: 'plan', value: 'pro'}], queryParams: [{name: 'v', exact: '2'}]},
]

function rendered(ports: Parameters<typeof testContext>[0]) {
  const context = {...testContext(ports), routing: {matches}}
  const split: Split = {a: 90, b: 10, apart: {slot: 'b', matched: true}}
  return {context, split, routes: linkerd.renderRoutes(context, split, [])}
}

describe('requests that match', () => {
  test('have a rule of their own, with one backend', () => {
    const {context, split, routes} = rendered({})
    const [special, rest] = (routes[0]?.spec.rules ?? []) as KubeObject['spec'][]
    const path = {type: 'PathPrefix', value: '/'}
    expect(special.matches).toEqual([
      {path, headers: [{type: 'Exact', name: 'x-group', value: 'insiders'}]},
      {
        path,
        headers: [{type: 'RegularExpression', name: 'cookie', value: '^(?:(?:.*; ?)?plan=pro(?:;.*)?)$'}],
        queryParams: [{type: 'Exact', name: 'v', value: '2'}],
      },
    ])
    expect(special.backendRefs.map((backend: KubeObject['spec']) => backend.name)).toEqual(['checkout-b'])
    expect(rest.backendRefs).toHaveLength(2)
    expect(linkerd.read(context, routes)).toEqual(split)
  })

  test('of a GRPCRoute: headers alone, and the other matches are refused', () => {
    const {context} = rendered({ports: [{port: 80, appProtocol: 'grpc'}]})
    expect(linkerd.limits?.(context, []).matchQueryParams?.why).toContain('gRPC')
    const headers = {...context, routing: {matches: matches.slice(0, 1)}}
    const split: Split = {a: 100, b: 0, apart: {slot: 'b', matched: true}}
    const routes = linkerd.renderRoutes(headers, split, [])
    expect(routes[0]?.spec.rules[0].matches).toEqual([{headers: [{type: 'Exact', name: 'x-group', value: 'insiders'}]}])
    expect(linkerd.read(headers, routes)).toEqual(split)
  })

  test('a rule that leads elsewhere, or takes others, is drift', () => {
    const edits: ((rules: KubeObject['spec'][]) => unknown)[] = [
      rules => Object.assign(rules[0].backendRefs[0], {name: 'checkout-a'}),
      rules => Object.assign(rules[0].matches[0].headers[0], {value: 'x'}),
      rules => rules.push({matches: [{path: {type: 'Exact', value: '/x'}}], backendRefs: []}),
    ]
    for (const edit of edits) {
      const {context, split, routes} = rendered({})
      edit(routes[0]?.spec.rules)
      expect(linkerd.read(context, routes)).not.toEqual(split)
    }
  })
})

test.each([
  [{port: 80, name: 'grpc'}, undefined, true],
  [{port: 80, name: 'grpc-web'}, undefined, false],
  [{port: 80, name: 'grpc', appProtocol: 'grpc'}, undefined, false],
  [{port: 80, appProtocol: 'grpc'}, {name: 'users', ownership: 'exclusive' as const}, true],
  [
    {port: 80, appProtocol: 'grpc'},
    {kind: 'GRPCRoute' as const, name: 'users', ownership: 'exclusive' as const},
    false,
  ],
])(
  'gRPC by an HTTPRoute fails under status 200, so its built-in metrics are refused: %j %j %s',
  (port, route, refused) => {
    const context = testContext({ports: [port]})
    const linkerdTraffic = {settlingTime: '2s', ...(route ? {route} : {})}
    const limits = linkerd.limits?.({...context, traffic: {linkerd: linkerdTraffic}}, []) ?? {}
    expect(limits.comparison !== undefined).toBe(refused)
  },
)
