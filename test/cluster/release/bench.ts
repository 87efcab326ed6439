// One namespace with a team's objects and a controller that looks after it, against the real control plane.
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {inject} from 'vitest'
import {systemClock} from '../../../controller/shell/clock.ts'
import {HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient} from '../../../controller/shell/kube-client.ts'
import {loadConnection} from '../../../controller/shell/kube-config.ts'
import type {KubeObject} from '../../../crds/meta.ts'
import type {RolloutStatus} from '../../../crds/rollout-status.ts'
import {type Controller, startController} from '../controller.ts'
import {type Kubectl, kubectlFor} from '../kubectl.ts'
import {type PrometheusServer, startPrometheus} from '../prometheus/server.ts'
import {accountKubeconfig, namespacedRights, type Rights} from '../service-account.ts'
import {name, rollout, service, settings, type TargetOptions, target} from './fixture.ts'
import {type History, startHistory} from './history.ts'
import {breaches} from './laws.ts'
import {type MeshExporter, startMeshExporter} from './mesh-exporter.ts'

/** What all namespaces of a lane share. */
export interface Site {
  kubeconfig: string
  client: KubeClient
  history: History
  exporter: MeshExporter
  prometheus: PrometheusServer
  rights: Rights
  /** Those that run; what a failed test left is ended with the site. */
  controllers: Set<Controller>
  /** For files of its benches; removed at the end. */
  folder: string
  close(): Promise<void>
}

const scrapeIntervalMilliseconds = 500

export async function openSite(kubeconfig: string = inject('kubeconfig')): Promise<Site> {
  const transport = new HttpTransport({connection: loadConnection({kubeconfig}), clock: systemClock()})
  const client = new KubeClient(transport)
  const exporter = await startMeshExporter()
  const prometheus = await startPrometheus({targets: [exporter.target], scrapeIntervalMilliseconds})
  const history = await startHistory(client)
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-site-'))
  const controllers = new Set<Controller>()
  return {
    kubeconfig,
    client,
    history,
    exporter,
    prometheus,
    rights: await namespacedRights(),
    controllers,
    folder,
    async close() {
      await Promise.all([...controllers].map(controller => controller.stop('SIGKILL')))
      await history.close()
      await prometheus.stop()
      await exporter.close()
      await transport.close()
      rmSync(folder, {recursive: true, force: true})
    },
  }
}

export interface BenchOptions {
  target?: TargetOptions
  /** Laid over the Rollout's spec. */
  rollout?: Record<string, unknown>
  /** Makes ConfigMap, Service and target as another tool does; by a plain create when absent. */
  make?: (kubectl: Kubectl) => Promise<unknown>
  /** Workload whose pods are waited for, as kubectl names it; `deployment/checkout` when absent, none when empty. */
  workload?: string
  /** Runs before the Rollout is made. */
  before?: (kubectl: Kubectl) => Promise<unknown>
  /** Kubeconfig that the controller uses; that of the chart's ServiceAccount, with its rights alone, when absent. */
  controllerKubeconfig?: string
  /** False to leave the controller to a later `start()`. */
  startController?: boolean
}

export interface Bench {
  readonly namespace: string
  readonly kubectl: Kubectl
  readonly controller: Controller
  start(): Promise<void>
  /** Ends the controller and starts it again. */
  restart(signal: NodeJS.Signals): Promise<void>
  /** The Rollout as the last event showed it. */
  rollout(): KubeObject | undefined
  status(): RolloutStatus
  object(kind: string, objectName: string): KubeObject | undefined
  /** Waits until the status has become what is wanted. @throws Error with the status and the log's end after the time */
  until(what: string, holds: (status: RolloutStatus) => boolean, timeoutMilliseconds?: number): Promise<RolloutStatus>
  /** The same for anything that the history shows. */
  untilTrue(what: string, holds: () => boolean, timeoutMilliseconds?: number): Promise<void>
  /** Requests begin to fail in a slot, or go well again. */
  traffic(slot: 'a' | 'b', failureShare: number | undefined): void
  /** Ends the controller, deletes the namespace, and tells which laws were broken. */
  close(): Promise<string[]>
}

const waitMilliseconds = 150_000
const requestsPerSecond = 50

/** A namespace with everything in it, adopted. */
export async function openAdopted(site: Site, namespace: string, options: BenchOptions = {}): Promise<Bench> {
  const bench = await openBench(site, namespace, options)
  await bench.until('adoption', status => status.phase === 'Healthy')
  return bench
}

/** A namespace with everything in it, and a controller that has just been started. */
export async function openBench(site: Site, namespace: string, options: BenchOptions = {}): Promise<Bench> {
  const kubectl = kubectlFor(site.kubeconfig, namespace)
  await kubectl('create', 'namespace', namespace)
  if (options.make) await options.make(kubectl)
  else await kubectl.stdin([settings('one'), service(), target(options.target)], 'create', '-f', '-')
  const {workload = `deployment/${name}`} = options
  if (workload !== '') await kubectl('rollout', 'status', workload, '--timeout=150s')
  await options.before?.(kubectl)
  for (const slot of ['a', 'b']) site.exporter.set(namespace, `${name}-${slot}`, {requestsPerSecond, failureShare: 0})
  await kubectl.stdin(rollout(options.rollout), 'create', '-f', '-')
  let kubeconfig = options.controllerKubeconfig
  if (kubeconfig === undefined) {
    await site.rights.install(kubectl, namespace)
    kubeconfig = await accountKubeconfig(kubectl, site.kubeconfig, join(site.folder, namespace))
  }
  const identity = kubeconfig
  const start = () =>
    startController({
      kubeconfig: identity,
      prometheus: site.prometheus.address,
      namespace,
      flags: site.rights.flags(namespace),
    })
  const bench = new ReleaseBench(site, namespace, kubectl, start)
  if (options.startController !== false) await bench.start()
  return bench
}

class ReleaseBench implements Bench {
  readonly namespace: string
  readonly kubectl: Kubectl
  readonly #site: Site
  readonly #start: () => Promise<Controller>
  #controller: Controller | undefined

  constructor(site: Site, namespace: string, kubectl: Kubectl, start: () => Promise<Controller>) {
    this.#site = site
    this.namespace = namespace
    this.kubectl = kubectl
    this.#start = start
  }

  get controller(): Controller {
    if (this.#controller === undefined) throw new Error(`${this.namespace}: the controller was not started`)
    return this.#controller
  }

  async start(): Promise<void> {
    this.#controller = await this.#start()
    this.#site.controllers.add(this.#controller)
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.#stop(signal)
    await this.start()
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    await this.controller.stop(signal)
    this.#site.controllers.delete(this.controller)
  }

  rollout(): KubeObject | undefined {
    return this.object('Rollout', name)
  }

  status(): RolloutStatus {
    return this.rollout()?.status ?? {}
  }

  object(kind: string, objectName: string): KubeObject | undefined {
    return this.#site.history.latest(kind, this.namespace, objectName)
  }

  async until(
    what: string,
    holds: (status: RolloutStatus) => boolean,
    timeoutMilliseconds = waitMilliseconds,
  ): Promise<RolloutStatus> {
    await this.untilTrue(what, () => holds(this.status()), timeoutMilliseconds)
    return this.status()
  }

  async untilTrue(what: string, holds: () => boolean, timeoutMilliseconds = waitMilliseconds): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const stop = this.#site.history.onChange(({object}) => {
        if (object.metadata.namespace !== this.namespace || !holds()) return
        finish()
        resolve()
      })
      const timer = setTimeout(() => {
        finish()
        const log = this.controller.log().split('\n').slice(-8).join('\n')
        const status = JSON.stringify(this.status(), null, 1)
        reject(new Error(`${this.namespace}: no ${what} within ${timeoutMilliseconds} ms\n${status}\n${log}`))
      }, timeoutMilliseconds)
      const finish = () => {
        stop()
        clearTimeout(timer)
      }
    })
  }

  traffic(slot: 'a' | 'b', failureShare: number | undefined): void {
    const flow = failureShare === undefined ? undefined : {requestsPerSecond, failureShare}
    this.#site.exporter.set(this.namespace, `${name}-${slot}`, flow)
  }

  async close(): Promise<string[]> {
    const found = breaches(this.#site.history.changes(this.namespace))
    await this.#stop('SIGKILL')
    this.#site.exporter.forget(this.namespace)
    // The finalizer of a Rollout without a controller would keep the namespace for ever.
    await this.kubectl('patch', 'rollouts', '--all', '--type=merge', '-p', '{"metadata":{"finalizers":null}}').catch(
      () => undefined,
    )
    await this.kubectl('delete', 'namespace', this.namespace, '--wait=false', '--ignore-not-found')
    return found
  }
}
