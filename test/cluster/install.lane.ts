// docs/install.md as a user does it: the marked blocks are run as they stand, in a shell, one after the other.
import {execFile} from 'node:child_process'
import {mkdirSync, readFileSync, symlinkSync} from 'node:fs'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {type ControlPlane, startControlPlane} from './control-plane.ts'
import type {Controller} from './controller.ts'
import {installCrds, otherCrdPaths} from './install-crds.ts'
import {startInstalled} from './installation.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'
import {part} from './parts.ts'
import {type PrometheusServer, startPrometheus} from './prometheus/server.ts'
import {type MeshExporter, startMeshExporter} from './release/mesh-exporter.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blocks = new Map(
  [...readFileSync(join(root, 'docs/install.md'), 'utf8').matchAll(/<!-- block: (\S+) -->\n```sh\n([^]*?)```/g)].map(
    ([, name = '', text = '']) => [name, text],
  ),
)

let plane: ControlPlane
let kubectl: Kubectl
let exporter: MeshExporter
let prometheus: PrometheusServer
let controller: Controller | undefined
const ran = new Set<string>()

beforeAll(async () => {
  plane = await startControlPlane()
  installCrds(plane.kubeconfig, otherCrdPaths())
  kubectl = kubectlFor(plane.kubeconfig, 'shop')
  exporter = await startMeshExporter()
  prometheus = await startPrometheus({targets: [exporter.target], scrapeIntervalMilliseconds: 500})
  const tools = join(plane.folder, 'bin')
  mkdirSync(tools)
  symlinkSync(part('helm'), join(tools, 'helm'))
}, 120_000)

afterAll(async () => {
  await controller?.stop()
  await prometheus.stop()
  await exporter.close()
  await plane.stop()
})

/** Runs a block of the page. @throws Error with its output when a command of it fails */
async function run(block: string): Promise<string> {
  const script = blocks.get(block)
  if (script === undefined) throw new Error(`docs/install.md has no block ${block}`)
  ran.add(block)
  const PATH = [join(plane.folder, 'bin'), process.env.PATH].join(delimiter)
  const env = {...process.env, PATH, KUBECONFIG: plane.kubeconfig}
  const {stdout} = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {cwd: root, env})
  return stdout
}

/** What the installed Deployment would run. */
async function startPods(): Promise<void> {
  controller = await startInstalled(plane, prometheus.address)
}

async function until(what: string, holds: () => Promise<boolean>, milliseconds = 60_000): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`no ${what}\n${controller?.log().slice(-3000)}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

const get = (object: string, path: string) => kubectl('get', object, '-o', `jsonpath={${path}}`)

test('install, first Rollout, upgrade in the middle of a release, uninstall in order', async () => {
  await run('install')
  await startPods()
  await run('first-workload')
  await run('first-rollout')
  expect(await run('first-release')).toContain('PHASE')
  await until('weight on the canary', async () => (await get('rollout/checkout', '.status.canaryWeight')) === '10')
  const before = await get('rollout/checkout', '.status.release')
  await run('upgrade')
  await controller?.stop('SIGTERM')
  await startPods()
  await until('a new leader', async () => controller?.log().includes('"msg":"leading"') === true)
  // The new controller goes on with the very release that the old one had begun.
  const after = await get('rollout/checkout', '.status.release')
  expect(JSON.parse(after).startedAt).toBe(JSON.parse(before).startedAt)
  expect(await get('rollout/checkout', '.status.canaryWeight')).toBe('10')
  const revision = await get('rollout/checkout', '.status.canary.revision')
  await kubectl('annotate', 'rollout', 'checkout', `fairlead.dev/promote=${revision}`)
  await until('the promotion', async () => (await get('rollout/checkout', '.status.phase')) === 'Baking')
  await run('delete-rollouts')
  expect(await get('deployment/checkout', '.status.readyReplicas')).toBe('2')
  expect(await get('deployment/checkout', '.spec.template.spec.containers[0].image')).toContain('1.1.0')
  await run('delete-git-syncs')
  await run('uninstall')
  await controller?.stop('SIGTERM')
  await run('delete-crds')
}, 240_000)

test('uninstalled in the wrong order, traffic stays, and the chart put back gives everything back', async () => {
  await run('install')
  await startPods()
  await run('first-rollout')
  await run('uninstall')
  await controller?.stop('SIGTERM')
  const route = await get('virtualservice/checkout', '.spec')
  await kubectl('delete', 'rollout', 'checkout', '--wait=false')
  await new Promise(resolve => setTimeout(resolve, 3000))
  expect(await get('rollout/checkout', '.metadata.finalizers[0]')).toBe('fairlead.dev/rollout')
  expect(await get('virtualservice/checkout', '.spec')).toBe(route)
  expect(await get('deployment/checkout-a', '.status.readyReplicas')).toBe('2')
  // `reinstall` waits for the Rollouts to go, which the pods of the chart see to.
  const reinstalled = run('reinstall')
  await until('the ServiceAccount', async () => {
    await kubectlFor(plane.kubeconfig, 'fairlead-system')('get', 'serviceaccount', 'fairlead')
    return true
  })
  await startPods()
  await reinstalled
  expect(await get('deployment/checkout', '.status.readyReplicas')).toBe('2')
  expect([...ran].sort()).toEqual([...blocks.keys()].sort())
}, 240_000)
