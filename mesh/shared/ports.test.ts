import {describe, expect, test} from 'vitest'
import type {ServicePort} from '../types.ts'
import {type PortProtocol, portForRoute, portProtocol} from './ports.ts'

const table: [PortProtocol, ServicePort][] = [
  ['grpc', {port: 80, appProtocol: 'grpc'}],
  ['grpc', {port: 80, appProtocol: 'GRPC', name: 'http'}],
  ['grpc', {port: 80, appProtocol: 'kubernetes.io/grpc'}],
  // A name doesn't make a GRPCRoute: the port may serve other requests too.
  ['http', {port: 80, name: 'grpc'}],
  ['http', {port: 80, name: 'grpc-api'}],
  ['http', {port: 80, appProtocol: 'grpc-web'}],
  ['http', {port: 80, name: 'HTTP-web'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/h2c'}],
  ['undeclared', {port: 80}],
  ['undeclared', {port: 80, name: 'web'}],
  ['undeclared', {port: 80, name: 'constructor'}],
  ['undeclared', {port: 80, name: 'http', appProtocol: 'example.com/own'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/ws', name: 'tcp'}],
  ['other', {port: 443, name: 'https'}],
  ['other', {port: 443, name: 'http', appProtocol: 'kubernetes.io/wss'}],
  ['other', {port: 7000, name: 'tcp-ledger'}],
  ['other', {port: 80, name: 'http', appProtocol: 'linkerd.io/opaque'}],
  ['other', {port: 6379, appProtocol: 'redis'}],
  ['other', {port: 80, appProtocol: 'grpc', protocol: 'UDP'}],
]

test.each(table)('%s: %j', (expected, port) => {
  expect(portProtocol(port)).toBe(expected)
})

describe('the routed port', () => {
  const ports: ServicePort[] = [
    {port: 1, name: 'tcp'},
    {port: 2, name: 'web'},
    {port: 3, appProtocol: 'grpc'},
    {port: 4, name: 'http'},
  ]
  test('is the one that is surest to be HTTP or gRPC', () => {
    expect([4, 2, 1, 0].map(count => portForRoute(ports.slice(0, count), undefined)?.port)).toEqual([
      3,
      2,
      1,
      undefined,
    ])
  })

  test("is the Rollout's choice where the Service has it", () => {
    expect([4, 1, 5].map(port => portForRoute(ports, port)?.port)).toEqual([4, 1, 3])
  })
})
