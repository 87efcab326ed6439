import {expect, test} from 'vitest'
import {counters} from './counters.ts'
import {testContext} from './fixtures.ts'

type Labels = Record<string, string>

const callers: [string, Labels][] = [
  ['answered', {http_status: '200', error: ''}],
  ['answered', {http_status: '404', error: ''}],
  ['answered', {http_status: '200'}],
  ['failed', {http_status: '500', error: ''}],
  ['failed', {http_status: '503', error: 'UNKNOWN'}],
  // Nobody answered.
  ['failed', {http_status: '', error: 'FAIL_FAST'}],
  ['failed', {http_status: '', error: 'UNKNOWN'}],
  ['failed', {http_status: '', error: 'RESPONSE_HEADERS_TIMEOUT'}],
  // An answer that broke off.
  ['failed', {http_status: '200', error: 'RESET'}],
  ['failed', {http_status: '200', error: 'IO'}],
  ['failed', {http_status: '200', error: 'RESPONSE_STREAM_TIMEOUT'}],
  // The caller left in the middle of the body.
  ['hungUp', {http_status: '200', error: 'UNKNOWN'}],
  ['hungUp', {}],
  ['hungUp', {http_status: '', error: ''}],
  ['hungUp', {http_status: 'x'}],
  ['answered', {grpc_status: 'OK', error: ''}],
  ['answered', {grpc_status: 'NOT_FOUND', error: ''}],
  ['answered', {grpc_status: 'CANCELLED', error: ''}],
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'].map(
    (status): [string, Labels] => ['failed', {grpc_status: status, error: ''}],
  ),
  ['failed', {grpc_status: 'UNKNOWN', error: 'RESET'}],
  ['failed', {grpc_status: 'OK', error: 'RESET'}],
  // Left by its caller, or its pod died: the labels are the same.
  ['failed', {grpc_status: 'UNKNOWN', error: 'UNKNOWN'}],
]

const destinations: [string, Labels][] = [
  ['answered', {classification: 'success', status_code: '200'}],
  ['answered', {classification: 'success', status_code: '404'}],
  ['answered', {classification: 'success', status_code: '200', grpc_status: '5'}],
  ['failed', {classification: 'failure', status_code: '500'}],
  ['failed', {classification: 'failure', status_code: '200', grpc_status: '14'}],
  ['failed', {classification: 'failure', status_code: '200', error: 'unclassified'}],
  ['failed', {classification: 'failure', error: 'unclassified'}],
  // UNIMPLEMENTED, which Linkerd itself calls a success.
  ['failed', {classification: 'success', status_code: '200', grpc_status: '12'}],
  ['failed', {status_code: '503'}],
  ['hungUp', {}],
  ['hungUp', {classification: 'success'}],
]

const [callerRequests, callerDurations, podRequests, podDurations] = counters

test.each(callers)('callers: %s: %j', (expected, labels) => {
  expect(callerRequests?.outcomeOf(labels)).toBe(expected)
})

test.each(destinations)('pods: %s: %j', (expected, labels) => {
  expect(podRequests?.outcomeOf(labels)).toBe(expected)
})

test('durations have no outcome; those of callers are in seconds', () => {
  for (const family of [callerDurations, podDurations]) expect(family?.outcomeOf({le: '1'})).toBe('answered')
  expect([callerDurations, podDurations].map(family => family?.millisecondsPerBound)).toEqual([1000, 1])
})

test('backends that proxies make up, probes and the admin port are left out', () => {
  const found = counters.map(({side, matchers, keyLabels}) => [side, matchers, keyLabels])
  const caller = ['caller', ['backend_kind="Service"'], ['backend_namespace', 'backend_name']]
  const matchers = ['direction="inbound"', 'route_name!="probe"', 'srv_port!="4191"']
  const destination = ['destination', matchers, ['namespace', 'deployment']]
  expect(found).toEqual([caller, caller, destination, destination])
  for (const family of counters) expect(family.keysOf(testContext(), 'b')).toEqual([['shop', 'checkout-b']])
})

test.each([
  [{tls: 'true'}, false],
  [{tls: 'no_identity'}, true],
  [{tls: 'loopback'}, true],
  [{}, undefined],
])('whether requests came in plaintext: %j -> %s', (labels, expected) => {
  const pods = counters.find(({side, kind}) => side === 'destination' && kind === 'requests')
  expect(pods?.isPlaintext?.(labels as Labels)).toBe(expected)
  expect(counters.filter(family => family.isPlaintext)).toEqual([pods])
})
