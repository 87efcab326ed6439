// Runs inside namespaces of its own: a control plane, Envoy Gateway with Envoy, Prometheus, the installed chart and its
// controller, pods with real servers, and users. Two releases, a good one and a bad one; prints what was seen as JSON.
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import {startControlPlane} from '../control-plane.ts'
import type {Controller} from '../controller.ts'
import {installCrds, otherCrdPaths} from '../install-crds.ts'
import {installChart, startInstalled} from '../installation.ts'
import {type Kubectl, kubectlFor} from '../kubectl.ts'
import {startPrometheus} from '../prometheus/server.ts'
import {image, name, rollout, service, settings} from '../release/fixture.ts'
import {type History, startHistory} from '../release/history.ts'
import {startLoad} from './client.ts'
import {gateway, gatewayPort, type RunningGateway, startEnvoyGateway} from './gateway.ts'
import {probedTarget, startPodServers} from './pod-servers.ts'
import type {ReleaseTimes, Report} from './report.ts'
import {reportRun} from './report-run.ts'
import {namespace, pause, statusOf, until, type Watched} from './waiting.ts'

const hostname = 'shop.example.com'
const requestsPerSecond = 200
const scrapeIntervalMilliseconds = 1000
/** Traffic before the first merge, and after each end: what is at rest must stay right too. */
const restMilliseconds = 3000

const gatewayRollout = {
  traffic: {gatewayAPI: {hosts: [hostname], parentRefs: [gateway], settlingTime: '2s'}},
  strategy: {canary: {steps: [{weight: 5}, {weight: 20}, {weight: 50}]}},
  analysis: {
    interval: '1s',
    // Envoy merges its histograms every 5 s: a window has to hold one such moment for sure.
    window: '8s',
    // Ten requests a second for the canary at first.
    preset: 'lowTraffic',
    checks: [
      {name: 'errors', compare: {metric: 'requestErrors'}},
      {name: 'latency', threshold: {metric: 'requestDuration', quantile: 0.9, max: 5000}},
    ],
  },
  bake: {duration: '3s'},
  drainTime: '2s',
}

/** What the run holds while it goes on. */
interface World extends Watched {
  kubectl: Kubectl
  gateway: RunningGateway
  controller: Controller
  startController(): Promise<Controller>
}

/** Follows what the run needs, in order, from its beginning. */
function follow(client: KubeClient): Promise<History> {
  return startHistory(client, [
    {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout'},
    {apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute'},
    {apiVersion: 'v1', kind: 'Pod'},
  ])
}

function merge(world: World, version: string): Promise<string> {
  return world.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

/** Waits until a version has the confirmed weight, as canary. */
function untilWeight(world: World, version: string, weight: number): Promise<void> {
  return until(world, `weight ${weight} of ${version}`, ({canary, canaryWeight, phase}) => {
    return phase === 'Progressing' && canary?.image === image(version) && canaryWeight === weight
  })
}

/** The merge of a version, and its end. */
async function release(world: World, version: string, phase: string): Promise<ReleaseTimes> {
  const before = statusOf(world).releases ?? 0
  const mergedAt = Date.now()
  await merge(world, version)
  await until(world, `end of the release of ${version}`, status => {
    return (status.releases ?? 0) > before && status.phase === phase && status.release === undefined
  })
  const endedAt = Date.now()
  await pause(restMilliseconds)
  return {mergedAt, endedAt}
}

/**
 * A release during which the controller crashes, that is superseded, and whose successor turns bad once it has all of the
 * traffic.
 */
async function troubledRelease(world: World): Promise<Report['troubled']> {
  const edit = (path: string, value: unknown) =>
    world.kubectl('patch', 'rollout', name, '--type=json', '-p', JSON.stringify([{op: 'add', path, value}]))
  await edit('/spec/strategy/canary/steps', [{weight: 50}])
  // However long the next controller takes to get the Lease, the release is still there when it does.
  await edit('/spec/pause', true)
  const mergedAt = Date.now()
  await merge(world, '3')
  await untilWeight(world, '3', 50)
  await world.controller.stop('SIGKILL')
  await merge(world, '4')
  world.controller = await world.startController()
  await until(world, 'release of 4', ({canary}) => canary?.image === image('4'))
  await edit('/spec/pause', false)
  await until(world, 'promotion of 4', ({phase, primary}) => phase === 'Baking' && primary?.image === image('4'))
  const brokenAt = Date.now()
  world.servers.breakImage(image('4'))
  await until(world, 'rollback of 4', ({phase, release: open}) => phase === 'Failed' && open === undefined)
  const endedAt = Date.now()
  await pause(restMilliseconds)
  return {mergedAt, brokenAt, endedAt}
}

async function report(world: World): Promise<Report> {
  const adoptionFrom = Date.now()
  await until(world, 'adoption', status => status.phase === 'Healthy')
  const adoptedAt = Date.now()
  const load = startLoad({host: '127.0.0.1', port: gatewayPort, hostname, requestsPerSecond, keepAlive: true})
  await pause(restMilliseconds)
  const good = await release(world, '2', 'Healthy')
  world.servers.breakImage(image('bad'))
  const bad = await release(world, 'bad', 'Failed')
  const troubled = await troubledRelease(world)
  await load.stop()
  const info = (await (await fetch(`http://${world.gateway.admin}/server_info`)).json()) as {version: string}
  return {
    envoy: info.version,
    adoptionMilliseconds: adoptedAt - adoptionFrom,
    good,
    bad,
    troubled,
    requests: load.requests,
    changes: world.history
      .changes(namespace)
      .map(({object}) => object)
      .filter(({kind}) => kind === 'Rollout' || kind === 'HTTPRoute'),
  }
}

async function run(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'envoy-'))
  const plane = await startControlPlane()
  installCrds(plane.kubeconfig, otherCrdPaths())
  await installChart(plane, 'install')
  const client = new KubeClient(
    new HttpTransport({connection: loadConnection({kubeconfig: plane.kubeconfig}), clock: systemClock()}),
  )
  const history = await follow(client)
  const servers = startPodServers(history, client, namespace)
  const running = await startEnvoyGateway(plane, folder)
  const prometheus = await startPrometheus({
    targets: [running.admin],
    metricsPath: '/stats/prometheus',
    scrapeIntervalMilliseconds,
  })
  const kubectl = kubectlFor(plane.kubeconfig, namespace)
  await kubectl('create', 'namespace', namespace)
  await kubectl.stdin([settings('one'), service(), probedTarget()], 'create', '-f', '-')
  await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=150s')
  await kubectl.stdin(rollout(gatewayRollout), 'create', '-f', '-')
  const startController = () => startInstalled(plane, prometheus.address)
  const world: World = {
    ...{kubectl, history, servers, gateway: running, startController},
    controller: await startController(),
    logs() {
      const route = JSON.stringify(history.latest('HTTPRoute', namespace, name)?.status)
      const ends = [this.controller.log(), running.process.output()].map(log => log.slice(-1500))
      return [route, ...ends].join('\n')
    },
  }
  return report(world)
}

reportRun(run)
