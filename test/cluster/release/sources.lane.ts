// What a Rollout may release besides a Deployment, on the real control plane: a DaemonSet on three nodes, a template of
// its own, and Services that are there.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type Kubectl, kubectlFor} from '../kubectl.ts'
import {type Bench, openAdopted, openSite, type Site} from './bench.ts'
import {image, name, service, settings, target} from './fixture.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
  await makeNodes()
})

afterAll(async () => site.close())

function outcomes(bench: Bench): string[] {
  return (bench.status().history ?? []).map(({outcome}) => outcome).reverse()
}

function serving(bench: Bench, version: string): Promise<unknown> {
  return bench.until(
    `${version} as primary`,
    status => status.phase === 'Healthy' && status.primary?.image === image(version),
  )
}

/** Nodes for pods of a DaemonSet alone: others stay where they would be without this lane. */
const nodes = ['daemon-0', 'daemon-1', 'daemon-2']

/** Once for all tests: two that make them at the same time are in each other's way. */
async function makeNodes(): Promise<void> {
  const taints = [{key: 'test.fairlead.dev/daemons', effect: 'NoSchedule'}]
  const made = nodes.map(node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {name: node, labels: {daemons: 'yes'}},
    spec: {taints},
  }))
  await kubectlFor(site.kubeconfig).stdin(made, 'apply', '-f', '-')
}

async function makeDaemonSet(kubectl: Kubectl): Promise<void> {
  const deployment = target()
  const {selector, template} = deployment.spec
  const tolerations = [{key: 'test.fairlead.dev/daemons', operator: 'Exists'}]
  const pod = {...template, spec: {...template.spec, nodeSelector: {daemons: 'yes'}, tolerations}}
  const daemonSet = {...deployment, kind: 'DaemonSet', spec: {selector, template: pod}}
  await kubectl.stdin([settings('one'), service(), daemonSet], 'create', '-f', '-')
}

/** Most pods that the target itself had at once since a version of the history. */
function podsOfTarget(bench: Bench, since: bigint): number {
  const seen = site.history
    .changes(bench.namespace)
    .filter(({version, object}) => version > since && object.kind === 'DaemonSet' && object.metadata.name === name)
    .map(({object}) => object.status?.currentNumberScheduled ?? 0)
  return Math.max(0, ...seen)
}

describe.concurrent('a DaemonSet', () => {
  const daemons = {
    workload: `daemonset/${name}`,
    make: makeDaemonSet,
    rollout: {targetRef: {apiVersion: 'apps/v1', kind: 'DaemonSet', name}},
  }

  test('a DaemonSet is released between two slots, and no merge starts a pod of its own', async () => {
    const bench = await openAdopted(site, 'source-daemons', daemons)
    const counts = (workload: string) => bench.object('DaemonSet', workload)?.status?.currentNumberScheduled
    await bench.untilTrue('a parked target', () => counts(name) === 0)
    expect([counts(`${name}-a`), bench.status().replicas]).toEqual([nodes.length, nodes.length])
    const parkedAt = site.history.changes(bench.namespace).at(-1)?.version ?? 0n
    await bench.kubectl('set', 'image', `daemonset/${name}`, `app=${image('2')}`)
    await serving(bench, '2')
    await bench.untilTrue('no old slot', () => bench.object('DaemonSet', `${name}-a`) === undefined)
    expect([counts(`${name}-b`), podsOfTarget(bench, parkedAt)]).toEqual([nodes.length, 0])
    // Server-side apply, as Flux does it, with a nodeSelector of its own: the parking is another field, and stays.
    const spec = bench.object('DaemonSet', name)?.spec
    const {nodeName: _parked, ...pod} = spec?.template.spec ?? {}
    const merged = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: {name},
      spec: {selector: spec?.selector, template: {metadata: spec?.template.metadata, spec: pod}},
    }
    pod.containers[0].image = image('3')
    await bench.kubectl.stdin(merged, 'apply', '--server-side', '--force-conflicts', '--field-manager=flux', '-f', '-')
    await serving(bench, '3')
    expect(podsOfTarget(bench, parkedAt)).toBe(0)
    expect(outcomes(bench)).toEqual(['Promoted', 'Promoted'])
    expect(await bench.close()).toEqual([])
  })

  test('a bad version of a DaemonSet goes, and the target is given back with its pods', async () => {
    const bench = await openAdopted(site, 'source-daemons-back', daemons)
    bench.traffic('b', 0.5)
    await bench.kubectl('set', 'image', `daemonset/${name}`, `app=${image('bad')}`)
    await bench.until('a rollback', status => status.phase === 'Failed')
    await bench.untilTrue('no bad slot', () => bench.object('DaemonSet', `${name}-b`) === undefined)
    await bench.kubectl('delete', 'rollout', name, '--timeout=150s')
    const {spec, status} = bench.object('DaemonSet', name) as KubeObject
    expect([spec?.template.spec.nodeName, spec?.template.spec.containers[0].image]).toEqual([undefined, image('1')])
    expect(status?.numberReady).toBe(nodes.length)
    expect(bench.object('DaemonSet', `${name}-a`)).toBeUndefined()
    expect(await bench.close()).toEqual([])
  })
})

describe.concurrent('a template', () => {
  const {metadata, spec: pod} = target().spec.template
  const spec = {targetRef: undefined, template: {metadata, spec: pod}, replicas: 2}
  const bare = {
    workload: '',
    make: (kubectl: Kubectl) => kubectl.stdin([settings('one'), service()], 'create', '-f', '-'),
  }

  test('a template in the Rollout is the only object that a merge changes, and kubectl wait tells the truth', async () => {
    const bench = await openAdopted(site, 'source-template', {...bare, rollout: spec})
    const path = '/spec/template/spec/containers/0/image'
    const patch = JSON.stringify([{op: 'replace', path, value: image('2')}])
    await bench.kubectl('patch', 'rollout', name, '--type=json', '-p', patch)
    const wait = ['wait', `rollout/${name}`, '--for=condition=Promoted', '--timeout=150s']
    await bench.until('a look at the new generation', ({observedGeneration}) => observedGeneration === 2)
    await bench.kubectl(...wait)
    expect(bench.status().primary?.image).toBe(image('2'))
    const deployments = site.history
      .changes(bench.namespace)
      .flatMap(({object}) => (object.kind === 'Deployment' ? [object.metadata.name] : []))
    expect(new Set(deployments)).toEqual(new Set([`${name}-a`, `${name}-b`]))
    await serving(bench, '2')
    expect(await bench.close()).toEqual([])
  })

  test('a field of a template that no pod has is told by its name, and the primary serves', async () => {
    const bench = await openAdopted(site, 'source-template-wrong', {...bare, rollout: spec})
    const patch = JSON.stringify([{op: 'add', path: '/spec/template/spec/containers/0/imagePolicy', value: 'Always'}])
    await bench.kubectl('patch', 'rollout', name, '--type=json', '-p', patch)
    const refused = await bench.until('a refusal', ({conditions}) =>
      (conditions ?? []).some(({type, status}) => type === 'WriteRefused' && status === 'True'),
    )
    const {message} = refused.conditions?.find(({type}) => type === 'WriteRefused') ?? {}
    expect(message).toContain('imagePolicy')
    expect(refused.primary?.image).toBe(image('1'))
    expect(await bench.close()).toEqual([])
  })
})

describe.concurrent('Services that are there', () => {
  const refs = {a: `${name}-a`, b: `${name}-b`}
  /** Two workloads of others, whose Services have the names that the exporter counts for. */
  const make = async (kubectl: Kubectl) => {
    const objects = (['a', 'b'] as const).flatMap(slot => {
      const labels = {app: name, version: slot}
      const deployment = target({image: image(slot)})
      const {template} = deployment.spec
      const spec = {
        ...deployment.spec,
        selector: {matchLabels: labels},
        template: {...template, metadata: {labels}},
      }
      return [
        {...deployment, metadata: {name: `version-${slot}`}, spec},
        {...service(), metadata: {name: refs[slot]}, spec: {...service().spec, selector: labels}},
      ]
    })
    await kubectl.stdin([settings('one'), service(), ...objects], 'create', '-f', '-')
    for (const slot of ['a', 'b']) await kubectl('rollout', 'status', `deployment/version-${slot}`, '--timeout=150s')
  }
  const between = {workload: '', make, rollout: {targetRef: undefined, serviceRefs: {...refs, serve: 'a'}}}
  const serve = (bench: Bench, slot: 'a' | 'b') =>
    bench.kubectl('patch', 'rollout', name, '--type=merge', '-p', JSON.stringify({spec: {serviceRefs: {serve: slot}}}))

  test('two Services that are there: the traffic moves, and nothing of theirs is touched', async () => {
    const bench = await openAdopted(site, 'source-services', between)
    await serve(bench, 'b')
    await bench.until('the other one as primary', ({phase, primary}) => phase === 'Healthy' && primary?.slot === 'b')
    expect(bench.status().history?.[0]).toMatchObject({outcome: 'Promoted', weights: [10, 50, 100]})
    const generations = ['a', 'b'].map(slot => bench.object('Deployment', `version-${slot}`)?.metadata.generation)
    expect(generations).toEqual([1, 1])
    await bench.kubectl('delete', 'rollout', name, '--timeout=150s')
    expect(bench.object('VirtualService', name)).toBeUndefined()
    const {labels: left = {}, annotations: stamps = {}} = bench.object('Service', refs.b)?.metadata ?? {}
    expect([left, stamps]).toEqual([{}, {}])
    expect(await bench.close()).toEqual([])
  })

  test('two Services that are there: the one that fails is rolled back', async () => {
    const bench = await openAdopted(site, 'source-services-bad', between)
    bench.traffic('b', 0.5)
    await serve(bench, 'b')
    await bench.until('a rollback', ({phase}) => phase === 'Failed')
    expect([bench.status().primary?.image, outcomes(bench)]).toEqual([refs.a, ['RolledBack']])
    expect(await bench.close()).toEqual([])
  })
})
