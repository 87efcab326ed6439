// Plays the Deployment controller. There are no ReplicaSets in the playground: a Deployment owns its Pods itself, and
// the template that a Pod was made from is known by a hash in an annotation.
import {createHash} from 'node:crypto'
import type {KubeObject} from '../../crds/meta.ts'
import {annotations as fairleadAnnotations} from '../../crds/names.ts'
import {canonical} from './canonical.ts'
import {type PlannedPod, planDeployment} from './deployment-plan.ts'
import {deploymentStatus} from './deployment-status.ts'
import {type ControllerParts, podFinalizer} from './kubelet.ts'
import {nodeName, playgroundAnnotations} from './names.ts'
import {followResource, type ObjectCache, objectKey, splitKey} from './object-cache.ts'
import {createPassQueue, type PassQueue} from './pass-queue.ts'
import {readySince} from './pod-status.ts'

/** Pods of one Deployment, whatever its `spec.replicas` says. */
const maximumReplicas = 1_000
/** Letters and digits that the API server uses for generated names. */
const nameCharacters = 'bcdfghjklmnpqrstvwxz2456789'
const suffixLength = 5
const maximumNameAttempts = 20

/** Keeps the Pods and the status of every Deployment. */
export class DeploymentController {
  private readonly parts: ControllerParts
  private readonly queue: PassQueue
  private readonly deployments: ObjectCache
  private readonly pods: ObjectCache

  constructor(parts: ControllerParts) {
    this.parts = parts
    this.queue = createPassQueue(parts.clock, key => this.pass(key), parts.onError)
    this.pods = followResource(parts.store, 'pods', (current, previous) => {
      const pod = (current ?? previous) as KubeObject
      const owner = owningDeployment(pod)
      if (owner !== undefined) this.queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`)
    })
    this.deployments = followResource(parts.store, 'deployments.apps', (current, previous) => {
      this.queue.add(objectKey((current ?? previous) as KubeObject))
    })
  }

  failures(): number {
    return this.queue.failures()
  }

  close(): void {
    this.deployments.close()
    this.pods.close()
    this.queue.close()
  }

  private pass(key: string): void {
    const {namespace, name} = splitKey(key)
    const deployment = this.deployments.get(namespace, name)
    const uid = deployment?.metadata.uid
    const owned: KubeObject[] = []
    for (const pod of this.pods.inNamespace(namespace)) {
      const owner = owningDeployment(pod)
      if (owner?.name !== name || pod.metadata.deletionTimestamp !== undefined) continue
      if (owner.uid === uid) owned.push(pod)
      else this.deletePod(pod)
    }
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return
    this.scale(deployment, owned)
    this.writeStatus(key, deployment)
  }

  private scale(deployment: KubeObject, owned: readonly KubeObject[]): void {
    const hash = templateHash(deployment)
    const now = this.parts.clock.now()
    const planned = owned.map(pod => plannedPod(pod, hash, deployment, now))
    const plan = planDeployment(planned, Math.min(deployment.spec?.replicas ?? 1, maximumReplicas))
    for (const name of plan.deletions) {
      const pod = owned.find(one => one.metadata.name === name)
      if (pod !== undefined) this.deletePod(pod)
    }
    for (let made = 0; made < plan.creations; made++) this.createPod(deployment, hash)
  }

  private writeStatus(key: string, deployment: KubeObject): void {
    const {namespace, uid} = deployment.metadata
    const now = this.parts.clock.now()
    const hash = templateHash(deployment)
    const counts = {total: 0, updated: 0, ready: 0, available: 0}
    for (const pod of this.pods.inNamespace(namespace)) {
      if (owningDeployment(pod)?.uid !== uid || pod.metadata.deletionTimestamp !== undefined) continue
      const since = readySince(pod)
      counts.total++
      if (pod.metadata.annotations?.[playgroundAnnotations.template] === hash) counts.updated++
      if (since === undefined) continue
      counts.ready++
      const availableAt = since + minimumReadyMilliseconds(deployment)
      if (availableAt <= now) counts.available++
      else this.queue.add(key, availableAt - now)
    }
    const {status, deadlineAt} = deploymentStatus(deployment, counts, now)
    if (deadlineAt !== undefined && deadlineAt > now) this.queue.add(key, deadlineAt - now)
    if (canonical(status) !== canonical(deployment.status)) this.parts.store.updateStatus({...deployment, status})
  }

  private deletePod(pod: KubeObject): void {
    if (this.parts.store.get('pods', pod.metadata.namespace, pod.metadata.name) === undefined) return
    this.parts.store.delete('pods', pod.metadata.namespace, pod.metadata.name)
  }

  private createPod(deployment: KubeObject, hash: string): void {
    const {name, namespace, uid = ''} = deployment.metadata
    const template = deployment.spec?.template ?? {}
    const revision =
      template.metadata?.annotations?.[fairleadAnnotations.revision] ??
      template.metadata?.labels?.[fairleadAnnotations.revision] ??
      deployment.metadata.annotations?.[fairleadAnnotations.revision] ??
      hash
    this.parts.store.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: this.freeName(namespace, name),
        ...(namespace === undefined ? {} : {namespace}),
        labels: {...template.metadata?.labels},
        annotations: {
          ...template.metadata?.annotations,
          [playgroundAnnotations.template]: hash,
          [playgroundAnnotations.revision]: revision,
        },
        finalizers: [podFinalizer],
        ownerReferences: [
          {apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true, blockOwnerDeletion: true},
        ],
      },
      spec: {...template.spec, nodeName},
    })
  }

  private freeName(namespace: string | undefined, deployment: string): string {
    const {random, store} = this.parts
    for (let attempt = 0; attempt < maximumNameAttempts; attempt++) {
      let name = `${deployment}-`
      for (let index = 0; index < suffixLength; index++) {
        name += nameCharacters[Math.floor(random.next() * nameCharacters.length)] ?? ''
      }
      if (store.get('pods', namespace, name) === undefined) return name
    }
    throw new Error(
      `no free name for a Pod of Deployment ${namespace}/${deployment} in ${maximumNameAttempts} attempts`,
    )
  }
}

/** The Deployment that controls a Pod; undefined where another owner or none does. */
export function owningDeployment(pod: KubeObject): {name: string; uid: string} | undefined {
  return pod.metadata.ownerReferences?.find(owner => owner.kind === 'Deployment' && owner.controller === true)
}

function minimumReadyMilliseconds(deployment: KubeObject): number {
  return (deployment.spec?.minReadySeconds ?? 0) * 1000
}

function plannedPod(pod: KubeObject, hash: string, deployment: KubeObject, now: number): PlannedPod {
  const since = readySince(pod)
  return {
    name: pod.metadata.name,
    createdAt: Date.parse(pod.metadata.creationTimestamp ?? '') || 0,
    updated: pod.metadata.annotations?.[playgroundAnnotations.template] === hash,
    available: since !== undefined && since + minimumReadyMilliseconds(deployment) <= now,
  }
}

function templateHash(deployment: KubeObject): string {
  return createHash('sha256')
    .update(canonical(deployment.spec?.template ?? {}))
    .digest('hex')
    .slice(0, 10)
}
