// What a real mesh can't do with a Rollout's own settings and ports: refused by the core with field, reason and fix, before
// anything is made.
import {expect, test} from 'vitest'
import {refusals} from '../../controller/core/refusals.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {plainWorld, worldBeside} from './settings-world.ts'

const http = [{name: 'http', port: 80}]
const grpc = [{name: 'grpc', port: 80, appProtocol: 'grpc'}]
const tcp = [{name: 'tcp-db', port: 5432}]

const errors = {name: 'errors', compare: {metric: 'requestErrors'}}
const success = {name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}
const gate = {name: 'mtls', threshold: {metric: 'plaintextRequests', max: 0}}
const canary = {canary: {stepWeight: 10}}
const envoyGateway = {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'}
const gateway = (more: object = {}) => ({
  gatewayAPI: {parentRefs: [{name: 'public'}], gatewayClass: envoyGateway, ...more},
})

interface Play {
  traffic: object
  ports?: typeof http
  strategy?: object
  checks?: object[]
  more?: object
  /** Objects of the user's. */
  objects?: KubeObject[]
}

/** Reason, field and problem of what the core says of a Rollout, beside what the model's world lacks. */
function refused({traffic, ports = http, strategy = canary, checks = [], more = {}, objects = []}: Play) {
  const world = plainWorld()
  const spec = rolloutSpec.parse({...world.spec, traffic, strategy, analysis: {checks}, ...more})
  return refusals(worldBeside(world, spec, ports, objects)).filter(
    ({reason}) => reason === 'UnsupportedByMesh' || reason.startsWith('Invalid'),
  )
}

/** Conditions of an A/B that every request would meet, as an older definition let them in. */
const empty: [string, object][] = [
  ['', {}],
  ['.source', {source: {}}],
  ['.source.labels', {source: {labels: {}}}],
  ['.source.labels', {source: {labels: {}, namespace: 'insiders'}}],
]

test.each(
  empty.flatMap(([field, match]) =>
    [{istio: {}}, gateway(), {linkerd: {}}].map(traffic => [Object.keys(traffic)[0], match, field, traffic] as const),
  ),
)('%s: a condition that says nothing would be everybody: %j', (_, match, field, traffic) => {
  const found = refused({traffic, strategy: {abTest: {match: [match]}}})
  const [first] = found.filter(({reason}) => reason === 'InvalidMatch')
  expect(first).toMatchObject({field: `spec.strategy.abTest.match[0]${field}`})
  expect(first?.problem).toContain('every request')
  expect(first?.fix).not.toBe('')
})

const blueGreen = (more: object) => ({blueGreen: more})
const checksAt = (name: string, kind: string) => `spec.analysis.checks[name=${name}].${kind}`

test.each<[string, Play, string, string]>([
  [
    'a comparison of a TCP Service',
    {traffic: {istio: {}}, ports: tcp, checks: [errors]},
    checksAt('errors', 'compare'),
    'no HTTP port',
  ],
  [
    'a gate on plaintext requests of a TCP Service',
    {traffic: {istio: {}}, ports: tcp, checks: [gate]},
    checksAt('mtls', 'threshold.metric'),
    'no HTTP port',
  ],
  [
    'a rate limit of a TCP Service',
    {traffic: {istio: {}}, ports: tcp, more: {safeguards: {rateLimit: {requests: 10}}}},
    'spec.safeguards.rateLimit',
    'no HTTP port',
  ],
  [
    'a comparison of requests that pass no gateway',
    {traffic: gateway({parentRefs: [{group: '', kind: 'Service', name: 'checkout'}]}), checks: [errors]},
    checksAt('errors', 'compare'),
    'pass no gateway',
  ],
  [
    'a comparison that copies would have to feed',
    {traffic: {istio: {}}, strategy: blueGreen({checks: ['errors']}), checks: [errors]},
    'spec.strategy.blueGreen.checks',
    'check errors could never have data here',
  ],
  [
    'the same on a step without weight',
    {
      traffic: {istio: {}},
      strategy: {canary: {steps: [{weight: 0, checks: ['errors']}, {weight: 5}]}},
      checks: [errors],
    },
    'spec.strategy.canary.steps[0].checks',
    'check errors could never have data here',
  ],
  [
    'a built-in threshold before the switch, where gateways alone count',
    {traffic: gateway(), strategy: blueGreen({checks: ['success']}), checks: [success]},
    'spec.strategy.blueGreen.checks',
    'pass no gateway',
  ],
  [
    'the same where no sidecar counts',
    {
      traffic: {istio: {dataPlane: 'ambient', waypoint: 'namespace'}},
      strategy: blueGreen({checks: ['success']}),
      checks: [success],
    },
    'spec.strategy.blueGreen.checks',
    'without sidecars',
  ],
  [
    'two conditions on one header, of which a route holds the last',
    {
      traffic: {istio: {}},
      strategy: {
        abTest: {
          match: [
            {
              headers: [
                {name: 'X-A', exact: '1'},
                {name: 'x-a', regex: '2'},
              ],
            },
          ],
        },
      },
    },
    'spec.strategy.abTest.match[0].headers[1].name',
    'stands there twice',
  ],
  [
    'two conditions on one query parameter',
    {
      traffic: gateway(),
      strategy: {
        canary: {
          stepWeight: 10,
          match: [
            {
              queryParams: [
                {name: 'v', exact: '1'},
                {name: 'v', exact: '2'},
              ],
            },
          ],
        },
      },
    },
    'spec.strategy.canary.match[0].queryParams[1].name',
    'stands there twice',
  ],
  [
    'a condition on the header of cookies beside cookies',
    {
      traffic: gateway(),
      strategy: {
        abTest: {match: [{headers: [{name: 'Cookie', regex: '.*x.*'}], cookies: [{name: 'y', value: '1'}]}]},
      },
    },
    'spec.strategy.abTest.match[0].headers[0].name',
    'cookies become a condition on this header',
  ],
  [
    'a gate that passes without requests, in an object older than the rule',
    {traffic: {istio: {}}, checks: [{...gate, threshold: {...gate.threshold, noData: 'pass'}}]},
    checksAt('mtls', 'threshold.noData'),
    'no request has reached',
  ],
])('refused: %s', (_, play, field, problem) => {
  const found = refused(play)
  expect(found.map(one => one.field)).toEqual([field])
  expect(found[0]?.problem).toContain(problem)
  expect(found[0]?.fix).not.toBe('')
})

test.each<[string, Play]>([
  [
    'thresholds before the switch, where pods count',
    {
      traffic: {istio: {}},
      strategy: blueGreen({checks: ['success']}),
      checks: [success],
    },
  ],
  ['the same with Linkerd', {traffic: {linkerd: {}}, strategy: blueGreen({checks: ['success']}), checks: [success]}],
  [
    'a comparison on copies',
    {
      traffic: gateway(),
      strategy: blueGreen({checks: ['errors'], mirror: 50}),
      checks: [errors],
    },
  ],
  ['a comparison of HTTP through Envoy Gateway', {traffic: gateway(), checks: [errors]}],
  ['a comparison of gRPC with Istio and Linkerd', {traffic: {istio: {}}, ports: grpc, checks: [errors, success]}],
])('taken: %s', (_, play) => {
  expect(refused(play)).toEqual([])
})
