import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {testContext} from './fixtures.ts'
import {readVirtualService, renderVirtualService} from './virtual-service.ts'

const context = testContext({
  ports: [
    {name: 'http', port: 80},
    {name: 'tcp', port: 7000},
  ],
  gateways: ['istio-ingress/public'],
})

/** What is read after somebody edited the route that carries 90 and 10. */
function readAfter(edit: (spec: KubeObject['spec'], route: KubeObject) => void) {
  const route = renderVirtualService(context, {a: 90, b: 10})
  edit(route.spec, route)
  return readVirtualService(context, [route])
}

function other(host: string) {
  return {route: [{destination: {host, port: {number: 80}}, weight: 100}]}
}

const slotA = 'checkout-a.shop.svc.cluster.local'

describe('drift that makes the weights unreadable', () => {
  const edits: [string, (spec: KubeObject['spec'], route: KubeObject) => void][] = [
    [
      'one rule has other weights',
      spec => Object.assign(spec.http[0].route[0], {weight: 50}, (spec.http[0].route[1].weight = 50)),
    ],
    ['weights no longer sum to 100', spec => Object.assign(spec.http[0].route[0], {weight: 91})],
    ['a rule to another Service', spec => spec.http.unshift(other('elsewhere'))],
    ['a rule to the apex Service itself', spec => spec.http.unshift(other('checkout'))],
    ['a rule to one slot alone', spec => spec.http.unshift(other(slotA))],
    ['a third destination', spec => spec.tcp[0].route.push({destination: {host: 'elsewhere'}, weight: 0})],
    ['a subset', spec => Object.assign(spec.http[0].route[0].destination, {subset: 'v1'})],
    ['a redirect', spec => Object.assign(spec.http[0], {redirect: {uri: '/'}})],
    ['a fault', spec => Object.assign(spec.http[0], {fault: {abort: {httpStatus: 500}}})],
    ['a rule without a route', spec => spec.http.push({})],
    ['a tls rule', spec => Object.assign(spec, {tls: [{match: [{sniHosts: ['checkout']}], route: []}]})],
    ['the host is gone', spec => Object.assign(spec, {hosts: ['checkout.example.com']})],
    ['the mesh gateway is gone', spec => Object.assign(spec, {gateways: ['istio-ingress/public']})],
    ['no rules at all', spec => Object.assign(spec, {http: [], tcp: undefined})],
    ['nonsense', spec => Object.assign(spec, {http: ['x', {route: 'y'}]})],
    ['a fractional weight', spec => Object.assign(spec.http[0].route[0], {weight: 89.5})],
    ['no spec', (_, route) => Object.assign(route, {spec: undefined})],
    ['another namespace', (_, route) => Object.assign(route.metadata, {namespace: 'web'})],
  ]

  test.each(edits)('%s', (_, edit) => {
    expect(readAfter(() => undefined)).toEqual({a: 90, b: 10})
    expect(readAfter(edit)).toBeUndefined()
  })
})

describe('routes that say the same', () => {
  test('short names, no gateways, a destination with weight 0, another version', () => {
    const edited = readAfter((spec, route) => {
      route.apiVersion = 'networking.istio.io/v1beta1'
      spec.hosts = ['checkout']
      spec.gateways = undefined
      spec.http = [{route: [{destination: {host: 'checkout-b'}, weight: 100}, {destination: {host: slotA}}]}]
      spec.tcp = [{route: [{destination: {host: 'checkout-b'}, weight: 3}]}]
    })
    expect(edited).toEqual({a: 0, b: 100})
  })

  test('all rules were moved alike: the new weights are read', () => {
    const edited = readAfter(spec => {
      for (const {route} of [...spec.http, ...spec.tcp]) Object.assign(route[0], {weight: 40}, (route[1].weight = 60))
    })
    expect(edited).toEqual({a: 40, b: 60})
  })
})

describe('rendering', () => {
  test('every rule names its port and gateway, and sets neither fault nor time limits', () => {
    const {spec} = renderVirtualService(context, {a: 90, b: 10})
    const rules = [...spec.http, ...spec.tcp]
    expect(rules).toHaveLength(3)
    for (const rule of rules) expect(Object.keys(rule)).toEqual(['match', 'route'])
    expect(rules.map(rule => rule.match)).toEqual([
      [{gateways: ['mesh'], port: 80}],
      [{gateways: ['istio-ingress/public']}],
      [{gateways: ['mesh'], port: 7000}],
    ])
  })
})
