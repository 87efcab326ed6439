// The controllers of Deployments and DaemonSets, and their pods, on the model cluster's clock. There are three nodes.
import {createHash} from 'node:crypto'
import {timeText} from '../../crds/common.ts'
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'

/** Nodes, and so the pods of a DaemonSet. */
export const nodes = 3

/** From the end of a workload to that of its pods. */
const collectionMilliseconds = 1500

export interface ModelPod {
  workload: string
  object: KubeObject
  readyAt: number
  goneAt?: number
}

/** What the controllers see and write. */
interface Cluster {
  readonly now: number
  readonly objects: Map<string, KubeObject>
  pods: ModelPod[]
}

export class ModelWorkloads {
  readonly #settings: {startMilliseconds: number; terminationMilliseconds: number}
  #podNumber = 0
  #orphaned: {workload: string; at: number}[] = []

  constructor(settings: {startMilliseconds: number; terminationMilliseconds: number}) {
    this.#settings = settings
  }

  run(cluster: Cluster): void {
    this.#collect(cluster)
    cluster.pods = cluster.pods.filter(pod => pod.goneAt === undefined || pod.goneAt > cluster.now)
    for (const [key, workload] of cluster.objects) {
      if (workload.kind !== 'Deployment' && workload.kind !== 'DaemonSet') continue
      cluster.objects.set(key, {...workload, status: this.#run(cluster, workload)})
    }
  }

  /** The pods of a workload that was deleted are collected a while later. */
  removed(cluster: Cluster, {kind, name}: ObjectRef): void {
    if (kind !== 'Deployment' && kind !== 'DaemonSet') return
    this.#orphaned.push({workload: name, at: cluster.now + collectionMilliseconds})
  }

  #collect(cluster: Cluster): void {
    const due = this.#orphaned.filter(({at}) => at <= cluster.now)
    this.#orphaned = this.#orphaned.filter(({at}) => at > cluster.now)
    for (const pod of cluster.pods) {
      if (pod.goneAt === undefined && due.some(({workload}) => workload === pod.workload)) this.#end(cluster, pod)
    }
  }

  #run(cluster: Cluster, workload: KubeObject): object {
    const {name} = workload.metadata
    const image: string = workload.spec.template.spec.containers[0].image
    const current = cluster.pods.filter(pod => pod.workload === name && pod.goneAt === undefined)
    const template = JSON.stringify(workload.spec.template)
    for (const pod of current) if (pod.object['template'] !== template) this.#end(cluster, pod)
    const kept = current.filter(pod => pod.goneAt === undefined)
    const wanted = wantedPods(workload)
    for (const pod of kept.slice(wanted)) this.#end(cluster, pod)
    for (let missing = wanted - kept.length; missing > 0; missing--) this.#start(cluster, workload, template, image)
    const live = cluster.pods.filter(pod => pod.workload === name && pod.goneAt === undefined)
    const ready = live.filter(pod => pod.readyAt <= cluster.now).length
    const observedGeneration = workload.metadata.generation
    if (workload.kind === 'Deployment') {
      return {observedGeneration, replicas: live.length, updatedReplicas: live.length, readyReplicas: ready}
    }
    return {
      observedGeneration,
      desiredNumberScheduled: wanted,
      currentNumberScheduled: live.length,
      updatedNumberScheduled: live.length,
      numberReady: ready,
    }
  }

  #start(cluster: Cluster, workload: KubeObject, template: string, image: string): void {
    this.#podNumber++
    const name = `${workload.metadata.name}-${this.#podNumber}`
    const never = image.endsWith('never-ready')
    const readyAt = never ? Number.POSITIVE_INFINITY : cluster.now + this.#settings.startMilliseconds
    const {namespace} = workload.metadata
    const isDeployment = workload.kind === 'Deployment'
    const hash = createHash('sha1').update(template).digest('hex').slice(0, 10)
    const hashLabel = {[isDeployment ? 'pod-template-hash' : 'controller-revision-hash']: hash}
    const owner = {
      apiVersion: 'apps/v1',
      kind: isDeployment ? 'ReplicaSet' : 'DaemonSet',
      name: isDeployment ? `${workload.metadata.name}-${hash}` : workload.metadata.name,
      uid: workload.metadata.uid ?? '',
      controller: true,
    }
    const metadata = {
      name,
      labels: {...workload.spec.template.metadata.labels, ...hashLabel},
      ownerReferences: [owner],
      ...(namespace ? {namespace} : {}),
    }
    cluster.pods.push({
      workload: workload.metadata.name,
      readyAt,
      object: {apiVersion: 'v1', kind: 'Pod', metadata, template, image, status: {}},
    })
  }

  #end(cluster: Cluster, pod: ModelPod): void {
    pod.goneAt = cluster.now + this.#settings.terminationMilliseconds
    pod.object = {...pod.object, metadata: {...pod.object.metadata, deletionTimestamp: timeText(cluster.now)}}
  }
}

function wantedPods({kind, spec}: KubeObject): number {
  if (kind === 'Deployment') return spec.replicas ?? 1
  return spec.template.spec.nodeName === undefined ? nodes : 0
}

/** Two versions that others run, each with a Service: the names are those of the Services, and the images `app:<slot>`. */
export function versions(namespace: string, names: {a: string; b: string}): KubeObject[] {
  return (['a', 'b'] as const).flatMap(slot => {
    const name = names[slot]
    const labels = {app: 'checkout', version: name}
    const containers = [{name: 'app', image: `app:${slot}`}]
    return [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {name, namespace},
        spec: {type: 'ClusterIP', selector: labels, ports: [{name: 'http', port: 80, protocol: 'TCP'}]},
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {name, namespace},
        spec: {replicas: 2, selector: {matchLabels: labels}, template: {metadata: {labels}, spec: {containers}}},
      },
    ]
  })
}
