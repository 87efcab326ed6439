// Plays the scheduler and the kubelet of the one node: every Pod object has a real HTTP server while it should run.
//
// A Pod carries a finalizer of ours, so that whoever deletes it, it stays until its server has ended: it then leaves
// the endpoints (its deletionTimestamp does that), serves on for the grace time, finishes what is in flight, and goes.
import type {Clock, Random} from '../../controller/ports.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {canonical} from './canonical.ts'
import {playgroundAnnotations} from './names.ts'
import {followResource, objectKey, splitKey} from './object-cache.ts'
import {createPassQueue, type PassQueue} from './pass-queue.ts'
import {type PodBehaviour, readBehaviour} from './pod-behaviour.ts'
import {resolveEnvironment} from './pod-environment.ts'
import {PodRuntime} from './pod-runtime.ts'
import {type PodState, podStatus} from './pod-status.ts'
import {forkRandom} from './seeded-random.ts'
import type {CompleteWorkloadSettings} from './settings.ts'
import type {WorkloadStore} from './store-port.ts'

/** What every controller of the runner is made of. */
export interface ControllerParts {
  store: WorkloadStore
  settings: CompleteWorkloadSettings
  clock: Clock
  random: Random
  /** Hears of a failed pass, which is tried again. */
  onError: (error: unknown, key: string) => void
}

/** The scheduler that the runner plays; a Pod that names none gets it. */
const defaultScheduler = 'default-scheduler'
/** Finalizer that every Pod of the runner carries. */
export const podFinalizer = 'playground.fairlead.dev/pod'

interface KnownPod {
  uid: string
  runtime: PodRuntime
  /** Time at which a deleted Pod's server stops taking requests. */
  terminateAt?: number
}

/** Runs Pods. */
export class Kubelet {
  private readonly parts: ControllerParts
  private readonly queue: PassQueue
  private readonly pods = new Map<string, KnownPod>()
  /** Pods that can't start yet: looked at again whenever a ConfigMap or Secret changes or a Pod goes. */
  private readonly blocked = new Set<string>()
  private readonly stops: (() => void)[] = []

  constructor(parts: ControllerParts) {
    this.parts = parts
    this.queue = createPassQueue(parts.clock, key => this.pass(key), parts.onError)
    const follow = (resource: string, onChange: (object: KubeObject) => void) => {
      const cache = followResource(parts.store, resource, (current, previous) =>
        onChange((current ?? previous) as KubeObject),
      )
      this.stops.push(cache.close)
    }
    follow('pods', pod => this.queue.add(objectKey(pod)))
    follow('configmaps', () => this.retryBlocked())
    follow('secrets', () => this.retryBlocked())
  }

  stats(): {servers: number; requests: number; failures: number} {
    let requests = 0
    for (const {runtime} of this.pods.values()) requests += runtime.requests
    return {servers: this.pods.size, requests, failures: this.queue.failures()}
  }

  /** Crashes a Pod's container, without any drain; false when it doesn't run. */
  crash(namespace: string, name: string): boolean {
    const known = this.pods.get(`${namespace}/${name}`)
    if (known?.runtime.running() === undefined) return false
    known.runtime.crash()
    return true
  }

  close(): void {
    for (const stop of this.stops) stop()
    this.queue.close()
    for (const {runtime} of this.pods.values()) runtime.kill()
    this.pods.clear()
  }

  private retryBlocked(): void {
    for (const key of this.blocked) this.queue.add(key)
    this.blocked.clear()
  }

  private forget(key: string): void {
    this.pods.get(key)?.runtime.kill()
    this.pods.delete(key)
    this.retryBlocked()
  }

  private pass(key: string): void {
    const {namespace, name} = splitKey(key)
    const pod = this.parts.store.get('pods', namespace, name)
    const known = this.pods.get(key)
    if (known !== undefined && known.uid !== pod?.metadata.uid) {
      this.forget(key)
      this.queue.add(key)
    } else if (pod?.metadata.deletionTimestamp !== undefined) this.terminate(key, pod, known)
    else if (pod !== undefined && isOurs(pod)) this.run(key, pod, known)
  }

  private run(key: string, pod: KubeObject, known: KnownPod | undefined): void {
    const runtime = known?.runtime ?? this.start(key, pod)
    const running = runtime?.running()
    if (runtime === undefined) return
    if (running === undefined) {
      this.writeStatus(pod, {kind: 'waiting', reason: 'ContainerCreating'})
      return
    }
    const {startedAt, readyAt, restartCount, lastCrashAt} = running
    const now = this.parts.clock.now()
    const ready = now >= readyAt
    if (!ready && Number.isFinite(readyAt)) this.queue.add(key, readyAt - now)
    const crash = lastCrashAt === undefined ? {} : {lastCrashAt}
    this.writeStatus(this.writePort(pod, running.port), {kind: 'running', startedAt, ready, restartCount, ...crash})
  }

  /** Makes the Pod's container, or writes why that isn't possible. */
  private start(key: string, pod: KubeObject): PodRuntime | undefined {
    const {settings, clock, random, store, onError} = this.parts
    const block = (state: PodState): undefined => {
      this.blocked.add(key)
      this.writeStatus(pod, state)
    }
    if (this.pods.size >= settings.maximumPods) {
      return block({kind: 'unschedulable', message: '0/1 nodes are available: 1 Too many pods.'})
    }
    const environment = resolveEnvironment(pod, (resource, name) => store.get(resource, pod.metadata.namespace, name))
    if (environment.kind === 'missing') {
      return block({kind: 'waiting', reason: environment.reason, message: environment.message})
    }
    let behaviour: PodBehaviour
    try {
      behaviour = readBehaviour(environment.variables)
    } catch (error) {
      return block({kind: 'waiting', reason: 'CreateContainerConfigError', message: (error as Error).message})
    }
    const revision = pod.metadata.annotations?.[playgroundAnnotations.revision] ?? ''
    const runtime = new PodRuntime({
      identity: {name: pod.metadata.name, revision},
      behaviour,
      settings,
      clock,
      random: forkRandom(random),
      onChange: () => this.queue.add(key),
      onError: error => onError(error, key),
    })
    this.blocked.delete(key)
    this.pods.set(key, {uid: pod.metadata.uid ?? '', runtime})
    return runtime
  }

  private terminate(key: string, pod: KubeObject, known: KnownPod | undefined): void {
    this.blocked.delete(key)
    if (known === undefined || known.runtime.closed) {
      this.forget(key)
      this.remove(pod)
      return
    }
    const now = this.parts.clock.now()
    known.terminateAt ??= now + this.parts.settings.terminationGraceMilliseconds
    known.runtime.drain()
    if (now < known.terminateAt) this.queue.add(key, known.terminateAt - now)
    else known.runtime.close()
  }

  private remove(pod: KubeObject): void {
    const {namespace, name, finalizers = []} = pod.metadata
    const {store} = this.parts
    if (finalizers.includes(podFinalizer)) {
      const kept = finalizers.filter(finalizer => finalizer !== podFinalizer)
      store.update({...pod, metadata: {...pod.metadata, finalizers: kept}})
    }
    // As the kubelet does: what the API server keeps for the grace period is removed now.
    const left = store.get('pods', namespace, name)
    if (left?.metadata.uid === pod.metadata.uid && (left?.metadata.finalizers ?? []).length === 0) {
      store.delete('pods', namespace, name, {gracePeriodSeconds: 0})
    }
  }

  private writePort(pod: KubeObject, port: number): KubeObject {
    const {annotations = {}, finalizers = []} = pod.metadata
    const wanted = String(port)
    if (annotations[playgroundAnnotations.port] === wanted && finalizers.includes(podFinalizer)) return pod
    const metadata = {
      ...pod.metadata,
      annotations: {...annotations, [playgroundAnnotations.port]: wanted},
      finalizers: finalizers.includes(podFinalizer) ? finalizers : [...finalizers, podFinalizer],
    }
    return this.parts.store.update({...pod, metadata})
  }

  private writeStatus(pod: KubeObject, state: PodState): void {
    const status = podStatus(pod, state, this.parts.clock.now())
    if (canonical(status) !== canonical(pod.status)) this.parts.store.updateStatus({...pod, status})
  }
}

/** False for a Pod that waits for another scheduler. */
function isOurs(pod: KubeObject): boolean {
  const {schedulerName = defaultScheduler, nodeName} = pod['spec'] ?? {}
  return nodeName !== undefined || schedulerName === defaultScheduler
}
