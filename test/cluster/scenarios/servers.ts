// Real servers behind Services of their own, and what they got.
import {createServer, type Server} from 'node:http'
import {createServer as createHttp2Server, type Http2Server} from 'node:http2'
import type {KubeObject} from '../../../crds/meta.ts'
import {serverHeader} from './calls.ts'

/** Not 8080: Envoy Gateway has that one. */
export const serverPort = 9000

const grpcServerPort = 9001

export interface SeenRequest {
  server: string
  host: string
}

/**
 * A Service with port 80 that leads to one server, and where asked for with port 90 for gRPC. With one port a route of
 * Istio's needs to name none.
 */
export function serviceWith(namespace: string, name: string, address: string, grpc = false): KubeObject[] {
  const http = {name: 'http', port: 80, targetPort: serverPort}
  const ports = grpc ? [http, {name: 'grpc', port: 90, targetPort: grpcServerPort, appProtocol: 'grpc'}] : [http]
  const endpoints = [{addresses: [address], conditions: {ready: true}}]
  const slicePorts = ports.map(one => ({name: one.name, port: one.targetPort}))
  const slice = {addressType: 'IPv4', ports: slicePorts, endpoints}
  const labels = {'kubernetes.io/service-name': name}
  return [
    {apiVersion: 'v1', kind: 'Service', metadata: {name, namespace}, spec: {ports}},
    {apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: {name, namespace, labels}, ...slice},
  ]
}

/**
 * Starts the servers; each answers with its name.
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
    const server = createServer((request, response) => {
      seen.push({server: name, host: request.headers.host ?? ''})
      const body = JSON.stringify({server: name})
      const type = {'content-type': 'application/json', 'content-length': Buffer.byteLength(body)}
      response.writeHead(failing.has(name) ? 503 : 200, type)
      response.end(body)
    })
    // A proxy keeps connections for later: a server that hangs up on idle ones makes requests fail that nobody can save.
    server.keepAliveTimeout = 0
    await listening(server, serverPort, address)
    await listening(grpcServer(name, seen, failing), grpcServerPort, address)
  }
}

/** Answers every call without a message, with its name in a header. */
function grpcServer(name: string, seen: SeenRequest[], failing: ReadonlySet<string>): Http2Server {
  return createHttp2Server((request, response) => {
    seen.push({server: name, host: request.authority})
    response.writeHead(200, {'content-type': 'application/grpc', [serverHeader]: name})
    response.addTrailers({'grpc-status': failing.has(name) ? '13' : '0'})
    response.end()
  })
}

function listening(server: Server | Http2Server, port: number, address: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve())
  })
}
