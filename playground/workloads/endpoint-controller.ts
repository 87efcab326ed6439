// Plays the EndpointSlice controller. All pods of the playground share one address and differ in their port, and a port
// belongs to a whole slice: so there is one EndpointSlice per Service and Pod, `<service>-<pod>`, where Kubernetes has
// one for up to a hundred. For the same reason every port of a Service leads to the Pod's one server, and `targetPort`
// is not looked at.
import type {KubeObject} from '../../crds/meta.ts'
import {canonical} from './canonical.ts'
import {owningDeployment} from './deployment-controller.ts'
import type {ControllerParts} from './kubelet.ts'
import {
  endpointManager,
  managedByLabel,
  nodeName,
  playgroundAnnotations,
  podAddress,
  serviceNameLabel,
} from './names.ts'
import {followResource, type ObjectCache, objectKey, splitKey} from './object-cache.ts'
import {createPassQueue, type PassQueue} from './pass-queue.ts'
import {isPodReady} from './pod-status.ts'

/** Keeps the EndpointSlices of every Service that has a selector. */
export class EndpointController {
  private readonly parts: ControllerParts
  private readonly queue: PassQueue
  private readonly services: ObjectCache
  private readonly pods: ObjectCache
  private readonly slices: ObjectCache

  constructor(parts: ControllerParts) {
    this.parts = parts
    this.queue = createPassQueue(parts.clock, key => this.pass(key), parts.onError)
    this.services = followResource(parts.store, 'services', (current, previous) => {
      this.queue.add(objectKey((current ?? previous) as KubeObject))
    })
    this.slices = followResource(parts.store, 'endpointslices.discovery.k8s.io', (current, previous) => {
      const slice = (current ?? previous) as KubeObject
      const service = slice.metadata.labels?.[serviceNameLabel]
      if (service !== undefined && isOurs(slice)) this.queue.add(`${slice.metadata.namespace ?? ''}/${service}`)
    })
    this.pods = followResource(parts.store, 'pods', (current, previous) => {
      const {namespace} = ((current ?? previous) as KubeObject).metadata
      for (const service of this.services.inNamespace(namespace)) {
        const affected = [current, previous].some(pod => pod !== undefined && selects(service, pod))
        if (affected) this.queue.add(objectKey(service))
      }
    })
  }

  failures(): number {
    return this.queue.failures()
  }

  close(): void {
    for (const cache of [this.services, this.slices, this.pods]) cache.close()
    this.queue.close()
  }

  private pass(key: string): void {
    const {namespace, name} = splitKey(key)
    const service = this.services.get(namespace, name)
    const wanted = new Map<string, KubeObject>()
    if (service !== undefined && service.metadata.deletionTimestamp === undefined) {
      for (const pod of this.pods.inNamespace(namespace)) {
        const slice = selects(service, pod) ? renderSlice(service, pod) : undefined
        if (slice !== undefined) wanted.set(slice.metadata.name, slice)
      }
    }
    // Endpoints come before others go: whoever looks in between must not see fewer than there are.
    const isReady = (slice: KubeObject) => Number(slice.endpoints[0].conditions.ready)
    for (const slice of [...wanted.values()].sort((left, right) => isReady(right) - isReady(left))) this.write(slice)
    for (const slice of this.ownSlices(namespace, name)) {
      if (!wanted.has(slice.metadata.name)) this.remove(slice)
    }
  }

  private ownSlices(namespace: string, service: string): KubeObject[] {
    const ours = (slice: KubeObject) => isOurs(slice) && slice.metadata.labels?.[serviceNameLabel] === service
    return [...this.slices.inNamespace(namespace)].filter(ours)
  }

  private remove({metadata: {namespace, name}}: KubeObject): void {
    const {store} = this.parts
    if (store.get('endpointslices.discovery.k8s.io', namespace, name) === undefined) return
    store.delete('endpointslices.discovery.k8s.io', namespace, name)
  }

  private write(slice: KubeObject): void {
    const {store} = this.parts
    const known = store.get('endpointslices.discovery.k8s.io', slice.metadata.namespace, slice.metadata.name)
    if (known === undefined) store.create(slice)
    else if (content(known) !== content(slice)) {
      const {resourceVersion = '', uid = ''} = known.metadata
      store.update({...slice, metadata: {...slice.metadata, resourceVersion, uid}})
    }
  }
}

function isOurs(slice: KubeObject): boolean {
  return slice.metadata.labels?.[managedByLabel] === endpointManager
}

function hasSelector(service: KubeObject): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0
}

function selects(service: KubeObject, pod: KubeObject): boolean {
  const selector: Record<string, string> = service.spec?.selector ?? {}
  return hasSelector(service) && Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value)
}

function content(slice: KubeObject): string {
  const {labels, annotations, ownerReferences} = slice.metadata
  return canonical([labels, annotations, ownerReferences, slice.endpoints, slice.ports])
}

/** The slice of one Pod; undefined while the Pod has no server, and so no port. */
function renderSlice(service: KubeObject, pod: KubeObject): KubeObject | undefined {
  const port = Number(pod.metadata.annotations?.[playgroundAnnotations.port])
  if (!Number.isInteger(port) || port <= 0 || pod.status?.phase !== 'Running') return undefined
  const {name, namespace = '', uid = ''} = pod.metadata
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const serving = isPodReady(pod)
  const {name: serviceName, uid: serviceUid = ''} = service.metadata
  const owner = {
    apiVersion: 'v1',
    kind: 'Service',
    name: serviceName,
    uid: serviceUid,
    controller: true,
    blockOwnerDeletion: true,
  }
  const workload = owningDeployment(pod)?.name
  const servicePorts: {name?: string; protocol?: string; appProtocol?: string}[] = service.spec?.ports ?? []
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${name}`,
      namespace,
      // As the real controller does: a Service's own labels are found on its slices.
      labels: {...service.metadata.labels, [serviceNameLabel]: serviceName, [managedByLabel]: endpointManager},
      ...(workload === undefined ? {} : {annotations: {[playgroundAnnotations.workload]: workload}}),
      ownerReferences: [owner],
    },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [podAddress],
        conditions: {ready: serving && !terminating, serving, terminating},
        nodeName,
        targetRef: {kind: 'Pod', name, namespace, uid},
      },
    ],
    ports: servicePorts.map(({name: portName = '', protocol = 'TCP', appProtocol}) => ({
      name: portName,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : {appProtocol}),
    })),
  }
}
