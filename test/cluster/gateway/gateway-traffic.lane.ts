// What mesh/gateway-api writes, through the real Envoy Gateway and its Envoy: a real API server with the Gateway API's own CRDs
// takes it, and requests go where the wish for the traffic says.
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {envoyBinary, envoyGatewayCrds} from '../envoy/gateway.ts'
import {runInNamespaces} from '../envoy/namespaces.ts'
import {otherCrdPaths} from '../install-crds.ts'
import {part} from '../parts.ts'
import {answers, expectBinomial, expectNewUsers, expectShare, expectSwitches} from '../scenarios/answers.ts'
import type {Report} from '../scenarios/report.ts'
import {scenarios} from './scenarios.ts'

const runner = fileURLToPath(new URL('runner.ts', import.meta.url))
const runMilliseconds = 400_000
const seen: {report?: Report} = {}

function of(scenario: string) {
  const found = seen.report?.[scenario]
  if (!found) throw new Error(`nothing was seen of ${scenario}`)
  return found
}

const [a, b] = ['checkout-a', 'checkout-b']

beforeAll(async () => {
  // In the namespaces there is no way out to download anything that is missing.
  for (const needed of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'envoy-gateway'] as const) part(needed)
  otherCrdPaths()
  envoyGatewayCrds()
  envoyBinary()
  seen.report = await runInNamespaces<Report>(runner, runMilliseconds)
}, runMilliseconds + 60_000)

describe.each(Object.keys(scenarios))('%s', name => {
  test('the API server takes it, it is read back, and nothing is left to apply', () => {
    expect(of(name).outstanding).toEqual([])
    expect(of(name).read).toEqual(scenarios[name]?.split)
  })
})

// A borrowed route has the user's own places, which say nothing of slots.
const ownRoutes = Object.keys(scenarios).filter(
  name => scenarios[name]?.context.traffic.gatewayAPI?.route === undefined,
)

describe.each(ownRoutes)('%s', name => {
  test('each request is counted for the slot that got it, copies too', () => {
    const got = (server: string) => of(name).received.filter(one => one.server === server).length
    expect(of(name).counted).toEqual({a: got('checkout-a'), b: got('checkout-b')})
  })
})

test('shares by weight; a slot with weight 0 gets no request', () => {
  expectShare(of('weights').observed, b, 20)
  expect(new Set(answers(of('all to one').observed))).toEqual(new Set([b]))
})

test('blue/green: all requests move at once and back, and none is lost meanwhile', () => {
  expectSwitches(of('blue/green'), [b, a])
})

test('gRPC calls by weight, and by headers, with their trailers', () => {
  const {observed} = of('gRPC')
  expect(new Set(observed.map(({status, grpcStatus}) => `${status} ${grpcStatus}`))).toEqual(new Set(['200 0']))
  expect(new Set(answers(observed.slice(0, 20)))).toEqual(new Set([b]))
  expect(new Set(answers(observed.slice(20)))).toEqual(new Set([a, b]))
  expectShare(observed.slice(20), b, 20)
})

describe('requests that match', () => {
  test('by headers', () => {
    expect(answers(of('headers').observed)).toEqual([b, b, a, a, a])
  })

  test('by headers, beside a weight for the others', () => {
    const {observed} = of('headers beside a weight')
    expect(new Set(answers(observed.slice(0, 20)))).toEqual(new Set([b]))
    expectShare(observed.slice(20), b, 50)
  })

  test('by cookies, in any order', () => {
    expect(answers(of('cookies').observed)).toEqual([b, b, a, a])
  })

  test('by as many cookies as a match may have', () => {
    expect(answers(of('as many cookies as a match may have').observed)).toEqual([b, b, a])
  })

  test('by query parameters', () => {
    expect(answers(of('query parameters').observed)).toEqual([b, b, a, a])
  })
})

test('mirroring: every answer is of the one version, the other gets copies of a share', () => {
  const {observed, received} = of('mirror')
  expect(new Set(answers(observed))).toEqual(new Set([a]))
  expectBinomial(received.filter(({server}) => server === b).length, observed.length, 50)
})

test('gRPC: calls that fail under HTTP status 200 are counted as failures of the slot that got them', () => {
  const {observed, counted, failed} = of('gRPC that fails')
  expectShare(observed, b, 40)
  expect(new Set(observed.map(({status, server, grpcStatus}) => `${status} ${server} ${grpcStatus}`))).toEqual(
    new Set([`200 ${a} 0`, `200 ${b} 13`]),
  )
  expect(failed).toEqual({a: 0, b: counted?.b})
})

describe('sticky sessions', () => {
  test('who has no cookie is shared out, and gets the cookie of the version that answered', () => {
    expectNewUsers(of('sticky').observed.slice(0, 200))
  })

  test('who has a cookie stays', () => {
    expect(new Set(answers(of('sticky').observed.slice(200, 220)))).toEqual(new Set([b]))
    expect(new Set(answers(of('sticky').observed.slice(220)))).toEqual(new Set([a]))
  })

  test('a new weight shares out those who were not with the new version, and moves nobody from it', () => {
    const {observed} = of('sticky after a step')
    expect(new Set(answers(observed.slice(0, 20)))).toEqual(new Set([b]))
    expectShare(observed.slice(20), b, 80)
  })
})

test("a route of the user's: the weights, and its other rules go on working; it is given back as it was", () => {
  const [redirected, ...shared] = of('borrowed').observed
  expect(redirected?.status).toBe(301)
  expectShare(shared, b, 50)
  const [returned] = of('borrowed').returned
  expect(returned?.spec.rules).toMatchObject(scenarios.borrowed?.users?.[0]?.spec.rules)
})
