// Which test shows that a cell of docs/meshes.md holds.
import type {meshes} from '../../mesh/registry.ts'
import type {Feature} from '../../mesh/types.ts'

/** Rows of the table: what a mesh can do, and the strategies. */
export type Row = 'canary' | 'blueGreen' | 'abTest' | Feature
export type MeshName = keyof typeof meshes

export interface Evidence {
  /** Path in the repository. */
  file: string
  /** Its name as written in the file, with those of its `describe`s, joined by ` > `. */
  test: string
}

const istioTraffic = (test: string): Evidence => ({file: 'test/cluster/istio/istio-traffic.lane.ts', test})
const gatewayTraffic = (test: string): Evidence => ({file: 'test/cluster/gateway/gateway-traffic.lane.ts', test})
const kubeProxy = (test: string): Evidence => ({file: 'test/cluster/kube-proxy/kube-proxy-traffic.lane.ts', test})

const switched = 'blue/green: all requests move at once and back, and none is lost meanwhile'
const besideLinkerd = (test: string): Evidence => ({file: 'test/simulation/beside-linkerd.test.ts', test})
const linkerdCanary =
  'beside Linkerd > a canary gets the share of each step from the callers inside, and in the end everything'
const anyPort: Evidence = {
  file: 'test/simulation/plain-ports.test.ts',
  test: 'without a mesh a Service of %s: a canary has the share of its pods, and blue/green moves all of it',
}

/** Series as the proxies of Istio and of Linkerd expose them, and what the judge makes of them. */
const counted = (test: string): Evidence => ({
  file: 'test/contract/evaluation/beside-meshes.test.ts',
  test: `what the proxies of %s count > ${test}`,
})
const byCallers = counted('for their callers: the requests and failures of each version')
const byPods = counted('at their pods, whoever called: the requests and failures of each version')
const plaintext = counted('at the pods of the canary: whether a request came in plaintext')

/** By mesh and row, for every row that works; the files of lanes with real proxies are real traffic. */
export const evidence: Readonly<Record<MeshName, Readonly<Partial<Record<Row, Evidence>>>>> = {
  istio: {
    canary: istioTraffic('shares > by weight'),
    blueGreen: istioTraffic(switched),
    abTest: istioTraffic('requests that match > by headers, beside a weight for the others'),
    matchHeaders: istioTraffic('requests that match > by headers'),
    matchCookies: istioTraffic('requests that match > by cookies, in any order'),
    matchQueryParams: istioTraffic('requests that match > by query parameters'),
    matchSourceLabels: istioTraffic("requests that match > by the caller's labels"),
    matchSourceNamespace: istioTraffic("requests that match > by the caller's namespace"),
    matchSourceRegion: istioTraffic("requests that match > by the caller's region"),
    mirror: istioTraffic('mirroring: every answer is of the one version, the other gets copies of a share'),
    mirrorPercent: istioTraffic('mirroring: every answer is of the one version, the other gets copies of a share'),
    sticky: istioTraffic('sticky sessions > who has a cookie stays'),
    borrowedRoute: istioTraffic(
      "routes of the user's > borrowed: the weights inside and through the gateway, and their other rules go on working",
    ),
    grpc: istioTraffic('shares > of gRPC calls: by weight, and by headers, with their trailers'),
    tcp: istioTraffic('shares > of TCP connections: by weight, and none for a slot with weight 0'),
    gateways: istioTraffic('shares > through a gateway'),
    insideCallers: istioTraffic('shares > by weight'),
    baseline: {
      file: 'test/contract/evaluation/baseline.test.ts',
      test: 'a canary is compared with the baseline, seen from the %s',
    },
    comparison: byCallers,
    previewMetrics: byPods,
    circuitBreaker: istioTraffic(
      'safeguards > circuit breaker: a canary that fails is left out after so many errors in a row',
    ),
    rateLimit: istioTraffic(
      "safeguards > rate limit: the canary's pod takes so many requests, and its own calls are free",
    ),
    plaintextGate: plaintext,
    faults: istioTraffic("safeguards > faults: the canary's calls to the named Services meet them, nobody else's do"),
  },
  gatewayAPI: {
    canary: {
      file: 'test/cluster/envoy/releases-by-envoy.lane.ts',
      test: 'a good version > is promoted step by step',
    },
    blueGreen: gatewayTraffic(switched),
    abTest: gatewayTraffic('requests that match > by headers, beside a weight for the others'),
    matchHeaders: gatewayTraffic('requests that match > by headers'),
    matchCookies: gatewayTraffic('requests that match > by cookies, in any order'),
    matchQueryParams: gatewayTraffic('requests that match > by query parameters'),
    mirror: gatewayTraffic('mirroring: every answer is of the one version, the other gets copies of a share'),
    mirrorPercent: gatewayTraffic('mirroring: every answer is of the one version, the other gets copies of a share'),
    sticky: gatewayTraffic('sticky sessions > who has a cookie stays'),
    borrowedRoute: gatewayTraffic(
      "a route of the user's: the weights, and its other rules go on working; it is given back as it was",
    ),
    grpc: gatewayTraffic('gRPC calls by weight, and by headers, with their trailers'),
    gateways: gatewayTraffic('shares by weight; a slot with weight 0 gets no request'),
    insideCallers: {
      file: 'test/simulation/beside-gamma.test.ts',
      test: 'callers inside, by the name of the Service, have the shares of the steps',
    },
    comparison: gatewayTraffic('%s > each request is counted for the slot that got it, copies too'),
  },
  linkerd: {
    canary: besideLinkerd(linkerdCanary),
    blueGreen: besideLinkerd(
      'beside Linkerd > blue/green: all requests move at once, and back at once where it fails in the bake',
    ),
    abTest: besideLinkerd(
      'beside Linkerd > A/B: who matches gets the new version for the time of the test, the others by their weight',
    ),
    matchHeaders: besideLinkerd('matches beside Linkerd > by headers: those requests alone get the new version'),
    matchCookies: besideLinkerd('matches beside Linkerd > by cookies: those requests alone get the new version'),
    matchQueryParams: besideLinkerd(
      'matches beside Linkerd > by query parameters: those requests alone get the new version',
    ),
    borrowedRoute: besideLinkerd(
      "a route of the user's, whose parent is the Service > has the weights of the release, which Linkerd obeys, nothing else changes, and it is given back as it was",
    ),
    plaintextGate: plaintext,
    grpc: besideLinkerd('beside Linkerd > gRPC: the calls have the share of each step, by a GRPCRoute alone'),
    insideCallers: besideLinkerd(linkerdCanary),
    comparison: byCallers,
    previewMetrics: byPods,
  },
  none: {
    canary: kubeProxy('a canary > gets the share of its pods, of connections: one of five'),
    blueGreen: kubeProxy('blue/green > all connections move at once, and none is lost'),
    grpc: anyPort,
    tcp: anyPort,
    gateways: {
      file: 'test/cluster/release/plain.lane.ts',
      test: 'no mesh > a canary without a mesh: the endpoints of the Service are of both versions, by their pods',
    },
    insideCallers: kubeProxy('a canary > costs no request, and ends with all of them'),
  },
}
