import {expect, test} from 'vitest'
import {counters} from './counters.ts'
import {testContext} from './fixtures.ts'
import {renderRoute} from './route.ts'

const [requests, durations] = counters

test.each([
  ['answered', {envoy_response_code: '200'}],
  ['answered', {envoy_response_code: '302'}],
  ['answered', {envoy_response_code: '404'}],
  ['failed', {envoy_response_code: '500'}],
  ['failed', {envoy_response_code: '503'}],
  ['failed', {envoy_response_code: '504'}],
  ['hungUp', {}],
  ['hungUp', {envoy_response_code: '0'}],
  ['hungUp', {envoy_response_code: '5xx'}],
])('%s: %j', (expected, labels) => {
  expect(requests?.outcomeOf(labels as Record<string, string>)).toBe(expected)
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
