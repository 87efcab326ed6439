import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {Feature, MeshContext, MeshObjects} from '../types.ts'
import {envoyGateway, testContext, userObject} from './fixtures.ts'
import {gatewayAPI} from './index.ts'

const unsaid = testContext({gatewayClass: 'unsaid'})
const envoy = envoyGateway.controllerName
const nginx = 'gateway.nginx.org/nginx-gateway-controller'
const core = ['HTTPRoute', 'HTTPRouteMethodMatching']
const all = [
  ...core,
  'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteResponseHeaderModification',
  'HTTPRouteRequestMirror',
  'HTTPRouteRequestPercentageMirror',
  'HTTPRouteQueryParamMatching',
]

/** Gateway `infra/public` of a class with that name, and the class. */
function served(controllerName: string, supported?: readonly string[], gateway = 'infra/public'): KubeObject[] {
  const [, name] = gateway.split('/')
  return [
    userObject('Gateway', gateway, {gatewayClassName: `class-${name}`}),
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: {name: `class-${name}`},
      spec: {controllerName},
      ...(supported ? {status: {supportedFeatures: supported.map(one => ({name: one}))}} : {}),
    },
  ]
}

/** The CustomResourceDefinition of HTTPRoutes, of a release of the API. */
function definition(version: string): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: 'httproutes.gateway.networking.k8s.io',
      annotations: {'gateway.networking.k8s.io/bundle-version': version},
    },
  }
}

function isMarked(context: MeshContext, objects: MeshObjects, split: Split = {a: 90, b: 10}): boolean {
  return JSON.stringify(gatewayAPI.renderRoutes(context, split, objects)).includes('fairlead-slot')
}

/** Features that the Rollout may not use. */
function refused(context: MeshContext, objects: MeshObjects): Feature[] {
  return Object.keys(gatewayAPI.limits?.(context, objects) ?? {}).toSorted() as Feature[]
}

const everythingBeyondCore = ['comparison', 'matchQueryParams', 'mirror', 'mirrorPercent', 'sticky']

describe('a filter on every backend', () => {
  test.each<[string, MeshObjects, boolean]>([
    ['Envoy Gateway, which makes a cluster per backend only then', served(envoy), true],
    ['Envoy Gateway, should it list other features', served(envoy, core), true],
    ['Envoy Gateway under a name of its operator', served('gateway.envoyproxy.io/team-a'), true],
    ['NGINX Gateway Fabric, which answers 500 for it', served(nginx, core), false],
    ['one that has such filters and needs none', served('example.com/x', all), false],
    ['a class that is not there', served(envoy).slice(0, 1), false],
    ['a Gateway that is not there', served(envoy).slice(1), false],
    ['a Gateway of another class', [...served(nginx), ...served(envoy, undefined, 'infra/other')], false],
  ])('%s', (_, objects, expected) => {
    expect(isMarked(unsaid, objects)).toBe(expected)
  })

  test('where the Rollout says who serves its parents, the classes are not asked', () => {
    expect(isMarked(testContext(), served(nginx))).toBe(true)
    expect(isMarked(testContext({gatewayClass: {controllerName: nginx}}), served(envoy))).toBe(false)
  })

  test('every parent has to stand it', () => {
    const parentRefs = ['public', 'inner'].map(name => ({name, namespace: 'infra'}))
    const both = testContext({parentRefs, gatewayClass: 'unsaid'})
    const second = (controller: string, features?: string[]) => [
      ...served(envoy),
      ...served(controller, features, 'infra/inner'),
    ]
    expect(isMarked(both, second(envoy))).toBe(true)
    expect(isMarked(both, second('example.com/x', all))).toBe(true)
    expect(isMarked(both, second(nginx, core))).toBe(false)
    // What one of them does not count would be missing.
    expect(refused(both, second('example.com/x', all))).toEqual(['comparison'])
    expect(refused(both, second(envoy))).toEqual([])
  })

  test('the weights are read back either way, and what is apart too', () => {
    const split: Split = {a: 90, b: 10, apart: {slot: 'b', matched: true}}
    const routing = {matches: [{headers: [{name: 'x-group', exact: 'insiders'}]}]}
    for (const objects of [served(envoy), served(nginx)]) {
      const context = testContext({gatewayClass: 'unsaid', routing})
      for (const wanted of [split, {a: 90, b: 10}]) {
        const routes = gatewayAPI.renderRoutes(context, wanted, objects)
        expect(gatewayAPI.read(context, [...objects, ...routes])).toEqual(wanted)
      }
    }
  })
})

describe('what is refused before anything is written', () => {
  test.each<[string, MeshObjects, string[]]>([
    ['nobody says who serves the Gateway', served(envoy).slice(0, 1), everythingBeyondCore],
    ['a class that lists nothing', served('example.com/x'), everythingBeyondCore],
    ['a class that lists core features', served(nginx, core), everythingBeyondCore],
    ['a class that lists all', served('example.com/x', all), ['comparison']],
    [
      'a class without shares of copies',
      served(
        'example.com/x',
        all.filter(one => one !== 'HTTPRouteRequestPercentageMirror'),
      ),
      ['comparison', 'mirrorPercent'],
    ],
    ['Envoy Gateway, which lists nothing and has all', served(envoy), []],
    [
      'Envoy Gateway, should it list some; its metrics go on working',
      served(envoy, core),
      ['matchQueryParams', 'mirror', 'mirrorPercent', 'sticky'],
    ],
    ['definitions before 1.3', [...served(envoy), definition('v1.2.1')], ['mirrorPercent']],
    ['definitions of 1.3', [...served(envoy), definition('v1.3.0')], []],
    ['definitions of 1.10', [...served(envoy), definition('v1.10.0-rc.1')], []],
    ['definitions of nobody knows when', [...served(envoy), definition('main')], []],
  ])('%s', (_, objects, expected) => {
    expect(refused(unsaid, objects)).toEqual(expected)
  })

  test('the words name the parent, its controller, the feature and the way out', () => {
    const known = gatewayAPI.limits?.(unsaid, served(nginx, core))
    expect(known?.sticky?.why).toBe(
      `Gateway infra/public (${nginx}) does not list HTTPRouteBackendRequestHeaderModification among the features that it supports`,
    )
    expect(known?.comparison?.why).toContain(`not of Gateway infra/public (${nginx})`)
    const unknown = gatewayAPI.limits?.(unsaid, [])
    expect(unknown?.mirror).toMatchObject({
      why: 'nothing says that Gateway infra/public supports HTTPRouteRequestMirror of the Gateway API',
      fix: expect.stringContaining('spec.traffic.gatewayAPI.gatewayClass.supportedFeatures'),
    })
    expect(unknown?.comparison?.fix).toContain('spec.traffic.gatewayAPI.gatewayClass.controllerName')
  })

  test('parents that are Services: what the Rollout says of the mesh, and no metrics of a gateway', () => {
    const parentRefs = [{group: '', kind: 'Service', name: 'checkout'}]
    const inside = (gatewayClass: NonNullable<Parameters<typeof testContext>[0]>['gatewayClass']) =>
      testContext({parentRefs, ...(gatewayClass ? {gatewayClass} : {})})
    expect(refused(inside('unsaid'), [])).toEqual(everythingBeyondCore)
    const supportedFeatures = ['MeshHTTPRouteBackendRequestHeaderModification', 'HTTPRouteResponseHeaderModification']
    const mesh = inside({controllerName: 'istio.io/mesh', supportedFeatures})
    expect(refused(mesh, [])).toEqual(everythingBeyondCore.filter(one => one !== 'sticky'))
    expect(gatewayAPI.limits?.(inside(envoyGateway), [])?.comparison?.why).toContain('pass no gateway')
  })
})
