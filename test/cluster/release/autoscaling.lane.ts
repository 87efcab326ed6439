// Autoscaling by the real HorizontalPodAutoscaler controller, whose figures come from a metrics API that the test steers.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type ControlPlane, startControlPlane} from '../control-plane.ts'
import {installCrds} from '../install-crds.ts'
import {kubectlFor} from '../kubectl.ts'
import {type MetricsApi, startMetricsApi} from '../metrics-api.ts'
import {type Bench, openBench, openSite, type Site} from './bench.ts'
import {image, name} from './fixture.ts'

let plane: ControlPlane
let site: Site
let metrics: MetricsApi

beforeAll(async () => {
  plane = await startControlPlane()
  installCrds(plane.kubeconfig)
  site = await openSite(plane.kubeconfig)
  metrics = await startMetricsApi(plane, site.client, kubectlFor(plane.kubeconfig))
})

afterAll(async () => {
  await metrics.close()
  await site.close()
  await plane.stop()
})

const targetMebibytes = 100
const deployment = {apiVersion: 'apps/v1', kind: 'Deployment', name}
const rolloutRef = {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', name}

/** Wants 100 MiB in each pod; follows a falling load at once. */
function autoscaler(scaleTargetRef: object): KubeObject {
  const resource = {name: 'memory', target: {type: 'AverageValue', averageValue: `${targetMebibytes}Mi`}}
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {name},
    spec: {
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{type: 'Resource', resource}],
      behavior: {scaleDown: {stabilizationWindowSeconds: 0}},
    },
  }
}

/** Waits until the autoscaler says that it is satisfied with a number of pods, at exactly the wanted load. */
async function satisfied(bench: Bench, replicas: number): Promise<void> {
  const path =
    '{.status.currentReplicas} {.status.desiredReplicas} {.status.conditions[?(@.type=="ScalingActive")].status}'
  const deadline = performance.now() + 60_000
  let said = ''
  while (said !== `${replicas} ${replicas} True`) {
    if (performance.now() > deadline) throw new Error(`the autoscaler says ${said}, not ${replicas} ${replicas} True`)
    said = await bench.kubectl('get', 'hpa', name, '-o', `jsonpath=${path}`)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}

const replicasOf = (bench: Bench, of: string) => bench.object('Deployment', of)?.spec?.replicas
const serves = (bench: Bench, version: string) =>
  bench.until(`${version} as primary`, status => status.phase === 'Healthy' && status.primary?.image === image(version))

describe.concurrent('an autoscaler', () => {
  test('of the Rollout gets a start, moves the serving slot, and never shrinks a release', async () => {
    const namespace = 'scaled-rollout'
    metrics.use(namespace, targetMebibytes)
    const bench = await openBench(site, namespace, {
      rollout: {strategy: {canary: {steps: [{weight: 10, pause: {}}, {weight: 50}]}}},
      before: kubectl => kubectl.stdin(autoscaler(rolloutRef), 'create', '-f', '-'),
    })
    await serves(bench, '1')
    await satisfied(bench, 2)
    metrics.use(namespace, targetMebibytes * 2)
    await bench.untilTrue('four pods or more in the slot', () => replicasOf(bench, `${name}-a`) >= 4)
    metrics.use(namespace, targetMebibytes)
    const steady: number = bench.rollout()?.spec?.replicas
    expect(steady).toBeGreaterThanOrEqual(4)
    expect(replicasOf(bench, name)).toBe(0)
    await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
    await bench.until('weight on the canary', ({canaryWeight}) => (canaryWeight ?? 0) > 0)
    const during: number = replicasOf(bench, `${name}-a`)
    // The load falls in the middle of the release: the capacity stays until the release has ended.
    metrics.use(namespace, targetMebibytes / 10)
    await bench.untilTrue('the wish for one pod', () => bench.rollout()?.spec?.replicas === 1)
    await new Promise(resolve => setTimeout(resolve, 3000))
    const {phase, canary} = bench.status()
    expect([phase, replicasOf(bench, `${name}-a`)]).toEqual(['Progressing', during])
    await bench.kubectl('annotate', 'rollout', name, `fairlead.dev/skip-step=${canary?.revision}`)
    await serves(bench, '2')
    await bench.untilTrue('a slot as small as wanted', () => replicasOf(bench, `${name}-b`) === 1)
    expect(await bench.close()).toEqual([])
  })

  test('that had already scaled the target is refused by name, and its number is adopted once it is moved', async () => {
    const namespace = 'scaled-target'
    metrics.use(namespace, targetMebibytes)
    const bench = await openBench(site, namespace, {
      async before(kubectl) {
        await kubectl.stdin(autoscaler(deployment), 'create', '-f', '-')
        metrics.use(namespace, targetMebibytes * 2)
        await kubectl('wait', `deployment/${name}`, '--for=jsonpath={.spec.replicas}=4', '--timeout=150s')
        metrics.use(namespace, targetMebibytes)
      },
    })
    const refused = await bench.until('a refusal', ({conditions}) =>
      (conditions ?? []).some(({reason, status}) => reason === 'AutoscalerOnTarget' && status === 'True'),
    )
    const message = refused.conditions?.find(({type}) => type === 'Stalled')?.message
    expect(message).toContain(`kind Rollout, name ${name}`)
    const scaled: number = replicasOf(bench, name)
    expect(scaled).toBeGreaterThanOrEqual(4)
    expect(bench.object('Deployment', `${name}-a`)).toBeUndefined()
    await bench.kubectl('patch', 'hpa', name, '-p', JSON.stringify({spec: {scaleTargetRef: rolloutRef}}))
    await serves(bench, '1')
    expect(bench.status().capacity).toBe(scaled)
    expect(replicasOf(bench, `${name}-a`)).toBe(scaled)
    await satisfied(bench, scaled)
    await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
    await serves(bench, '2')
    expect(replicasOf(bench, `${name}-b`)).toBe(scaled)
    expect(await bench.close()).toEqual([])
  })
})
