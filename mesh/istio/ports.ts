// Which of a Service's ports a VirtualService can route, and as what, by Istio's own protocol selection:
// https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
import type {ServicePort} from '../types.ts'

/**
 * - `http`: HTTP, HTTP/2 or gRPC
 * - `tcp`: opaque TCP
 * - `detected`: Istio looks at the first bytes of each connection, and applies either http or tcp rules
 * - `unrouted`: not proxied (UDP, SCTP), or TLS that a sidecar can tell apart by SNI only
 */
export type PortProtocol = 'http' | 'tcp' | 'detected' | 'unrouted'

/** What Istio makes of a protocol name, of `name: <protocol>[-<suffix>]` or of `appProtocol`. */
const protocols: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http',
  http_proxy: 'http',
  grpc: 'http',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
  // The sidecar ignores tcp rules on a TLS port, and its tls rules must list SNI names: a client that sends another name,
  // or none, would be cut off. So these ports stay with the apex Service, whose selector Fairlead moves.
  https: 'unrouted',
  tls: 'unrouted',
  udp: 'unrouted',
}

/** Names that Kubernetes defines for `appProtocol`. */
const kubernetesProtocols: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'http',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'unrouted',
}

/** Ports of protocols whose server speaks first: Istio never looks at their bytes (SMTP, DNS, MySQL, MongoDB). */
const serverFirstPorts: readonly number[] = [25, 53, 3306, 27_017]

/** How Istio treats one port of a Service. */
export function portProtocol(port: ServicePort): PortProtocol {
  if ((port.protocol ?? 'TCP') !== 'TCP') return 'unrouted'
  const declared = port.appProtocol ?? port.name ?? ''
  const known = port.appProtocol === undefined ? undefined : kubernetesProtocols[port.appProtocol]
  if (known) return known
  // `grpc-web` has a dash of its own; its first part leads to the same answer.
  const prefix = declared.split('-', 1)[0]?.toLowerCase() ?? ''
  const protocol = Object.hasOwn(protocols, prefix) ? protocols[prefix] : undefined
  if (protocol) return protocol
  return serverFirstPorts.includes(port.port) ? 'tcp' : 'detected'
}

interface RoutedPorts {
  /** Ports that get an http rule. */
  http: number[]
  /** Ports that get a tcp rule. */
  tcp: number[]
}

/** Ports of a Service that a VirtualService can route; a detected port is in both lists. */
export function routedPorts(ports: readonly ServicePort[]): RoutedPorts {
  const numbersOf = (...wanted: PortProtocol[]) =>
    ports.filter(port => wanted.includes(portProtocol(port))).map(port => port.port)
  return {http: numbersOf('http', 'detected'), tcp: numbersOf('tcp', 'detected')}
}

/** The port that a user's gateways lead to: the first that says it is HTTP, else the first that may be, else the first. */
export function gatewayPort(ports: readonly ServicePort[]): {rule: 'http' | 'tcp'; port: number} | undefined {
  const first = (wanted: PortProtocol) => ports.find(port => portProtocol(port) === wanted)?.port
  const http = first('http') ?? first('detected')
  if (http !== undefined) return {rule: 'http', port: http}
  const tcp = first('tcp')
  return tcp === undefined ? undefined : {rule: 'tcp', port: tcp}
}

/** Whether every port that gets an http rule says that it speaks gRPC. */
export function isGrpcAlone(ports: readonly ServicePort[]): boolean {
  const http = ports.filter(port => ['http', 'detected'].includes(portProtocol(port)))
  return http.length > 0 && http.every(({name = '', appProtocol = name}) => /^grpc(?!-web)(-|$)/i.test(appProtocol))
}
