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
    ['destination_service_namespace', 'destination_service_name'],
    ['destination_workload_namespace', 'destination_workload'],
  ]
  const [requests, durations] = [['istio_requests_total'], ['istio_request_duration_milliseconds_bucket']]
  expect(found).toEqual([
    ['caller', 'requests', requests, ['reporter="source"'], callers],
    ['caller', 'durations', durations, ['reporter="source"'], callers],
    ['destination', 'requests', requests, ['reporter="destination"'], pods],
    ['destination', 'durations', durations, ['reporter="destination"'], pods],
  ])
  for (const family of counters) expect(family.keysOf(testContext(), 'b')).toEqual([['shop', 'checkout-b']])
})
