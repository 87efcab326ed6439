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
const simulated = (test: string): Evidence => ({file: 'test/simulation/strategies.test.ts', test})

const switched = 'blue/green: all requests move at once and back, and none is lost meanwhile'
const blueGreen = simulated(
  'blue/green > it switches at once, with all pods, keeps the old version warm, and switches back',
)

/** By mesh and row, for every row that works; the files of lanes with real proxies are real traffic. */
export const evidence: Readonly<Record<MeshName, Readonly<Partial<Record<Row, Evidence>>>>> = {
  istio: {
    canary: istioTraffic('shares > by weight'),
    blueGreen: istioTraffic(switched),
    abTest: istioTraffic('requests that match > by headers'),
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
      file: 'test/cluster/release/releases.lane.ts',
      test: 'a release > with a baseline: a fresh copy of the primary stands beside the canary, and in no way',
    },
    comparison: {
      file: 'mesh/istio/counters.test.ts',
      test: 'the callers name the Service of a slot, its pods name the workload',
    },
    previewMetrics: {
      file: 'mesh/istio/counters.test.ts',
      test: 'the callers name the Service of a slot, its pods name the workload',
    },
    circuitBreaker: istioTraffic(
      'safeguards > circuit breaker: a canary that fails is left out after so many errors in a row',
    ),
    rateLimit: istioTraffic(
      "safeguards > rate limit: the canary's pod takes so many requests, and its own calls are free",
    ),
    plaintextGate: {
      file: 'mesh/istio/counters.test.ts',
      test: 'whether requests came in plaintext: %j -> %s',
    },
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
      file: 'test/cluster/rendered/rendered.lane.ts',
      test: 'a Service as parent (GAMMA) > is taken, for HTTP and gRPC, and counts once its status says so',
    },
    comparison: gatewayTraffic('%s > each request is counted for the slot that got it, copies too'),
  },
  linkerd: {
    canary: {file: 'test/golden/mesh/linkerd.test.ts', test: 'one http port, by weight'},
    blueGreen,
    abTest: {
      file: 'mesh/linkerd/apart.test.ts',
      test: 'requests that match > have a rule of their own, with one backend',
    },
    matchHeaders: {
      file: 'mesh/linkerd/apart.test.ts',
      test: 'requests that match > have a rule of their own, with one backend',
    },
    matchCookies: {
      file: 'mesh/linkerd/apart.test.ts',
      test: 'requests that match > have a rule of their own, with one backend',
    },
    matchQueryParams: {
      file: 'mesh/linkerd/apart.test.ts',
      test: 'requests that match > have a rule of their own, with one backend',
    },
    borrowedRoute: {
      file: 'mesh/shared/borrowed-routes.test.ts',
      test: 'a borrowed route > is read back, moved on, and given back as it was',
    },
    plaintextGate: {
      file: 'mesh/linkerd/counters.test.ts',
      test: 'whether requests came in plaintext: %j -> %s',
    },
    grpc: {file: 'test/golden/mesh/linkerd.test.ts', test: 'gRPC, and the port that the user names'},
    insideCallers: {file: 'test/golden/mesh/linkerd.test.ts', test: 'one http port, by weight'},
    comparison: {
      file: 'mesh/linkerd/counters.test.ts',
      test: 'backends that proxies make up, probes and the admin port are left out',
    },
    previewMetrics: {file: 'mesh/linkerd/counters.test.ts', test: 'pods: %s: %j'},
  },
  none: {
    canary: simulated('without a mesh > a canary: its share is that of its pods, and the Service selects both slots'),
    blueGreen: {
      file: 'test/cluster/release/plain.lane.ts',
      test: 'no mesh > blue/green without a mesh: the endpoints of the Service are those of one version at every moment',
    },
    grpc: simulated('without a mesh > a canary: its share is that of its pods, and the Service selects both slots'),
    tcp: simulated('without a mesh > a canary: its share is that of its pods, and the Service selects both slots'),
    gateways: {
      file: 'test/cluster/release/plain.lane.ts',
      test: 'no mesh > a canary without a mesh: the endpoints of the Service are of both versions, by their pods',
    },
    insideCallers: {
      file: 'test/cluster/release/plain.lane.ts',
      test: 'no mesh > a canary without a mesh: the endpoints of the Service are of both versions, by their pods',
    },
  },
}
