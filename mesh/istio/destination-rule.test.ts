import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {renderDestinationRules} from './destination-rule.ts'
import {testContext, userObject} from './fixtures.ts'

const context = testContext()

/** A rule whose policy can be told from others by a number. */
function policy(path: string, host: string, number: number, further: JsonObject = {}, created?: string): KubeObject {
  const spec = {host, trafficPolicy: {connectionPool: {tcp: {maxConnections: number}}}, ...further}
  return userObject('DestinationRule', path, spec, created ? {creationTimestamp: created} : {})
}

function carried(...objects: KubeObject[]): number | undefined {
  const [a, b] = renderDestinationRules(context, ['a', 'b'], objects)
  expect(a?.spec.trafficPolicy).toEqual(b?.spec.trafficPolicy)
  return a?.spec.trafficPolicy?.connectionPool.tcp.maxConnections
}

const fullName = 'checkout.shop.svc.cluster.local'

describe('the policy that is carried over', () => {
  test.each(['checkout', fullName, '*.shop.svc.cluster.local', '*'])('host %s', host => {
    expect(carried(policy('shop/one', host, 1))).toBe(1)
  })

  test.each([
    ['another Service', policy('shop/one', 'cart', 1)],
    ['a short name of another namespace', policy('web/one', 'checkout', 1)],
    ['a name that Istio does not resolve', policy('shop/one', 'checkout.shop', 1)],
    ['another namespace, which holds for its own callers only', policy('web/one', fullName, 1)],
    ['a rule that nobody sees', policy('shop/one', fullName, 1, {exportTo: ['~']})],
    ['a rule for some callers', policy('shop/one', fullName, 1, {workloadSelector: {matchLabels: {app: 'x'}}})],
    ['a root rule that is not public', policy('istio-system/one', '*.local', 1, {exportTo: ['.']})],
    ['a host that is missing', userObject('DestinationRule', 'shop/one', {trafficPolicy: {}})],
    ['another kind', {...policy('shop/one', fullName, 1), apiVersion: 'example.com/v1'}],
  ])('not from %s', (_, rule) => {
    expect(carried(rule)).toBeUndefined()
  })

  test('the most specific one, of the own namespace before the root namespace', () => {
    const root = policy('istio-system/root', '*.local', 1)
    const wide = policy('shop/wide', '*.cluster.local', 2)
    const narrow = policy('shop/narrow', '*.shop.svc.cluster.local', 3)
    const exact = policy('shop/exact', fullName, 4)
    expect(carried(root)).toBe(1)
    expect(carried(root, wide)).toBe(2)
    expect(carried(narrow, root, wide)).toBe(3)
    expect(carried(root, exact, narrow, wide)).toBe(4)
  })

  test('of several for one host the oldest that has one', () => {
    const young = policy('shop/a', 'checkout', 1, {}, '2025-02-01T00:00:00Z')
    const old = policy('shop/z', fullName, 2, {}, '2025-01-01T00:00:00Z')
    const oldest = userObject(
      'DestinationRule',
      'shop/y',
      {host: fullName},
      {creationTimestamp: '2024-01-01T00:00:00Z'},
    )
    expect(carried(young, old, oldest)).toBe(2)
    expect(carried(old, oldest, young)).toBe(2)
  })

  test('with its visibility', () => {
    const exportOf = (exportTo: string[]) =>
      renderDestinationRules(context, ['a'], [policy('shop/one', 'checkout', 1, {exportTo})])[0]?.spec.exportTo
    expect(exportOf(['.', 'web'])).toEqual(['.', 'web'])
    expect(exportOf(['web', '*'])).toBeUndefined()
  })

  test('subsets are not', () => {
    const [rule] = renderDestinationRules(
      context,
      ['a'],
      [policy('shop/one', 'checkout', 1, {subsets: [{name: 'v1'}]})],
    )
    expect(Object.keys(rule?.spec)).toEqual(['host', 'trafficPolicy'])
  })
})
