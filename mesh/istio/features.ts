// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import type {Mesh} from '../types.ts'

export const features: Mesh['features'] = {
  matchHeaders: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  matchCookies: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  matchQueryParams: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  matchSourceLabels: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  matchSourceNamespace: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  matchSourceRegion: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  mirror: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  sticky: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  borrowedRoute: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  grpc: {works: true, how: 'HTTP routes'},
  tcp: {works: true, how: 'TCP routes'},
  gateways: {works: true, how: 'spec.traffic.istio.gateways'},
  insideCallers: {works: true, how: 'gateway mesh'},
  baseline: {works: true, how: 'the workload in the metrics'},
  comparison: {works: true, how: 'istio_requests_total'},
  circuitBreaker: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  rateLimit: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  faults: {works: false, why: 'Fairlead does not do this beside Istio yet'},
  plaintextGate: {works: false, why: 'Fairlead does not do this beside Istio yet'},
}
