// Which port of the apex Service the route is for. Linkerd looks at the first bytes of connections to ports of which it
// knows nothing: https://linkerd.io/2/features/protocol-detection/
import type {MeshContext, ServicePort} from '../types.ts'

type LinkerdTraffic = NonNullable<MeshContext['traffic']['linkerd']>

/**
 * - `grpc`: gRPC alone, by its appProtocol; a name is a habit, and a GRPCRoute takes no other requests
 * - `http`: HTTP, which gRPC is too
 * - `undeclared`: the Service says nothing of it, and Linkerd detects HTTP by itself
 * - `other`: no HTTP, or such as the proxies pass on unread
 */
export type PortProtocol = 'grpc' | 'http' | 'undeclared' | 'other'

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
  opaque: 'other',
  mongo: 'other',
  mysql: 'other',
  postgres: 'other',
  redis: 'other',
}

/**
 * The Rollout's settings for Linkerd.
 * @throws RangeError when the Rollout names another mesh.
 */
export function linkerdOf(context: MeshContext): LinkerdTraffic {
  const {linkerd} = context.traffic
  if (!linkerd) throw new RangeError('spec.traffic.linkerd is not set: this Rollout does not use Linkerd')
  return linkerd
}

/** What a port of a Service says of its protocol; `appProtocol` before the name. */
export function portProtocol(port: ServicePort): PortProtocol {
  if ((port.protocol ?? 'TCP') !== 'TCP') return 'other'
  const declared = (port.appProtocol ?? port.name ?? '').toLowerCase().replace(/^(kubernetes|linkerd)\.io\//, '')
  if (declared === 'grpc' && port.appProtocol !== undefined) return 'grpc'
  // `grpc-web` is HTTP, as its first part says.
  const prefix = declared.split('-', 1)[0] ?? ''
  return (Object.hasOwn(protocols, prefix) ? protocols[prefix] : undefined) ?? 'undeclared'
}

/**
 * The port that the route is for: the Rollout's own choice where the Service has it, else the first that says it is HTTP
 * or gRPC, else the first that says nothing. Where none of them will do it is the first of all, for a route that exists
 * must not lose its backends by an edit of the Service; {@link problems} reports it. Undefined without ports.
 */
export function routedPort(context: MeshContext): {port: number; protocol: PortProtocol} | undefined {
  const ports = context.apex.ports.map(one => ({port: one.port, protocol: portProtocol(one)}))
  const chosen = linkerdOf(context).port
  const first = (...wanted: PortProtocol[]) => ports.find(({protocol}) => wanted.includes(protocol))
  return ports.find(one => one.port === chosen) ?? first('http', 'grpc') ?? first('undeclared') ?? ports[0]
}
