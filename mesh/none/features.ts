// What can be done without a mesh, and what can't: refusals and docs/meshes.md say it in these words.
import type {Mesh, Support} from '../types.ts'

const no = (why: string): Support => ({works: false, why})

const connections = no('without a mesh connections are shared out, and nobody looks into a request')
const callers = no('without a mesh every caller of the Service is treated alike')
const proxies = no("this is done by a mesh's proxies")
const uncounted = no('without a mesh nobody counts the requests of each version: use a threshold with a query of yours')

export const features: Mesh['features'] = {
  matchHeaders: connections,
  matchCookies: connections,
  matchQueryParams: connections,
  matchSourceLabels: callers,
  matchSourceNamespace: callers,
  matchSourceRegion: callers,
  mirror: proxies,
  mirrorPercent: proxies,
  sticky: no('without a mesh nobody sets cookies; sessionAffinity of the Service knows pods, not versions'),
  borrowedRoute: no('there is no route: the selector of the Service is what moves'),
  grpc: {works: true, how: 'by connection: a client that keeps one open stays with its pod'},
  tcp: {works: true, how: 'by connection'},
  gateways: {works: true, how: 'whatever sends to the Service or its endpoints, such as an ingress controller'},
  insideCallers: {works: true, how: 'the selector of the Service, as kube-proxy follows it'},
  baseline: uncounted,
  comparison: uncounted,
  previewMetrics: uncounted,
  circuitBreaker: proxies,
  rateLimit: proxies,
  faults: proxies,
  plaintextGate: proxies,
}
