// Labels, annotations and names that the playground's workloads write, and that its mesh reads.

export const playgroundAnnotations = {
  /** Loopback port of the HTTP server that plays a Pod. */
  port: 'playground.fairlead.dev/port',
  /** Hash of the pod template that a Pod was made from. */
  template: 'playground.fairlead.dev/template-hash',
  /** Revision of the Deployment when the Pod was made. */
  revision: 'playground.fairlead.dev/revision',
  /** Name of the Deployment behind an endpoint, on EndpointSlices. */
  workload: 'playground.fairlead.dev/workload',
} as const

/** Label of an EndpointSlice that names its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name'
/** Label of an EndpointSlice that says who keeps it. */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const endpointManager = 'workloads.playground.fairlead.dev'
/** Under which the runner's writes are recorded. */
export const workloadFieldManager = 'playground-workloads'
/** The one node that all pods run on. */
export const nodeName = 'playground'
/** Address of every pod. */
export const podAddress = '127.0.0.1'
