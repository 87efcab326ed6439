// The playground's workloads: Deployments become Pods, Pods real HTTP servers on loopback, Services EndpointSlices.
//
//   const runner = startWorkloadRunner({store, random: seededRandom(1), settings: {terminationGraceMilliseconds: 500}})
//
// `store` is the API emulator's in-process store, or anything else of the shape of WorkloadStore. How a Pod behaves is
// set by the environment of its first container: FAILURE_SHARE, LATENCY_MILLISECONDS, LATENCY_JITTER_MILLISECONDS,
// STARTUP_MILLISECONDS, READY, VERSION (see PodBehaviour).
export {playgroundAnnotations, serviceNameLabel} from './names.ts'
export {followResource, type ObjectCache} from './object-cache.ts'
export {
  startWorkloadRunner,
  type WorkloadRunner,
  type WorkloadRunnerOptions,
  type WorkloadRunnerStats,
} from './runner.ts'
export {seededRandom} from './seeded-random.ts'
export type {WorkloadSettings} from './settings.ts'
export type {StoreDeleteOptions, StoreEvent, StoreWriteOptions, WorkloadStore} from './store-port.ts'
