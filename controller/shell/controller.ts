// The controller's main: everything is made here, once, and handed down.
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import {GitSyncReconciler} from '../../gitops/controller.ts'
import {AlertSender} from './alert-sender.ts'
import {Caches} from './caches.ts'
import {systemClock, systemRandom} from './clock.ts'
import type {ControllerConfig} from './config.ts'
import {Evaluator} from './evaluate.ts'
import {EventRecorder} from './event-recorder.ts'
import {startHttpServer} from './http-server.ts'
import {HttpTransport} from './http-transport.ts'
import {KubeClient} from './kube-client.ts'
import {loadConnection} from './kube-config.ts'
import {createLogger} from './log.ts'
import {HttpNotifier} from './notifier.ts'
import {createRolloutObserver} from './rollout-observer.ts'
import {RolloutReconciler} from './rollout-reconciler.ts'
import {Telemetry} from './telemetry.ts'
import {WorkQueue} from './work-queue.ts'

export interface RunningController {
  /** Port of the health and metrics endpoints. */
  port: number
  /** Ends passes that are under way, then everything else. */
  close(): Promise<void>
}

/** How long a shutdown waits for passes that are under way. */
const shutdownMilliseconds = 10_000

/** Starts the controller. @throws Error when the configuration can't work, such as a missing kubeconfig */
export async function startController(config: ControllerConfig): Promise<RunningController> {
  const log = createLogger({level: config.logLevel})
  const clock = systemClock()
  const random = systemRandom()
  const telemetry = new Telemetry({processMetrics: true})
  const connection = loadConnection({
    ...(config.kubeconfig ? {kubeconfig: config.kubeconfig} : {}),
    ...(config.context ? {context: config.context} : {}),
  })
  const transport = new HttpTransport({
    connection,
    clock,
    onAnswer: (verb, code) => telemetry.countApiRequest(verb, code),
  })
  const cluster = new KubeClient(transport)
  const events = new EventRecorder({cluster, clock, random, log, instance: 'fairlead'})
  const caches = new Caches({
    source: cluster,
    clock,
    random,
    log,
    ...(config.namespace ? {namespace: config.namespace} : {}),
  })
  const metrics = createPrometheusMetrics({address: config.prometheus})
  const alerts = new AlertSender({
    notifier: new HttpNotifier(),
    cluster,
    lookup: caches,
    clock,
    enqueue: key => rollouts.add(key),
    failed: (rollout, channel, message) => {
      log.warn({rollout: rollout.metadata.name, channel, detail: message}, 'alert not delivered')
      events.record(rollout, 'Warning', 'AlertNotDelivered', `AlertChannel ${channel}: ${message}`)
    },
  })
  const rolloutReconciler = new RolloutReconciler({
    cluster,
    lookup: caches,
    evaluator: new Evaluator(metrics, caches),
    clock,
    alerts,
    observer: createRolloutObserver({log, telemetry, events, clock}),
  })
  const gitSyncReconciler = new GitSyncReconciler({
    cluster,
    clock,
    log,
    cacheDirectory: config.gitCache,
    allowFile: config.allowFileRepositories,
    scopeOf: (apiVersion, kind) => cluster.scopeOf(apiVersion, kind),
    events: (object, type, reason, message) => events.record(object, type, reason, message),
    searchPath: config.searchPath,
  })
  const queue = (name: string, process: (key: string) => Promise<{requeueAfterMilliseconds?: number}>): WorkQueue =>
    new WorkQueue({
      process,
      clock,
      random,
      concurrency: config.concurrency,
      hooks: {
        ...telemetry.queueHooks(name),
        failed: (key, error, failures, delayMilliseconds) => {
          telemetry.countReconcileError(name, 'internal')
          log.error(
            {key, failures, delayMilliseconds, detail: error instanceof Error ? error.message : 'unknown'},
            'pass failed',
          )
        },
      },
    })
  const rollouts: WorkQueue = queue('rollout', key => rolloutReconciler.reconcile(key))
  const gitSyncs: WorkQueue = queue('gitsync', key => gitSyncReconciler.reconcile(key))
  caches.onRollout(key => rollouts.add(key))
  caches.onGitSync(key => gitSyncs.add(key))
  let synced = false
  const server = await startHttpServer({
    host: config.host,
    port: config.port,
    readiness: () => ({ready: synced, reasons: synced ? [] : caches.troubles()}),
    metrics: () => telemetry.render(),
  })
  caches.start()
  // Passes wait for every cache: a decision on half of the objects would take the others for missing.
  void caches.synced().then(states => {
    const missing = [...states].filter(([, state]) => state === 'missing').map(([kind]) => kind)
    log.info({missing, server: connection.baseUrl, port: server.port}, 'caches are filled')
    synced = true
    rollouts.start()
    gitSyncs.start()
  })
  return {
    port: server.port,
    async close() {
      await Promise.all([rollouts.drain(shutdownMilliseconds), gitSyncs.drain(shutdownMilliseconds)])
      await caches.stop()
      await events.flush(shutdownMilliseconds)
      await server.close()
      await transport.close()
    },
  }
}
