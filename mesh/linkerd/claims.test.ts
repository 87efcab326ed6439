import {expect, test} from 'vitest'
import {claims, interests} from './claims.ts'
import {testContext, userObject} from './fixtures.ts'

const ours = {group: '', kind: 'Service', name: 'checkout'}

test.each([
  ['a route of its Service', userObject('HTTPRoute', 'shop/other', {parentRefs: [ours]}), true],
  ['a GRPCRoute among several parents', userObject('GRPCRoute', 'shop/x', {parentRefs: [{name: 'g'}, ours]}), true],
  ['a route elsewhere', userObject('HTTPRoute', 'web/x', {parentRefs: [{...ours, namespace: 'shop'}]}), true],
  [
    'the core group by the name that Linkerd gives it',
    userObject('HTTPRoute', 'shop/x', {parentRefs: [{...ours, group: 'core'}]}),
    true,
  ],
  ['a Service of that name elsewhere', userObject('HTTPRoute', 'web/x', {parentRefs: [ours]}), false],
  ['a Gateway of that name', userObject('HTTPRoute', 'shop/x', {parentRefs: [{name: 'checkout'}]}), false],
  ['a Service of another group', userObject('HTTPRoute', 'shop/x', {parentRefs: [{...ours, group: 'x.io'}]}), false],
  ['its profile', userObject('ServiceProfile', 'shop/checkout.shop.svc.cluster.local', {}), true],
  ['its profile in another domain', userObject('ServiceProfile', 'web/checkout.shop.svc.example.com', {}), true],
  ['a profile of another Service', userObject('ServiceProfile', 'shop/checkout.web.svc.cluster.local', {}), false],
  ['a profile of no Service', userObject('ServiceProfile', 'shop/checkout.shop', {}), false],
  ['nonsense', userObject('HTTPRoute', 'shop/x', {parentRefs: 'checkout'}), false],
])('a Rollout hears of %s', (_, object, heard) => {
  expect(claims(object).some(one => interests(testContext()).includes(one))).toBe(heard)
})
