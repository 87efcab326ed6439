/** Settings of the proxy; every one has a default. */
export interface ProxySettings {
  /** Time from a change in the store until the proxy goes by it, as a mesh's control plane takes it. */
  propagationMilliseconds?: number
  /** Longest wait for the head of an upstream's answer, and between two parts of its body. */
  requestTimeoutMilliseconds?: number
  connectTimeoutMilliseconds?: number
  /** Requests under way at one time; further ones are answered 503. */
  maximumInFlight?: number
  connectionsPerPod?: number
  /** Namespace of the clients: it completes a bare host such as `checkout`. */
  clientNamespace?: string
  /** Workload that the metrics name as the caller. */
  sourceWorkload?: string
}

export type CompleteProxySettings = Required<ProxySettings>

const defaults: CompleteProxySettings = {
  propagationMilliseconds: 0,
  requestTimeoutMilliseconds: 15_000,
  connectTimeoutMilliseconds: 1_000,
  maximumInFlight: 2_000,
  connectionsPerPod: 128,
  clientNamespace: 'default',
  sourceWorkload: 'playground-client',
}

/** The settings with their defaults; throws a RangeError that names a number that can't be used. */
export function completeProxySettings(settings: ProxySettings): CompleteProxySettings {
  const complete = {...defaults, ...settings}
  for (const [field, value] of Object.entries(complete)) {
    const smallest = field === 'propagationMilliseconds' ? 0 : 1
    if (typeof value === 'string' || (Number.isFinite(value) && value >= smallest)) continue
    throw new RangeError(`proxy settings: ${field} is ${value}; give a number of at least ${smallest}`)
  }
  return complete
}
