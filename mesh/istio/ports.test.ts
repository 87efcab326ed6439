import {describe, expect, test} from 'vitest'
import type {ServicePort} from '../types.ts'
import {gatewayPort, type PortProtocol, portProtocol, routedPorts} from './ports.ts'

const table: [PortProtocol, ServicePort][] = [
  ['http', {port: 80, name: 'http'}],
  ['http', {port: 80, name: 'HTTP-web'}],
  ['http', {port: 80, name: 'http2'}],
  ['http', {port: 80, name: 'grpc-api'}],
  ['http', {port: 80, name: 'grpc-web-ui'}],
  ['http', {port: 80, name: 'x', appProtocol: 'grpc'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/h2c'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/ws', name: 'tcp'}],
  ['tcp', {port: 80, name: 'tcp'}],
  ['tcp', {port: 80, name: 'http', appProtocol: 'tcp'}],
  ['tcp', {port: 80, name: 'redis-main'}],
  ['tcp', {port: 3306}],
  ['tcp', {port: 27_017, name: 'store'}],
  ['detected', {port: 80}],
  ['detected', {port: 80, name: 'web'}],
  ['detected', {port: 80, name: 'httpweb'}],
  ['detected', {port: 80, name: 'http', appProtocol: 'example.com/own'}],
  ['detected', {port: 80, name: 'constructor'}],
  ['unrouted', {port: 443, name: 'https'}],
  ['unrouted', {port: 443, name: 'tls-api'}],
  ['unrouted', {port: 443, appProtocol: 'kubernetes.io/wss'}],
  ['unrouted', {port: 53, protocol: 'UDP'}],
  ['unrouted', {port: 80, name: 'http', protocol: 'SCTP'}],
]

test.each(table)('%s: %j', (expected, port) => {
  expect(portProtocol(port)).toBe(expected)
})

describe('ports of a Service', () => {
  const ports: ServicePort[] = [
    {port: 1, name: 'tcp'},
    {port: 2, name: 'web'},
    {port: 3, name: 'http'},
    {port: 4, name: 'https'},
  ]

  test('a detected port gets both kinds of rule', () => {
    expect(routedPorts(ports)).toEqual({http: [2, 3], tcp: [1, 2]})
  })

  test('a gateway leads to the port that is surest to be HTTP', () => {
    expect(gatewayPort(ports)).toEqual({rule: 'http', port: 3})
    expect(gatewayPort(ports.slice(0, 2))).toEqual({rule: 'http', port: 2})
    expect(gatewayPort(ports.slice(0, 1))).toEqual({rule: 'tcp', port: 1})
    expect(gatewayPort(ports.slice(3))).toBeUndefined()
  })
})
