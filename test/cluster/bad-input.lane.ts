// A cluster that is not as it should be: each fault is told where people look, nothing is done on half of the objects, and
// the controller goes on by itself once the fault is mended. One controller process lives through all of it.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {auditEvents} from './audit.ts'
import {type ControlPlane, startControlPlane} from './control-plane.ts'
import {type Controller, startController} from './controller.ts'
import {installCrds, otherCrdPaths} from './install-crds.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'
import {image, name, rollout, service, settings, target} from './release/fixture.ts'

const namespace = 'bad'
const user = 'fairlead-controller'
const ours = fileURLToPath(new URL('../../crds/generated', import.meta.url))
const [istio = ''] = otherCrdPaths()

let plane: ControlPlane
let kubectl: Kubectl
let controller: Controller

beforeAll(async () => {
  plane = await startControlPlane({audit: true})
  kubectl = kubectlFor(plane.kubeconfig, namespace)
  await kubectl('create', 'namespace', namespace)
  await grant('everything', [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}])
  // Nothing listens at port 9: no analysis runs here.
  controller = await startController({kubeconfig: plane.kubeconfigFor(user), prometheus: 'http://127.0.0.1:9'})
})

afterAll(async () => {
  await controller.stop()
  await plane.stop()
})

interface Rule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

/** Makes or replaces a ClusterRole that the controller's user has. */
async function grant(role: string, rules: Rule[]): Promise<void> {
  const group = 'rbac.authorization.k8s.io'
  const apiVersion = `${group}/v1`
  const objects = [
    {apiVersion, kind: 'ClusterRole', metadata: {name: role}, rules},
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: {name: role},
      roleRef: {apiGroup: group, kind: 'ClusterRole', name: role},
      subjects: [{apiGroup: group, kind: 'User', name: user}],
    },
  ]
  await kubectl.stdin(objects, 'apply', '-f', '-')
}

/** All rights but some verbs of one resource; another resource of its group keeps them. */
async function grantAllBut(resource: string, group: string, verbs: string[]): Promise<void> {
  const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']
  const groups = ['', 'apps', 'discovery.k8s.io', 'autoscaling', 'events.k8s.io', 'fairlead.dev', 'networking.istio.io']
  const named: Record<string, string[]> = {
    '': ['services', 'pods', 'configmaps', 'secrets', 'events', 'namespaces', 'persistentvolumeclaims'],
    apps: ['deployments', 'deployments/scale', 'controllerrevisions'],
  }
  const rules = groups.map(one => ({
    apiGroups: [one],
    resources: one === group ? (named[one] ?? []).filter(other => other !== resource) : ['*'],
    verbs: all,
  }))
  const rest = {apiGroups: [group], resources: [resource], verbs: all.filter(verb => !verbs.includes(verb))}
  const gateway = {
    apiGroups: ['gateway.networking.k8s.io', 'apiextensions.k8s.io', 'linkerd.io'],
    resources: ['*'],
    verbs: all,
  }
  await grant('everything', [...rules, rest, gateway])
}

const grantAll = () => grant('everything', [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}])

async function until(what: string, holds: () => Promise<boolean>, milliseconds = 60_000): Promise<void> {
  const startedAt = performance.now()
  while (!(await holds().catch(() => false))) {
    if (performance.now() - startedAt > milliseconds) {
      const status = await kubectl('get', 'rollout', name, '-o', 'jsonpath={.status}').catch(String)
      throw new Error(`no ${what}\n${status}\n${controller.log().slice(-3000)}`)
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function readiness(): Promise<{status: number; text: string}> {
  const answer = await fetch(`http://127.0.0.1:${controller.port}/readyz`)
  return {status: answer.status, text: await answer.text()}
}

const isReady = async () => (await readiness()).status === 200
const condition = (type: string) =>
  kubectl('get', 'rollout', name, '-o', `jsonpath={.status.conditions[?(@.type=="${type}")]}`)
const says = (type: string, ...words: string[]) =>
  condition(type).then(text => text.includes('"status":"True"') && words.every(word => text.includes(word)))
const logged = (message: string) => controller.log().split(`"msg":"${message}"`).length - 1
const promoted = (version: string) => () =>
  kubectl('get', 'rollout', name, '-o', 'jsonpath={.status.phase} {.status.primary.image}').then(
    text => text === `Healthy ${image(version)}`,
  )

/** Requests of the controller in the audit log, by what they ask for. */
function requests(verb: string, resource: string, subresource?: string): number {
  return auditEvents(plane.auditFile, user)
    .filter(({verb: asked, objectRef: of}) => asked === verb && of.resource === resource)
    .filter(({objectRef: of}) => of.subresource === subresource).length
}

const isStill = async (seconds: number, count: () => number, most: number) => {
  const before = count()
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  expect(count() - before).toBeLessThanOrEqual(most)
}

test('our kinds, then the kinds of the mesh, are missing and get installed', async () => {
  await until('readiness that names Rollout', async () => {
    const {status, text} = await readiness()
    return status === 503 && text.includes('fairlead.dev/v1alpha1/Rollout: not installed. Fix: apply')
  })
  installCrds(plane.kubeconfig, [ours])
  await until('readiness', isReady, 15_000)

  await kubectl.stdin([settings('one'), service(), target()], 'create', '-f', '-')
  await kubectl.stdin(rollout(), 'create', '-f', '-')
  await until('a condition', () => says('Stalled', 'MeshNotInstalled', 'VirtualService', 'install istio'))
  expect(await kubectl('get', 'events')).toContain('MeshNotInstalled')
  await isStill(3, () => requests('update', 'rollouts', 'status'), 0)
  installCrds(plane.kubeconfig, [istio])
  await until('adoption', promoted('1'))
})

test('a kind may not be read: the Rollout says so, is left as it is, and goes on with the right', async () => {
  await grantAllBut('pods', '', ['list', 'watch'])
  // Watches that run go on until the API server ends them: its restart does.
  await plane.stopApiServer()
  await plane.startApiServer()
  await until('a condition', () => says('Stalled', 'ReadForbidden', 'pods is forbidden', 'these verbs'))
  const {status, text} = await readiness()
  expect([status, text]).toEqual([
    503,
    expect.stringMatching(/v1\/Pod: pods is forbidden.*cannot (list|watch) resource/),
  ])
  await isStill(3, () => requests('update', 'rollouts', 'status'), 0)
  expect(await kubectl('get', 'deployment', `${name}-a`, '-o', 'jsonpath={.spec.replicas}')).toBe('2')
  await grantAll()
  await until('readiness', isReady, 20_000)
  await until('health', promoted('1'), 20_000)
})

test('a write is forbidden: the condition names verb and resource, and the right mends it', async () => {
  await grantAllBut('controllerrevisions', 'apps', ['patch', 'create'])
  await kubectl('set', 'image', `deployment/${name}`, `app=${image('forbidden')}`)
  await until('a condition', () => says('WriteRefused', 'ControllerRevision', 'cannot patch resource'))
  expect(await kubectl('get', 'events')).toContain('cannot patch resource')
  await isStill(5, () => requests('patch', 'controllerrevisions'), 4)
  await isStill(3, () => requests('update', 'rollouts', 'status'), 0)
  await grantAll()
  await until('a snapshot', async () => (await kubectl('get', 'controllerrevisions')).split('\n').length > 3, 40_000)
  await until('no condition', async () => (await condition('WriteRefused')) === '')
})

test('admission denies an object: the condition carries its words, and the policy going mends it', async () => {
  await kubectl('set', 'image', `deployment/${name}`, `app=${image('1')}`)
  await until('the old version', promoted('1'))
  await deny()
  await kubectl('scale', 'rollout', name, '--replicas', '3')
  try {
    await until('a condition', () => says('WriteRefused', 'no more pods today'))
    // A description that was held back may still follow; a loop would write on and on.
    await isStill(3, () => requests('update', 'rollouts', 'status'), 1)
  } finally {
    await kubectl('delete', 'validatingadmissionpolicybinding', 'deny')
    await kubectl('delete', 'validatingadmissionpolicy', 'deny')
  }
  const replicas = () => kubectl('get', 'deployment', `${name}-a`, '-o', 'jsonpath={.spec.replicas}')
  await until('the scale', async () => (await replicas()) === '3', 40_000)
  await until('no condition', async () => (await condition('WriteRefused')) === '')
})

async function deny(): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const rule = {apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'], operations: ['*']}
  const expression = `request.userInfo.username != '${user}'`
  const spec = {
    failurePolicy: 'Fail',
    matchConstraints: {resourceRules: [rule]},
    validations: [{expression, message: 'no more pods today'}],
  }
  const policy = {apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: {name: 'deny'}, spec}
  const binding = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: {name: 'deny'},
    spec: {policyName: 'deny', validationActions: ['Deny']},
  }
  await kubectl.stdin([policy, binding], 'create', '-f', '-')
  // A policy takes a moment until it denies.
  const probe = kubectlFor(plane.kubeconfigFor(user), namespace)
  await until('a denial', () =>
    probe('scale', 'deployment', name, '--replicas', '0').then(
      () => false,
      (error: Error) => error.message.includes('no more pods today'),
    ),
  )
}

test('the CustomResourceDefinition is of an older version: it is named, and its upgrade mends it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-old-crd-'))
  const crd = JSON.parse(await kubectl('get', 'crd', 'rollouts.fairlead.dev', '-o', 'json'))
  const old = structuredClone(crd)
  // As if the field were of a later version.
  delete old.spec.versions[0].schema.openAPIV3Schema.properties.status.properties.source
  delete old.metadata.managedFields
  writeFileSync(join(folder, 'old.json'), JSON.stringify(old))
  await kubectl('apply', '--server-side', '--force-conflicts', '-f', join(folder, 'old.json'))
  rmSync(folder, {recursive: true})
  await new Promise(resolve => setTimeout(resolve, 2000))
  await kubectl('set', 'image', `deployment/${name}`, `app=${image('older')}`)
  await until('a condition', () => says('Stalled', 'StatusRefused', 'rollouts.fairlead.dev', 'status.source'))
  expect(await kubectl('get', 'events')).toContain('StatusRefused')
  expect(logged('refused by the API server')).toBeGreaterThan(0)
  await isStill(5, () => requests('update', 'rollouts', 'status'), 6)
  installCrds(plane.kubeconfig, [ours])
  await until('the release', async () => !(await says('Stalled')), 40_000)
})

test('the API server is away for a minute: few lines, and work goes on within seconds of its return', async () => {
  const before = controller.log().split('\n').length
  await plane.stopApiServer('SIGKILL')
  await new Promise(resolve => setTimeout(resolve, 60_000))
  await plane.startApiServer()
  await kubectl('scale', 'rollout', name, '--replicas', '4')
  const replicas = () => kubectl('get', 'deployment', `${name}-a`, '-o', 'jsonpath={.spec.replicas}')
  await until('the scale', async () => (await replicas()) === '4', 45_000)
  expect(controller.log().split('\n').length - before).toBeLessThan(150)
}, 150_000)
