// The playground's mesh: a real reverse proxy that plays the caller's and the destination's sidecar, and the ingress.
import type {IncomingMessage, ServerResponse} from 'node:http'
import type {Clock, Random} from '../../controller/ports.ts'
import {systemClock} from '../../controller/shell/clock.ts'
import type {WorkloadStore} from '../workloads/index.ts'
import {countRequest} from './accounting.ts'
import {followConfiguration} from './configuration.ts'
import {type ForwardResult, forward} from './forward.ts'
import {startLoopbackServer} from './loopback-server.ts'
import {createRequestMetrics, type RequestMetrics} from './metrics.ts'
import {chooseRoute} from './route.ts'
import {answerRoutes} from './route-status.ts'
import type {Counting} from './route-types.ts'
import {type CompleteProxySettings, completeProxySettings, type ProxySettings} from './settings.ts'
import type {SnapshotService} from './snapshot.ts'
import {Upstreams} from './upstreams.ts'

/** Why the proxy answered a request itself; the value of the header `x-proxy-error`. */
export type ProxyError =
  | 'no_route'
  | 'no_cluster'
  | 'no_healthy_upstream'
  | 'upstream_connect_failure'
  | 'upstream_reset'
  | 'upstream_timeout'
  | 'overflow'

/** Envoy's response flags. */
const responseFlags: Record<ProxyError, string> = {
  no_route: 'NR',
  no_cluster: 'NC',
  no_healthy_upstream: 'UH',
  upstream_connect_failure: 'UF',
  upstream_reset: 'UC',
  upstream_timeout: 'UT',
  overflow: 'UO',
}

export interface ProxyOptions {
  /** Services, EndpointSlices and the routes of every mesh are read from it, and routes are answered in it. */
  store: WorkloadStore
  /** Weighted destinations are drawn from it. */
  random: Random
  clock?: Clock
  settings?: ProxySettings
}

export interface ProxyStats {
  requests: number
  /** Requests that a Pod answered, whatever its status. */
  answered: number
  /** Requests that the proxy had to answer itself, or whose answer was cut off, by reason. */
  dropped: Partial<Record<ProxyError, number>>
  clientHangUps: number
  inFlight: number
  /** Number of the snapshot in force. */
  snapshotVersion: number
  /** What routes ask for and the proxy can't do. */
  problems: readonly string[]
}

/** A running proxy. */
export interface Proxy {
  url: string
  port: number
  metricsUrl: string
  metricsText(): string
  stats(): ProxyStats
  close(): Promise<void>
}

interface Target {
  host: string
  service: Pick<SnapshotService, 'name' | 'namespace'>
  workload?: string
  counted?: Counting | undefined
}

const unknownService = {name: 'unknown', namespace: 'unknown'}

/**
 * Starts the proxy on two loopback ports, one for requests and one for `/metrics`. Throws a RangeError for settings that
 * can't be used. See {@link chooseRoute} for the request headers that it understands.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const {store, random, clock = systemClock()} = options
  const settings = completeProxySettings(options.settings ?? {})
  const upstreams = new Upstreams(settings)
  const account = new Account(createRequestMetrics(), settings)
  const configuration = followConfiguration(store, clock, settings.propagationMilliseconds, snapshot =>
    upstreams.retain(snapshot),
  )
  const answering = answerRoutes(store, clock, settings.propagationMilliseconds)
  const server = await startLoopbackServer((request, response) => {
    const {method = 'GET', url = '/', headers} = request
    const context = {clientNamespace: settings.clientNamespace, ownPort: server.port}
    const decision = chooseRoute(configuration.current(), {method, url, headers}, context, random)
    const finish = account.begin()
    if (decision.kind === 'no_route') {
      return finish.refuse('no_route', {host: decision.host, service: unknownService}, request, response)
    }
    if (decision.kind === 'no_cluster') {
      return finish.refuse('no_cluster', {host: decision.host, service: decision}, request, response)
    }
    const {service, counted} = decision
    const target = {host: service.host, service, counted}
    if (account.inFlight > settings.maximumInFlight) return finish.refuse('overflow', target, request, response)
    const upstream = upstreams.choose(service.endpoints)
    if (upstream === undefined) return finish.refuse('no_healthy_upstream', target, request, response)
    const reached = {...target, workload: upstream.endpoint.workload}
    forward(request, response, upstream, result => finish.forwarded(result, reached, request, response))
  })
  const metricsServer = await startLoopbackServer((request, response) =>
    serveMetrics(account.metrics, request, response),
  )
  return {
    url: server.url,
    port: server.port,
    metricsUrl: `${metricsServer.url}/metrics`,
    metricsText: () => account.metrics.text(),
    stats: () => {
      const {version, problems} = configuration.current()
      return {...account.stats(), snapshotVersion: version, problems}
    },
    async close() {
      configuration.close()
      answering.close()
      await Promise.all([server.close(), metricsServer.close()])
      upstreams.close()
    },
  }
}

interface Finish {
  refuse(error: ProxyError, target: Target, request: IncomingMessage, response: ServerResponse): void
  forwarded(result: ForwardResult, target: Target, request: IncomingMessage, response: ServerResponse): void
}

/** Keeps the books: every request that begins is counted exactly once when it ends. */
class Account {
  readonly metrics: RequestMetrics
  inFlight = 0
  private readonly settings: CompleteProxySettings
  private readonly dropped: Partial<Record<ProxyError, number>> = {}
  private requests = 0
  private answered = 0
  private clientHangUps = 0

  constructor(metrics: RequestMetrics, settings: CompleteProxySettings) {
    this.metrics = metrics
    this.settings = settings
  }

  stats(): Pick<ProxyStats, 'requests' | 'answered' | 'dropped' | 'clientHangUps' | 'inFlight'> {
    const {requests, answered, clientHangUps, inFlight} = this
    return {requests, answered, dropped: {...this.dropped}, clientHangUps, inFlight}
  }

  begin(): Finish {
    const startedAt = performance.now()
    this.requests++
    this.inFlight++
    const refuse = (error: ProxyError, target: Target, request: IncomingMessage, response: ServerResponse) => {
      const status = error === 'upstream_timeout' ? 504 : 503
      this.drop(error)
      this.end(startedAt, target, String(status), responseFlags[error], false)
      answerError(error, status, target.host, request, response)
    }
    return {
      refuse,
      forwarded: (result, target, request, response) => {
        if (result.kind === 'answered') {
          this.answered++
          this.end(startedAt, target, String(result.status), '-', true)
        } else if (result.kind === 'client_closed') {
          this.clientHangUps++
          this.end(startedAt, target, '0', 'DC', true)
        } else if (result.status === undefined) refuse(result.kind, target, request, response)
        else {
          this.drop(result.kind)
          this.end(startedAt, target, String(result.status), responseFlags[result.kind], true)
        }
      },
    }
  }

  private drop(error: ProxyError): void {
    this.dropped[error] = (this.dropped[error] ?? 0) + 1
  }

  private end(startedAt: number, target: Target, status: string, flags: string, reached: boolean): void {
    this.inFlight--
    const durationMilliseconds = performance.now() - startedAt
    const {sourceWorkload} = this.settings
    const {counted, ...rest} = target
    countRequest(this.metrics, {...rest, sourceWorkload, status, flags, reached, durationMilliseconds}, counted)
  }
}

function answerError(
  error: ProxyError,
  status: number,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (response.destroyed) return
  request.resume()
  const body = Buffer.from(`${JSON.stringify({error, host})}\n`)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-proxy-error': error,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function serveMetrics(metrics: RequestMetrics, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const found = request.url?.split('?', 1)[0] === '/metrics'
  const body = Buffer.from(found ? metrics.text() : 'see /metrics\n')
  const type = found ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain; charset=utf-8'
  response.writeHead(found ? 200 : 404, {'content-type': type, 'content-length': body.length})
  response.end(request.method === 'HEAD' ? undefined : body)
}
