// Every refusal of the core, by a change of a world in which nothing is wrong: reason, object and field, and a fix.
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import type {Intent} from '../../controller/core/intents.ts'
import type {Observation} from '../../controller/core/observation.ts'
import {refusals} from '../../controller/core/refusals.ts'
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {meshes} from '../../mesh/registry.ts'
import {plainWorld} from './settings-world.ts'

function owner(manager: string, operation: 'Apply' | 'Update', field: string): ManagedFieldsEntry[] {
  return [{manager, operation, fieldsV1: {'f:spec': {[`f:${field}`]: {}}}}]
}

function changed(object: KubeObject | undefined, spec: object, metadata: object = {}): KubeObject {
  if (!object) throw new Error('the sound world has this object')
  return {...object, metadata: {...object.metadata, ...metadata}, spec: {...object.spec, ...spec}}
}

/** The target with another pod spec. */
function withPod(world: Observation, pod: object): Observation {
  const {template} = world.target?.spec ?? {}
  return {...world, target: changed(world.target, {template: {...template, spec: {...template.spec, ...pod}}})}
}

function without(world: Observation, field: 'target' | 'apex'): Observation {
  const {[field]: _gone, ...rest} = world
  return rest
}

function object(kind: string, name: string, rest: object): KubeObject {
  return {apiVersion: 'v1', kind, metadata: {name, namespace: 'shop'}, ...rest}
}

/** The spec with a compare check. */
function compared({spec}: Observation, change: object, compare: object, repeated: number): Observation['spec'] {
  const one = {name: 'errors', compare: {metric: 'requestErrors' as const, weight: 1, ...compare}}
  const checks = Array.from({length: repeated}, () => one)
  return {...spec, analysis: {...spec.analysis, checks}, ...change}
}

/** The spec without built-in metrics, which plain Kubernetes has none of. */
function withoutMetrics(spec: Observation['spec'], keep: boolean): Observation['spec'] {
  return keep ? spec : {...spec, analysis: {...spec.analysis, checks: []}}
}

type Change = (world: Observation) => Observation
const claim = object('PersistentVolumeClaim', 'data', {spec: {accessModes: ['ReadWriteOnce']}})
const autoscaler = object('HorizontalPodAutoscaler', 'hpa', {
  spec: {scaleTargetRef: {kind: 'Deployment', name: 'checkout'}},
})
const rival: KubeObject = {
  ...object('Rollout', 'aaa', {spec: {targetRef: {name: 'checkout'}}}),
  metadata: {name: 'aaa', namespace: 'shop', creationTimestamp: '2000-01-01T00:00:00Z'},
}

/** Another target, behind the same Service. */
const onService: KubeObject = {
  ...rival,
  spec: {targetRef: {name: 'checkout-next'}, service: {name: 'checkout'}},
}

type Case = [string, string, string, Change]
const cases: Case[] = [
  ['TargetMissing', 'Rollout shop/checkout', 'spec.targetRef.name', world => without(world, 'target')],
  [
    'StrategyRecreate',
    'Deployment shop/checkout',
    'spec.strategy.type',
    world => ({...world, target: changed(world.target, {strategy: {type: 'Recreate'}})}),
  ],
  [
    'HostPorts',
    'Deployment shop/checkout',
    'spec.template.spec.containers[name=app].ports',
    world => withPod(world, {containers: [{name: 'app', image: 'a', ports: [{hostPort: 80}]}]}),
  ],
  [
    'HostPorts',
    'Deployment shop/checkout',
    'spec.template.spec.containers[name=app].ports',
    world => withPod(world, {hostNetwork: true}),
  ],
  ['ExclusiveVolume', 'Deployment shop/checkout', 'spec.template.spec.volumes', world => ({...world, claims: [claim]})],
  [
    'ReplicasOwnedElsewhere',
    'Deployment shop/checkout',
    'spec.replicas',
    world => ({...world, target: changed(world.target, {}, {managedFields: owner('flux', 'Apply', 'replicas')})}),
  ],
  [
    'ReplicasOwnedElsewhere',
    'Deployment shop/checkout',
    'spec.replicas',
    world => ({
      ...world,
      target: changed(
        world.target,
        {},
        {annotations: {'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{"replicas":3}}'}},
      ),
    }),
  ],
  [
    'ForeignSlot',
    'Deployment shop/checkout-a',
    'metadata.name',
    world => ({
      ...world,
      slots: {...world.slots, a: {...world.slots.a, workload: object('Deployment', 'checkout-a', {spec: {}})}},
    }),
  ],
  ['ServiceMissing', 'Service shop/checkout', 'spec.service', world => without(world, 'apex')],
  [
    'ExternalNameService',
    'Service shop/checkout',
    'spec.type',
    world => ({...world, apex: changed(world.apex, {type: 'ExternalName'})}),
  ],
  [
    'HeadlessService',
    'Service shop/checkout',
    'spec.clusterIP',
    world => ({...world, apex: changed(world.apex, {clusterIP: 'None'})}),
  ],
  [
    'ServiceWithoutSelector',
    'Service shop/checkout',
    'spec.selector',
    world => ({...world, apex: changed(world.apex, {selector: {}})}),
  ],
  [
    'ServiceClaimed',
    'Service shop/checkout',
    'spec.service.name',
    world => ({...world, apex: changed(world.apex, {}, {labels: {'fairlead.dev/rollout': 'other'}})}),
  ],
  [
    'ServiceClaimed',
    'Service shop/checkout',
    'spec.service.name',
    world => ({
      ...world,
      apex: changed(world.apex, {selector: {'fairlead.dev/rollout': 'other', 'fairlead.dev/slot': 'a'}}),
    }),
  ],
  ['ServiceClaimed', 'Rollout shop/checkout', 'spec.service.name', world => ({...world, siblings: [onService]})],
  [
    'ApexNotOwned',
    'Service shop/checkout',
    'spec.selector',
    world => ({...world, apex: changed(world.apex, {}, {managedFields: owner('flux', 'Apply', 'selector')})}),
  ],
  [
    'AutoscalerOnTarget',
    'HorizontalPodAutoscaler shop/hpa',
    'spec.scaleTargetRef',
    world => ({...world, autoscalers: [autoscaler]}),
  ],
  [
    'MeshNotInstalled',
    'Rollout shop/checkout',
    'spec.traffic',
    world => ({...world, missingKinds: ['VirtualService (networking.istio.io/v1)']}),
  ],
  [
    'InvalidAnalysis',
    'Rollout shop/checkout',
    'spec.analysis.baseline',
    world => ({
      ...world,
      mesh: {...world.mesh, counters: []},
      spec: {...world.spec, analysis: {...world.spec.analysis, baseline: true}},
    }),
  ],
  ['TargetClaimed', 'Rollout shop/checkout', 'spec.targetRef.name', world => ({...world, siblings: [rival]})],
  [
    'NameTooLong',
    'Rollout shop/checkout',
    'spec.targetRef.name',
    world => ({...world, meshContext: {...world.meshContext, slots: {a: 'x'.repeat(64), b: 'y'.repeat(64)}}}),
  ],
  [
    'InvalidSteps',
    'Rollout shop/checkout',
    'spec.strategy.canary.steps[1].weight',
    world => ({...world, spec: {...world.spec, strategy: {canary: {steps: [{weight: 50}, {weight: 20}]}}}}),
  ],
  ...(
    [
      ['strategy.canary.steps[0].weight', {strategy: {canary: {steps: [{weight: 80}]}}}, {}],
      ['bake.holdback', {bake: {duration: '1m', holdback: 50}}, {}],
      ['bake.holdback', {bake: {duration: '1m', holdback: 24}}, {}],
      [
        'strategy.canary.steps[0].maximumDwell',
        {strategy: {canary: {steps: [{weight: 10, minimumDwell: '2m', maximumDwell: '1m'}]}}},
        {},
      ],
      ['analysis.checks', {}, {metric: 'requestDuration', slowerThan: '1s', furtherBounds: ['2s', '3s', '4s']}, 3],
      ['analysis.checks[name=errors].compare.harmless.percent', {}, {harmful: {percent: 0.05}}],
      ['analysis.checks[name=errors].compare.harmless.oddsRatio', {}, {harmless: {oddsRatio: 4}}],
    ] as const
  ).map(
    ([field, spec, compare, repeated = 1]): Case => [
      'InvalidAnalysis',
      'Rollout shop/checkout',
      `spec.${field}`,
      world => ({...world, spec: compared(world, spec, compare, repeated)}),
    ],
  ),
  ...(
    [
      ['strategy.canary.steps[0].weight', {strategy: {canary: {steps: [{weight: 51}]}}}],
      ['strategy.canary.maxWeight', {strategy: {canary: {stepWeight: 30, maxWeight: 60}}}],
      ['strategy.canary.steps[0].pods', {strategy: {canary: {steps: [{weight: 5, pods: 50}]}}}],
      ['bake.holdback', {bake: {duration: '1m', holdback: 25}}],
      ['service.selector', {service: {selector: 'shared'}}],
      [
        'strategy.abTest.match[0].headers',
        {strategy: {abTest: {match: [{headers: [{name: 'x', exact: 'y'}]}], weight: 0}}},
      ],
      ['analysis.checks[name=success].threshold.metric', {}],
    ] as const
  ).map(
    ([field, spec]): Case => [
      'UnsupportedByMesh',
      'Rollout shop/checkout',
      `spec.${field}`,
      world => ({
        ...world,
        mesh: meshes.none,
        spec: withoutMetrics({...world.spec, ...spec} as Observation['spec'], field.startsWith('analysis')),
      }),
    ],
  ),
  [
    'SecretsNotTracked',
    'Rollout shop/checkout',
    'spec.revision.trackSecrets',
    world => ({
      ...world,
      secretsHidden: true,
      spec: {...world.spec, revision: {...world.spec.revision, trackSecrets: ['token']}},
    }),
  ],
]

test('a sound world is not refused', () => {
  expect(refusals(plainWorld())).toEqual([])
})

test.each([
  [
    'a heavy step on which nothing is compared',
    {strategy: {canary: {steps: [{weight: 50}, {weight: 90, checks: []}]}}},
  ],
  ['a holdback of a quarter', {bake: {duration: '1m', holdback: 25}}],
  [
    'a deadline as long as the stay',
    {strategy: {canary: {steps: [{weight: 9, minimumDwell: '1m', maximumDwell: '1m'}]}}},
  ],
])('compare checks allow %s', (_, spec) => {
  const world = plainWorld()
  expect(refusals({...world, spec: compared(world, spec, {}, 1)}).map(({problem}) => problem)).toEqual([])
})

test('compare checks allow a heavy step whose own checks are others', () => {
  const world = plainWorld()
  const spec = compared(world, {strategy: {canary: {steps: [{weight: 90, checks: ['success']}]}}}, {}, 1)
  const checks = [...spec.analysis.checks, ...world.spec.analysis.checks]
  expect(checks.map(({name}) => name)).toEqual(['errors', 'success'])
  expect(refusals({...world, spec: {...spec, analysis: {...spec.analysis, checks}}})).toEqual([])
  const named = {canary: {steps: [{weight: 90, checks: ['success', 'errors']}]}}
  const [found] = refusals({...world, spec: {...spec, strategy: named, analysis: {...spec.analysis, checks}}})
  expect(found?.field).toBe('spec.strategy.canary.steps[0].weight')
  expect(found?.fix).toContain('spec.strategy.canary.steps[0].checks')
})

test('a small holdback is fine where nothing is compared', () => {
  const world = plainWorld()
  expect(refusals({...world, spec: {...world.spec, bake: {duration: '1m', holdback: 10}}})).toEqual([])
})

test('of two Rollouts on one Service the older goes on, and the other is told both names', () => {
  const world = plainWorld()
  const [found, ...more] = refusals({...world, siblings: [onService]})
  expect(more).toEqual([])
  expect(found?.problem).toBe(
    'Rollout shop/aaa already releases through Service checkout, and so would Rollout shop/checkout',
  )
  const younger = {...onService, metadata: {...onService.metadata, creationTimestamp: '2999-01-01T00:00:00Z'}}
  const elsewhere = {...onService, spec: {targetRef: {name: 'checkout-next'}}}
  expect([younger, elsewhere].map(one => refusals({...world, siblings: [one]}))).toEqual([[], []])
})

/** Whether an intent applies what is there already, and yields to whoever has another value. */
function repeats(intent: Intent, {target, apex}: Observation): boolean {
  if (intent.kind !== 'apply' || intent.yields !== true) return false
  const live = intent.manifest.kind === 'Deployment' ? target : apex
  return Object.entries(intent.manifest.spec ?? {}).every(([field, value]) => live?.spec?.[field] === value)
}

test.each(cases)('%s (%s, %s), and no value is touched', (reason, where, field, change) => {
  const world = change(plainWorld())
  const [found] = refusals(world)
  expect([found?.reason, found?.object, found?.field]).toEqual([reason, where, field])
  expect(found?.fix).not.toBe('')
  const decision = decide(world)
  expect(decision.intents.filter(intent => !repeats(intent, world))).toEqual([])
  expect(decision.status.conditions?.find(one => one.type === 'Stalled')).toMatchObject({status: 'True', reason})
  expect(decision.notes.map(note => [note.type, note.reason])).toContainEqual(['Warning', reason])
})

test('what only happens to own a field, or lets go of it, is no refusal', () => {
  const world = plainWorld()
  const scaled = {
    ...world,
    target: changed(world.target, {}, {managedFields: owner('kubectl-scale', 'Update', 'replicas')}),
  }
  const shared = {
    ...world,
    spec: {...world.spec, service: {selector: 'shared' as const}},
    apex: changed(world.apex, {}, {managedFields: owner('flux', 'Apply', 'selector')}),
  }
  const ours = {
    ...world,
    target: changed(world.target, {}, {managedFields: owner('fairlead-gitsync', 'Apply', 'replicas')}),
  }
  expect([scaled, shared, ours].map(refusals)).toEqual([[], [], []])
})

test.each([
  ['ReplicasOwnedElsewhere', 'Deployment', 'replicas', {replicas: 3}],
  ['ApexNotOwned', 'Service', 'selector', {selector: {app: 'checkout'}}],
])('%s: the field is owned here too before it is dropped elsewhere', (reason, kind, field, spec) => {
  const world = plainWorld()
  const managed = {managedFields: owner('flux', 'Apply', field)}
  const refused = {
    ...world,
    ...(kind === 'Service'
      ? {apex: changed(world.apex, spec, managed)}
      : {target: changed(world.target, spec, managed)}),
  }
  const {status, intents} = decide(refused)
  expect(status.conditions?.find(({type}) => type === 'Stalled')?.reason).toBe(reason)
  const applied = intents.flatMap(intent => (intent.kind === 'apply' ? [intent] : []))
  expect(applied).toEqual([{kind: 'apply', yields: true, manifest: expect.objectContaining({kind, spec})}])
})
