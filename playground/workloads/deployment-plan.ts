// Which Pods a Deployment needs more or fewer of. Rolling updates always behave as `maxSurge: 1, maxUnavailable: 0`,
// whatever the strategy says: new Pods are available before old ones go. `spec.paused` is not looked at.

/** One Pod that isn't being deleted, as the plan sees it. */
export interface PlannedPod {
  name: string
  createdAt: number
  /** Made from the present template. */
  updated: boolean
  /** Ready for at least `minReadySeconds`. */
  available: boolean
}

interface DeploymentPlan {
  /** How many Pods of the present template to make. */
  creations: number
  /** Names of Pods to delete. */
  deletions: string[]
}

const maximumSurge = 1

/** The next step towards `replicas` Pods of the present template; `pods` are in the order of their creation. */
export function planDeployment(pods: readonly PlannedPod[], replicas: number): DeploymentPlan {
  const updated = pods.filter(pod => pod.updated)
  const old = pods.filter(pod => !pod.updated)
  if (updated.length > replicas) {
    const surplus = expendableFirst(updated).slice(0, updated.length - replicas)
    return {
      creations: 0,
      deletions: [...surplus, ...oldSurplus(old, updated.slice(0, replicas), replicas)].map(pod => pod.name),
    }
  }
  const limit = old.length === 0 ? replicas : replicas + maximumSurge
  const creations = Math.max(0, Math.min(replicas - updated.length, limit - pods.length))
  return {creations, deletions: oldSurplus(old, updated, replicas).map(pod => pod.name)}
}

/**
 * Old Pods that may go: so many that the Pods that stay, less the new ones that aren't available, are still enough; and
 * available ones only while more than enough are available. The same sums as in the Deployment controller.
 */
function oldSurplus(old: readonly PlannedPod[], updated: readonly PlannedPod[], replicas: number): PlannedPod[] {
  const newUnavailable = updated.filter(pod => !pod.available).length
  const room = old.length + updated.length - replicas - newUnavailable
  if (room <= 0) return []
  const unhealthy = old.filter(pod => !pod.available).slice(0, room)
  const available = [...old, ...updated].filter(pod => pod.available).length
  const spare = Math.min(Math.max(0, available - replicas), room - unhealthy.length)
  const healthy = expendableFirst(old.filter(pod => pod.available)).slice(0, spare)
  return [...unhealthy, ...healthy]
}

/** Unavailable Pods first, then the youngest. */
function expendableFirst(pods: readonly PlannedPod[]): PlannedPod[] {
  const order = pods.map((pod, index) => ({pod, index}))
  order.sort(
    (left, right) =>
      Number(left.pod.available) - Number(right.pod.available) ||
      right.pod.createdAt - left.pod.createdAt ||
      right.index - left.index,
  )
  return order.map(({pod}) => pod)
}
