// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import type {Mesh} from '../types.ts'

export const features: Mesh['features'] = {
  matchHeaders: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  matchCookies: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  matchQueryParams: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  matchSourceLabels: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  matchSourceNamespace: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  matchSourceRegion: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  mirror: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  sticky: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  borrowedRoute: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  grpc: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  tcp: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  gateways: {works: true, how: 'HTTPRoute'},
  insideCallers: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  baseline: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  comparison: {works: true, how: 'Envoy Gateway’s metrics'},
  circuitBreaker: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  rateLimit: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  faults: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
  plaintextGate: {works: false, why: 'Fairlead does not do this beside the Gateway API yet'},
}
