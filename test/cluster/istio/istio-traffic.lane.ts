// What mesh/istio writes, through the real istiod and real Envoys: a real API server with Istio's own CRDs takes it, and
// requests go where the wish for the traffic says.
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {envoyBinary} from '../envoy/gateway.ts'
import {runInNamespaces} from '../envoy/namespaces.ts'
import {otherCrdPaths} from '../install-crds.ts'
import {part} from '../parts.ts'
import {answers, expectBinomial, expectNewUsers, expectShare, expectSwitches} from '../scenarios/answers.ts'
import type {Report} from '../scenarios/report.ts'
import {scenarios} from './scenarios.ts'

const runner = fileURLToPath(new URL('runner.ts', import.meta.url))
const runMilliseconds = 400_000
/** What part of the connections that are opened around a change may be reset by it. */
const resetShare = 0.01
const fewResets = 4
const seen: {report?: Report} = {}

function of(scenario: keyof typeof scenarios) {
  const found = seen.report?.[scenario]
  if (!found) throw new Error(`nothing was seen of ${scenario}`)
  return found
}

const [a, b] = ['checkout-a', 'checkout-b']

beforeAll(async () => {
  // In the namespaces there is no way out to download anything that is missing.
  for (const needed of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'pilot-discovery'] as const) part(needed)
  otherCrdPaths()
  envoyBinary()
  seen.report = await runInNamespaces<Report>(runner, runMilliseconds)
}, runMilliseconds + 60_000)

test.each(Object.keys(scenarios))(
  '%s: the API server takes it, it is read back, and nothing is left to apply',
  name => {
    const {outstanding, read} = of(name)
    expect(outstanding).toEqual([])
    expect(read).toEqual(scenarios[name]?.split)
  },
)

describe('shares', () => {
  test('by weight', () => {
    const {observed} = of('weights')
    expect(new Set(answers(observed))).toEqual(new Set([a, b]))
    expectShare(observed, b, 20)
  })

  test('a slot with weight 0 gets no request', () => {
    expect(new Set(answers(of('all to one').observed))).toEqual(new Set([b]))
  })

  test('of gRPC calls: by weight, and by headers, with their trailers', () => {
    const {observed} = of('gRPC')
    expect(new Set(observed.map(({status, grpcStatus}) => `${status} ${grpcStatus}`))).toEqual(new Set(['200 0']))
    expect(new Set(answers(observed.slice(0, 20)))).toEqual(new Set([b]))
    expect(new Set(answers(observed.slice(20)))).toEqual(new Set([a, b]))
    expectShare(observed.slice(20), b, 20)
  })

  test('of TCP connections: by weight, and none for a slot with weight 0', () => {
    const {observed, moves} = of('TCP')
    expect(new Set(answers(observed))).toEqual(new Set([a, b]))
    expectShare(observed, b, 20)
    const [move] = moves
    expect(new Set(answers(move?.after ?? []))).toEqual(new Set([b]))
    // The weights are part of a listener: what opens while Envoy replaces it may be reset.
    const meanwhile = move?.meanwhile ?? []
    const resets = meanwhile.filter(({status}) => status === 0).length
    expect(resets).toBeLessThanOrEqual(Math.max(fewResets, meanwhile.length * resetShare))
    expect(new Set(answers(meanwhile.slice(-20)))).toEqual(new Set([b]))
  })

  test('through a gateway', () => {
    expectShare(of('gateway').observed, b, 50)
  })
})

test('blue/green: all requests move at once and back, and none is lost meanwhile', () => {
  expectSwitches(of('blue/green'), [b, a])
})

describe('requests that match', () => {
  test('by headers', () => {
    expect(answers(of('headers').observed)).toEqual([b, b, a, a, a])
  })

  test('by headers, beside a weight for the others', () => {
    const {observed} = of('headers beside a weight')
    expect(new Set(answers(observed.slice(0, 20)))).toEqual(new Set([b]))
    expect(new Set(answers(observed.slice(20)))).toEqual(new Set([a, b]))
    expectShare(observed.slice(20), b, 50)
  })

  test('by cookies, in any order', () => {
    expect(answers(of('cookies').observed)).toEqual([b, b, a, a, a])
  })

  test('by as many and as long cookies as a match may have', () => {
    expect(answers(of('as many and as long cookies as a match may have').observed)).toEqual([b, b, a])
  })

  test('by query parameters', () => {
    expect(answers(of('query parameters').observed)).toEqual([b, b, a, a])
  })

  test("by the caller's labels", () => {
    expect(answers(of('callers by labels').observed)).toEqual([b, a, a, a])
  })

  test("by the caller's namespace", () => {
    expect(answers(of('callers by namespace').observed)).toEqual([a, b, a, a])
  })

  test("by the caller's region", () => {
    expect(answers(of('callers by region').observed)).toEqual([b, a, a, a])
  })
})

test('mirroring: every answer is of the one version, the other gets copies of a share', () => {
  const {observed, received} = of('mirror')
  expect(new Set(answers(observed))).toEqual(new Set([a]))
  const copies = received.filter(({server}) => server === b).length
  expectBinomial(copies, observed.length, 50)
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

describe("routes of the user's", () => {
  test('borrowed: the weights inside and through the gateway, and their other rules go on working', () => {
    const [fixed, ...shared] = of('borrowed').observed
    expect(fixed?.status).toBe(418)
    expectShare(shared, b, 50)
    const [returned] = of('borrowed').returned
    const users = scenarios.borrowed?.users?.[0]
    expect(returned?.spec.http).toEqual(users?.spec.http)
  })

  test('delegation: only what is delegated, and it may match', () => {
    const {observed} = of('delegate')
    expect(observed[0]?.status).toBe(418)
    expect(new Set(answers(observed.slice(1, 21)))).toEqual(new Set([b]))
    expectShare(observed.slice(21), b, 50)
  })
})

describe('safeguards', () => {
  test('circuit breaker: a canary that fails is left out after so many errors in a row', () => {
    const {observed, received} = of('circuit breaker')
    const reached = received.filter(({server}) => server === b).length
    // Each of Envoy's two workers counts for itself.
    expect(reached).toBeGreaterThanOrEqual(3)
    expect(reached).toBeLessThanOrEqual(8)
    expect(answers(observed).filter(answer => answer === a).length).toBeGreaterThan(50)
  })

  test("rate limit: the canary's pod takes so many requests, and its own calls are free", () => {
    const answered = answers(of('rate limit').observed.slice(0, 60))
    expect(answered.filter(answer => answer === 'behind-sidecar')).toHaveLength(20)
    expect(answered.filter(answer => answer === 429)).toHaveLength(40)
    expect(new Set(answers(of('rate limit').observed.slice(60)))).toEqual(new Set(['payments']))
  })

  test("faults: the canary's calls to the named Services meet them, nobody else's do", () => {
    const {observed} = of('faults')
    expect(new Set(answers(observed.slice(0, 10)))).toEqual(new Set([503]))
    for (const {server, milliseconds} of observed.slice(10, 15)) {
      expect(server).toBe('stock')
      expect(milliseconds).toBeGreaterThanOrEqual(290)
    }
    expect(new Set(answers(observed.slice(15, 25)))).toEqual(new Set(['payments']))
    expect(new Set(answers(observed.slice(25, 30)))).toEqual(new Set(['stock']))
    // The quickest of them: on a busy machine any one may be slow.
    expect(Math.min(...observed.slice(25, 30).map(({milliseconds}) => milliseconds))).toBeLessThan(290)
    expect(observed.slice(30).every(({status}) => status === 200)).toBe(true)
  })
})
