import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {answer, routeWith, testContext} from './fixtures.ts'
import {gatewayAPI} from './index.ts'
import {renderRoute} from './route.ts'
import {confirmed} from './status.ts'

const context = testContext()
const ours = {name: 'public', namespace: 'infra'}
const good = answer(ours, {Accepted: ['True'], ResolvedRefs: ['True']})
const settled = 10_000

/** The reason for which a route with these answers isn't confirmed; `confirmed` when it is. */
function verdict(...parents: JsonObject[]): string | undefined {
  const found = confirmed(context, [routeWith(context, ...parents)], 0, settled)
  return found.confirmed ? 'confirmed' : found.waitingFor?.reason
}

const cases: [string | undefined, string, JsonObject[]][] = [
  ['confirmed', 'accepted and resolved', [good]],
  [
    'confirmed',
    'the defaults of the parent spelled out',
    [
      answer(
        {...ours, group: 'gateway.networking.k8s.io', kind: 'Gateway'},
        {Accepted: ['True'], ResolvedRefs: ['True']},
      ),
    ],
  ],
  ['confirmed', 'a later generation', [answer(ours, {Accepted: ['True', 'x', 4], ResolvedRefs: ['True', 'x', 4]})]],
  [
    'confirmed',
    'further conditions that are false',
    [answer(ours, {BackendsAvailable: ['False'], Accepted: ['True'], ResolvedRefs: ['True']})],
  ],
  ['NoAnswer', 'nobody has answered', []],
  ['NoAnswer', 'another Gateway answered', [answer({name: 'private', namespace: 'infra'}, {Accepted: ['True']})]],
  ['NoAnswer', 'a Gateway of the same name elsewhere', [answer({name: 'public'}, {Accepted: ['True']})]],
  ['NoAnswer', 'one listener of it alone', [answer({...ours, sectionName: 'web'}, {Accepted: ['True']})]],
  ['StatusIncomplete', 'nothing is said of the backends', [answer(ours, {Accepted: ['True']})]],
  ['StatusBehind', 'an older generation', [answer(ours, {Accepted: ['True', 'x', 2], ResolvedRefs: ['True', 'x', 2]})]],
  ['StatusBehind', 'one of the two is older', [answer(ours, {Accepted: ['True'], ResolvedRefs: ['True', 'x', 2]})]],
  ['StatusBehind', 'an old refusal', [answer(ours, {Accepted: ['False', 'NoMatchingParent', 2]})]],
  [
    'StatusBehind',
    'one without a generation beside one that has it',
    [answer(ours, {Accepted: ['True'], ResolvedRefs: ['True', 'x', 'none']})],
  ],
  ['RouteNotAccepted', 'refused', [answer(ours, {Accepted: ['False', 'NoMatchingParent'], ResolvedRefs: ['True']})]],
  [
    'RefsNotResolved',
    'a Service is missing',
    [answer(ours, {Accepted: ['True'], ResolvedRefs: ['False', 'BackendNotFound']})],
  ],
  ['RefsNotResolved', 'pending', [answer(ours, {Accepted: ['True'], ResolvedRefs: ['Unknown', 'Pending']})]],
  ['confirmed', 'an old answer of another controller', [answer(ours, {Accepted: ['False', 'x', 1]}), good]],
  ['RouteNotAccepted', 'another controller refuses', [good, answer(ours, {Accepted: ['False', 'x']})]],
  ['StatusIncomplete', 'nonsense', [{parentRef: {...ours}, conditions: ['x', 3]}]],
]

describe('the status at its generation', () => {
  test.each(cases)('%s: %s', (expected, _, parents) => {
    expect(verdict(...parents)).toBe(expected)
  })

  test('every parent is asked', () => {
    const both = testContext({parentRefs: [ours, {name: 'inner', sectionName: 'web'}]})
    const inner = answer(
      {name: 'inner', namespace: 'shop', sectionName: 'web'},
      {Accepted: ['True'], ResolvedRefs: ['True']},
    )
    expect(confirmed(both, [routeWith(both, good)], 0, settled)).toMatchObject({waitingFor: {reason: 'NoAnswer'}})
    expect(confirmed(both, [routeWith(both, good, inner)], 0, settled)).toEqual({confirmed: true})
  })

  test('a refusal is named before what has only not been said yet', () => {
    const both = testContext({parentRefs: [{name: 'silent'}, ours]})
    const refusing = answer(ours, {Accepted: ['False', 'NotAllowedByListeners']})
    const {waitingFor} = confirmed(both, [routeWith(both, refusing)], 0, settled)
    expect(waitingFor).toEqual({
      reason: 'RouteNotAccepted',
      object: 'HTTPRoute shop/checkout',
      field: 'status.parents[Gateway infra/public].conditions[Accepted]',
      problem: 'it is False: NotAllowedByListeners, NotAllowedByListeners was said',
      fix: "let the listener's allowedRoutes admit HTTPRoutes of namespace shop",
    })
  })

  test('a controller that never writes generations, such as that of Linkerd, is taken at its word', () => {
    const said = (status: string) =>
      answer(ours, {Accepted: ['True', 'x', 'none'], ResolvedRefs: [status, 'x', 'none']})
    expect(verdict(said('True'))).toBe('confirmed')
    expect(verdict(said('False'))).toBe('RefsNotResolved')
  })
})

describe('time', () => {
  test('the settling time is waited for, whatever the status says', () => {
    const objects = [routeWith(context, good)]
    expect(confirmed(context, objects, 1000, 2999)).toEqual({confirmed: false, again: 3000})
    expect(confirmed(context, objects, 1000, 3000)).toEqual({confirmed: true})
    expect(gatewayAPI.settlingMilliseconds(context)).toBe(2000)
  })

  test('once it is over only the status counts', () => {
    const route: KubeObject = renderRoute(context, {a: 90, b: 10}, [])
    expect(confirmed(context, [route], 1000, 1500).again).toBe(3000)
    expect(Object.keys(confirmed(context, [route], 1000, 3000))).toEqual(['confirmed', 'waitingFor'])
    expect(confirmed(context, [], 1000, 3000)).toMatchObject({confirmed: false, waitingFor: {reason: 'RouteMissing'}})
  })
})
