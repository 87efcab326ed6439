// What is tried through Envoy Gateway.

import type {KubeObject} from '../../../crds/meta.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import type {Match} from '../../../crds/strategy.ts'
import type {MeshContext} from '../../../mesh/types.ts'
import {gateway} from '../envoy/gateway.ts'
import type {Request, Scenario} from '../scenarios/report.ts'
import {type Protocol, serviceNames, servicePorts} from '../scenarios/servers.ts'

export const namespace = 'shop'
const host = 'shop.example.com'

function contextWith(
  matches: Match[] = [],
  settings: object = {hosts: [host], parentRefs: [gateway]},
  protocol: Protocol = 'http',
): MeshContext {
  return {
    rollout: {name: 'checkout', namespace, uid: 'uid-1'},
    apex: {name: serviceNames[protocol], ports: [servicePorts[protocol]]},
    slots: {a: `${serviceNames[protocol]}-a`, b: `${serviceNames[protocol]}-b`},
    traffic: {gatewayAPI: {hosts: [], settlingTime: '1s', ...settings}},
    routing: {matches, sticky: {cookie: 'fairlead-checkout', maxAgeSeconds: 60}},
  }
}

function request(headers: Record<string, string> = {}, path = '/'): Request {
  return {from: 'gateway', host, headers, path}
}

function grpc(headers: Record<string, string> = {}): Request {
  return {from: 'gateway', protocol: 'grpc', host, headers}
}

function times(count: number, one: Request): Request[] {
  return Array.from({length: count}, () => one)
}

function matched(b = 0): Split {
  return {a: 100 - b, b, apart: {slot: 'b', matched: true}}
}

/** A route of the user's: a redirect of one path, and everything else to the Service. */
const users: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: {name: 'users', namespace},
  spec: {
    parentRefs: [gateway],
    hostnames: [host],
    rules: [
      {
        matches: [{path: {type: 'PathPrefix', value: '/old'}}],
        filters: [{type: 'RequestRedirect', requestRedirect: {hostname: 'new.example.com', statusCode: 301}}],
      },
      {
        matches: [{path: {type: 'PathPrefix', value: '/'}}],
        backendRefs: [{group: '', kind: 'Service', name: 'checkout', port: 80, weight: 1}],
      },
    ],
  },
}

export const scenarios: Record<string, Scenario> = {
  weights: {context: contextWith(), split: {a: 80, b: 20}, requests: times(500, request())},
  'all to one': {context: contextWith(), split: {a: 0, b: 100}, requests: times(50, request())},
  'blue/green': {
    context: contextWith(),
    split: {a: 100, b: 0},
    requests: times(50, request()),
    then: [
      {a: 0, b: 100},
      {a: 100, b: 0},
    ],
  },
  gRPC: {
    context: contextWith([{headers: [{name: 'x-group', exact: 'insiders'}]}], undefined, 'grpc'),
    split: matched(20),
    requests: [...times(20, grpc({'x-group': 'insiders'})), ...times(300, grpc())],
  },
  headers: {
    context: contextWith([
      {headers: [{name: 'X-Group', exact: 'insiders'}]},
      {headers: [{name: 'x-n', regex: '[0-9]+'}]},
    ]),
    split: matched(),
    requests: [{'x-group': 'insiders'}, {'x-n': '42'}, {'x-group': 'outsiders'}, {'x-n': '42x'}, {}].map(headers =>
      request(headers as Record<string, string>),
    ),
  },
  'headers beside a weight': {
    context: contextWith([{headers: [{name: 'x-group', exact: 'insiders'}]}]),
    split: matched(50),
    requests: [...times(20, request({'x-group': 'insiders'})), ...times(200, request())],
  },
  cookies: {
    context: contextWith([
      {
        cookies: [
          {name: 'beta', value: 'a.b'},
          {name: 'plan', value: 'pro'},
        ],
      },
    ]),
    split: matched(),
    requests: ['beta=a.b; plan=pro', 'plan=pro; x=1; beta=a.b', 'beta=a.b', 'beta=axb; plan=pro'].map(cookie =>
      request({cookie}),
    ),
  },
  'as many cookies as a match may have': {
    context: contextWith([{cookies: ['a', 'b', 'c', 'd'].map(name => ({name, value: `${name}.${'1'.repeat(20)}`}))}]),
    split: matched(),
    requests: [
      ['d', 'a', 'c', 'b'],
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'c'],
    ].map(names => request({cookie: `x=1; ${names.map(name => `${name}=${name}.${'1'.repeat(20)}`).join('; ')}`})),
  },
  'query parameters': {
    context: contextWith([{queryParams: [{name: 'v', exact: '2'}]}]),
    split: matched(),
    requests: ['/?v=2', '/?a=1&v=2', '/?v=21', '/'].map(path => request({}, path)),
  },
  mirror: {
    context: contextWith(),
    split: {a: 100, b: 0, apart: {slot: 'b', mirrorPercent: 50}},
    requests: times(200, request()),
  },
  sticky: {
    context: contextWith(),
    split: {a: 70, b: 30, apart: {slot: 'b', session: 'r2'}},
    requests: [
      ...times(200, request()),
      ...times(20, request({cookie: 'x=1; fairlead-checkout=r2'})),
      ...times(20, request({cookie: 'fairlead-checkout=r2.not.30; y=2'})),
    ],
  },
  'sticky after a step': {
    context: contextWith(),
    split: {a: 20, b: 80, apart: {slot: 'b', session: 'r2'}},
    requests: [
      ...times(20, request({cookie: 'fairlead-checkout=r2'})),
      ...times(100, request({cookie: 'fairlead-checkout=r2.not.30'})),
    ],
  },
  'gRPC that fails': {
    context: contextWith([], undefined, 'grpc'),
    split: {a: 60, b: 40},
    failing: ['checkout-b'],
    requests: times(200, grpc()),
  },
  borrowed: {
    context: contextWith([], {route: {name: 'users', ownership: 'exclusive'}}),
    split: {a: 50, b: 50},
    users: [users],
    requests: [request({}, '/old'), ...times(200, request())],
  },
}
