import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {Match} from '../../crds/strategy.ts'
import {testContext} from './fixtures.ts'
import {istio} from './index.ts'

const insiders: Match = {headers: [{name: 'X-Group', exact: 'insiders'}]}
const sticky = {cookie: 'fairlead-checkout', maxAgeSeconds: 3600}

function contextWith(matches: Match[], options: Parameters<typeof testContext>[0] = {}) {
  return testContext({routing: {matches, sticky}, ...options})
}

/** Http rules of a split for the canary in slot b, and what is read back from them. */
function rulesOf(context: ReturnType<typeof testContext>, apart: Omit<NonNullable<Split['apart']>, 'slot'>, b = 0) {
  const split: Split = {a: 100 - b, b, apart: {slot: 'b', ...apart}}
  const [route] = istio.renderRoutes(context, split, [])
  return {http: route?.spec.http, tcp: route?.spec.tcp, split, read: istio.read(context, route ? [route] : [])}
}

const to = (slot: 'a' | 'b', weight = 100) => ({
  destination: {host: `checkout-${slot}.shop.svc.cluster.local`, port: {number: 80}},
  weight,
})
const inside = {gateways: ['mesh'], port: 80}

describe('requests that match', () => {
  test('headers and query parameters: a rule before the weights, with one condition per match', () => {
    const query: Match = {queryParams: [{name: 'beta', regex: '1|yes'}], headers: [{name: 'x-a', regex: 'b.*'}]}
    const {http, split, read} = rulesOf(contextWith([insiders, query]), {matched: true}, 10)
    expect(http).toEqual([
      {
        name: 'fairlead-matched',
        match: [
          {...inside, headers: {'x-group': {exact: 'insiders'}}},
          {...inside, headers: {'x-a': {regex: 'b.*'}}, queryParams: {beta: {regex: '1|yes'}}},
        ],
        route: [to('b')],
      },
      {match: [inside], route: [to('a', 90), to('b', 10)]},
    ])
    expect(read).toEqual(split)
  })

  test('cookies: one expression for the Cookie header', () => {
    const {http} = rulesOf(contextWith([{cookies: [{name: 'beta', value: 'a.b'}]}]), {matched: true})
    expect(http[0].match).toEqual([{...inside, headers: {cookie: {regex: '(?:.*; ?)?beta=a\\.b(?:;.*)?'}}}])
  })

  test('callers: no gateway stands beside their labels, region and namespace, since istiod would ignore them', () => {
    const source = {labels: {app: 'cart'}, region: 'eu-1', namespace: 'web'}
    const context = contextWith([{source}, insiders], {gateways: ['ingress/public']})
    const {http} = rulesOf(context, {matched: true})
    expect(http.map((rule: KubeObject['spec']) => rule.match)).toEqual([
      [
        {
          port: 80,
          sourceLabels: {app: 'cart', 'topology.kubernetes.io/region': 'eu-1'},
          sourceNamespace: 'web',
        },
        {...inside, headers: {'x-group': {exact: 'insiders'}}},
      ],
      [inside],
      [{gateways: ['ingress/public'], headers: {'x-group': {exact: 'insiders'}}}],
      [{gateways: ['ingress/public']}],
    ])
  })

  test('TCP ports have the weights alone', () => {
    const ports = [
      {name: 'http', port: 80},
      {name: 'tcp', port: 7000},
    ]
    const {tcp, split, read} = rulesOf(contextWith([insiders], {ports}), {matched: true}, 10)
    expect(tcp).toHaveLength(1)
    expect(read).toEqual(split)
  })
})

describe('sticky sessions', () => {
  test('both versions set the cookie; who bears it stays, the other one until the weight changes', () => {
    const {http, split, read} = rulesOf(contextWith([]), {session: 'r2'}, 10)
    const cookie = (value: string) => ({regex: `(?:.*; ?)?fairlead-checkout=${value}(?:;.*)?`})
    const sets = (value: string) => ({
      headers: {
        response: {
          add: {'Set-Cookie': `fairlead-checkout=${value}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax`},
        },
      },
    })
    expect(http).toEqual([
      {name: 'fairlead-session-r2', match: [{...inside, headers: {cookie: cookie('r2')}}], route: [to('b')]},
      {
        name: 'fairlead-session-other',
        match: [{...inside, headers: {cookie: cookie('r2\\.not\\.10')}}],
        route: [to('a')],
      },
      {
        match: [inside],
        route: [
          {...to('a', 90), ...sets('r2.not.10')},
          {...to('b', 10), ...sets('r2')},
        ],
      },
    ])
    expect(read).toEqual(split)
  })

  test('beside a match without a weight only those who matched get the cookie', () => {
    const {http, split, read} = rulesOf(contextWith([insiders]), {matched: true, session: 'r2'})
    const text = JSON.stringify(http)
    expect(http).toHaveLength(3)
    expect(text.match(/Set-Cookie/g)).toHaveLength(1)
    expect(JSON.stringify(http[0])).toContain('fairlead-checkout=r2;')
    expect(text).not.toContain('.not.')
    expect(read).toEqual(split)
  })
})

describe('mirroring', () => {
  test('copies of a share of the requests', () => {
    const {http, split, read} = rulesOf(contextWith([]), {mirrorPercent: 25})
    expect(http).toEqual([
      {match: [inside], route: [to('a')], mirror: to('b').destination, mirrorPercentage: {value: 25}},
    ])
    expect(read).toEqual(split)
  })
})

test.each<[string, (http: KubeObject['spec'][]) => unknown]>([
  ['the matching rule leads to the other version', http => Object.assign(http[0].route[0], to('a'))],
  ['the condition is wider', http => http[0].match.push(inside)],
  ['the rule is behind the weights', http => http.reverse()],
  ['another mirror', http => Object.assign(http[1], {mirror: {host: 'elsewhere'}})],
  ['a name that looks like a session', http => Object.assign(http[0], {name: 'fairlead-session-x'})],
])('drift is never read as what was wished: %s', (_, edit) => {
  const context = contextWith([insiders])
  const split: Split = {a: 90, b: 10, apart: {slot: 'b', matched: true}}
  const routes = istio.renderRoutes(context, split, [])
  expect(istio.read(context, routes)).toEqual(split)
  edit(routes[0]?.spec.http)
  expect(istio.read(context, routes)).not.toEqual(split)
})
