import {describe, expect, test} from 'vitest'
import type {ServicePort} from '../types.ts'
import {testContext} from './fixtures.ts'
import {type PortProtocol, portProtocol, routedPort} from './ports.ts'

const table: [PortProtocol, ServicePort][] = [
  ['http', {port: 80, name: 'http'}],
  ['http', {port: 80, name: 'HTTP-web'}],
  ['http', {port: 80, name: 'grpc-api'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/h2c'}],
  ['http', {port: 80, appProtocol: 'kubernetes.io/ws', name: 'tcp'}],
  ['undeclared', {port: 80}],
  ['undeclared', {port: 80, name: 'web'}],
  ['undeclared', {port: 80, name: 'constructor'}],
  ['undeclared', {port: 80, name: 'http', appProtocol: 'example.com/own'}],
  ['other', {port: 443, name: 'https'}],
  ['other', {port: 443, name: 'http', appProtocol: 'kubernetes.io/wss'}],
  ['other', {port: 7000, name: 'tcp-ledger'}],
  ['other', {port: 6379, appProtocol: 'redis'}],
  ['other', {port: 80, name: 'http', protocol: 'UDP'}],
]

test.each(table)('%s: %j', (expected, port) => {
  expect(portProtocol(port)).toBe(expected)
})

describe('the routed port', () => {
  const ports: ServicePort[] = [
    {port: 1, name: 'tcp'},
    {port: 2, name: 'web'},
    {port: 3, name: 'http'},
    {port: 4, name: 'grpc'},
  ]

  test('is the one that is surest to be HTTP', () => {
    expect(routedPort(testContext({ports}))).toBe(3)
    expect(routedPort(testContext({ports: ports.slice(0, 2)}))).toBe(2)
    expect(routedPort(testContext({ports: ports.slice(0, 1)}))).toBe(1)
    expect(routedPort(testContext({ports: []}))).toBeUndefined()
  })

  test("is the Rollout's choice where the Service has it", () => {
    expect(routedPort(testContext({ports, port: 4}))).toBe(4)
    expect(routedPort(testContext({ports, port: 1}))).toBe(1)
    expect(routedPort(testContext({ports, port: 5}))).toBe(3)
  })
})
