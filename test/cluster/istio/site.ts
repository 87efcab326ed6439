// What stands around the routes: namespaces, Services with real servers behind them, callers with their sidecars, a gateway.
import type {KubeObject} from '../../../crds/meta.ts'
import {serverPort, serviceNames, servicePorts, servicesOf} from '../scenarios/servers.ts'
import type {ProxyOptions} from './proxy.ts'

export const namespace = 'shop'
/** Where the sidecar of the canary's pod takes requests before the pod does. */
export const inboundPort = 9080
export const gatewayPort = 8081
export const hostname = 'shop.example.com'

/** Servers by the Service that leads to them. */
export const servers = {
  checkout: '10.1.0.1',
  'checkout-a': '10.1.0.2',
  'checkout-b': '10.1.0.3',
  payments: '10.1.0.4',
  stock: '10.1.0.5',
} as const

/** Callers: each has its own address on which its sidecar takes the requests to port 80 of every Service. */
export const callers = {
  web: {namespace, labels: {app: 'web'}, region: 'eu-1', bind: '127.0.0.2', adminPort: 19_001},
  batch: {namespace: 'jobs', labels: {app: 'batch'}, region: 'us-1', bind: '127.0.0.3', adminPort: 19_002},
  canary: {
    namespace,
    labels: {'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'b'},
    region: 'us-1',
    bind: '127.0.0.4',
    adminPort: 19_003,
  },
} as const
export type Caller = keyof typeof callers

export const gatewayAdminPort = 19_004

export function proxies(): ProxyOptions[] {
  const sidecars = Object.entries(callers).map(([name, {bind: _bind, ...rest}], index): ProxyOptions => {
    return {kind: 'sidecar', name, address: `10.2.0.${index + 1}`, ...rest}
  })
  const labels = {istio: 'ingress'}
  return [
    ...sidecars,
    {kind: 'router', name: 'ingress', namespace: 'infra', address: '10.2.0.9', labels, adminPort: gatewayAdminPort},
  ]
}

const istio = 'networking.istio.io/v1'

export function siteObjects(): KubeObject[] {
  return [
    ...servicesOf(namespace, servers),
    ...Object.entries(callers).map(([name, {namespace: of, labels, bind}]): KubeObject => {
      const listener = {bind, captureMode: 'NONE'}
      const egress = [
        {...listener, port: {number: servicePorts.http.port, protocol: 'HTTP', name: 'http'}, hosts: ['*/*']},
        {...listener, port: {number: servicePorts.grpc.port, protocol: 'GRPC', name: 'grpc'}, hosts: ['*/*']},
        // Connections say nothing of whom they are for, so there is one Service behind this address and port.
        {
          ...listener,
          port: {number: servicePorts.tcp.port, protocol: 'TCP', name: 'tcp'},
          hosts: [`${namespace}/${serviceNames.tcp}.${namespace}.svc.cluster.local`],
        },
      ]
      const port = {number: inboundPort, protocol: 'HTTP', name: 'http'}
      const ingress = [
        {port, bind: servers['checkout-b'], captureMode: 'NONE', defaultEndpoint: `127.0.0.1:${serverPort}`},
      ]
      const spec = {workloadSelector: {labels}, egress, ...(name === 'canary' ? {ingress} : {})}
      return {apiVersion: istio, kind: 'Sidecar', metadata: {name, namespace: of}, spec}
    }),
    // There is no authority here that would give the proxies certificates.
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: {name: 'default', namespace: 'istio-system'},
      spec: {mtls: {mode: 'DISABLE'}},
    },
    {
      apiVersion: istio,
      kind: 'Gateway',
      metadata: {name: 'public', namespace: 'infra'},
      spec: {
        selector: {istio: 'ingress'},
        servers: [{port: {number: gatewayPort, protocol: 'HTTP', name: 'http'}, hosts: ['*']}],
      },
    },
  ]
}
