// Field ownership beside the GitOps tools: a second manager that applies server-side and by force, as Flux does, and one
// that applies client-side and prunes, as Argo CD does.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import type {Kubectl} from '../kubectl.ts'
import {type Bench, openBench, openSite, type Site} from './bench.ts'
import {image, name, service, settings, type TargetOptions, target} from './fixture.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => site.close())

type Tool = (kubectl: Kubectl, ...objects: KubeObject[]) => Promise<unknown>

/** Flux's kustomize-controller: server-side apply, by force, again at every interval. */
function flux(kubectl: Kubectl, ...objects: KubeObject[]): Promise<unknown> {
  const how = ['--server-side', '--force-conflicts', '--field-manager', 'kustomize-controller']
  const labels = {'kustomize.toolkit.fluxcd.io/name': 'shop', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system'}
  return kubectl.stdin(
    objects.map(object => marked(object, labels)),
    'apply',
    ...how,
    '-f',
    '-',
  )
}

/** Argo CD: client-side apply with the last-applied annotation, and a label that says what belongs to the application. */
function argo(kubectl: Kubectl, ...objects: KubeObject[]): Promise<unknown> {
  const items = objects.map(object => marked(object, {'app.kubernetes.io/instance': 'shop'}))
  return kubectl.stdin(items, 'apply', '--field-manager', 'argocd-controller', '-f', '-')
}

function marked(object: KubeObject, labels: Record<string, string>): KubeObject {
  return {...object, metadata: {...object.metadata, labels: {...object.metadata.labels, ...labels}}}
}

/** The Service as it is in Git where its selector was handed over. */
function serviceWithoutSelector(): KubeObject {
  const made = service()
  const {selector: _, ...spec} = made.spec ?? {}
  return {...made, spec}
}

/** A namespace whose objects the tool made. */
function open(tool: Tool, namespace: string, options: TargetOptions, rollout: Record<string, unknown> = {}) {
  const make = (kubectl: Kubectl) => tool(kubectl, settings('one'), service(), target(options))
  return openBench(site, namespace, {make, rollout})
}

const replicasOf = (bench: Bench, deployment: string) => bench.object('Deployment', deployment)?.spec?.replicas
/** The values that the target's replicas had, in order. */
function replicasSeen(bench: Bench): unknown[] {
  const targets = site.history.changes(bench.namespace).filter(({object}) => object.kind === 'Deployment')
  const counts = targets.filter(({object}) => object.metadata.name === name).map(({object}) => object.spec?.replicas)
  return counts.filter((count, index) => count !== counts[index - 1])
}
const stalled = (bench: Bench, ...words: string[]) =>
  bench.until(`a condition that tells of ${words}`, ({conditions}) =>
    (conditions ?? []).some(
      ({type, status, message}) =>
        type === 'Stalled' && status === 'True' && words.every(word => message?.includes(word)),
    ),
  )
const serves = (bench: Bench, version: string) =>
  bench.until(`${version} as primary`, status => status.phase === 'Healthy' && status.primary?.image === image(version))
/** Long enough for a few passes of the controller. */
const settle = () => new Promise(resolve => setTimeout(resolve, 3000))

for (const [tool, toolName, manager] of [
  [flux, 'flux', 'kustomize-controller'],
  [argo, 'argo', 'kubectl apply'],
] as const) {
  // Flux's forced apply owns the selector for ever; the user accepts that, or hands it over.
  const shared = toolName === 'flux' ? {service: {selector: 'shared'}} : {}

  describe.concurrent(`replicas beside a tool like ${toolName}`, () => {
    test('are refused while Git has them, and their number is kept when Git drops them', async () => {
      const bench = await open(tool, `own-replicas-${toolName}`, {replicas: 3}, shared)
      await stalled(bench, manager, 'spec.replicas', 'Rollout')
      expect(replicasOf(bench, name)).toBe(3)
      expect(bench.object('Deployment', `${name}-a`)).toBeUndefined()
      await tool(bench.kubectl, target({replicas: undefined}))
      await serves(bench, '1')
      expect(bench.status().capacity).toBe(3)
      await bench.untilTrue('a parked target', () => replicasOf(bench, name) === 0)
      // A client-side apply writes the default, 1, whoever else owns the field.
      expect(replicasSeen(bench)).toEqual(toolName === 'flux' ? [3, 0] : [3, 1, 0])
      // The tool's next interval, and then a merge.
      await tool(bench.kubectl, target({replicas: undefined}))
      await settle()
      expect([replicasOf(bench, name), replicasOf(bench, `${name}-a`)]).toEqual([0, 3])
      await tool(bench.kubectl, target({replicas: undefined, image: image('2')}))
      await serves(bench, '2')
      expect(replicasOf(bench, `${name}-b`)).toBe(3)
      expect(await bench.close()).toEqual([])
    })

    test('that come back into Git later are named, and what serves is left alone', async () => {
      const bench = await open(tool, `own-back-${toolName}`, {replicas: undefined}, {...shared, replicas: 2})
      await serves(bench, '1')
      await tool(bench.kubectl, target({replicas: 4}))
      await stalled(bench, manager, 'spec.replicas')
      await settle()
      expect(replicasOf(bench, `${name}-a`)).toBe(2)
      expect(bench.status().primary?.image).toBe(image('1'))
      await tool(bench.kubectl, target({replicas: undefined}))
      await bench.until('an end of the condition', ({conditions}) =>
        (conditions ?? []).every(({type, status}) => type !== 'Stalled' || status !== 'True'),
      )
      await bench.untilTrue('a parked target', () => replicasOf(bench, name) === 0)
      expect(await bench.close()).toEqual([])
    })
  })

  describe.concurrent(`slots beside a tool like ${toolName}`, () => {
    test('carry none of its labels and are not pruned with what does', async () => {
      const bench = await open(tool, `own-slots-${toolName}`, {replicas: undefined}, {...shared, replicas: 2})
      await serves(bench, '1')
      const kinds = 'deployments,services,configmaps,secrets,controllerrevisions,virtualservices,destinationrules'
      const listed = JSON.parse(await bench.kubectl('get', kinds, '-l', 'fairlead.dev/slot', '-o', 'json'))
      const items: KubeObject[] = listed.items
      expect(items.length).toBeGreaterThan(2)
      for (const {kind, metadata} of items) {
        const foreign = Object.keys(metadata.labels ?? {}).filter(key => !key.startsWith('fairlead.dev/'))
        expect({kind, of: metadata.name, foreign}).toEqual({kind, of: metadata.name, foreign: []})
        expect({of: metadata.name, owners: metadata.ownerReferences}).toEqual({of: metadata.name, owners: undefined})
      }
      // What the tool would prune as strays of its application.
      const label = toolName === 'flux' ? 'kustomize.toolkit.fluxcd.io/name=shop' : 'app.kubernetes.io/instance=shop'
      const strays = await bench.kubectl('get', kinds, '-l', label, '-o', 'name')
      expect(strays.trim().split('\n').toSorted()).toEqual([
        `configmap/${name}-settings`,
        `deployment.apps/${name}`,
        `service/${name}`,
      ])
      expect(await bench.close()).toEqual([])
    })

    test('end with everything else when the whole application is pruned in the foreground', async () => {
      const bench = await open(tool, `own-prune-${toolName}`, {replicas: undefined}, {...shared, replicas: 2})
      await serves(bench, '1')
      const everything = [`rollout/${name}`, `deployment/${name}`, `service/${name}`, `configmap/${name}-settings`]
      await bench.kubectl('delete', ...everything, '--cascade=foreground', '--timeout=150s')
      await bench.untilTrue('an end of the slots', () => bench.object('Deployment', `${name}-a`) === undefined)
      const left = await bench.kubectl('get', 'all', '-o', 'name')
      expect(
        left
          .trim()
          .split('\n')
          .filter(line => line.startsWith('deployment') || line.startsWith('service')),
      ).toEqual([])
      await bench.close()
    })
  })
}

describe.concurrent("the Service's selector", () => {
  test('is refused while Flux applies it, and taken over when Git drops it', async () => {
    const bench = await open(flux, 'own-selector', {replicas: undefined}, {replicas: 2})
    await stalled(bench, 'kustomize-controller', 'spec.selector', 'shared')
    expect(bench.object('Service', name)?.spec?.selector).toEqual({app: name})
    expect(bench.object('Deployment', `${name}-a`)).toBeUndefined()
    // Fairlead owns the field too by now: it neither vanishes nor changes before the slot takes over.
    await flux(bench.kubectl, serviceWithoutSelector())
    await serves(bench, '1')
    await bench.untilTrue(
      'a selector of one slot',
      () => bench.object('Service', name)?.spec?.selector?.['fairlead.dev/slot'] === 'a',
    )
    await flux(bench.kubectl, serviceWithoutSelector())
    await settle()
    expect(bench.object('Service', name)?.spec?.selector?.['fairlead.dev/slot']).toBe('a')
    expect(await bench.close()).toEqual([])
  })

  test('stays as Git has it where the user says shared, through a release and forced applies', async () => {
    const rollout = {replicas: 2, service: {selector: 'shared'}}
    const bench = await open(flux, 'own-shared', {replicas: undefined}, rollout)
    await serves(bench, '1')
    await flux(bench.kubectl, service(), target({replicas: undefined, image: image('2')}))
    await serves(bench, '2')
    expect(bench.object('Service', name)?.spec?.selector).toEqual({app: name})
    expect(await bench.close()).toEqual([])
  })

  test('that a client-side apply writes back is corrected', async () => {
    const bench = await open(argo, 'own-corrected', {replicas: undefined}, {replicas: 2})
    await serves(bench, '1')
    await bench.kubectl(
      'patch',
      'service',
      name,
      '--type=merge',
      '-p',
      '{"spec":{"selector":{"fairlead.dev/slot":"b"}}}',
    )
    await bench.untilTrue(
      'a selector of the serving slot',
      () => bench.object('Service', name)?.spec?.selector?.['fairlead.dev/slot'] === 'a',
    )
    await argo(bench.kubectl, service())
    await settle()
    expect(bench.object('Service', name)?.spec?.selector?.['fairlead.dev/slot']).toBe('a')
    await bench.close()
  })
})
