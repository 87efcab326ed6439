// Real servers behind Services of their own, and what they got.
import {createServer} from 'node:http'
import type {KubeObject} from '../../../crds/meta.ts'

/** Not 8080: Envoy Gateway has that one. */
export const serverPort = 9000

export interface SeenRequest {
  server: string
  host: string
}

/** A Service with port 80 that leads to one server. */
export function serviceWith(namespace: string, name: string, address: string): KubeObject[] {
  const ports = [{name: 'http', port: 80, targetPort: serverPort}]
  const endpoints = [{addresses: [address], conditions: {ready: true}}]
  const slice = {addressType: 'IPv4', ports: [{name: 'http', port: serverPort}], endpoints}
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
 * @param failing names of those that answer with status 503
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
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(serverPort, address, resolve)
    })
  }
}
