import {describe, expect, test} from 'vitest'
import type {JsonObject} from '../../crds/meta.ts'
import {answer, grpcContext, routeWith, testContext} from './fixtures.ts'
import {linkerd} from './index.ts'
import {confirmed} from './status.ts'

const context = testContext()
const good = answer({Accepted: ['True'], ResolvedRefs: ['True']})
const settled = 10_000

/** The reason for which a route with these answers isn't confirmed; `confirmed` when it is. */
function verdict(...parents: JsonObject[]): string | undefined {
  const found = confirmed(context, [routeWith(context, ...parents)], 0, settled)
  return found.confirmed ? 'confirmed' : found.waitingFor?.reason
}

const parentRef = {group: 'core', kind: 'Service', namespace: 'shop', name: 'checkout'}

const cases: [string, string, JsonObject[]][] = [
  ['confirmed', 'accepted and resolved', [good]],
  ['confirmed', 'without the port', [{...good, parentRef}]],
  ['confirmed', 'without the namespace', [{...good, parentRef: {...parentRef, namespace: undefined}}]],
  ['confirmed', 'the core group as it was written', [{...good, parentRef: {...parentRef, group: ''}}]],
  ['confirmed', 'a date that is new', [answer({Accepted: ['True', 'x', 3], ResolvedRefs: ['True', 'x', 3]})]],
  ['NoAnswer', 'nobody has answered', []],
  ['NoAnswer', 'another controller has', [{...good, controllerName: 'example.com/gateway'}]],
  ['NoAnswer', 'for another port', [{...good, parentRef: {...parentRef, port: 81}}]],
  ['NoAnswer', 'for another Service', [{...good, parentRef: {...parentRef, name: 'cart'}}]],
  ['NoAnswer', 'for a Service elsewhere', [{...good, parentRef: {...parentRef, namespace: 'web'}}]],
  ['StatusIncomplete', 'nothing is said of the backends', [answer({Accepted: ['True']})]],
  ['StatusBehind', 'a date that is old', [answer({Accepted: ['True', 'x', 2], ResolvedRefs: ['True', 'x', 2]})]],
  ['RouteNotAccepted', 'refused', [answer({Accepted: ['False', 'NoMatchingParent'], ResolvedRefs: ['True']})]],
  ['RefsNotResolved', 'no Service', [answer({Accepted: ['True'], ResolvedRefs: ['False', 'BackendNotFound']})]],
  ['StatusIncomplete', 'nonsense', [answer({}, {conditions: ['x', 3]})]],
]

describe('the status', () => {
  test.each(cases)('%s: %s', (expected, _, parents) => {
    expect(verdict(...parents)).toBe(expected)
  })

  test('is that of the kind of route that the port asks for', () => {
    const route = routeWith(grpcContext(), {...good, parentRef: {...parentRef, port: 9090}})
    expect(route.kind).toBe('GRPCRoute')
    expect(confirmed(grpcContext(), [route], 0, settled)).toEqual({confirmed: true})
    expect(confirmed(context, [route], 0, settled).waitingFor?.reason).toBe('RouteMissing')
  })

  test('is told in words', () => {
    const refusing = answer({Accepted: ['False', 'RouteReasonConflicted']})
    expect(confirmed(context, [routeWith(context, refusing)], 0, settled).waitingFor).toEqual({
      reason: 'RouteNotAccepted',
      object: 'HTTPRoute shop/checkout',
      field: 'status.parents[linkerd.io/policy-controller].conditions[Accepted]',
      problem: 'it is False: RouteReasonConflicted',
      fix: 'delete the GRPCRoute that has the same Service and port as its parent',
    })
  })
})

describe('time', () => {
  test('a condition without a date may be of older weights: the settling time has to pass', () => {
    const objects = [routeWith(context, good)]
    expect(confirmed(context, objects, 1000, 2999)).toEqual({confirmed: false, again: 3000})
    expect(confirmed(context, objects, 1000, 3000)).toEqual({confirmed: true})
    expect(linkerd.settlingMilliseconds(context)).toBe(2000)
  })

  test('once it is over only the status counts', () => {
    const route = routeWith(context)
    expect(confirmed(context, [route], 1000, 1500).again).toBe(3000)
    expect(Object.keys(confirmed(context, [route], 1000, 3000))).toEqual(['confirmed', 'waitingFor'])
    expect(confirmed(context, [], 1000, 3000).waitingFor?.reason).toBe('RouteMissing')
  })
})
