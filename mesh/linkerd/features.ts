// What this mesh can do, and what it can't: refusals and docs/meshes.md say it in these words.
import type {Mesh} from '../types.ts'

export const features: Mesh['features'] = {
  matchHeaders: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  matchCookies: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  matchQueryParams: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  matchSourceLabels: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  matchSourceNamespace: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  matchSourceRegion: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  mirror: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  sticky: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  borrowedRoute: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  grpc: {works: true, how: 'GRPCRoute'},
  tcp: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  gateways: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  insideCallers: {works: true, how: 'HTTPRoute with the Service as parent'},
  baseline: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  comparison: {works: true, how: 'metrics of the proxies'},
  circuitBreaker: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  rateLimit: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  faults: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
  plaintextGate: {works: false, why: 'Fairlead does not do this beside Linkerd yet'},
}
