/** Settings of the workload runner; every one has a default. */
export interface WorkloadSettings {
  /** Time from a Pod's deletion until its server stops taking requests. Must exceed the mesh's propagation time. */
  terminationGraceMilliseconds?: number
  /** Longest time that requests in flight get once the server of a Pod has stopped taking new ones. */
  drainMilliseconds?: number
  /** Time from the crash of a Pod's server until it is noticed and restarted. */
  crashDetectionMilliseconds?: number
  /** Pods that the one node runs; further ones stay Pending. */
  maximumPods?: number
}

export type CompleteWorkloadSettings = Required<WorkloadSettings>

const defaults: CompleteWorkloadSettings = {
  terminationGraceMilliseconds: 500,
  drainMilliseconds: 10_000,
  crashDetectionMilliseconds: 250,
  maximumPods: 500,
}

/** The settings with their defaults; throws a RangeError that names a field that isn't a number of 0 or more. */
export function completeWorkloadSettings(settings: WorkloadSettings): CompleteWorkloadSettings {
  const complete = {...defaults, ...settings}
  for (const [field, value] of Object.entries(complete)) {
    if (Number.isFinite(value) && value >= 0) continue
    throw new RangeError(`workload settings: ${field} is ${value}; give a number of 0 or more`)
  }
  return complete
}
