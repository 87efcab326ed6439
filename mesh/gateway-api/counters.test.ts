import {expect, test} from 'vitest'
import {counters} from './counters.ts'
import {testContext} from './fixtures.ts'
import {renderRoute} from './route.ts'

const [requests, durations] = counters

test.each<[string, Record<string, string>]>([
  ['answered', {envoy_response_code: '200'}],
  ['answered', {envoy_response_code: '302'}],
  ['answered', {envoy_response_code: '404'}],
  ['failed', {envoy_response_code: '500'}],
  ['failed', {envoy_response_code: '503'}],
  ['failed', {envoy_response_code: '504'}],
  ['hungUp', {}],
  ['hungUp', {envoy_response_code: '0'}],
  ['hungUp', {envoy_response_code: '5xx'}],
  ['failed', {__name__: 'envoy_cluster_upstream_rq', envoy_response_code: '500', envoy_cluster_name: 'httproute/x'}],
  // Requests of a GRPCRoute: by their gRPC status, and once.
  ['hungUp', {envoy_response_code: '200', envoy_cluster_name: 'grpcroute/shop/checkout/rule/0/backend/0'}],
  ['hungUp', {envoy_response_code: '503', envoy_cluster_name: 'grpcroute/shop/checkout/rule/0/backend/0'}],
  ['failed', {__name__: 'envoy_cluster_grpc_Pay_13', envoy_cluster_name: 'grpcroute/shop/checkout/rule/0/backend/1'}],
  ['answered', {__name__: 'envoy_cluster_grpc_v1_Pay_2_0'}],
  ...['0', '1', '3', '5', '7', '16'].map((one): [string, Record<string, string>] => [
    'answered',
    {__name__: `envoy_cluster_grpc_${one}`},
  ]),
  ...['2', '4', '12', '13', '14', '15'].map((one): [string, Record<string, string>] => [
    'failed',
    {__name__: `envoy_cluster_grpc_${one}`},
  ]),
])('%s: %j', (expected, labels) => {
  expect(requests?.outcomeOf(labels)).toBe(expected)
})

test.each([
  ['envoy_cluster_upstream_rq', true],
  ['envoy_cluster_grpc_0', true],
  ['envoy_cluster_grpc_16', true],
  ['envoy_cluster_grpc_Pay_13', true],
  ['envoy_cluster_grpc_v1_Checkout_Pay_2_14', true],
  ['envoy_cluster_grpc_Pay_total', false],
  ['envoy_cluster_grpc_Pay_success', false],
  ['envoy_cluster_grpc_total', false],
  ['envoy_cluster_upstream_rq_total', false],
])('read: %s %s', (name, read) => {
  expect(requests?.metrics.some(metric => new RegExp(`^(${metric})$`).test(name))).toBe(read)
})

test('durations are those of answered requests, in milliseconds', () => {
  expect(durations?.outcomeOf({le: '5'})).toBe('answered')
  expect(durations?.millisecondsPerBound).toBe(1)
})

test('a slot is counted at each of its places in the route, and at no other', () => {
  const context = testContext()
  const {rules} = renderRoute(context, {a: 90, b: 10}, []).spec
  for (const slot of ['a', 'b'] as const) {
    const clusters: string[] = []
    for (const [rule, {backendRefs}] of rules.entries()) {
      for (const [place, {name}] of backendRefs.entries()) {
        if (name === context.slots[slot]) clusters.push(`httproute/shop/checkout/rule/${rule}/backend/${place}`)
      }
    }
    for (const family of counters) {
      expect(family.keyLabels).toEqual(['envoy_cluster_name'])
      // The copies that the other slot's rule sends are in a cluster of their own.
      const mirror = `httproute/shop/checkout/rule/${slot === 'a' ? 2 : 1}-mirror-0`
      expect(family.keysOf(context, slot)).toEqual([...clusters, mirror].map(cluster => [cluster]))
    }
  }
})
