// A small store for tests of the workloads and of the mesh: generations, conditional writes, finalizers, watches. It
// validates nothing and collects no garbage; the API emulator does.
import type {KubeObject} from '../../../crds/meta.ts'
import {canonical} from '../canonical.ts'
import type {StoreEvent, WorkloadStore} from '../store-port.ts'
import {timestamp} from '../timestamps.ts'

const resources: Record<string, string> = {
  Pod: 'pods',
  Service: 'services',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
  Deployment: 'deployments.apps',
  EndpointSlice: 'endpointslices.discovery.k8s.io',
  VirtualService: 'virtualservices.networking.istio.io',
  HTTPRoute: 'httproutes.gateway.networking.k8s.io',
}

/** A store in memory, with helpers that tests use to read and change objects. */
export class MemoryStore implements WorkloadStore {
  private readonly objects = new Map<string, KubeObject>()
  private readonly listeners = new Map<string, Set<(event: StoreEvent) => void>>()
  private counter = 0

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.objects.get(`${resource}/${namespace ?? ''}/${name}`)
  }

  list(resource: string): KubeObject[] {
    return [...this.objects].filter(([key]) => key.startsWith(`${resource}/`)).map(([, object]) => object)
  }

  create(object: KubeObject): KubeObject {
    if (this.objects.has(keyOf(object))) throw new Error(`${keyOf(object)} already exists`)
    const creationTimestamp = timestamp(Date.now())
    return this.put('ADDED', {
      ...object,
      metadata: {...object.metadata, uid: `uid-${++this.counter}`, generation: 1, creationTimestamp},
    })
  }

  update(object: KubeObject): KubeObject {
    const old = this.current(object)
    const {deletionTimestamp, uid = '', generation = 1} = old.metadata
    const changed = canonical(object.spec) !== canonical(old.spec)
    const kept = deletionTimestamp === undefined ? {} : {deletionTimestamp}
    const metadata = {...object.metadata, uid, generation: changed ? generation + 1 : generation, ...kept}
    const next = {...object, metadata, ...(old.status === undefined ? {} : {status: old.status})}
    if (deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) return this.drop(next)
    return this.put('MODIFIED', next)
  }

  updateStatus(object: KubeObject): KubeObject {
    return this.put('MODIFIED', {...this.current(object), status: object.status})
  }

  delete(resource: string, namespace: string | undefined, name: string): void {
    const old = this.get(resource, namespace, name)
    if (old === undefined) throw new Error(`${resource} ${namespace}/${name} not found`)
    if ((old.metadata.finalizers ?? []).length === 0) this.drop(old)
    else if (old.metadata.deletionTimestamp === undefined) {
      this.put('MODIFIED', {...old, metadata: {...old.metadata, deletionTimestamp: timestamp(Date.now())}})
    }
  }

  watch(resource: string, listener: (event: StoreEvent) => void, options: {initial?: boolean} = {}): () => void {
    if (options.initial === true) for (const object of this.list(resource)) listener({type: 'ADDED', object})
    const known = this.listeners.get(resource) ?? new Set()
    this.listeners.set(resource, known.add(listener))
    return () => known.delete(listener)
  }

  /** Changes the spec of a stored object. */
  patchSpec(resource: string, namespace: string, name: string, spec: object): KubeObject {
    const old = this.get(resource, namespace, name)
    if (old === undefined) throw new Error(`${resource} ${namespace}/${name} not found`)
    return this.update({...old, spec: {...old.spec, ...spec}})
  }

  private current(object: KubeObject): KubeObject {
    const old = this.objects.get(keyOf(object))
    if (old === undefined) throw new Error(`${keyOf(object)} not found`)
    const {resourceVersion} = object.metadata
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw new Error(`${keyOf(object)} has been modified`)
    }
    return old
  }

  private put(type: 'ADDED' | 'MODIFIED', object: KubeObject): KubeObject {
    const stored = {...object, metadata: {...object.metadata, resourceVersion: String(++this.counter)}}
    this.objects.set(keyOf(object), stored)
    this.tell({type, object: stored})
    return stored
  }

  private drop(object: KubeObject): KubeObject {
    this.objects.delete(keyOf(object))
    this.tell({type: 'DELETED', object})
    return object
  }

  private tell(event: StoreEvent): void {
    for (const listener of this.listeners.get(resources[event.object.kind] ?? '') ?? []) listener(event)
  }
}

function keyOf(object: KubeObject): string {
  const resource = resources[object.kind]
  if (resource === undefined) throw new Error(`MemoryStore knows no kind ${object.kind}; add it to its table`)
  return `${resource}/${object.metadata.namespace ?? ''}/${object.metadata.name}`
}
