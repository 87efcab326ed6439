// Names of Services as Istio resolves them. A name without a dot belongs to the namespace of the object that holds it;
// any other name is taken as it is, so `checkout.shop` never becomes the Service (istiod, ResolveShortnameToFQDN).

/** The cluster's DNS domain; Istio's own default, and that of Kubernetes. */
const clusterDomain = 'cluster.local'

/** The gateway name that stands for every sidecar. */
export const meshGateway = 'mesh'

/** Full name of a Service. */
export function serviceHost(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.${clusterDomain}`
}

/** Every name under which a sidecar serves a Service, the full one first; the short one works in its namespace alone. */
export function serviceNames(service: string, namespace: string): string[] {
  return [serviceHost(service, namespace), `${service}.${namespace}.svc`, `${service}.${namespace}`]
}

/** The name that Istio makes of a host written in an object of the given namespace. */
export function resolveHost(host: string, namespace: string): string {
  return host === '*' || host.includes('.') ? host : serviceHost(host, namespace)
}

/** A gateway's `namespace/name`, as Istio resolves it in an object of the given namespace; `mesh` stays. */
export function resolveGateway(gateway: string, namespace: string): string {
  return gateway === meshGateway || gateway.includes('/') ? gateway : `${namespace}/${gateway}`
}

/** Whether a host, `*` or `*.example.com` included, covers another host; every host covers itself. */
export function coversHost(pattern: string, host: string): boolean {
  if (pattern === host || pattern === '*') return true
  return pattern.startsWith('*') && host.endsWith(pattern.slice(1))
}
