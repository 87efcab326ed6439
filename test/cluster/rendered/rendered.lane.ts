// Every object that a mesh renders, and every golden file, taken by the real API server with the mesh's own CRDs: their
// schemas and CEL rules judge. Nothing is written (dry run), and a field that a schema doesn't have is refused (strict).
import {readdirSync, readFileSync} from 'node:fs'
import {afterAll, beforeAll, describe, expect, inject, test} from 'vitest'
import {parseAllDocuments} from 'yaml'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import {type JsonObject, type KubeObject, refTo} from '../../../crds/meta.ts'
import {fieldManager} from '../../../crds/names.ts'
import {meshes} from '../../../mesh/registry.ts'
import {type ControlPlane, startControlPlane} from '../control-plane.ts'
import {installCrds, linkerdCrdPaths} from '../install-crds.ts'
import {kubectlFor} from '../kubectl.ts'
import {type Case, casesOf, here, routeOf} from './cases.ts'
import {namespace, type Routed, settings} from './settings.ts'

const goldenFolder = new URL('../../golden/mesh/', import.meta.url)
const goldenFiles = readdirSync(goldenFolder).filter(name => name.endsWith('.yaml'))

/** Which Gateway API the API server has. */
type Version = 'newest' | 'Linkerd'
const transports: HttpTransport[] = []
const clients: Partial<Record<Version, KubeClient>> = {}
let linkerdPlane: ControlPlane | undefined

async function openClient(kubeconfig: string): Promise<KubeClient> {
  await kubectlFor(kubeconfig)('create', 'namespace', namespace)
  const transport = new HttpTransport({connection: loadConnection({kubeconfig}), clock: systemClock()})
  transports.push(transport)
  return new KubeClient(transport)
}

beforeAll(async () => {
  // CRDs are those of the whole cluster, so the older Gateway API needs one of its own.
  linkerdPlane = await startControlPlane({kubelet: 'none'})
  installCrds(linkerdPlane.kubeconfig, linkerdCrdPaths())
  clients.newest = await openClient(inject('kubeconfig'))
  clients.Linkerd = await openClient(linkerdPlane.kubeconfig)
})

afterAll(async () => {
  await Promise.all(transports.map(transport => transport.close()))
  await linkerdPlane?.stop()
})

/** What the API server says against an object; undefined when it takes it. */
async function refusal(version: Version, object: KubeObject): Promise<string | undefined> {
  const client = clients[version]
  if (!client) throw new Error(`there is no API server with the Gateway API of ${version}`)
  return client.apply(here(object), {fieldManager, force: true, dryRun: true}).then(
    () => undefined,
    (error: Error) => `${object.kind} ${object.metadata.name}: ${error.message}`,
  )
}

async function refusals(version: Version, objects: readonly KubeObject[]): Promise<string[]> {
  const answers = await Promise.all(objects.map(object => refusal(version, object)))
  return answers.filter(answer => answer !== undefined)
}

/** Objects of golden files, read from their folder: whoever adds one has it judged. */
function golden(name: string): KubeObject[] {
  const text = readFileSync(new URL(name, goldenFolder), 'utf8')
  return parseAllDocuments(text).map(document => document.toJS() as KubeObject)
}

/** Refusals of the cases with some settings, by the wish. */
async function refusedOf(version: Version, mesh: Routed, name: string): Promise<string[]> {
  const cases = casesOf(mesh).filter(one => one.settings === name)
  expect(cases.length).toBeGreaterThan(0)
  const refused = await Promise.all(
    cases.map(async ({wish, objects}) => (await refusals(version, objects)).map(text => `${wish}: ${text}`)),
  )
  return refused.flat()
}

describe('golden files', () => {
  test.each(goldenFiles)('%s is taken', async name => {
    const objects = golden(name)
    expect(objects.length).toBeGreaterThan(0)
    expect(await refusals('newest', objects)).toEqual([])
    if (name.startsWith('linkerd')) expect(await refusals('Linkerd', objects)).toEqual([])
  })

  test('there are some of every mesh', () => {
    for (const prefix of ['istio', 'gateway-api', 'linkerd']) {
      expect(goldenFiles.filter(name => name.startsWith(prefix)).length).toBeGreaterThan(1)
    }
  })
})

describe("by Istio's CRDs", () => {
  test.each(Object.keys(settings.istio))('%s is taken', async name => {
    expect(await refusedOf('newest', 'istio', name)).toEqual([])
  })
})

describe('by the Gateway API', () => {
  test.each(Object.keys(settings.gatewayAPI))('%s is taken', async name => {
    expect(await refusedOf('newest', 'gatewayAPI', name)).toEqual([])
  })

  test('1.2.1 takes all of it but a share of copies', async () => {
    const refused = await Promise.all(
      Object.keys(settings.gatewayAPI).map(name => refusedOf('Linkerd', 'gatewayAPI', name)),
    )
    expect(refused.flat().filter(text => !text.startsWith('a share of copies: '))).toEqual([])
    expect(refused.flat()).toContainEqual(expect.stringContaining('requestMirror.percent'))
  })
})

describe('a Service as parent (GAMMA)', () => {
  const gamma = casesOf('gatewayAPI').filter(one => one.settings.includes('(GAMMA)'))

  test('is taken, for HTTP and gRPC, and counts once its status says so', async () => {
    const routes = gamma.flatMap(({objects}) => objects)
    expect(new Set(routes.map(({kind}) => kind))).toEqual(new Set(['HTTPRoute', 'GRPCRoute']))
    expect(routes.every(({spec}) => spec.parentRefs.every((parent: JsonObject) => parent['kind'] === 'Service'))).toBe(
      true,
    )
    expect(await refusals('newest', routes)).toEqual([])
    for (const name of new Set(gamma.map(({settings: one}) => one))) await expectConfirmed(name)
  })
})

/** Writes a route, and a status as an implementation would, which the API server takes; asks the mesh before and after. */
async function expectConfirmed(name: string): Promise<void> {
  const [first] = casesOf('gatewayAPI').filter(one => one.settings === name)
  const [route] = first?.objects ?? []
  const client = clients.newest
  if (!first || !route || !client) throw new Error(`nothing was rendered for ${name}`)
  const {confirmed} = meshes.gatewayAPI
  const written = await client.apply(here(route), {fieldManager, force: true})
  const ask = (live: KubeObject) => confirmed(first.context, [live], 0, Number.MAX_SAFE_INTEGER)
  expect(ask(written)).toMatchObject({confirmed: false, waitingFor: {reason: 'NoAnswer'}})
  const statusOf = (status: 'True' | 'False') => ({
    ...written,
    status: {
      parents: written.spec.parentRefs.map((parentRef: object) => ({
        parentRef,
        controllerName: 'example.com/mesh',
        conditions: ['Accepted', 'ResolvedRefs'].map(type => ({
          ...{type, status, reason: type, message: ''},
          observedGeneration: written.metadata.generation,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        })),
      })),
    },
  })
  const refused = await client.updateStatus(statusOf('False'))
  expect(ask(refused)).toMatchObject({confirmed: false, waitingFor: {reason: 'RouteNotAccepted'}})
  const {metadata} = refused
  expect(ask(await client.updateStatus({...statusOf('True'), metadata}))).toEqual({confirmed: true})
  await client.delete(refTo(refused), {uid: metadata.uid ?? ''})
}

describe('by Gateway API 1.2.1, which is all that Linkerd understands', () => {
  test.each(Object.keys(settings.linkerd))('%s is taken', async name => {
    expect(await refusedOf('Linkerd', 'linkerd', name)).toEqual([])
  })
})

/** What the schema of a Rollout allows for the value of a cookie. */
const longestCookie = 256

/** The longest value of four cookies that is no problem. */
function longestOf(mesh: Routed, name: string): number {
  const lengths = Array.from({length: longestCookie}, (_, index) => longestCookie - index)
  return lengths.find(length => routeOf(mesh, name, length).problems.length === 0) ?? 0
}

describe('the largest matches that a Rollout may have', () => {
  test('by the Gateway API: taken, and what would not be is a problem before', async () => {
    const name = 'HTTP through a gateway'
    expect(longestOf('gatewayAPI', name)).toBeGreaterThan(16)
    expect(await refusals('newest', routeOf('gatewayAPI', name, longestOf('gatewayAPI', name)).route)).toEqual([])
    const {problems, route} = routeOf('gatewayAPI', name, longestCookie)
    expect(problems.map(({field}) => field)).toEqual(['spec.strategy'])
    expect(await refusals('newest', route)).toEqual([expect.stringContaining('at most 64 items')])
  })

  test('as Linkerd understands it: taken', async () => {
    const {route} = routeOf('linkerd', 'HTTP', longestOf('linkerd', 'HTTP'))
    expect(longestOf('linkerd', 'HTTP')).toBeGreaterThan(16)
    expect(await refusals('Linkerd', route)).toEqual([])
  })

  test("by Istio's CRDs: taken", async () => {
    const {problems, route} = routeOf('istio', 'HTTP inside the mesh', longestCookie)
    expect(problems).toEqual([])
    expect(await refusals('newest', route)).toEqual([])
  })
})

/** One object of every kind that is rendered, with the API server that judges it. */
function ofEveryKind(): [kind: string, version: Version, object: KubeObject][] {
  const found = new Map<string, [string, Version, KubeObject]>()
  for (const mesh of Object.keys(settings) as Routed[]) {
    const version = mesh === 'linkerd' ? 'Linkerd' : 'newest'
    for (const object of casesOf(mesh).flatMap(({objects}: Case) => objects)) {
      const name = `${mesh}, ${object.kind}`
      if (!found.has(name)) found.set(name, [name, version, object])
    }
  }
  return [...found.values()]
}

describe('a wrong field', () => {
  test.each(ofEveryKind())('of %s is refused', async (_, version, object) => {
    expect(await refusal(version, object)).toBeUndefined()
    expect(await refusal(version, {...object, spec: {...object.spec, planted: true}})).toMatch(/planted/)
  })

  test.each(ofEveryKind().filter(([name]) => /Route|VirtualService/.test(name)))(
    'within a rule of %s is refused',
    async (_, version, object) => {
      const list = object.spec.rules ? 'rules' : 'http'
      const [first, ...others] = object.spec[list] as JsonObject[]
      const spec = {...object.spec, [list]: [{...first, planted: true}, ...others]}
      expect(await refusal(version, {...object, spec})).toMatch(/planted/)
    },
  )

  test('and so is a header that is named twice, by the Gateway API', async () => {
    const [route] = casesOf('gatewayAPI').flatMap(({objects}) => objects)
    if (!route) throw new Error('nothing was rendered')
    const headers = ['one', 'two'].map(value => ({type: 'Exact', name: 'cookie', value}))
    const rules = [{...route.spec.rules[0], matches: [{headers}]}]
    expect(await refusal('newest', {...route, spec: {...route.spec, rules}})).toMatch(/duplicate|Duplicate/)
  })

  test('and so are a weight below 0, and more than 16 rules', async () => {
    const [route] = casesOf('gatewayAPI').flatMap(({objects}) => objects)
    if (!route) throw new Error('nothing was rendered')
    const [rule] = route.spec.rules as [JsonObject]
    const rules = Array.from({length: 17}, () => rule)
    expect(await refusal('newest', {...route, spec: {...route.spec, rules}})).toMatch(/at most 16 items|Too many/)
    const backendRefs = (rule['backendRefs'] as JsonObject[]).map(one => ({...one, weight: -1}))
    const negative = {...route, spec: {...route.spec, rules: [{...rule, backendRefs}]}}
    expect(await refusal('newest', negative)).toMatch(/greater than or equal to 0/)
  })
})
