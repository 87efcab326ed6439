// Runs inside namespaces of its own: a control plane, Envoy Gateway with its Envoy. Applies what mesh/gateway-api renders,
// sends requests, and prints what became of them as JSON.
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import {gatewayAPI} from '../../../mesh/gateway-api/index.ts'
import {startControlPlane} from '../control-plane.ts'
import {gatewayPort, startEnvoyGateway} from '../envoy/gateway.ts'
import {reportRun} from '../envoy/report-run.ts'
import {installCrds, otherCrdPaths} from '../install-crds.ts'
import {kubectlFor} from '../kubectl.ts'
import {envoysSettled} from '../scenarios/envoys.ts'
import {play, type World} from '../scenarios/play.ts'
import type {Report} from '../scenarios/report.ts'
import {servicesOf, startServers} from '../scenarios/servers.ts'
import {namespace, scenarios} from './scenarios.ts'

const servers = {checkout: '10.1.0.1', 'checkout-a': '10.1.0.2', 'checkout-b': '10.1.0.3'}

/** Requests that Envoy has counted so far, by its name for the cluster. */
async function requestsByCluster(admin: string): Promise<Map<string, number>> {
  const text = await (await fetch(`http://${admin}/stats/prometheus`)).text()
  const counts = new Map<string, number>()
  for (const [, name = '', value] of text.matchAll(
    /^envoy_cluster_upstream_rq\{[^}]*envoy_cluster_name="([^"]*)"[^}]*\} (\d+)$/gm,
  )) {
    counts.set(name, (counts.get(name) ?? 0) + Number(value))
  }
  return counts
}

async function run(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  const plane = await startControlPlane({kubelet: 'none'})
  installCrds(plane.kubeconfig, otherCrdPaths())
  const running = await startEnvoyGateway(plane, folder)
  const kubectl = kubectlFor(plane.kubeconfig)
  await kubectl('create', 'namespace', namespace)
  await kubectl.stdin(servicesOf(namespace, servers), 'create', '-f', '-')
  const client = new KubeClient(
    new HttpTransport({connection: loadConnection({kubeconfig: plane.kubeconfig}), clock: systemClock()}),
  )
  const world: World = {
    mesh: gatewayAPI,
    client,
    namespace,
    seen: [],
    failing: new Set(),
    placeOf: () => ({host: '127.0.0.1', port: gatewayPort}),
    settled: () => envoysSettled([running.admin]),
    counts: () => requestsByCluster(running.admin),
  }
  await startServers(servers, world.seen, world.failing)
  const report: Report = {}
  for (const [name, scenario] of Object.entries(scenarios)) report[name] = await play(world, scenario)
  return report
}

reportRun(run)
