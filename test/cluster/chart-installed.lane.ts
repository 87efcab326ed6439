// The chart as it is installed by the real Helm on a control plane of its own: what its ServiceAccount may do, the guard
// of the slots, and what stays when it goes.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {systemClock} from '../../controller/shell/clock.ts'
import {HttpTransport} from '../../controller/shell/http-transport.ts'
import {KubeClient} from '../../controller/shell/kube-client.ts'
import {loadConnection} from '../../controller/shell/kube-config.ts'
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {fieldManager} from '../../crds/names.ts'
import {chart, controllerFlags, helm, release, releaseNamespace, renderChart, valuesFlags} from './chart.ts'
import {type ControlPlane, startControlPlane} from './control-plane.ts'
import {startController} from './controller.ts'
import {installCrds, otherCrdPaths} from './install-crds.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'
import {untilUp} from './process.ts'

const shop = 'shop'
const values = {admissionPolicy: {enabled: true}}
const readyMilliseconds = 60_000

let plane: ControlPlane
let admin: Kubectl
/** Kubeconfig of the chart's ServiceAccount. */
const account = {kubeconfig: ''}
let asController: Kubectl
let controller: KubeClient
let transport: HttpTransport

/** An ordinary Deployment of one pod, or with the labels of a slot. */
function deployment(name: string, labels: Record<string, string>): KubeObject {
  const spec = {containers: [{name: 'app', image: 'app:1'}], terminationGracePeriodSeconds: 0}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name, namespace: shop, labels},
    spec: {replicas: 2, selector: {matchLabels: labels}, template: {metadata: {labels}, spec}},
  }
}

function ref(kind: 'Deployment' | 'Service', name: string): ObjectRef {
  return {apiVersion: kind === 'Service' ? 'v1' : 'apps/v1', kind, namespace: shop, name}
}

/** A slot's DaemonSet, without pods here: no node has the label that it asks for. */
function daemonSet(name: string, labels: Record<string, string>): KubeObject {
  const {selector, template} = deployment(name, labels).spec
  const spec = {...template.spec, nodeSelector: {daemons: 'guarded'}}
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {name, namespace: shop, labels},
    spec: {selector, template: {...template, spec}},
  }
}

const slotLabels = {'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'a'}

function slotService(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {name: 'checkout-a', namespace: shop, labels: slotLabels},
    spec: {selector: slotLabels, ports: [{port: 80}]},
  }
}

/** The API server takes new policies up within a second or so. */
async function untilGuarded(): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const refused = await admin('delete', 'deployment', 'checkout-a', '--dry-run=server').then(
      () => false,
      () => true,
    )
    if (refused) return
    if (performance.now() > deadline) throw new Error('the admission policies are not in force')
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

function installed(action: 'install' | 'upgrade', more: object = {}): Promise<string> {
  const where = ['--namespace', releaseNamespace, '--create-namespace', '--kubeconfig', plane.kubeconfig]
  return helm(action, release, chart, ...where, '--wait', '--timeout', '150s', ...valuesFlags({...values, ...more}))
}

beforeAll(async () => {
  plane = await startControlPlane()
  installCrds(plane.kubeconfig, otherCrdPaths())
  await installed('install')
  admin = kubectlFor(plane.kubeconfig, shop)
  const token = await kubectlFor(plane.kubeconfig)('create', 'token', release, '--namespace', releaseNamespace)
  account.kubeconfig = plane.kubeconfigWithToken('controller', token.trim())
  const {kubeconfig} = account
  asController = kubectlFor(kubeconfig, shop)
  transport = new HttpTransport({connection: loadConnection({kubeconfig}), clock: systemClock()})
  controller = new KubeClient(transport)
  await admin('create', 'namespace', shop)
  const agent = {...slotLabels, 'fairlead.dev/rollout': 'agent'}
  const slots = [deployment('checkout-a', slotLabels), daemonSet('agent-a', agent), slotService()]
  const objects = [...slots, deployment('plain', {app: 'plain'})]
  await admin.stdin(objects, 'apply', '--server-side', '-f', '-')
  await untilGuarded()
})

afterAll(async () => {
  await transport.close()
  await plane.stop()
})

describe('what the ServiceAccount may do', () => {
  const may = (...question: string[]) =>
    asController('auth', 'can-i', ...question).then(
      answer => answer.trim(),
      () => 'no',
    )

  test.each([
    ['yes', ['patch', 'rollouts.fairlead.dev']],
    ['yes', ['update', 'rollouts.fairlead.dev', '--subresource=status']],
    ['yes', ['patch', 'deployments.apps', '--subresource=scale']],
    ['yes', ['patch', 'leases.coordination.k8s.io', '-n', releaseNamespace]],
    ['no', ['patch', 'leases.coordination.k8s.io', '-n', shop]],
    ['no', ['get', 'secrets']],
    ['no', ['list', 'secrets']],
    ['no', ['create', 'pods']],
    ['no', ['delete', 'rollouts.fairlead.dev']],
    ['no', ['escalate', 'clusterroles.rbac.authorization.k8s.io']],
  ])('%s: %j', async (answer, question) => {
    expect(await may(...question)).toBe(answer)
  })
})

test('the controller gets ready with the arguments and permissions of the chart', async () => {
  const flags = controllerFlags(await renderChart(values))
  const {kubeconfig} = account
  const running = await startController({kubeconfig, prometheus: 'http://127.0.0.1:9', flags})
  try {
    const ready = () => fetch(`http://127.0.0.1:${running.port}/readyz`).then(answer => answer.ok)
    await untilUp('the controller', running.process, ready, readyMilliseconds)
    expect(running.log()).not.toContain('forbidden')
  } finally {
    await running.stop()
  }
})

describe('the guard of the slots', () => {
  test.each([
    ['delete', 'deployment', 'checkout-a'],
    ['delete', 'deployment', 'checkout-a', '--cascade=orphan'],
    ['delete', 'deployment', '-l', 'fairlead.dev/slot'],
    ['delete', 'service', 'checkout-a'],
    ['scale', 'deployment', 'checkout-a', '--replicas=0'],
    ['scale', 'deployment', 'checkout-a', '--replicas=1'],
    ['patch', 'deployment', 'checkout-a', '--type=merge', '--patch={"spec":{"replicas":0}}'],
    ['delete', 'daemonset', 'agent-a', '--cascade=orphan'],
    ['patch', 'daemonset', 'agent-a', '--patch={"spec":{"template":{"spec":{"nodeName":"none"}}}}'],
  ])('nobody else may %s %s %s %s', async (...command) => {
    await expect(admin(...command)).rejects.toThrow(/is a slot of (a )?Rollout.* may carry traffic/)
  })

  test('what takes nothing away is allowed, and so is everything elsewhere', async () => {
    await admin('scale', 'deployment', 'checkout-a', '--replicas=3')
    await admin('annotate', 'deployment', 'checkout-a', 'example.com/note=1')
    await admin('annotate', 'service', 'checkout-a', 'example.com/note=1')
    await admin('annotate', 'daemonset', 'agent-a', 'example.com/note=1')
    await admin('scale', 'deployment', 'plain', '--replicas=0')
    await admin('delete', 'deployment', 'plain', '--cascade=orphan')
  })

  test('the controller may, and a slot without pods is no longer guarded', async () => {
    await controller.scale(ref('Deployment', 'checkout-a'), 1, {fieldManager})
    expect(await admin('get', 'deployment', 'checkout-a', '-o', 'jsonpath={.spec.replicas}')).toBe('1')
    const other = deployment('checkout-b', {...slotLabels, 'fairlead.dev/slot': 'b'})
    await admin.stdin(other, 'apply', '--server-side', '-f', '-')
    await controller.scale(ref('Deployment', 'checkout-b'), 0, {fieldManager})
    await admin('delete', 'deployment', 'checkout-b')
    expect(await controller.delete(ref('Service', 'checkout-a'), {propagation: 'Background'})).toBe(true)
  })

  test('a namespace goes with its slots', async () => {
    await kubectlFor(plane.kubeconfig)('delete', 'namespace', shop, '--timeout=150s')
    await expect(admin('get', 'namespace', shop)).rejects.toThrow(/not found/)
  })
})

test('an upgrade brings changed CRDs, and uninstalling leaves them', async () => {
  const kubectl = kubectlFor(plane.kubeconfig)
  await kubectl(
    'patch',
    'crd',
    'rollouts.fairlead.dev',
    '--type=json',
    '--patch=[{"op":"remove","path":"/spec/versions/0/additionalPrinterColumns"}]',
  )
  expect(await installed('upgrade', {replicaCount: 1})).toContain('REVISION: 2')
  const columns = await kubectl(
    'get',
    'crd',
    'rollouts.fairlead.dev',
    '-o',
    'jsonpath={.spec.versions[0].additionalPrinterColumns[0].name}',
  )
  expect(columns).toBe('Phase')
  await helm('uninstall', release, '--namespace', releaseNamespace, '--kubeconfig', plane.kubeconfig, '--wait')
  expect(await kubectl('get', 'crd', 'rollouts.fairlead.dev', '-o', 'name')).toContain('rollouts.fairlead.dev')
  expect(
    await kubectl(
      'get',
      'clusterroles,clusterrolebindings,validatingadmissionpolicies',
      '-l',
      `app.kubernetes.io/instance=${release}`,
      '-o',
      'name',
    ),
  ).toBe('')
  expect(await installed('install')).toContain('STATUS: deployed')
})
