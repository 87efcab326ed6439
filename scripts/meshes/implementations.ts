// What implementations of the Gateway API have of its extended features, by the conformance reports in its repository
// (conformance/reports of kubernetes-sigs/gateway-api), and what they count per backend, by their documentation and sources.

interface Implementation {
  name: string
  /** The report's folder and file. */
  report: string
  backendFilters: boolean
  queryParams: boolean
  mirror: boolean
  mirrorPercent: boolean
  /** How a query of a check's own can tell the slots apart. */
  counts: string
}

const implementations: readonly Implementation[] = [
  {
    name: 'Envoy Gateway 1.6',
    report: 'v1.4.0/envoy-gateway',
    backendFilters: true,
    queryParams: true,
    mirror: true,
    mirrorPercent: true,
    counts: 'the built-in metrics',
  },
  {
    name: 'Contour 1.33',
    report: 'v1.3.0/projectcontour-contour',
    backendFilters: true,
    queryParams: true,
    mirror: true,
    mirrorPercent: false,
    counts: '`envoy_cluster_upstream_rq{envoy_cluster_name="<namespace>_<service>_<port>"}`',
  },
  {
    name: 'NGINX Gateway Fabric 2.3',
    report: 'v1.4.0/nginx-nginx-gateway-fabric',
    backendFilters: false,
    queryParams: true,
    mirror: true,
    mirrorPercent: true,
    counts:
      'with NGINX Open Source nothing per backend (`nginx_http_requests` is for all): ask the application, or a mesh',
  },
  {
    name: 'Traefik 3.6',
    report: 'v1.4.0/traefik-traefik',
    backendFilters: false,
    queryParams: true,
    mirror: false,
    mirrorPercent: false,
    counts: '`traefik_service_requests_total`, with the Service in the label `service`',
  },
  {
    name: 'Cilium 1.19 (a pre-release)',
    report: 'v1.4.0/cilium',
    backendFilters: true,
    queryParams: true,
    mirror: true,
    mirrorPercent: true,
    counts: '`hubble_http_requests_total`, with `labelsContext` that names the destination workload',
  },
  {
    name: 'kgateway 2.1',
    report: 'v1.4.0/kgateway',
    backendFilters: true,
    queryParams: true,
    mirror: true,
    mirrorPercent: false,
    counts: '`envoy_cluster_upstream_rq{envoy_cluster_name="kube_<namespace>_<service>_<port>"}`',
  },
]

const reports = 'https://github.com/kubernetes-sigs/gateway-api/tree/main/conformance/reports'

function row({name, report, backendFilters, queryParams, mirror, mirrorPercent, counts}: Implementation): string {
  const cells = [queryParams, mirror, mirrorPercent, backendFilters].map(one => (one ? 'listed' : 'no'))
  return `| [${name}](${reports}/${report}) | yes | ${cells.join(' | ')} | ${counts} |`
}

export const implementationsSection: readonly string[] = [
  '',
  '## Implementations of the Gateway API',
  '',
  'Only **Envoy Gateway** was tried here (1.9.1, with Envoy 1.40). The others are named by what they say of themselves: their conformance reports, and for the last column their documentation and sources. Weights, hosts and headers are core features, which every conformant implementation has. What is beyond the core is written only where it is known to be there: the GatewayClass lists it in `status.supportedFeatures`, or the Rollout says so in `spec.traffic.gatewayAPI.gatewayClass`; else it is refused before anything is written. Envoy Gateway lists nothing, and is known by its name.',
  '',
  '| | weights, headers | query parameters | mirroring | mirroring a share | sticky users | what a check can query |',
  '|---|---|---|---|---|---|---|',
  ...implementations.map(row),
  '',
  '- **Sticky users** take filters on single backends, of which the reports test those for requests alone. Filters are written only for sticky users, and for Envoy Gateway, which counts per backend only where there is one: NGINX Gateway Fabric answers 500 to a route with them.',
  '- **Cookies and regular expressions** are matched by `RegularExpression` on a header, which the API leaves to implementations, and no list names: try it before you rely on it.',
  "- **A share of copies** needs the API's own definitions from 1.3 on, too; the annotation of the installed ones is read.",
  "- **Elsewhere than with Envoy Gateway** a check needs a query of its own: `threshold.query`, or a MetricTemplate. The slots' Services are `<target>-a` and `<target>-b`; `{{ canary.workload }}` is the name of the canary's.",
  "- **Where the controller looks at one namespace alone** it can't read GatewayClasses: `gatewayClass.controllerName` says who serves the Gateway.",
]
