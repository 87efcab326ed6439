import {expect, test} from 'vitest'
import {counters} from './counters.ts'
import {testContext} from './fixtures.ts'

type Labels = Record<string, string>

const outcomes: [string, Labels, string?][] = [
  ['answered', {response_code: '200', grpc_response_status: ''}],
  ['answered', {response_code: '304'}],
  ['answered', {response_code: '404', grpc_response_status: ''}],
  ['answered', {response_code: '200', grpc_response_status: '0'}],
  ['answered', {response_code: '200', grpc_response_status: '5'}, 'NOT_FOUND'],
  ['answered', {response_code: '200', grpc_response_status: '1'}, 'CANCELLED'],
  ['failed', {response_code: '500'}],
  ['failed', {response_code: '503', response_flags: 'UH'}, 'no healthy endpoint'],
  ['failed', {response_code: '504', response_flags: 'UT'}],
  ...['2', '4', '12', '13', '14', '15'].map((status): [string, Labels] => {
    return ['failed', {response_code: '200', grpc_response_status: status}]
  }),
  ['hungUp', {response_code: '0', response_flags: 'DC'}],
  ['hungUp', {response_code: '0', grpc_response_status: '14'}],
  ['hungUp', {}, 'response_code was removed by a Telemetry object'],
  ['hungUp', {response_code: 'unknown'}],
  ['hungUp', {response_code: '50'}],
]

test.each(outcomes)('%s: %j %s', (expected, labels) => {
  for (const family of counters) expect(family.outcomeOf(labels)).toBe(expected)
})

test('the callers name the Service of a slot, its pods name the workload', () => {
  const found = counters.map(({side, kind, metrics, matchers, keyLabels}) => [side, kind, metrics, matchers, keyLabels])
  const [callers, pods] = [
    ['reporter', 'destination_service_namespace', 'destination_service_name'],
    ['destination_workload_namespace', 'destination_workload'],
  ]
  const [requests, durations] = [['istio_requests_total'], ['istio_request_duration_milliseconds_bucket']]
  expect(found).toEqual([
    ['caller', 'requests', requests, [], callers],
    ['caller', 'durations', durations, [], callers],
    ['destination', 'requests', requests, ['reporter="destination"'], pods],
    ['destination', 'durations', durations, ['reporter="destination"'], pods],
  ])
  const keys = (dataPlane?: 'ambient') => counters.map(family => family.keysOf(testContext({dataPlane}), 'b'))
  const own = [['shop', 'checkout-b']]
  expect(keys()).toEqual([...Array(2).fill([['source', 'shop', 'checkout-b']]), own, own])
  // A sidecar's requests pass the waypoint too: one of both counts.
  expect(keys('ambient')).toEqual([...Array(2).fill([['waypoint', 'shop', 'checkout-b']]), own, own])
})

test.each([
  [{reporter: 'destination', connection_security_policy: 'mutual_tls'}, false],
  [{reporter: 'destination', connection_security_policy: 'none'}, true],
  [{reporter: 'source', connection_security_policy: 'unknown'}, undefined],
  [{reporter: 'destination'}, undefined],
])('whether requests came in plaintext: %j -> %s', (labels, expected) => {
  for (const family of counters) expect(family.isPlaintext?.(labels as Labels)).toBe(expected)
})
