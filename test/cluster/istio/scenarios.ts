// What is tried through istiod and Envoy: a wish for the traffic, and requests that tell whether it came true.
import type {KubeObject} from '../../../crds/meta.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import type {Match} from '../../../crds/strategy.ts'
import type {MeshContext} from '../../../mesh/types.ts'
import type {Request, Scenario} from '../scenarios/report.ts'
import {type Protocol, serviceNames, servicePorts} from '../scenarios/servers.ts'
import {type Caller, hostname, namespace} from './site.ts'

const sticky = {cookie: 'fairlead-checkout', maxAgeSeconds: 60}

function contextWith(istio: object = {}, matches: Match[] = [], protocol: Protocol = 'http'): MeshContext {
  return {
    rollout: {name: 'checkout', namespace, uid: 'uid-1'},
    apex: {name: serviceNames[protocol], ports: [servicePorts[protocol]]},
    slots: {a: `${serviceNames[protocol]}-a`, b: `${serviceNames[protocol]}-b`},
    traffic: {istio: {hosts: [], gateways: [], settlingTime: '1s', ...istio}},
    routing: {matches, sticky},
  }
}

/** The largest that the schema of a Rollout allows. */
const longCookies = ['a', 'b', 'c', 'd'].map(name => ({name: name.padEnd(128, '-'), value: name.padEnd(256, '.')}))

const half: Split = {a: 50, b: 50}

function matched(b = 0): Split {
  return {a: 100 - b, b, apart: {slot: 'b', matched: true}}
}

function times(count: number, request: Request): Request[] {
  return Array.from({length: count}, () => request)
}

function from(caller: Caller | 'gateway' | 'pod', headers: Record<string, string> = {}, path = '/'): Request {
  return {from: caller, host: caller === 'gateway' ? hostname : 'checkout', path, headers}
}

function grpc(headers: Record<string, string> = {}): Request {
  return {from: 'web', protocol: 'grpc', host: `${serviceNames.grpc}:${servicePorts.grpc.port}`, headers}
}

function virtualService(name: string, spec: object): KubeObject {
  return {apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: {name, namespace}, spec}
}

const sources: [string, Match][] = [
  ['labels', {source: {labels: {app: 'web'}}}],
  ['namespace', {source: {namespace: 'jobs'}}],
  ['region', {source: {region: 'eu-1'}}],
]

const borrowed = virtualService('users', {
  hosts: ['checkout', hostname],
  gateways: ['mesh', 'infra/public'],
  http: [
    {match: [{uri: {prefix: '/fixed'}}], directResponse: {status: 418}},
    {name: 'rest', headers: {response: {set: {'x-users': 'kept'}}}, route: [{destination: {host: 'checkout'}}]},
  ],
})

export const scenarios: Record<string, Scenario> = {
  weights: {context: contextWith(), split: {a: 80, b: 20}, requests: times(500, from('web'))},
  'all to one': {context: contextWith(), split: {a: 0, b: 100}, requests: times(50, from('web'))},
  'blue/green': {
    context: contextWith(),
    split: {a: 100, b: 0},
    requests: times(50, from('web')),
    then: [
      {a: 0, b: 100},
      {a: 100, b: 0},
    ],
  },
  gRPC: {
    context: contextWith({}, [{headers: [{name: 'x-group', exact: 'insiders'}]}], 'grpc'),
    split: matched(20),
    requests: [...times(20, grpc({'x-group': 'insiders'})), ...times(300, grpc())],
  },
  TCP: {
    context: contextWith({}, [], 'tcp'),
    split: {a: 80, b: 20},
    requests: times(300, {from: 'web', protocol: 'tcp', host: ''}),
    then: [{a: 0, b: 100}],
  },
  gateway: {
    context: contextWith({hosts: [hostname], gateways: ['infra/public']}),
    split: half,
    requests: times(200, from('gateway')),
  },
  headers: {
    context: contextWith({}, [
      {headers: [{name: 'X-Group', exact: 'insiders'}]},
      {headers: [{name: 'x-n', regex: '[0-9]+'}]},
    ]),
    split: matched(),
    requests: [
      from('web', {'x-group': 'insiders'}),
      from('web', {'x-n': '42'}),
      from('web', {'x-group': 'outsiders'}),
      from('web', {'x-n': '42x'}),
      from('web'),
    ],
  },
  'headers beside a weight': {
    context: contextWith({}, [{headers: [{name: 'x-group', exact: 'insiders'}]}]),
    split: matched(50),
    requests: [...times(20, from('web', {'x-group': 'insiders'})), ...times(200, from('web'))],
  },
  cookies: {
    context: contextWith({}, [
      {
        cookies: [
          {name: 'beta', value: 'a.b'},
          {name: 'plan', value: 'pro'},
        ],
      },
    ]),
    split: matched(),
    requests: [
      'beta=a.b; plan=pro',
      'plan=pro; x=1; beta=a.b',
      'beta=a.b',
      'beta=axb; plan=pro',
      'xbeta=a.b; plan=pro',
    ].map(cookie => from('web', {cookie})),
  },
  'as many and as long cookies as a match may have': {
    context: contextWith({}, [{cookies: longCookies}]),
    split: matched(),
    requests: [longCookies.toReversed(), longCookies, longCookies.slice(1)].map(cookies =>
      from('web', {cookie: `x=1; ${cookies.map(({name, value}) => `${name}=${value}`).join('; ')}`}),
    ),
  },
  'query parameters': {
    context: contextWith({}, [{queryParams: [{name: 'v', exact: '2'}]}]),
    split: matched(),
    requests: ['/?v=2', '/?a=1&v=2', '/?v=21', '/'].map(path => from('web', {}, path)),
  },
  ...Object.fromEntries(
    sources.map(([name, match]): [string, Scenario] => [
      `callers by ${name}`,
      {
        context: contextWith({hosts: [hostname], gateways: ['infra/public']}, [match]),
        split: matched(),
        requests: [from('web'), from('batch'), from('canary'), from('gateway')].map(request => ({
          ...request,
          host: request.from === 'batch' ? `checkout.${namespace}` : request.host,
        })),
      },
    ]),
  ),
  mirror: {
    context: contextWith(),
    split: {a: 100, b: 0, apart: {slot: 'b', mirrorPercent: 50}},
    requests: times(200, from('web')),
  },
  sticky: {
    context: contextWith(),
    split: {a: 70, b: 30, apart: {slot: 'b', session: 'r2'}},
    requests: [
      ...times(200, from('web')),
      ...times(20, from('web', {cookie: 'x=1; fairlead-checkout=r2'})),
      ...times(20, from('web', {cookie: 'fairlead-checkout=r2.not.30; y=2'})),
    ],
  },
  'sticky after a step': {
    context: contextWith(),
    split: {a: 20, b: 80, apart: {slot: 'b', session: 'r2'}},
    requests: [
      ...times(20, from('web', {cookie: 'fairlead-checkout=r2'})),
      ...times(100, from('web', {cookie: 'fairlead-checkout=r2.not.30'})),
    ],
  },
  borrowed: {
    context: contextWith({virtualService: {name: 'users', ownership: 'exclusive'}}),
    split: half,
    users: [borrowed],
    requests: [from('web', {}, '/fixed'), ...times(100, from('web')), ...times(100, from('gateway'))],
  },
  delegate: {
    context: contextWith({delegate: true}, [{headers: [{name: 'x-group', exact: 'insiders'}]}]),
    split: matched(50),
    users: [
      virtualService('root', {
        hosts: [hostname],
        gateways: ['infra/public'],
        http: [
          {match: [{uri: {prefix: '/pay'}}], delegate: {name: 'checkout', namespace}},
          {directResponse: {status: 418}},
        ],
      }),
    ],
    requests: [
      from('gateway', {}, '/other'),
      ...times(20, from('gateway', {'x-group': 'insiders'}, '/pay/1')),
      ...times(100, from('gateway', {}, '/pay/2')),
    ],
  },
  'circuit breaker': {
    context: contextWith(),
    split: half,
    protection: {
      slot: 'b',
      safeguards: {circuitBreaker: {consecutiveErrors: 3, ejectionTime: '30s', maxConnections: 10}},
      faults: [],
    },
    failing: ['checkout-b'],
    requests: times(200, from('web')),
  },
  'rate limit': {
    context: contextWith(),
    split: half,
    protection: {slot: 'b', safeguards: {rateLimit: {requests: 20, per: '30s'}}, faults: []},
    requests: [...times(60, from('pod')), ...times(60, {...from('batch'), host: `payments.${namespace}`})],
  },
  faults: {
    context: contextWith(),
    split: {a: 50, b: 50, apart: {slot: 'b', faults: true}},
    protection: {
      slot: 'b',
      safeguards: {},
      faults: [
        {service: 'payments', percent: 100, abort: 503},
        {service: 'stock', percent: 100, delay: '300ms'},
      ],
    },
    requests: [
      ...times(10, {...from('canary'), host: 'payments'}),
      ...times(5, {...from('canary'), host: `stock.${namespace}.svc.cluster.local`}),
      ...times(10, {...from('web'), host: 'payments'}),
      ...times(5, {...from('web'), host: 'stock'}),
      ...times(10, {...from('canary'), host: 'checkout'}),
    ],
  },
}
