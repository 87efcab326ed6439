import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {Match} from '../../crds/strategy.ts'
import {testContext} from './fixtures.ts'
import {gatewayAPI} from './index.ts'

const insiders: Match = {headers: [{name: 'x-group', exact: 'insiders'}]}
const sticky = {cookie: 'fairlead-checkout', maxAgeSeconds: 3600}

function rulesOf(matches: Match[], apart: Omit<NonNullable<Split['apart']>, 'slot'>, b = 0, grpc = false) {
  const ports = grpc ? [{port: 80, appProtocol: 'grpc'}] : [{port: 80, name: 'http'}]
  const context = testContext({routing: {matches, sticky}, ports})
  const split: Split = {a: 100 - b, b, apart: {slot: 'b', ...apart}}
  const routes = gatewayAPI.renderRoutes(context, split, [])
  const rules = routes[0]?.spec.rules as KubeObject['spec'][]
  return {context, split, routes, matches: rules.map(rule => rule.matches), rules}
}

const path = {type: 'PathPrefix', value: '/'}
const held = [{path, headers: [{type: 'Exact', name: 'fairlead-held', value: 'uid-1'}]}]

describe('requests that match', () => {
  test('stand at the rule of their slot, which is there before and after, so that its cluster is warm', () => {
    const query: Match = {queryParams: [{name: 'beta', regex: '1|yes'}], cookies: [{name: 'plan', value: 'pro'}]}
    const {context, split, routes, matches} = rulesOf([insiders, query], {matched: true})
    expect(matches).toEqual([
      held,
      [{path}],
      [
        {path, headers: [{type: 'Exact', name: 'x-group', value: 'insiders'}]},
        {
          path,
          headers: [{type: 'RegularExpression', name: 'cookie', value: '^(?:(?:.*; ?)?plan=pro(?:;.*)?)$'}],
          queryParams: [{type: 'RegularExpression', name: 'beta', value: '^(?:1|yes)$'}],
        },
      ],
    ])
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })

  test('beside a weight', () => {
    const {context, split, routes, matches} = rulesOf([insiders], {matched: true}, 20)
    expect(matches.map(list => list.length)).toEqual([1, 1, 1])
    expect([matches[0], matches[1]]).toEqual([[{path}], held])
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })

  test('of a GRPCRoute: headers alone', () => {
    const {context, split, routes, matches} = rulesOf([insiders], {matched: true}, 0, true)
    expect(routes[0]?.kind).toBe('GRPCRoute')
    expect(matches[1]).toBeUndefined()
    expect(matches[2]).toEqual([{headers: [{type: 'Exact', name: 'x-group', value: 'insiders'}]}])
    expect(gatewayAPI.read(context, routes)).toEqual(split)
    for (const feature of ['sticky', 'matchQueryParams'] as const) {
      expect(gatewayAPI.limits?.(context, [])[feature]?.why).toContain('gRPC')
    }
  })
})

describe("matches that the API's schema has no room for", () => {
  const cookies = (length: number) =>
    [1, 2, 3, 4].map(one => ({name: `cookie-name-number-${one}`, value: `${'v'.repeat(length)}${one}`}))

  test('four cookies are several matches of one header each, and are read back', () => {
    const match: Match = {headers: [{name: 'x-group', exact: 'insiders'}], cookies: cookies(60)}
    const {context, split, routes, rules} = rulesOf([match], {matched: true})
    const special: JsonObject[] = rules[2].matches
    expect(special.length).toBeGreaterThan(1)
    for (const one of special) {
      const headers = one.headers as JsonObject[]
      expect(headers.map(({name}) => name)).toEqual(['x-group', 'cookie'])
      expect(headers[1]?.value).toSatisfy((value: string) => value.length <= 4096)
    }
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })

  const problemsOf = (match: Match, count = 1) => {
    const routing = {matches: Array.from({length: count}, () => match), field: 'spec.strategy.abTest.match'}
    const gateway = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: {name: 'public', namespace: 'infra'},
    }
    return gatewayAPI.problems(testContext({routing}), [gateway]).map(({reason, field}) => `${reason} ${field}`)
  }

  test('what fits into no number of matches, and what the schema refuses, is refused with its field', () => {
    const long = cookies(250).map(one => ({...one, name: `${one.name}${'.'.repeat(100)}`}))
    expect(problemsOf({cookies: long}, 2)).toEqual([])
    expect(problemsOf({cookies: long}, 8)).toEqual(['InvalidMatch spec.strategy.abTest.match'])
    expect(
      problemsOf({
        queryParams: [
          {name: 'v', exact: '1'},
          {name: 'filter[x]', exact: '1'},
        ],
      }),
    ).toEqual(['InvalidMatch spec.strategy.abTest.match[0].queryParams[1].name'])
    const regex = (length: number) => problemsOf({queryParams: [{name: 'v', regex: 'a'.repeat(length)}]})
    expect(regex(1018)).toEqual([])
    expect(regex(1019)).toEqual(['InvalidMatch spec.strategy.abTest.match[0].queryParams[0].regex'])
  })
})

test.each([
  [{name: 'grpc', port: 80}, true],
  [{name: 'grpc-api', port: 80}, true],
  [{name: 'grpc-web', port: 80}, false],
  [{name: 'http', port: 80}, false],
  [{name: 'grpc', port: 80, appProtocol: 'grpc'}, false],
  [{name: 'grpc', port: 80, appProtocol: 'kubernetes.io/h2c'}, false],
])('gRPC by an HTTPRoute fails under status 200, so its built-in metrics are refused: %j %s', (port, refused) => {
  const {comparison} = gatewayAPI.limits?.(testContext({ports: [port]}), []) ?? {}
  expect(comparison !== undefined).toBe(refused)
  if (refused) expect(comparison?.fix).toContain('appProtocol: grpc')
})

describe('sticky sessions', () => {
  const cookieOf = (backend: JsonObject) => JSON.stringify(backend).match(/Set-Cookie","value":"([^;"]*)/)?.[1]

  test('each slot sets its cookie, and takes whoever bears it', () => {
    const {context, split, routes, matches, rules} = rulesOf([], {session: 'r2'}, 30)
    const cookie = (value: string) => [
      {
        path,
        headers: [
          {type: 'RegularExpression', name: 'cookie', value: `^(?:(?:.*; ?)?fairlead-checkout=${value}(?:;.*)?)$`},
        ],
      },
    ]
    expect(matches).toEqual([[{path}], cookie('r2\\.not\\.30'), cookie('r2')])
    expect(rules[0].backendRefs.map(cookieOf)).toEqual(['fairlead-checkout=r2.not.30', 'fairlead-checkout=r2'])
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })

  test('beside a match without a weight only those who matched get one', () => {
    const {context, split, routes, rules, matches} = rulesOf([insiders], {matched: true, session: 'r2'})
    expect(rules.map(rule => rule.backendRefs.map(cookieOf))).toEqual([
      [undefined, undefined],
      [undefined],
      ['fairlead-checkout=r2'],
    ])
    expect(matches[2]).toHaveLength(2)
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })
})

describe('mirroring', () => {
  test.each([25, 100])('copies of %i percent', percent => {
    const {context, split, routes, rules} = rulesOf([], {mirrorPercent: percent})
    const backendRef = {group: '', kind: 'Service', name: 'checkout-b', port: 80}
    const requestMirror = percent === 100 ? {backendRef} : {backendRef, percent}
    expect(rules.map(rule => rule.filters)).toEqual([undefined, [{type: 'RequestMirror', requestMirror}], undefined])
    expect(gatewayAPI.read(context, routes)).toEqual(split)
  })
})

test.each<[string, (rules: KubeObject['spec'][]) => unknown]>([
  ['another condition', rules => Object.assign(rules[2].matches[0].headers[0], {value: 'outsiders'})],
  ['the condition leads to the other slot', rules => Object.assign(rules[2], {backendRefs: rules[1].backendRefs})],
  ['a mirror', rules => Object.assign(rules[1], {filters: [{type: 'RequestMirror', requestMirror: {}}]})],
  ['one more rule', rules => rules.push({matches: [{path: {type: 'Exact', value: '/x'}}], backendRefs: []})],
])('drift is never read as what was wished: %s', (_, edit) => {
  const {context, split, routes} = rulesOf([insiders], {matched: true})
  expect(gatewayAPI.read(context, routes)).toEqual(split)
  edit(routes[0]?.spec.rules)
  expect(gatewayAPI.read(context, routes)).not.toEqual(split)
})
