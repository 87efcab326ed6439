// Real servers behind Services of their own, and what they got.
import {createServer} from 'node:http'
import {createServer as createHttp2Server} from 'node:http2'
import {createServer as createTcpServer} from 'node:net'
import type {KubeObject} from '../../../crds/meta.ts'
import type {ServicePort} from '../../../mesh/types.ts'

/** Not 8080: Envoy Gateway has that one. */
export const serverPort = 9000
const grpcServerPort = 9001
const tcpServerPort = 9002

/** Ports of Services, by what they speak. */
export const servicePorts = {
  http: {name: 'http', port: 80, targetPort: serverPort},
  grpc: {name: 'grpc', port: 90, targetPort: grpcServerPort, appProtocol: 'grpc'},
  tcp: {name: 'tcp', port: 70, targetPort: tcpServerPort},
} as const satisfies Record<string, ServicePort>

export interface SeenRequest {
  server: string
  host: string
}

/** Names of the Services of one workload, by what they speak: each has one port, as most Services have. */
export const serviceNames = {http: 'checkout', grpc: 'rpc', tcp: 'raw'} as const
export type Protocol = keyof typeof servicePorts

/** A Service of one protocol that leads to one server. */
function serviceWith(namespace: string, name: string, address: string, protocol: Protocol = 'http'): KubeObject[] {
  const {targetPort, ...port} = servicePorts[protocol]
  const endpoints = [{addresses: [address], conditions: {ready: true}}]
  const slice = {addressType: 'IPv4', ports: [{...port, port: targetPort}], endpoints}
  const labels = {'kubernetes.io/service-name': name}
  return [
    {apiVersion: 'v1', kind: 'Service', metadata: {name, namespace}, spec: {ports: [servicePorts[protocol]]}},
    {apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: {name, namespace, labels}, ...slice},
  ]
}

/** Services of all servers, and those of the workload's servers for every protocol. */
export function servicesOf(namespace: string, addresses: Readonly<Record<string, string>>): KubeObject[] {
  return Object.entries(addresses).flatMap(([name, address]) => {
    const [workload, ...slot] = name.split('-')
    if (workload !== serviceNames.http) return serviceWith(namespace, name, address)
    return (Object.keys(servicePorts) as Protocol[]).flatMap(protocol =>
      serviceWith(namespace, [serviceNames[protocol], ...slot].join('-'), address, protocol),
    )
  })
}

/**
 * Starts the servers; each answers with its name, whatever the protocol.
 * @param addresses by the server's name
 * @param seen gets every request of theirs
 * @param failing names of those that answer with status 503, or gRPC status 13 under 200
 */
export async function startServers(
  addresses: Readonly<Record<string, string>>,
  seen: SeenRequest[],
  failing: ReadonlySet<string>,
): Promise<void> {
  for (const [name, address] of Object.entries(addresses)) {
    const body = JSON.stringify({server: name})
    await listening(httpServer(name, body, seen, failing), serverPort, address)
    await listening(grpcServer(name, body, seen, failing), grpcServerPort, address)
    await listening(tcpServer(name, body, seen), tcpServerPort, address)
  }
}

function httpServer(name: string, body: string, seen: SeenRequest[], failing: ReadonlySet<string>) {
  const server = createServer((request, response) => {
    seen.push({server: name, host: request.headers.host ?? ''})
    const type = {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}
    response.writeHead(failing.has(name) ? 503 : 200, type)
    response.end(body)
  })
  // A proxy keeps connections for later: a server that hangs up on idle ones makes requests fail that nobody can save.
  server.keepAliveTimeout = 0
  return server
}

function grpcServer(name: string, body: string, seen: SeenRequest[], failing: ReadonlySet<string>) {
  const server = createHttp2Server()
  server.on('stream', (stream, headers) => {
    seen.push({server: name, host: headers[':authority'] ?? ''})
    stream.respond({':status': 200, 'content-type': 'application/grpc'}, {waitForTrailers: true})
    stream.once('wantTrailers', () => stream.sendTrailers({'grpc-status': failing.has(name) ? '13' : '0'}))
    stream.end(framed(body))
  })
  return server
}

function tcpServer(name: string, body: string, seen: SeenRequest[]) {
  return createTcpServer(socket => {
    // A proxy may open a connection ahead of time: what counts is one that asks.
    socket.once('data', () => {
      seen.push({server: name, host: ''})
      socket.end(body)
    })
    socket.on('error', () => socket.destroy())
  })
}

/** A message as gRPC frames it: not compressed, its length, itself. */
function framed(text: string): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(Buffer.byteLength(text), 1)
  return Buffer.concat([head, Buffer.from(text)])
}

/** The text of a framed message; undefined when there is none. */
export function unframed(bytes: Buffer): string | undefined {
  return bytes.length < 5 ? undefined : bytes.subarray(5, 5 + bytes.readUInt32BE(1)).toString()
}

interface Listener {
  once(event: 'error', listener: (error: Error) => void): unknown
  listen(port: number, address: string, listener: () => void): unknown
}

function listening(server: Listener, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
}
