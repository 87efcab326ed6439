// Which port of the apex Service the route leads to. A backend of an HTTPRoute names one port, and what listens there
// must speak HTTP: HTTP/1, HTTP/2 without TLS, gRPC or WebSocket.
import type {MeshContext, ServicePort} from '../types.ts'
import {gatewayOf} from './context.ts'

/**
 * - `http`: the Service says that it is HTTP
 * - `undeclared`: the Service says nothing of it
 * - `other`: no HTTP, or TLS that the pods terminate themselves: a gateway can't see its requests without a BackendTLSPolicy
 */
export type PortProtocol = 'http' | 'undeclared' | 'other'

/** First parts of `appProtocol`, or of the port's name, that say what a port speaks. */
const protocols: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http',
  h2c: 'http',
  grpc: 'http',
  ws: 'http',
  https: 'other',
  tls: 'other',
  wss: 'other',
  tcp: 'other',
  udp: 'other',
  mongo: 'other',
  mysql: 'other',
  postgres: 'other',
  redis: 'other',
}

/** What a port of a Service says of its protocol; `appProtocol` before the name. */
export function portProtocol(port: ServicePort): PortProtocol {
  if ((port.protocol ?? 'TCP') !== 'TCP') return 'other'
  const declared = port.appProtocol ?? port.name ?? ''
  const prefix =
    declared
      .toLowerCase()
      .replace(/^kubernetes\.io\//, '')
      .split('-', 1)[0] ?? ''
  return (Object.hasOwn(protocols, prefix) ? protocols[prefix] : undefined) ?? 'undeclared'
}

/**
 * The port of the slots' Services that the route names: the Rollout's own choice where the Service has it, else the first
 * that says it is HTTP, else the first that says nothing. Where none of them will do it is the first of all, for a route
 * that exists must not lose its backends by an edit of the Service; {@link problems} reports it. Undefined without ports.
 */
export function routedPort(context: MeshContext): number | undefined {
  const {ports} = context.apex
  const chosen = gatewayOf(context).port
  const first = (wanted: PortProtocol) => ports.find(port => portProtocol(port) === wanted)
  const port = ports.find(one => one.port === chosen) ?? first('http') ?? first('undeclared') ?? ports[0]
  return port?.port
}
