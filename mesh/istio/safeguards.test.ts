import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {Safeguards} from '../../crds/safeguards.ts'
import type {Fault} from '../../crds/strategy.ts'
import {testContext, userObject} from './fixtures.ts'
import {istio} from './index.ts'

const context = testContext()

/** Objects for both slots while slot b is protected. */
function rendered(safeguards: Safeguards, faults: Fault[] = [], objects: KubeObject[] = []) {
  return istio.renderDestinations(context, ['a', 'b'], objects, {slot: 'b', safeguards, faults})
}

function policiesOf(objects: KubeObject[]) {
  return objects.filter(({kind}) => kind === 'DestinationRule').map(({spec}) => spec.trafficPolicy)
}

const breaker = {maxConnections: 10, maxRequests: 20, consecutiveErrors: 3, ejectionTime: '10s'}
const limits = {
  connectionPool: {tcp: {maxConnections: 10}, http: {http2MaxRequests: 20}},
  outlierDetection: {consecutive5xxErrors: 3, baseEjectionTime: '10s', maxEjectionPercent: 100},
}

describe('circuit breaker', () => {
  test("stands in the DestinationRule of the canary's slot alone, and goes with the release", () => {
    expect(policiesOf(rendered({circuitBreaker: breaker}))).toEqual([undefined, limits])
    expect(policiesOf(istio.renderDestinations(context, ['a', 'b'], []))).toEqual([undefined, undefined])
  })

  test("is laid over the policy of the user's, and over each of its ports, which would hide it", () => {
    const trafficPolicy = {
      tls: {mode: 'ISTIO_MUTUAL'},
      connectionPool: {tcp: {maxConnections: 500, connectTimeout: '1s'}},
      portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: 'RANDOM'}}],
    }
    const rule = userObject('DestinationRule', 'shop/policy', {host: 'checkout', trafficPolicy})
    expect(policiesOf(rendered({circuitBreaker: breaker}, [], [rule]))).toEqual([
      trafficPolicy,
      {
        ...limits,
        tls: {mode: 'ISTIO_MUTUAL'},
        connectionPool: {tcp: {maxConnections: 10, connectTimeout: '1s'}, http: {http2MaxRequests: 20}},
        portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: 'RANDOM'}, ...limits}],
      },
    ])
    expect(trafficPolicy.connectionPool.tcp.maxConnections).toBe(500)
  })
})

describe('EnvoyFilters', () => {
  const valueOf = (object: KubeObject | undefined, index = 0) =>
    object?.spec.configPatches[index].patch.value.typed_config

  test("a rate limit holds on the canary's pods alone", () => {
    const [filter] = rendered({rateLimit: {requests: 50, per: '1s'}}).filter(({kind}) => kind === 'EnvoyFilter')
    expect(filter?.metadata.name).toBe('checkout-b-rate-limit')
    expect(filter?.spec.workloadSelector.labels).toEqual({
      'fairlead.dev/rollout': 'checkout',
      'fairlead.dev/slot': 'b',
    })
    expect(filter?.spec.configPatches[0].match.context).toBe('SIDECAR_INBOUND')
    expect(valueOf(filter).token_bucket).toEqual({max_tokens: 50, tokens_per_fill: 50, fill_interval: '1s'})
  })

  test('a rate limit over less than Envoy can refill in is the same rate over a longer time', () => {
    const [filter] = rendered({rateLimit: {requests: 2, per: '20ms'}}).filter(({kind}) => kind === 'EnvoyFilter')
    expect(valueOf(filter).token_bucket).toEqual({max_tokens: 6, tokens_per_fill: 6, fill_interval: '0.06s'})
  })

  const faults: Fault[] = [
    {service: 'payments', percent: 30, delay: '1500ms', abort: 503},
    {service: 'stock', percent: 10, abort: 500},
  ]

  test("faults meet the canary's calls to a Service by any of its names, and no other Service's", () => {
    const [filter] = rendered({}, faults).filter(({kind}) => kind === 'EnvoyFilter')
    expect(filter?.spec.configPatches).toHaveLength(2)
    const percentage = {numerator: 30, denominator: 'HUNDRED'}
    expect(valueOf(filter)).toMatchObject({
      delay: {fixed_delay: '1.5s', percentage},
      abort: {http_status: 503, percentage},
    })
    expect(valueOf(filter, 1).delay).toBeUndefined()
    const {regex} = valueOf(filter).headers[0].string_match.safe_regex
    const called = (host: string) => new RegExp(`^(?:${regex})$`).test(host)
    for (const host of ['payments', 'payments.shop:8080', 'payments.shop.svc', 'payments.shop.svc.cluster.local:80']) {
      expect(called(host)).toBe(true)
    }
    for (const host of ['payments.web', 'my-payments', 'payments-b', 'paymentsxshop']) expect(called(host)).toBe(false)
  })

  test('faults are read back with the route, and go with the object', () => {
    const split = {a: 90, b: 10, apart: {slot: 'b', faults: true}} as const
    const routes = istio.renderRoutes(context, split, [])
    expect(istio.read(context, [...routes, ...rendered({}, faults)])).toEqual(split)
    expect(istio.read(context, [...routes, ...rendered({})])).toEqual({a: 90, b: 10})
  })

  test('one of the names that Fairlead needs is taken', () => {
    const taken = userObject('EnvoyFilter', 'shop/checkout-b-faults', {})
    expect(istio.problems(context, [taken])).toMatchObject([
      {reason: 'ForeignEnvoyFilter', object: 'EnvoyFilter shop/checkout-b-faults', field: 'metadata.name'},
    ])
  })
})
