// Runs inside namespaces of its own: a control plane, the real kube-proxy, the installed chart and its controller, pods with
// real servers, and users who open a connection to the Service's address for every request, before the Rollout is there and
// after it is gone. Prints what was seen as JSON.
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import {startControlPlane} from '../control-plane.ts'
import {startLoad} from '../envoy/client.ts'
import {probedTarget, startPodServers} from '../envoy/pod-servers.ts'
import {reportRun} from '../envoy/report-run.ts'
import {namespace, pause, statusOf, until, type Watched} from '../envoy/waiting.ts'
import {installCrds, otherCrdPaths} from '../install-crds.ts'
import {installChart, startInstalled} from '../installation.ts'
import {type Kubectl, kubectlFor} from '../kubectl.ts'
import {image, name, rollout, service, settings} from '../release/fixture.ts'
import {startHistory} from '../release/history.ts'
import {startKubeProxy} from './kube-proxy.ts'
import type {Chapter, Report} from './report.ts'

const requestsPerSecond = 100
const replicas = 4
/** Between two chapters: what is at rest must stay right too. */
const restMilliseconds = 2000

/** One canary pod beside four of the primary's; each weight stays for so long. */
const canary = {canary: {steps: [{weight: 20}]}}
const plain = {
  traffic: {none: {settlingTime: '1s'}},
  strategy: canary,
  analysis: {interval: '8s', checks: []},
  bake: {duration: '3s'},
  drainTime: '2s',
}

interface World extends Watched {
  kubectl: Kubectl
}

/** What is done and awaited, with a rest after it. */
async function chapter(work: () => Promise<void>): Promise<Chapter> {
  const from = Date.now()
  await work()
  await pause(restMilliseconds)
  return {from, to: Date.now()}
}

async function merge(world: World, version: string): Promise<void> {
  await world.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

async function abort(world: World): Promise<void> {
  const {canary: tried, primary, phase} = statusOf(world)
  const revision = (phase === 'Baking' ? primary : tried)?.revision
  await world.kubectl('annotate', 'rollout', name, '--overwrite', `fairlead.dev/abort=${revision}`)
}

/** The release has ended in a phase, with this primary. */
function untilEnd(world: World, version: string, phase: string): Promise<void> {
  return until(world, `${phase} with ${version}`, status => {
    return status.phase === phase && status.release === undefined && status.primary?.image === image(version)
  })
}

async function report(world: World, address: string): Promise<Omit<Report, 'proxy'>> {
  const {kubectl, history} = world
  const load = startLoad({host: address, port: 80, hostname: name, requestsPerSecond, keepAlive: false})
  await pause(restMilliseconds)
  const adoption = await chapter(async () => {
    await kubectl.stdin(rollout(plain), 'create', '-f', '-')
    await until(world, 'adoption', status => status.phase === 'Healthy')
    await until(world, 'a target without pods', () => {
      return history.latest('Deployment', namespace, name)?.status?.replicas === undefined
    })
  })
  const promoted = await chapter(async () => {
    await merge(world, '2')
    await untilEnd(world, '2', 'Healthy')
  })
  const aborted = await chapter(async () => {
    await merge(world, '3')
    await until(world, 'weight of 3', status => status.canaryWeight === 20)
    await abort(world)
    await untilEnd(world, '2', 'Failed')
  })
  await kubectl(
    'patch',
    'rollout',
    name,
    '--type=merge',
    '-p',
    JSON.stringify({spec: {strategy: {canary: null, blueGreen: {}}}}),
  )
  const blueGreen = await chapter(async () => {
    await merge(world, '4')
    await untilEnd(world, '4', 'Healthy')
  })
  const switchedBack = await chapter(async () => {
    await merge(world, '5')
    await until(world, 'bake of 5', status => status.phase === 'Baking')
    await abort(world)
    await untilEnd(world, '4', 'Failed')
  })
  const deletion = await chapter(async () => {
    await kubectl('delete', 'rollout', name, '--timeout=150s')
  })
  await load.stop()
  const selector = await kubectl('get', 'service', name, '-o', 'jsonpath={.spec.selector}')
  return {
    selector,
    ...{adoption, canary: promoted, aborted, blueGreen, switchedBack, deletion},
    requests: load.requests,
    changes: history
      .changes(namespace)
      .map(({object}) => object)
      .filter(({kind}) => kind === 'Rollout'),
  }
}

async function run(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-'))
  const plane = await startControlPlane()
  installCrds(plane.kubeconfig, otherCrdPaths())
  await installChart(plane, 'install')
  const client = new KubeClient(
    new HttpTransport({connection: loadConnection({kubeconfig: plane.kubeconfig}), clock: systemClock()}),
  )
  const history = await startHistory(client, [
    {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout'},
    {apiVersion: 'apps/v1', kind: 'Deployment'},
    {apiVersion: 'v1', kind: 'Pod'},
  ])
  const servers = startPodServers(history, client, namespace)
  const proxy = await startKubeProxy(plane, folder)
  const kubectl = kubectlFor(plane.kubeconfig, namespace)
  await kubectl('create', 'namespace', namespace)
  await kubectl.stdin([settings('one'), service(), probedTarget({replicas})], 'create', '-f', '-')
  await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=150s')
  const address = await kubectl('get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}')
  const controller = await startInstalled(plane, 'http://127.0.0.1:9')
  const logs = () => controller.log().slice(-1500)
  const seen = await report({kubectl, history, servers, logs}, address)
  return {...seen, proxy: /Using \w+ Proxier/i.exec(proxy.output())?.[0] ?? proxy.output().slice(0, 2000)}
}

reportRun(run)
