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
import {type Counter, play, type World} from '../scenarios/play.ts'
import type {Report} from '../scenarios/report.ts'
import {servicesOf, startServers} from '../scenarios/servers.ts'
import {namespace, scenarios} from './scenarios.ts'

const servers = {checkout: '10.1.0.1', 'checkout-a': '10.1.0.2', 'checkout-b': '10.1.0.3'}

/** Envoy's counters of requests, as a scrape of Prometheus reads them. */
async function requestCounters(admin: string): Promise<Counter[]> {
  const text = await (await fetch(`http://${admin}/stats/prometheus`)).text()
  const read = new RegExp(`^(${gatewayAPI.counters[0]?.metrics.join('|')})$`)
  return [...text.matchAll(/^(\w+)\{([^}]*)\} (\d+)$/gm)].flatMap(([, name = '', labels = '', value]) => {
    if (!read.test(name)) return []
    const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text])
    return [{labels: {__name__: name, ...Object.fromEntries(pairs)}, value: Number(value)}]
  })
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
    counts: () => requestCounters(running.admin),
  }
  await startServers(servers, world.seen, world.failing)
  const report: Report = {}
  for (const [name, scenario] of Object.entries(scenarios)) report[name] = await play(world, scenario)
  return report
}

reportRun(run)
