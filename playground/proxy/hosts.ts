// The names by which a Service is known inside the cluster.

const clusterSuffix = '.svc.cluster.local'

/** The full name of a Service. */
export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}${clusterSuffix}`
}

/** The parts of a full Service name; undefined for any other name. */
export function splitServiceHost(host: string): {name: string; namespace: string} | undefined {
  if (!host.endsWith(clusterSuffix)) return undefined
  const [name, namespace, more] = host.slice(0, -clusterSuffix.length).split('.')
  return name && namespace && more === undefined ? {name, namespace} : undefined
}

/**
 * The full name of the Service that a host may mean to someone in a namespace: `checkout`, `checkout.shop`,
 * `checkout.shop.svc` and the full name itself. Whether that Service exists is for the caller to find out.
 */
export function serviceHostOf(host: string, namespace: string): string | undefined {
  const parts = host.split('.')
  const [first = '', second = ''] = parts
  if (parts.length === 1) return serviceHost(first, namespace)
  if (parts.length === 2 || (parts.length === 3 && parts[2] === 'svc')) return serviceHost(first, second)
  return splitServiceHost(host) === undefined ? undefined : host
}

/** A Host header in lower case, without its port; the port is given apart. Understands `[::1]:80`. */
export function splitAuthority(authority: string): {host: string; port?: number} {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority.trim().toLowerCase())
  if (match === null) return {host: ''}
  const host = (match[1] ?? '').replace(/\.$/, '')
  return match[2] === undefined ? {host} : {host, port: Number(match[2])}
}

/**
 * The full name of a host that a route's object holds. As in Istio, only a name without a dot means a Service of the
 * object's namespace; any other, `checkout.shop` too, is taken as it is.
 */
export function hostInRoute(host: string, namespace: string): string {
  const name = host.toLowerCase()
  return name.includes('.') || name.includes('*') ? name : serviceHost(name, namespace)
}
