import type {Clock, Random} from '../../controller/ports.ts'
import {systemClock} from '../../controller/shell/clock.ts'
import {DeploymentController} from './deployment-controller.ts'
import {EndpointController} from './endpoint-controller.ts'
import {Kubelet} from './kubelet.ts'
import {workloadFieldManager} from './names.ts'
import {forkRandom} from './seeded-random.ts'
import {completeWorkloadSettings, type WorkloadSettings} from './settings.ts'
import type {WorkloadStore} from './store-port.ts'

export interface WorkloadRunnerOptions {
  store: WorkloadStore
  /** Names of Pods, failures and latencies are drawn from it. */
  random: Random
  clock?: Clock
  settings?: WorkloadSettings
  /** Hears of passes that failed and will be tried again; ignored by default, `stats` counts them. */
  onError?: (error: unknown, key: string) => void
}

export interface WorkloadRunnerStats {
  /** Pods that have a server, ending ones included. */
  servers: number
  /** Requests that the servers of these Pods took. */
  requests: number
  /** Passes that failed and were tried again. */
  failedPasses: number
}

/** A running workload runner. */
export interface WorkloadRunner {
  stats(): WorkloadRunnerStats
  /**
   * Crashes a Pod's server: its connections are reset, its endpoint stays until the crash is noticed, then it is
   * restarted on another port. False when the Pod doesn't run.
   */
  crashPod(namespace: string, name: string): boolean
  /** Ends all servers at once; the store is left as it is. */
  close(): void
}

/**
 * Plays the Deployment controller, the EndpointSlice controller, the scheduler and the kubelet over a store. Throws a
 * RangeError for settings that can't be used.
 */
export function startWorkloadRunner(options: WorkloadRunnerOptions): WorkloadRunner {
  const {random, clock = systemClock(), onError = () => {}} = options
  const store = recorded(options.store)
  const settings = completeWorkloadSettings(options.settings ?? {})
  const parts = () => ({store, settings, clock, random: forkRandom(random), onError})
  const kubelet = new Kubelet(parts())
  const deployments = new DeploymentController(parts())
  const endpoints = new EndpointController(parts())
  return {
    stats() {
      const {servers, requests, failures} = kubelet.stats()
      return {servers, requests, failedPasses: failures + deployments.failures() + endpoints.failures()}
    },
    crashPod: (namespace, name) => kubelet.crash(namespace, name),
    close() {
      deployments.close()
      endpoints.close()
      kubelet.close()
    },
  }
}

/** The store, with the runner's name on every write. */
function recorded(store: WorkloadStore): WorkloadStore {
  const options = {fieldManager: workloadFieldManager}
  return {
    get: (resource, namespace, name) => store.get(resource, namespace, name),
    create: object => store.create(object, options),
    update: object => store.update(object, options),
    updateStatus: object => store.updateStatus(object, options),
    delete: (resource, namespace, name, how) => store.delete(resource, namespace, name, how),
    watch: (resource, listener, how) => store.watch(resource, listener, how),
  }
}
