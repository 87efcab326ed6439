// The controller's main: everything is made here, once, and handed down.
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import {GitSyncReconciler} from '../../gitops/controller.ts'
import type {Clock, Cluster, Metrics, Random} from '../ports.ts'
import {AlertSender} from './alert-sender.ts'
import {passBackoff} from './backoff.ts'
import {Caches} from './caches.ts'
import {systemClock, systemRandom} from './clock.ts'
import type {ControllerConfig} from './config.ts'
import {Evaluator} from './evaluate.ts'
import {EventRecorder} from './event-recorder.ts'
import {httpConfigFile, SecretHttpConfigs} from './http-config.ts'
import {startHttpServer} from './http-server.ts'
import {HttpTransport} from './http-transport.ts'
import {KubeClient} from './kube-client.ts'
import {loadConnection} from './kube-config.ts'
import {createLeadership, type Leadership} from './leadership.ts'
import {createLogger, type Logger} from './log.ts'
import {HttpNotifier} from './notifier.ts'
import {createRolloutObserver} from './rollout-observer.ts'
import {RolloutReconciler} from './rollout-reconciler.ts'
import {Telemetry} from './telemetry.ts'
import {type PassResult, WorkQueue} from './work-queue.ts'

export interface RunningController {
  /** Port of the health and metrics endpoints. */
  port: number
  /** Ends passes that are under way, then everything else. */
  close(): Promise<void>
}

/** How long a shutdown waits for passes that are under way. */
const shutdownMilliseconds = 10_000

/** What everything else is made of. */
interface Base {
  config: ControllerConfig
  log: Logger
  clock: Clock
  random: Random
  telemetry: Telemetry
  baseUrl: string
  transport: HttpTransport
  /** Only the leader writes through it. */
  cluster: Cluster
  client: KubeClient
  leadership: Leadership
  events: EventRecorder
  caches: Caches
}

function createBase(config: ControllerConfig): Base {
  const log = createLogger({level: config.logLevel})
  const clock = systemClock()
  const random = systemRandom()
  const telemetry = new Telemetry({processMetrics: true})
  const connection = loadConnection({
    ...(config.kubeconfig ? {kubeconfig: config.kubeconfig} : {}),
    ...(config.context ? {context: config.context} : {}),
    ...(config.kubeconfigVariable ? {kubeconfigVariable: config.kubeconfigVariable} : {}),
  })
  const onAnswer = (verb: string, code: string) => telemetry.countApiRequest(verb, code)
  const transport = new HttpTransport({connection, clock, onAnswer})
  const client = new KubeClient(transport)
  const caches = new Caches({
    source: client,
    clock,
    random,
    log,
    ...(config.namespace ? {namespace: config.namespace} : {}),
    ...(config.meshes ? {meshes: config.meshes} : {}),
    ...(config.secretNamespaces ? {secretNamespaces: config.secretNamespaces} : {}),
  })
  const {namespace, baseUrl} = connection
  const leadership = createLeadership({config, cluster: client, clock, log, telemetry, caches, namespace})
  const {cluster} = leadership
  const events = new EventRecorder({cluster, clock, random, log, instance: 'fairlead'})
  return {config, log, clock, random, telemetry, baseUrl, transport, cluster, client, leadership, events, caches}
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}

/** A queue whose passes are counted and logged. */
function createQueue(base: Base, name: string, process: (key: string) => Promise<PassResult>): WorkQueue {
  const {clock, random, telemetry, log, config} = base
  const failed = (key: string, error: unknown, failures: number, delayMilliseconds: number) => {
    telemetry.countReconcileError(name, 'internal')
    // The first failures and then ever fewer: a trouble that lasts must not fill the log.
    if (!isPowerOfTwo(failures)) return
    log.error(
      {key, failures, delayMilliseconds, detail: error instanceof Error ? error.message : 'unknown'},
      'pass failed',
    )
  }
  return new WorkQueue({
    process,
    clock,
    random,
    concurrency: config.concurrency,
    backoffAfter: passBackoff,
    hooks: {...telemetry.queueHooks(name), failed},
  })
}

function createRolloutQueue(base: Base): WorkQueue {
  const {config, log, clock, telemetry, cluster, events, caches} = base
  const alerts = new AlertSender({
    notifier: new HttpNotifier(),
    cluster,
    lookup: caches,
    clock,
    enqueue: key => queue.add(key),
    failed: (rollout, channel, message) => {
      log.warn({rollout: rollout.metadata.name, channel, detail: message}, 'alert not delivered')
      events.record(rollout, 'Warning', 'AlertNotDelivered', `AlertChannel ${channel}: ${message}`)
    },
  })
  const evaluator = new Evaluator(
    {metrics: metricsOf(config, clock), lookup: caches, configs: new SecretHttpConfigs(cluster, clock)},
    clock,
  )
  const observer = createRolloutObserver({log, telemetry, events, clock})
  const reconciler = new RolloutReconciler({cluster, lookup: caches, evaluator, clock, alerts, observer})
  const queue: WorkQueue = createQueue(base, 'rollout', key => reconciler.reconcile(key))
  caches.onRollout(key => queue.add(key))
  return queue
}

function createGitSyncQueue(base: Base): WorkQueue {
  const {config, log, clock, cluster, client, events, caches} = base
  const reconciler = new GitSyncReconciler({
    cluster,
    clock,
    log,
    cacheDirectory: config.gitCache,
    allowFile: config.allowFileRepositories,
    scopeOf: (apiVersion, kind) => client.scopeOf(apiVersion, kind),
    events: (object, type, reason, message) => events.record(object, type, reason, message),
    searchPath: config.searchPath,
  })
  const queue = createQueue(base, 'gitsync', key => reconciler.reconcile(key))
  caches.onGitSync(key => queue.add(key))
  return queue
}

/** Starts the controller. @throws Error when the configuration can't work, such as a missing kubeconfig */
export async function startController(config: ControllerConfig): Promise<RunningController> {
  const base = createBase(config)
  const {caches, events, leadership, log, telemetry, transport} = base
  const queues = [createRolloutQueue(base), createGitSyncQueue(base)]
  let synced = false
  const server = await startHttpServer({
    host: config.host,
    port: config.port,
    readiness() {
      const reasons = caches.troubles()
      return {ready: synced && reasons.length === 0, reasons}
    },
    metrics: () => telemetry.render(),
  })
  caches.start()
  // Passes wait for every cache: a decision on half of the objects would take the others for missing.
  void caches.synced().then(states => {
    const missing = [...states].filter(([, state]) => state === 'missing').map(([kind]) => kind)
    log.info({missing, server: base.baseUrl, port: server.port}, 'caches are filled')
    synced = true
    void leadership.start(queues)
  })
  return {
    port: server.port,
    async close() {
      await Promise.all(queues.map(queue => queue.drain(shutdownMilliseconds)))
      await events.flush(shutdownMilliseconds)
      await leadership.stop()
      await caches.stop()
      await server.close()
      await transport.close()
    },
  }
}

/** The controller's own Prometheus. @throws HttpConfigError when its configuration can't be used */
function metricsOf({prometheus: address, prometheusConfig}: ControllerConfig, clock: Clock): Metrics {
  if (prometheusConfig === undefined) return createPrometheusMetrics({address})
  const httpConfig = httpConfigFile(prometheusConfig, clock)
  // Said at the start, rather than by every check.
  httpConfig()
  return createPrometheusMetrics({address, httpConfig})
}
