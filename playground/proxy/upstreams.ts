// Keep-alive connections to Pods: one bounded pool per endpoint.
import {Pool} from 'undici'
import type {CompleteProxySettings} from './settings.ts'
import type {Endpoint, Snapshot} from './snapshot.ts'

/** Shorter than a Pod's server keeps idle connections: else both ends race, and a request is lost. */
const keepAliveMilliseconds = 30_000

/** An endpoint with its connections. */
export interface Upstream {
  endpoint: Endpoint
  pool: Pool
  inFlight: number
}

/** The pools of all endpoints of the snapshot in force. */
export class Upstreams {
  private readonly settings: CompleteProxySettings
  private readonly known = new Map<string, Upstream>()
  private turn = 0

  constructor(settings: CompleteProxySettings) {
    this.settings = settings
  }

  /** The endpoint with the fewest requests in flight; among equals they take turns. Undefined when there are none. */
  choose(endpoints: readonly Endpoint[]): Upstream | undefined {
    const start = this.turn++ % Math.max(1, endpoints.length)
    let best: Upstream | undefined
    for (let step = 0; step < endpoints.length; step++) {
      const upstream = this.upstream(endpoints[(start + step) % endpoints.length] as Endpoint)
      if (best === undefined || upstream.inFlight < best.inFlight) best = upstream
    }
    return best
  }

  /** Closes the pools of endpoints that a snapshot no longer has; their requests in flight are finished first. */
  retain(snapshot: Snapshot): void {
    const wanted = new Set<string>()
    for (const {endpoints} of snapshot.services.values()) for (const {key} of endpoints) wanted.add(key)
    for (const [key, {pool}] of this.known) {
      if (wanted.has(key)) continue
      this.known.delete(key)
      pool.close().catch(ignoreLateFailure)
    }
  }

  close(): void {
    for (const {pool} of this.known.values()) pool.destroy().catch(ignoreLateFailure)
    this.known.clear()
  }

  private upstream(endpoint: Endpoint): Upstream {
    const known = this.known.get(endpoint.key)
    if (known !== undefined) return known
    const {connectionsPerPod, connectTimeoutMilliseconds, requestTimeoutMilliseconds} = this.settings
    const pool = new Pool(`http://${endpoint.address}:${endpoint.port}`, {
      connections: connectionsPerPod,
      pipelining: 1,
      connect: {timeout: connectTimeoutMilliseconds},
      headersTimeout: requestTimeoutMilliseconds,
      bodyTimeout: requestTimeoutMilliseconds,
      keepAliveTimeout: keepAliveMilliseconds,
      keepAliveMaxTimeout: keepAliveMilliseconds,
    })
    const upstream = {endpoint, pool, inFlight: 0}
    this.known.set(endpoint.key, upstream)
    return upstream
  }
}

/** Each request reports its own failure; that the pool as a whole was ended tells nobody anything. */
function ignoreLateFailure(): void {}
