// Which port of the apex Service an HTTPRoute or GRPCRoute is for. Linkerd looks at the first bytes of connections to ports
// of which it knows nothing (https://linkerd.io/2/features/protocol-detection/); a gateway takes them for HTTP.
import type {MeshContext, MeshProblem, ServicePort} from '../types.ts'

/**
 * - `grpc`: gRPC alone, by its appProtocol; a name is a habit, and a GRPCRoute takes no other requests
 * - `http`: HTTP, which gRPC is too
 * - `undeclared`: the Service says nothing of it
 * - `other`: no HTTP, or TLS that the pods terminate themselves
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
 * must not lose its backends by an edit of the Service; the mesh's problems report it. Undefined without ports.
 */
export function portForRoute(
  ofService: readonly ServicePort[],
  chosen: number | undefined,
): {port: number; protocol: PortProtocol} | undefined {
  const ports = ofService.map(one => ({port: one.port, protocol: portProtocol(one)}))
  const first = (...wanted: PortProtocol[]) => ports.find(({protocol}) => wanted.includes(protocol))
  return ports.find(one => one.port === chosen) ?? first('http', 'grpc') ?? first('undeclared') ?? ports[0]
}

/**
 * Why no port of the apex Service will do for the route.
 * @param field of the Rollout that chooses the port
 * @param unroutable what the mesh does not route, and what to do about it
 */
export function unusablePort(
  {apex, rollout}: MeshContext,
  chosen: number | undefined,
  field: string,
  unroutable: {problem: string; fix: string},
): MeshProblem[] {
  const service = `Service ${rollout.namespace}/${apex.name}`
  if (chosen !== undefined && !apex.ports.some(port => port.port === chosen)) {
    const there = apex.ports.map(port => port.port).join(', ') || 'none'
    return [
      {
        reason: 'PortNotFound',
        object: `Rollout ${rollout.namespace}/${rollout.name}`,
        field,
        problem: `${service} has no port ${chosen}; it has: ${there}`,
        fix: 'name one of its ports, or leave the field out',
      },
    ]
  }
  const port = portForRoute(apex.ports, chosen)
  if (port && port.protocol !== 'other') return []
  const where = port && chosen !== undefined ? `spec.ports[port=${port.port}]` : 'spec.ports'
  return [{reason: 'NoRoutablePort', object: service, field: where, ...unroutable}]
}

/** Whether the port that the route is for says that it speaks gRPC, if by its name alone; gRPC-Web is HTTP. */
export function saysGrpc(ofService: readonly ServicePort[], chosen: number | undefined): boolean {
  const routed = portForRoute(ofService, chosen)
  const {name = '', appProtocol = name} = ofService.find(({port}) => port === routed?.port) ?? {}
  return /^grpc(?!-web)(-|$)/i.test(appProtocol)
}

/** Why a route that counts by HTTP status says nothing of gRPC. */
export const failsAs200 = {
  works: false,
  why: 'the port speaks gRPC, whose failures come under HTTP status 200, and would count as answers of an HTTPRoute',
  fix: 'give the port of the Service appProtocol: grpc, so that it gets a GRPCRoute; or give the check a query of its own',
} as const
