// Runs inside namespaces of its own: a control plane, istiod, and real Envoys as sidecars and as a gateway. Applies what
// mesh/istio renders, sends requests, and prints what became of them as JSON.
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import {istio} from '../../../mesh/istio/index.ts'
import {startControlPlane} from '../control-plane.ts'
import {reportRun} from '../envoy/report-run.ts'
import {installCrds, otherCrdPaths} from '../install-crds.ts'
import {kubectlFor} from '../kubectl.ts'
import {envoysSettled} from '../scenarios/envoys.ts'
import {play, type World} from '../scenarios/play.ts'
import type {Report, Request} from '../scenarios/report.ts'
import type {Place} from '../scenarios/send.ts'
import {servicePorts, startServers} from '../scenarios/servers.ts'
import {startIstiod} from './istiod.ts'
import {startProxy} from './proxy.ts'
import {scenarios} from './scenarios.ts'
import {
  type Caller,
  callers,
  gatewayAdminPort,
  gatewayPort,
  inboundPort,
  namespace,
  proxies,
  servers,
  siteObjects,
} from './site.ts'

const admins = [...Object.values(callers).map(({adminPort}) => adminPort), gatewayAdminPort].map(
  port => `127.0.0.1:${port}`,
)

function placeOf(from: string, protocol: Request['protocol']): Place {
  if (from === 'gateway') return {host: '127.0.0.1', port: gatewayPort}
  if (from === 'pod') return {host: servers['checkout-b'], port: inboundPort}
  return {host: callers[from as Caller].bind, port: servicePorts[protocol ?? 'http'].port}
}

async function run(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'istio-'))
  const plane = await startControlPlane({kubelet: 'none'})
  installCrds(plane.kubeconfig, otherCrdPaths())
  const kubectl = kubectlFor(plane.kubeconfig)
  for (const name of [namespace, 'jobs', 'infra', 'istio-system']) await kubectl('create', 'namespace', name)
  await kubectl.stdin(siteObjects(), 'create', '-f', '-')
  const client = new KubeClient(
    new HttpTransport({connection: loadConnection({kubeconfig: plane.kubeconfig}), clock: systemClock()}),
  )
  const settled = () => envoysSettled(admins)
  const world: World = {mesh: istio, client, namespace, seen: [], failing: new Set(), placeOf, settled}
  await startServers({...servers, 'behind-sidecar': '127.0.0.1'}, world.seen, world.failing)
  await startIstiod(plane, folder)
  for (const options of proxies()) await startProxy(options, folder)
  const report: Report = {}
  for (const [name, scenario] of Object.entries(scenarios)) report[name] = await play(world, scenario)
  return report
}

reportRun(run)
