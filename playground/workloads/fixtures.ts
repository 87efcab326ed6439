// Objects and helpers that the tests of the workloads and of the mesh share.
import type {KubeObject} from '../../crds/meta.ts'
import type {MemoryStore} from './test-support/memory-store.ts'

const patienceMilliseconds = 5_000
const pollMilliseconds = 5

/** Waits until a condition holds; rejects, with what was waited for, after some seconds. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + patienceMilliseconds
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still not so after ${patienceMilliseconds} ms: ${what}`)
    await pause(pollMilliseconds)
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

/** A Deployment in the namespace `shop` whose Pods carry the label `app: <name>`. */
export function deployment(name: string, replicas: number, env: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name, namespace: 'shop'},
    spec: {replicas, selector: {matchLabels: {app: name}}, template: template(name, env)},
  }
}

/** The pod template of such a Deployment. */
export function template(name: string, env: Record<string, string> = {}, more: object = {}): object {
  const variables = Object.entries(env).map(([key, value]) => ({name: key, value}))
  return {
    metadata: {labels: {app: name}},
    spec: {containers: [{name: 'app', image: `registry.example/${name}:1`, env: variables, ...more}]},
  }
}

/** A Service in the namespace `shop`. */
export function service(name: string, selector: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {name, namespace: 'shop'},
    spec: {selector, ports: [{name: 'http', port: 80, protocol: 'TCP', targetPort: 8080}]},
  }
}

export function podsOf(store: MemoryStore, app: string): KubeObject[] {
  return store.list('pods').filter(pod => pod.metadata.labels?.['app'] === app)
}

export function slicesOf(store: MemoryStore, serviceName: string): KubeObject[] {
  return store
    .list('endpointslices.discovery.k8s.io')
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === serviceName)
}

export function readyEndpoints(store: MemoryStore, serviceName: string): number {
  return slicesOf(store, serviceName).filter(slice => slice.endpoints[0].conditions.ready).length
}

export function statusOf(store: MemoryStore, name: string): Record<string, unknown> {
  return store.get('deployments.apps', 'shop', name)?.status ?? {}
}

/** True when a Deployment's rollout is over and none of its Pods is ending. */
export function isRolledOut(store: MemoryStore, name: string): boolean {
  const {generation, spec, status} = deploymentParts(store, name)
  const {observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0} = status
  const counts = [replicas, updatedReplicas, availableReplicas, podsOf(store, name).length]
  return observedGeneration === generation && counts.every(count => count === spec.replicas)
}

function deploymentParts(
  store: MemoryStore,
  name: string,
): {generation?: number; spec: Record<string, unknown>; status: Record<string, number>} {
  const found = store.get('deployments.apps', 'shop', name)
  const generation = found?.metadata.generation
  return {...(generation === undefined ? {} : {generation}), spec: found?.spec ?? {}, status: found?.status ?? {}}
}

/** The address of the server that plays a Pod. */
export function podUrl(pod: KubeObject): string {
  return `http://127.0.0.1:${pod.metadata.annotations?.['playground.fairlead.dev/port']}/`
}
