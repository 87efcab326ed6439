// What every mesh promises to the core, asked of each mesh in the registry.
import {parser} from '@prometheus-io/lezer-promql'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import {meshes, meshOf} from '../../mesh/registry.ts'
import type {Mesh, MeshContext, MetricQueryRequest} from '../../mesh/types.ts'

/** Settings of each mesh as a user writes them; a mesh without an entry doesn't compile. */
const settings: Record<keyof typeof meshes, object> = {
  istio: {hosts: ['checkout.example.com'], gateways: ['istio-ingress/public']},
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

function contextsOf(key: keyof typeof meshes): fc.Arbitrary<MeshContext> {
  const {traffic} = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {[key]: settings[key]},
    strategy: {canary: {steps: [{weight: 5}]}},
  })
  return fc
    .record({
      rollout: name,
      namespace: name,
      uid: fc.uuid(),
      target: name,
      ports: fc.array(port, {minLength: 1, maxLength: 5}),
    })
    .map(({rollout, namespace, uid, target, ports}) => ({
      rollout: {name: rollout, namespace, uid},
      apex: {name: target, ports},
      slots: {a: `${target}-a`, b: `${target}-b`},
      traffic,
    }))
}

function everything(mesh: Mesh, context: MeshContext, wanted: Weights): KubeObject[] {
  return [...mesh.renderDestinations(context, ['a', 'b'], []), mesh.renderRoute(context, wanted, [])]
}

/** Names of a document's strings that name a slot, wherever they stand. */
function namesSlot(object: KubeObject, slot: string): boolean {
  return new RegExp(`"${slot}[".]`).test(JSON.stringify(object.spec))
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

const keys = Object.keys(meshes) as (keyof typeof meshes)[]

test('the registry', () => {
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    const {traffic} = fc.sample(contextsOf(key), {numRuns: 1, seed: 1})[0] ?? {}
    expect(traffic && meshOf(traffic)).toBe(meshes[key])
    expect(meshes[key].name).toBe(key)
  }
  expect(meshOf({})).toBeUndefined()
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
        expect(rendered.map(object => object.metadata.labels?.[labels.slot])).toEqual(wanted)
        expect(rendered.map(object => object.metadata.name)).toEqual(wanted.map(slot => context.slots[slot]))
      }),
    )
  })

  test('the route is named after the apex Service, and a slot without weight is left out', () => {
    fc.assert(
      fc.property(contexts, weights, (context, wanted) => {
        const route = mesh.renderRoute(context, wanted, [])
        expect(route.metadata.name).toBe(context.apex.name)
        for (const slot of slots) expect(namesSlot(route, context.slots[slot])).toBe(wanted[slot] > 0)
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
        expect(mesh.problems(context, [])).toEqual([])
        expect(mesh.problems(context, everything(mesh, context, wanted))).toEqual([])
      }),
    )
  })

  test('a route is confirmed once and stays so', () => {
    const times = fc.tuple(fc.nat(10_000_000), fc.nat(100_000), fc.nat(100_000))
    fc.assert(
      fc.property(contexts, times, (context, [since, delay, further]) => {
        const early = mesh.confirmed(context, since, since + delay)
        const late = mesh.confirmed(context, since, since + delay + further)
        if (early.confirmed) expect(late.confirmed).toBe(true)
        if (early.again === undefined) return
        // At the time that it names the answer is yes, or a later time: the core never waits for nothing.
        expect(early.again).toBeGreaterThan(since + delay)
        expect(mesh.confirmed(context, since, early.again)).not.toEqual(early)
      }),
    )
  })
})

describe.each(keys)('metrics of %s', key => {
  const mesh = meshes[key]
  const contexts = contextsOf(key)
  const requests: fc.Arbitrary<MetricQueryRequest> = fc.record({
    metric: fc.constantFrom('requestSuccessRate', 'requestDuration'),
    slot: fc.constantFrom(...slots),
    window: fc.integer({min: 1, max: 3600}).map(seconds => `${seconds}s`),
    quantile: fc.double({min: 0.001, max: 0.999, noNaN: true}),
  })

  test('every query is PromQL, names its slot and not the other, and looks back over the window', () => {
    fc.assert(
      fc.property(contexts, requests, (context, request) => {
        const queries = mesh.metricQueries(context, request)
        expect(queries.length).toBeGreaterThan(0)
        expect(new Set(queries.map(query => query.side)).size).toBe(queries.length)
        for (const {query} of queries) {
          expect(promqlErrors(query)).toEqual([])
          expect(query).toContain(`"${context.slots[request.slot]}"`)
          expect(query).not.toContain(`"${context.slots[request.slot === 'a' ? 'b' : 'a']}"`)
          expect(query).toContain(`"${context.rollout.namespace}"`)
          expect(query).toContain(`[${request.window}]`)
        }
      }),
    )
  })

  test('every counter is an instant vector of the slot', () => {
    fc.assert(
      fc.property(contexts, fc.constantFrom(...slots), (context, slot) => {
        const counters = mesh.requestCounters(context, slot)
        expect(counters.length).toBeGreaterThan(0)
        for (const query of counters.flatMap(counter => [counter.total, counter.failed])) {
          expect(promqlErrors(query)).toEqual([])
          expect(query).toContain(`"${context.slots[slot]}"`)
          expect(query).not.toMatch(/\[|rate|sum/)
        }
      }),
    )
  })

  test('the parser that checks the queries does refuse', () => {
    expect(promqlErrors('sum(rate(up[60s])')).not.toEqual([])
  })
})
