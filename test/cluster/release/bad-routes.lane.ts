// Routes that are in the way, on the real API server: a condition names object, field and fix before any traffic moves, and
// everything goes on by itself once the fault is mended. Each fault is tried at the adoption and in the way of a release.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import type {Kubectl} from '../kubectl.ts'
import {type Bench, type BenchOptions, openAdopted, openBench, openSite, type Site} from './bench.ts'
import {image, name, rollout, service} from './fixture.ts'
import {type RouteController, startRouteController} from './route-status.ts'

let site: Site
const controllers: RouteController[] = []

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => {
  for (const controller of controllers) await controller.close()
  await site.close()
})

interface Fault {
  /** Also of the namespace. */
  name: string
  /** Laid over the Rollout's spec. */
  rollout?: Record<string, unknown>
  /** Objects of the user's that stand there all the time. */
  foundation?: KubeObject[]
  /** Who looks after the routes. */
  routes?: 'gateway' | 'linkerd'
  plant(kubectl: Kubectl, controller: RouteController | undefined): Promise<unknown>
  mend(kubectl: Kubectl, controller: RouteController | undefined): Promise<unknown>
  reason: string
  /** Object, field and fix. */
  words: readonly string[]
  /** In the way of the adoption alone. */
  early?: true
}

/** Of a version that answers 500 to requests; the exporter speaks as Istio's proxies do, whatever the mesh. */
function analysis(namespace: string): object {
  const query = `sum(rate(istio_requests_total{destination_service_namespace="${namespace}",destination_service_name="{{ canary.workload }}",response_code="500"}[3s])) or vector(0)`
  return {interval: '1s', window: '3s', checks: [{name: 'failed', threshold: {query, max: 5}}]}
}

const istio = 'networking.istio.io/v1'
const gatewayApi = 'gateway.networking.k8s.io/v1'

function virtualService(of: string, labels: Record<string, string> = {}): KubeObject {
  const http = [{route: [{destination: {host: name}}]}]
  return {apiVersion: istio, kind: 'VirtualService', metadata: {name: of, labels}, spec: {hosts: [name], http}}
}

const listeners = [{name: 'http', port: 80, protocol: 'HTTP'}]
const gateway: KubeObject = {
  apiVersion: gatewayApi,
  kind: 'Gateway',
  metadata: {name: 'public'},
  spec: {gatewayClassName: 'lane', listeners},
}
const throughGateway = {
  traffic: {gatewayAPI: {hosts: ['shop.example.com'], parentRefs: [{name: 'public'}], settlingTime: '1s'}},
}

function profile(namespace: string): KubeObject {
  const spec = {routes: [{name: 'all', condition: {pathRegex: '/.*'}}]}
  const metadata = {name: `${name}.${namespace}.svc.cluster.local`}
  return {apiVersion: 'linkerd.io/v1alpha2', kind: 'ServiceProfile', metadata, spec}
}

const create = (kubectl: Kubectl, object: KubeObject) => kubectl.stdin(object, 'create', '-f', '-')
const patchRollout = (kubectl: Kubectl, operations: object[]) =>
  kubectl('patch', 'rollout', name, '--type=json', '-p', JSON.stringify(operations))

const faults: readonly Fault[] = [
  {
    name: 'foreign-route',
    plant: kubectl => create(kubectl, virtualService(name)),
    mend: kubectl => kubectl('delete', 'virtualservice', name),
    reason: 'ForeignVirtualService',
    words: [
      `VirtualService bad-foreign-route-adoption/${name}`,
      'metadata.name',
      'not made by this Rollout',
      'delete it',
    ],
    early: true,
  },
  {
    name: 'claimed-route',
    plant: kubectl => create(kubectl, virtualService(name, {'fairlead.dev/rollout': 'another'})),
    mend: kubectl => kubectl('delete', 'virtualservice', name),
    reason: 'RouteClaimed',
    words: [`VirtualService bad-claimed-route-adoption/${name}`, 'metadata.labels', '/another', 'a route of its own'],
    early: true,
  },
  {
    name: 'rival',
    plant: async kubectl => {
      await create(kubectl, {
        ...rollout({
          targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'rival'},
          service: {name},
          suspend: true,
        }),
        metadata: {name: 'rival'},
      })
      // Who came first is told by the second.
      await new Promise(resolve => setTimeout(resolve, 1100))
    },
    mend: kubectl => kubectl('delete', 'rollout', 'rival'),
    reason: 'ServiceClaimed',
    words: ['Rollout bad-rival-adoption/rival', `releases through Service ${name}`, 'spec.service.name', 'of its own'],
    early: true,
  },
  {
    name: 'host-clash',
    plant: kubectl => create(kubectl, virtualService('theirs', {'fairlead.dev/rollout': 'another'})),
    mend: kubectl => kubectl('delete', 'virtualservice', 'theirs'),
    reason: 'HostConflict',
    words: ['/theirs', 'spec.hosts', `claims ${name} on gateway mesh`, `remove ${name} from it`],
  },
  {
    name: 'kept-by-argo',
    rollout: {traffic: {istio: {settlingTime: '1s', virtualService: {name: 'theirs'}}}},
    plant: kubectl =>
      kubectl.stdin(virtualService('theirs'), 'apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'),
    mend: kubectl =>
      patchRollout(kubectl, [{op: 'add', path: '/spec/traffic/istio/virtualService/ownership', value: 'shared'}]),
    reason: 'RouteOwnedElsewhere',
    words: ['/theirs', 'spec.http', 'argocd-controller manages it', 'ignoreDifferences', 'ownership: shared'],
    early: true,
  },
  {
    name: 'match-twice',
    rollout: {
      strategy: {
        canary: {
          steps: [{weight: 10}],
          match: [{headers: [{name: 'cookie', regex: '.*'}], cookies: [{name: 'beta', value: '1'}]}],
        },
      },
    },
    plant: async () => undefined,
    mend: kubectl => patchRollout(kubectl, [{op: 'remove', path: '/spec/strategy/canary/match/0/headers'}]),
    reason: 'InvalidMatch',
    words: [
      `Rollout bad-match-twice-adoption/${name}`,
      'spec.strategy.canary.match[0].headers[0].name',
      'use cookies alone',
    ],
    early: true,
  },
  {
    name: 'profile',
    rollout: {traffic: {linkerd: {settlingTime: '1s'}}},
    routes: 'linkerd',
    plant: async kubectl => create(kubectl, profile(await namespaceOf(kubectl))),
    mend: async kubectl => kubectl('delete', 'serviceprofile', profile(await namespaceOf(kubectl)).metadata.name),
    reason: 'ServiceProfileOverrides',
    words: [`ServiceProfile bad-profile-`, 'spec.routes', 'ignores every HTTPRoute', 'delete it'],
  },
  {
    name: 'not-accepted',
    rollout: throughGateway,
    foundation: [gateway],
    routes: 'gateway',
    plant: async (_, controller) => controller?.say('NotAllowedByListeners'),
    mend: async (_, controller) => controller?.say(undefined),
    reason: 'RouteNotAccepted',
    words: [`HTTPRoute bad-not-accepted-`, 'status.parents[Gateway bad-', 'NotAllowedByListeners', 'allowedRoutes'],
  },
  {
    name: 'no-gateway',
    rollout: throughGateway,
    routes: 'gateway',
    plant: kubectl => kubectl('delete', 'gateway', 'public', '--ignore-not-found'),
    mend: kubectl => create(kubectl, gateway),
    reason: 'GatewayNotFound',
    words: [`Gateway bad-no-gateway-`, 'parentRefs', 'there is none', 'create it'],
    early: true,
  },
]

async function namespaceOf(kubectl: Kubectl): Promise<string> {
  const text = await kubectl('get', 'service', name, '-o', 'jsonpath={.metadata.namespace}')
  return text.trim()
}

function optionsOf({rollout: spec = {}, foundation = []}: Fault, namespace: string): BenchOptions {
  return {
    rollout: {analysis: analysis(namespace), ...spec},
    before: async kubectl => {
      for (const object of foundation) await create(kubectl, object)
    },
  }
}

/** Waits for the condition, which has all of the words, and holds that it stays. */
async function told(bench: Bench, {reason, words}: Fault): Promise<void> {
  const stalled = () => bench.status().conditions?.find(({type, status}) => type === 'Stalled' && status === 'True')
  await bench.until(`condition ${reason}`, () => stalled()?.reason === reason)
  for (const word of words) expect(stalled()?.message).toContain(word)
  await new Promise(resolve => setTimeout(resolve, 2000))
  expect(stalled()?.reason).toBe(reason)
}

/** Whoever looks after the namespace's routes, in which they are looked after. */
function controllerOf({routes}: Fault, namespace: string): RouteController | undefined {
  return routes && answering(namespace, routes)
}

function answering(namespace: string, as: 'gateway' | 'linkerd'): RouteController {
  const controller = startRouteController(site.client, namespace, as)
  controllers.push(controller)
  return controller
}

/** Weights that the route was seen with, in force or not. */
const weights = (bench: Bench) => JSON.stringify([bench.status().traffic?.wanted, bench.status().traffic?.confirmed])

describe.concurrent('in the way of the adoption', () => {
  test.each(faults)('$name: $reason', async fault => {
    const namespace = `bad-${fault.name}-adoption`
    const controller = controllerOf(fault, namespace)
    const options = optionsOf(fault, namespace)
    const bench = await openBench(site, namespace, {
      ...options,
      before: async kubectl => {
        await options.before?.(kubectl)
        await fault.plant(kubectl, controller)
      },
    })
    await told(bench, fault)
    // The user's own pods serve, as ever.
    expect(bench.object('Deployment', name)?.spec?.replicas).toBe(2)
    expect(bench.object('Service', name)?.spec?.selector).toEqual(service().spec.selector)
    await fault.mend(bench.kubectl, controller)
    await bench.until('adoption', ({phase}) => phase === 'Healthy')
    // The laws are about Fairlead's route, and one of somebody else's stood under its name.
    const broken = (await bench.close()).filter(breach => !breach.startsWith(`the route names ${name},`))
    expect(broken).toEqual([])
  })
})

describe.concurrent('in the way of a release', () => {
  test.each(faults.filter(({early}) => !early))('$name: $reason', async fault => {
    const namespace = `bad-${fault.name}-release`
    const controller = controllerOf(fault, namespace)
    const bench = await openAdopted(site, namespace, optionsOf(fault, namespace))
    const before = weights(bench)
    await fault.plant(bench.kubectl, controller)
    await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
    await told(bench, fault)
    expect(weights(bench)).toBe(before)
    expect(bench.status().releases ?? 0).toBe(0)
    await fault.mend(bench.kubectl, controller)
    await bench.until('a promotion', ({phase, primary}) => phase === 'Healthy' && primary?.image === image('2'))
    expect(await bench.close()).toEqual([])
  })
})

describe('a borrowed route with as many rules as there may be', () => {
  const rule = (index: number) => ({
    matches: [{path: {type: 'PathPrefix', value: `/${index}`}}],
    backendRefs: [{group: '', kind: 'Service', name: 'legacy', port: 80, weight: 1}],
  })
  const ours = {backendRefs: [{group: '', kind: 'Service', name, port: 80, weight: 1}]}
  const route = (count: number): KubeObject => ({
    apiVersion: gatewayApi,
    kind: 'HTTPRoute',
    metadata: {name: 'users'},
    spec: {
      parentRefs: [{name: 'public'}],
      rules: [...Array.from({length: count - 1}, (_, index) => rule(index)), ours],
    },
  })

  test("16: only the one that leads to the Service changes; a 17th is the API server's to refuse", async () => {
    const namespace = 'bad-sixteen'
    answering(namespace, 'gateway')
    const bench = await openAdopted(site, namespace, {
      rollout: {analysis: analysis(namespace), traffic: {gatewayAPI: {route: {name: 'users'}, settlingTime: '1s'}}},
      before: async kubectl => {
        await create(kubectl, gateway)
        await expect(create(kubectl, route(17))).rejects.toThrow(/at most 16 items/)
        await create(kubectl, route(16))
      },
    })
    await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
    await bench.until('a promotion', ({phase, primary}) => phase === 'Healthy' && primary?.image === image('2'))
    const rules = JSON.parse(await bench.kubectl('get', 'httproute', 'users', '-o', 'jsonpath={.spec.rules}'))
    expect(rules.slice(0, 15)).toMatchObject(route(16).spec.rules.slice(0, 15))
    expect(rules[15].backendRefs).toMatchObject([{name: `${name}-b`, weight: 100}])
    expect(await bench.close()).toEqual([])
  })
})
