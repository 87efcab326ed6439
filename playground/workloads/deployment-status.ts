// The status of a Deployment, as the Deployment controller writes it.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {timestamp} from './timestamps.ts'

/** Counts of a Deployment's Pods that aren't being deleted. */
interface DeploymentCounts {
  total: number
  updated: number
  ready: number
  available: number
}

interface DeploymentCondition {
  type: string
  status: string
  reason: string
  message: string
  lastUpdateTime: string
  lastTransitionTime: string
}

/** The status that follows, and the time at which the progress deadline strikes if nothing happens until then. */
interface DeploymentStatusResult {
  status: JsonObject
  deadlineAt?: number
}

/**
 * The status of a Deployment with these Pods. Counters of 0 are left out, as the API server's Go types do; conditions
 * keep their times while they don't change. `maxUnavailable` counts as 0.
 */
export function deploymentStatus(
  deployment: KubeObject,
  counts: DeploymentCounts,
  nowMilliseconds: number,
): DeploymentStatusResult {
  const old = deployment.status ?? {}
  const conditions: DeploymentCondition[] = old.conditions ?? []
  const replicas: number = deployment.spec?.replicas ?? 1
  const progress = progressCondition(deployment, counts, nowMilliseconds)
  const next = [availableCondition(counts.available >= replicas), ...(progress === undefined ? [] : [progress])].map(
    wanted => {
      const known = conditions.find(one => one.type === wanted.type)
      const update = wanted.renew !== true && known?.status === wanted.status && known.reason === wanted.reason
      if (known !== undefined && update) return known
      const {renew: _, ...condition} = wanted
      const now = timestamp(nowMilliseconds)
      return {
        ...condition,
        lastUpdateTime: now,
        lastTransitionTime: known?.status === wanted.status ? known.lastTransitionTime : now,
      }
    },
  )
  const counters = {
    replicas: counts.total,
    updatedReplicas: counts.updated,
    readyReplicas: counts.ready,
    availableReplicas: counts.available,
    unavailableReplicas: Math.max(0, counts.total - counts.available),
  }
  const present = Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0))
  const status = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...present,
    conditions: next,
  } as unknown as JsonObject
  const progressing = next.find(one => one.type === 'Progressing')
  if (progressing?.status !== 'True' || progressing.reason !== 'ReplicaSetUpdated') return {status}
  return {status, deadlineAt: Date.parse(progressing.lastUpdateTime) + deadlineMilliseconds(deployment)}
}

interface WantedCondition {
  type: string
  status: string
  reason: string
  message: string
  /** Set when progress was made: the condition's update time moves although nothing else in it does. */
  renew?: boolean
}

function availableCondition(enough: boolean): WantedCondition {
  const [reason, message] = enough
    ? ['MinimumReplicasAvailable', 'Deployment has minimum availability.']
    : ['MinimumReplicasUnavailable', 'Deployment does not have minimum availability.']
  return {type: 'Available', status: enough ? 'True' : 'False', reason: reason as string, message: message as string}
}

function deadlineMilliseconds(deployment: KubeObject): number {
  return (deployment.spec?.progressDeadlineSeconds ?? 600) * 1000
}

function progressCondition(deployment: KubeObject, counts: DeploymentCounts, now: number): WantedCondition | undefined {
  const old = deployment.status ?? {}
  const known: DeploymentCondition | undefined = old.conditions?.find(
    (one: DeploymentCondition) => one.type === 'Progressing',
  )
  const replicas: number = deployment.spec?.replicas ?? 1
  const {name} = deployment.metadata
  // Once a template is out, Pods that come and go later are no progress of a rollout, and no lack of it.
  if (known?.reason === 'NewReplicaSetAvailable' && counts.total === counts.updated) return known
  const complete = counts.updated === replicas && counts.total === replicas && counts.available === replicas
  if (complete) {
    const message = `Deployment "${name}" has successfully progressed.`
    return {type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message}
  }
  const progressed =
    known === undefined ||
    known.reason === 'NewReplicaSetAvailable' ||
    counts.updated > (old.updatedReplicas ?? 0) ||
    counts.total - counts.updated < (old.replicas ?? 0) - (old.updatedReplicas ?? 0) ||
    counts.ready > (old.readyReplicas ?? 0) ||
    counts.available > (old.availableReplicas ?? 0)
  const overdue = known !== undefined && now >= Date.parse(known.lastUpdateTime) + deadlineMilliseconds(deployment)
  if (!progressed && (overdue || known?.reason === 'ProgressDeadlineExceeded')) {
    const message = `Deployment "${name}" has timed out progressing.`
    return {type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message}
  }
  const message = `Deployment "${name}" is progressing.`
  return {type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message, renew: progressed}
}
