import {expect, test} from 'vitest'
import type {JsonObject} from '../../crds/meta.ts'
import {claims, interests} from './claims.ts'
import {testContext, userObject} from './fixtures.ts'

const context = testContext({hosts: ['shop.example.com']})

/** Whether a Rollout hears of an object. */
function hears(kind: 'VirtualService' | 'DestinationRule', path: string, spec: JsonObject): boolean {
  const claimed = claims(userObject(kind, path, spec))
  return claimed === undefined || claimed.some(one => interests(context).includes(one))
}

test.each([
  ['its Service, by its full name', 'VirtualService', 'infra/x', {hosts: ['checkout.shop.svc.cluster.local']}, true],
  ['its Service, by a name that a sidecar serves', 'VirtualService', 'infra/x', {hosts: ['checkout.shop']}, true],
  ['its Service, by the short name', 'VirtualService', 'shop/x', {hosts: ['checkout']}, true],
  ['another namespace by the short name', 'VirtualService', 'infra/x', {hosts: ['checkout']}, false],
  ["a host of the user's", 'VirtualService', 'infra/x', {hosts: ['other.example.com', 'shop.example.com']}, true],
  ['a wildcard', 'VirtualService', 'infra/x', {hosts: ['*.shop.svc.cluster.local']}, true],
  ['another host', 'VirtualService', 'infra/x', {hosts: ['other.example.com']}, false],
  ['a slot', 'DestinationRule', 'shop/x', {host: 'checkout-b'}, true],
  ['every Service', 'DestinationRule', 'istio-system/x', {host: '*.local'}, true],
  ['another Service', 'DestinationRule', 'shop/x', {host: 'cart'}, false],
] as const)('a Rollout hears of an object for %s: %s %s %j -> %s', (_, kind, path, spec, heard) => {
  expect(hears(kind, path, structuredClone(spec) as unknown as JsonObject)).toBe(heard)
})
