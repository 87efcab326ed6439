// What the tests of the proxy share.
import type {KubeObject} from '../../crds/meta.ts'

/** A VirtualService in the namespace `shop`. */
export function virtualService(name: string, spec: object, createdAt = '2026-01-01T00:00:00Z'): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {name, namespace: 'shop', creationTimestamp: createdAt},
    spec,
  }
}

/** Splits requests between the Services `checkout-a` and `checkout-b`, in the form in which Fairlead renders routes. */
export function split(a: number, b: number): object {
  const route = [
    {destination: {host: 'checkout-a.shop.svc.cluster.local', port: {number: 80}}, weight: a},
    {destination: {host: 'checkout-b.shop.svc.cluster.local', port: {number: 80}}, weight: b},
  ].filter(one => one.weight > 0)
  const gateways = ['istio-ingress/public']
  return {
    hosts: ['checkout.shop.svc.cluster.local', 'checkout.shop.svc', 'checkout.shop', 'checkout.example.com'],
    gateways: ['mesh', ...gateways],
    http: [
      {match: [{gateways: ['mesh'], port: 80}], route},
      {match: [{gateways}], route},
    ],
  }
}

/** An EndpointSlice of one Pod of a Service in the namespace `shop`. */
export function slice(service: string, pod: string, port: number, conditions: object = {ready: true}): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-${pod}`,
      namespace: 'shop',
      labels: {'kubernetes.io/service-name': service},
      annotations: {'playground.fairlead.dev/workload': service},
    },
    addressType: 'IPv4',
    endpoints: [{addresses: ['127.0.0.1'], conditions, targetRef: {kind: 'Pod', name: pod, uid: `uid-${pod}`}}],
    ports: [{name: 'http', port, protocol: 'TCP'}],
  }
}

/** A sample of the Prometheus text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Parses the text format strictly; throws on a line that isn't of it. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-z_]+ \S/.test(line)) continue
    const match = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$/.exec(line)
    if (match === null) throw new Error(`not a line of the text format: ${line}`)
    const labels: Record<string, string> = {}
    for (const [, name = '', value = ''] of (match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    }
    samples.push({name: match[1] ?? '', labels, value: Number(match[3])})
  }
  return samples
}
