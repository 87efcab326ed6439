import {expect, test} from 'vitest'
import {claims, interests} from './claims.ts'
import {testContext, userObject} from './fixtures.ts'

const parentRefs = [{name: 'public', namespace: 'infra'}]

test.each([
  ['its host at its Gateway', {parentRefs, hostnames: ['other.example.com', 'shop.example.com']}, true],
  ['its host at another Gateway', {parentRefs: [{name: 'private'}], hostnames: ['shop.example.com']}, false],
  ['another host at its Gateway', {parentRefs, hostnames: ['other.example.com']}, false],
  // A route that names no host loses to one that names it.
  ['every host at its Gateway', {parentRefs}, false],
])('a Rollout with a host hears of a route for %s: %j -> %s', (_, spec, heard) => {
  const claimed = claims(userObject('HTTPRoute', 'infra/x', spec))
  expect(claimed.some(one => interests(testContext()).includes(one))).toBe(heard)
})

test('a Rollout without hosts hears of a route without hosts', () => {
  const claimed = claims(userObject('HTTPRoute', 'infra/x', {parentRefs}))
  expect(claimed.some(one => interests(testContext({hosts: []})).includes(one))).toBe(true)
})

test('a Rollout hears of its Gateways, and of no others', () => {
  const heard = (path: string) =>
    claims(userObject('Gateway', path, {})).some(one => interests(testContext()).includes(one))
  expect([heard('infra/public'), heard('shop/public')]).toEqual([true, false])
})
