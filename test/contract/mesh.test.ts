// What every mesh promises to the core, asked of each mesh in the registry.
import {parser} from '@prometheus-io/lezer-promql'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {keyOf, queriesFor, slotKeys} from '../../controller/shell/counter-selectors.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import {meshes, meshOf} from '../../mesh/registry.ts'
import type {Mesh, MeshContext, ServicePort} from '../../mesh/types.ts'

/** Meshes with a route of their own: all but plain Kubernetes, where the apex Service is the route. */
type Routed = Exclude<keyof typeof meshes, 'none'>

/** What the suite has to know of a mesh; one without an entry doesn't compile. */
interface MeshFacts {
  /** Settings as a user writes them. */
  settings: object
  /** Ports that every Service of the suite has besides others. */
  ports: ServicePort[]
  /** Objects of the user's that a release needs. */
  foundations(context: MeshContext): KubeObject[]
  /** The spec of a route without the rules that are held back: those that take no request. */
  used(spec: KubeObject['spec']): unknown
  /** The route with a status that says that it is in force; unchanged where the mesh writes none. */
  accept(route: KubeObject): KubeObject
  /** Whether that status says which generation of the route it is about. */
  dated: boolean
}

const facts: Record<Routed, MeshFacts> = {
  istio: {
    settings: {hosts: ['checkout.example.com'], gateways: ['istio-ingress/public']},
    ports: [],
    foundations: () => [],
    used: spec => spec,
    accept: route => route,
    dated: false,
  },
  gatewayAPI: {
    settings: {hosts: ['shop.example.com'], parentRefs: [{name: 'public', namespace: 'gateways'}, {name: 'inner'}]},
    // An HTTPRoute can't route a Service without HTTP.
    ports: [{port: 8080}],
    foundations: context => [gateway('gateways', 'public'), gateway(context.rollout.namespace, 'inner')],
    used: spec => ({
      ...spec,
      rules: spec.rules.filter((rule: object) => !JSON.stringify(rule).includes('fairlead-held')),
    }),
    accept: route => ({...route, status: {parents: route.spec.parentRefs.map(acceptedBy)}}),
    dated: true,
  },
  linkerd: {
    settings: {},
    ports: [{port: 8080}],
    foundations: () => [],
    used: spec => spec,
    accept: route => ({...route, status: {parents: route.spec.parentRefs.map(acceptedByLinkerd)}}),
    dated: false,
  },
}

function gateway(namespace: string, name: string): KubeObject {
  return {apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: {namespace, name}, spec: {}}
}

function acceptedBy(parentRef: object): object {
  const conditions = ['Accepted', 'ResolvedRefs'].map(type => ({type, status: 'True', observedGeneration: 7}))
  return {parentRef, controllerName: 'example.com/gateway', conditions}
}

/** Linkerd names the core group, and no generation. */
function acceptedByLinkerd(parentRef: object): object {
  const conditions = ['Accepted', 'ResolvedRefs'].map(type => ({type, status: 'True'}))
  return {parentRef: {...parentRef, group: 'core'}, controllerName: 'linkerd.io/policy-controller', conditions}
}

const slots = ['a', 'b'] as const
const weights = fc.integer({min: 0, max: 100}).map((b): Weights => ({a: 100 - b, b}))
const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/)
const port = fc.record(
  {
    name: fc.constantFrom('http', 'grpc-api', 'web', 'tcp-raw'),
    port: fc.integer({min: 1, max: 65_535}),
    appProtocol: fc.constantFrom('http', 'kubernetes.io/h2c', 'tcp'),
  },
  {requiredKeys: ['port']},
)

function contextsOf(key: Routed): fc.Arbitrary<MeshContext> {
  const {traffic} = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {[key]: facts[key].settings},
    strategy: {canary: {steps: [{weight: 5}]}},
  })
  return fc
    .record({
      rollout: name,
      namespace: name,
      uid: fc.uuid(),
      target: name,
      ports: fc.array(port, {minLength: 1, maxLength: 5}).map(ports => [...ports, ...facts[key].ports]),
    })
    .map(({rollout, namespace, uid, target, ports}) => ({
      rollout: {name: rollout, namespace, uid},
      apex: {name: target, ports},
      slots: {a: `${target}-a`, b: `${target}-b`},
      traffic,
    }))
}

function everything(mesh: Mesh, context: MeshContext, wanted: Weights): KubeObject[] {
  return [...mesh.renderDestinations(context, ['a', 'b'], []), ...mesh.renderRoutes(context, wanted, [])]
}

/** Whether a route's spec sends requests to a slot: some object in it names the slot, with a weight that isn't 0. */
function sendsTo(spec: unknown, slot: string): boolean {
  let sends = false
  JSON.stringify(spec, (_, value) => {
    if (typeof value?.weight === 'number' && value.weight > 0)
      sends ||= new RegExp(`"${slot}[".]`).test(JSON.stringify(value))
    return value
  })
  return sends
}

/** Numbers of the ports of a slot's Service that a route's spec names. */
function portsAsked(spec: unknown, slot: string): Set<number> {
  const found = new Set<number>()
  JSON.stringify(spec, (_, value) => {
    const {host, name: service, port: asked} = value ?? {}
    if ([host, service].some(one => one === slot || String(one).startsWith(`${slot}.`)))
      found.add(asked.number ?? asked)
    return value
  })
  return found
}

function promqlErrors(query: string): string[] {
  const errors: string[] = []
  parser.parse(query).iterate({
    enter: node => {
      if (node.type.isError) errors.push(query.slice(node.from, node.to + 10))
    },
  })
  return errors
}

const keys = Object.keys(facts) as Routed[]

test('the registry', () => {
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    const {traffic} = fc.sample(contextsOf(key), {numRuns: 1, seed: 1})[0] ?? {}
    expect(traffic && meshOf(traffic)).toBe(meshes[key])
    expect(meshes[key].name).toBe(key)
  }
  expect(meshOf({none: {settlingTime: '5s'}})).toBe(meshes.none)
  expect(meshOf({})).toBeUndefined()
  const bySelector = Object.values(meshes).filter(mesh => mesh.bySelector)
  expect([...bySelector, ...keys.map(key => meshes[key])]).toHaveLength(Object.keys(meshes).length)
})

describe.each(keys)('manifests of %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)

  test('every object is marked as ours, owned by nothing, and of a kind that is watched', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        for (const object of everything(mesh, context, wanted)) {
          expect(object.metadata.namespace).toBe(context.rollout.namespace)
          expect(object.metadata.labels?.[labels.rollout]).toBe(context.rollout.name)
          expect(object.metadata.annotations?.[annotations.owner]).toBe(context.rollout.uid)
          expect(object.metadata.ownerReferences).toBeUndefined()
          const {apiVersion, kind} = object
          expect(mesh.kinds.map(one => ({apiVersion: one.apiVersion, kind: one.kind}))).toContainEqual({
            apiVersion,
            kind,
          })
        }
      }),
    )
  })

  test('there is a destination for each slot that is asked for, named after it', () => {
    fc.assert(
      fc.property(contexts, fc.subarray([...slots]), (context, wanted) => {
        const rendered = mesh.renderDestinations(context, wanted, [])
        // A mesh whose routes name Services alone has none at all.
        const expected = mesh.renderDestinations(context, ['a', 'b'], []).length > 0 ? wanted : []
        expect(rendered.map(object => object.metadata.labels?.[labels.slot])).toEqual(expected)
        expect(rendered.map(object => object.metadata.name)).toEqual(expected.map(slot => context.slots[slot]))
      }),
    )
  })

  test('the route is named after the apex Service, and a slot without weight gets nothing', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const [route] = mesh.renderRoutes(context, wanted, [])
        if (!route) throw new Error('no route')
        expect(route.metadata.name).toBe(context.apex.name)
        for (const slot of slots)
          expect(sendsTo(facts[key].used(route.spec), context.slots[slot])).toBe(wanted[slot] > 0)
      }),
    )
  })

  test('the ports that the route asks of the slots are those that the mesh says; none without ports', () => {
    fc.assert(
      fc.property(contexts, context => {
        const [route] = mesh.renderRoutes(context, {a: 50, b: 50}, [])
        const said = mesh.routedPorts(context, [])
        expect(said.length).toBeGreaterThan(0)
        for (const slot of slots) expect(portsAsked(route?.spec, context.slots[slot])).toEqual(new Set(said))
        expect(mesh.routedPorts({...context, apex: {...context.apex, ports: []}}, [])).toEqual([])
      }),
    )
  })

  test('rendering is the same every time, and JSON', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const objects = everything(mesh, context, wanted)
        expect(everything(mesh, context, wanted)).toEqual(objects)
        expect(JSON.parse(JSON.stringify(objects))).toStrictEqual(objects)
      }),
    )
  })
})

describe.each(keys)('refusals of %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)

  test.each([
    {a: 50, b: 49},
    {a: 101, b: -1},
    {a: 99.5, b: 0.5},
    {a: Number.NaN, b: 100},
  ])('refuses weights %j', wanted => {
    fc.assert(
      fc.property(contexts, context => {
        expect(() => mesh.renderRoutes(context, wanted, [])).toThrow(/sum to 100/)
      }),
    )
  })

  test('refuses a Rollout of another mesh', () => {
    fc.assert(
      fc.property(contexts, context => {
        const other = {...context, traffic: {}}
        expect(() => mesh.renderRoutes(other, {a: 100, b: 0}, [])).toThrow(`spec.traffic.${key}`)
      }),
    )
  })
})

describe.each(keys)('readings of %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)

  test('what was rendered is read back, for every weight', () => {
    const [context] = fc.sample(contexts, {numRuns: 1, seed: 7})
    if (!context) throw new Error('no context was generated')
    for (let b = 0; b <= 100; b++) {
      const wanted = {a: 100 - b, b}
      expect(mesh.read(context, everything(mesh, context, wanted))).toEqual(wanted)
    }
    fc.assert(
      fc.property(contexts, weights, (other, wanted) => {
        expect(mesh.read(other, everything(mesh, other, wanted))).toEqual(wanted)
      }),
    )
  })

  test('without a route nothing is read', () => {
    fc.assert(
      fc.property(contexts, context => {
        expect(mesh.read(context, [])).toBeUndefined()
        expect(mesh.read(context, mesh.renderDestinations(context, ['a', 'b'], []))).toBeUndefined()
      }),
    )
  })

  test('our own objects are no problem', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const foundations = facts[key].foundations(context)
        expect(mesh.problems(context, foundations)).toEqual([])
        expect(mesh.problems(context, [...foundations, ...everything(mesh, context, wanted)])).toEqual([])
      }),
    )
  })
})

describe.each(keys)('confirmation by %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)
  const times = fc.tuple(fc.nat(10_000_000), fc.nat(100_000), fc.nat(100_000))
  const routeOf = (context: MeshContext, wanted: Weights, generation: number) => {
    const [route] = mesh.renderRoutes(context, wanted, [])
    if (!route) throw new Error('no route')
    return facts[key].accept({...route, metadata: {...route.metadata, generation}})
  }

  test('a route is confirmed once and stays so', () => {
    fc.assert(
      fc.property(contexts, weights, times, (context, wanted, [since, delay, further]) => {
        const objects = [routeOf(context, wanted, 7)]
        const early = mesh.confirmed(context, objects, since, since + delay)
        const late = mesh.confirmed(context, objects, since, since + delay + further)
        if (early.confirmed) expect(late.confirmed).toBe(true)
        if (early.again === undefined) return
        // At the time that it names the answer is yes, or a later time: the core never waits for nothing.
        expect(early.again).toBeGreaterThan(since + delay)
        expect(mesh.confirmed(context, objects, since, early.again)).not.toEqual(early)
      }),
    )
  })

  test('it takes the settling time and what the status says, and never comes before the settling time', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const settled = mesh.settlingMilliseconds(context)
        const objects = [routeOf(context, wanted, 7)]
        expect(mesh.confirmed(context, objects, 0, settled)).toEqual({confirmed: true})
        expect(mesh.confirmed(context, objects, 0, settled - 1).confirmed).toBe(false)
      }),
    )
  })

  test('where the status has a date, an older one confirms nothing, and it says what it waits for', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const newer = routeOf(context, wanted, 8)
        const {confirmed, again, waitingFor} = mesh.confirmed(context, [newer], 0, Number.MAX_SAFE_INTEGER)
        expect(confirmed).toBe(!facts[key].dated)
        expect(again).toBeUndefined()
        if (confirmed) return
        expect(Object.values(waitingFor ?? {}).filter(text => text.length > 0)).toHaveLength(5)
        // What isn't confirmed yet is no problem: nobody has to mend it.
        expect(mesh.problems(context, [...facts[key].foundations(context), newer])).toEqual([])
      }),
    )
  })
})

describe.each(keys)('metrics of %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)
  const reader = (context: MeshContext) => ({uid: 'u', mesh, context})

  test('every family of counters is read by an instant vector that names both slots', () => {
    expect(mesh.counters.some(family => family.kind === 'requests' && family.side === 'caller')).toBe(true)
    // When a target was scraped is asked by the plain names.
    const plain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
    expect(mesh.counters.every(family => family.metrics.some(metric => plain.test(metric)))).toBe(true)
    fc.assert(
      fc.property(contexts, contexts, fc.constantFrom(...mesh.counters), (context, other, family) => {
        const query = queriesFor('now', family, [reader(context), reader(other)])[0]?.text ?? ''
        expect(promqlErrors(query)).toEqual([])
        expect(query).not.toMatch(/\[[0-9]|rate|sum/)
        for (const one of [context, other]) {
          for (const value of slotKeys(family, reader(one)).flatMap(({values}) => values)) {
            expect(query.replaceAll('[.]', '.')).toContain(value)
          }
        }
      }),
    )
  })

  test('a series counts for one slot of one Rollout', () => {
    fc.assert(
      fc.property(contexts, contexts, fc.constantFrom(...mesh.counters), (context, other, family) => {
        const keys = [context, other].flatMap(one => slotKeys(family, reader(one)).map(({values}) => keyOf(values)))
        const same = JSON.stringify([context.rollout, context.slots]) === JSON.stringify([other.rollout, other.slots])
        const distinct = sameNames(context, other) || same ? keys.length / 2 : keys.length
        expect(new Set(keys).size).toBe(distinct)
      }),
    )
  })

  test('the parser that checks the queries does refuse', () => {
    expect(promqlErrors('sum(rate(up[60s])')).not.toEqual([])
  })
})

/** Whether two contexts are of Rollouts that could not both exist: the same target in the same namespace. */
function sameNames(left: MeshContext, right: MeshContext): boolean {
  return left.rollout.namespace === right.rollout.namespace && left.slots.a === right.slots.a
}
