// The embedded default as one thing: API emulator, workload runner, proxy, metrics store and an alert receiver, all on
// loopback in this process; Git and the real controller beside it.
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {stringify} from 'yaml'
import type {KubeObject} from '../../crds/meta.ts'
import {definitionOf, kinds} from '../../crds/resources.ts'
import {meshCrds, type Store, startApiServer} from '../api/index.ts'
import {freePort} from '../free-port.ts'
import {MetricStore, startPrometheusApi, startScraper} from '../metrics/index.ts'
import {startProxy} from '../proxy/index.ts'
import {seededRandom, startWorkloadRunner} from '../workloads/index.ts'
import {type AlertReceiver, startAlertReceiver} from './alert-receiver.ts'
import {type ControllerProcess, startControllerProcess} from './controller-process.ts'
import {
  type DemoVersion,
  demoName,
  demoNamespace,
  gatewayClassManifest,
  gitSyncManifest,
  insiders,
  publicHost,
} from './manifests.ts'
import {createRepository, type DemoRepository} from './repository.ts'
import {startTraffic, type Traffic} from './traffic.ts'
import type {DemoVariant} from './variants.ts'

export interface DemoEnvironment {
  folder: string
  kubeconfig: string
  proxyUrl: string
  prometheusUrl: string
  logFile: string
  store: Store
  alerts: AlertReceiver
  repository: DemoRepository
  controller: ControllerProcess
  traffic(): Traffic
  close(): Promise<void>
}

const scrapeMilliseconds = 500
const requestsPerSecond = 100
const requestTimeoutMilliseconds = 5000
const propagationMilliseconds = 200

/** Starts everything in a temporary folder; the first version is in Git, and the GitSync follows it. */
export async function startEnvironment(first: DemoVersion, variant: DemoVariant): Promise<DemoEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-demo-'))
  const api = await startApiServer()
  for (const crd of [...kinds.map(definitionOf), ...meshCrds]) api.store.create(structuredClone(crd) as KubeObject)
  api.store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: demoNamespace}})
  api.store.create(gatewayClassManifest() as KubeObject)
  const runner = startWorkloadRunner({store: api.store, random: seededRandom(1)})
  const proxy = await startProxy({
    store: api.store,
    random: seededRandom(2),
    settings: {clientNamespace: demoNamespace, propagationMilliseconds},
  })
  const metrics = new MetricStore()
  const scraper = startScraper({
    store: metrics,
    targets: [{url: proxy.metricsUrl, labels: {job: 'mesh', instance: 'proxy'}}],
    intervalMilliseconds: scrapeMilliseconds,
  })
  const prometheus = await startPrometheusApi({store: metrics})
  const alerts = await startAlertReceiver()
  const repository = await createRepository(folder, first, alerts.url, variant)
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, stringify(kubeconfigOf(api.url)), {mode: 0o600})
  const logFile = join(folder, 'controller.log')
  const gitCache = join(folder, 'git-cache')
  await mkdir(gitCache)
  const controller = startControllerProcess({
    kubeconfig,
    prometheus: prometheus.url,
    gitCache,
    logFile,
    port: await freePort(),
  })
  api.store.create(gitSyncManifest(repository.url) as KubeObject)
  return {
    folder,
    kubeconfig,
    proxyUrl: proxy.url,
    prometheusUrl: prometheus.url,
    logFile,
    store: api.store,
    alerts,
    repository,
    controller,
    traffic: () =>
      startTraffic({
        url: proxy.url,
        host: variant.mesh === 'gateway-api' ? publicHost : `${demoName}.${demoNamespace}.svc.cluster.local`,
        special: variant.strategy === 'ab' ? insiders : undefined,
        requestsPerSecond,
        timeoutMilliseconds: requestTimeoutMilliseconds,
      }),
    async close() {
      await controller.close()
      await scraper.close()
      await proxy.close()
      runner.close()
      await prometheus.close()
      await alerts.close()
      await api.close()
      await rm(folder, {recursive: true, force: true})
    },
  }
}

function kubeconfigOf(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 'playground', cluster: {server}}],
    users: [{name: 'playground', user: {}}],
    contexts: [{name: 'playground', context: {cluster: 'playground', user: 'playground', namespace: demoNamespace}}],
    'current-context': 'playground',
  }
}
