import {Agent, buildConnector, type Dispatcher, ProxyAgent} from 'undici'
import type {Clock} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import type {Connection, TlsOptions} from './kube-config.ts'
import {clusterErrorFrom} from './kube-errors.ts'
import {RateLimiter} from './rate-limiter.ts'

/** Connections for ordinary requests; further requests wait for a free one. */
const maxRequestConnections = 32
/** Connections for watches. They last for minutes, so they have a pool of their own and never starve requests. */
const maxWatchConnections = 512
/** Largest answer that is read: a page of 500 objects of 128 KiB. */
const maxResponseBytes = 64 * 1024 * 1024
/** Largest error answer that is read. */
const maxErrorBytes = 256 * 1024
const requestTimeoutMilliseconds = 30_000
/** Below the 90 s after which kube-apiserver hangs up an idle connection. */
const keepAliveMilliseconds = 45_000
const connectTimeoutMilliseconds = 10_000
const tcpKeepAliveMilliseconds = 30_000

export interface HttpTransportOptions {
  connection: Connection
  clock: Clock
  /** Requests per second in the long run; 50 when absent. */
  queriesPerSecond?: number
  /** Requests at once after a pause; 100 when absent. */
  burst?: number
  /** Deadline of one request, body included; 30 s when absent. */
  timeoutMilliseconds?: number
  /** Largest answer, in bytes; {@link maxResponseBytes} when absent. */
  maxResponseBytes?: number
  /** Told of every answer, for metrics: `code` is the HTTP status, or `error` when none came. */
  onAnswer?: (verb: string, code: string) => void
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query, from the server's root. */
  path: string
  accept?: string
  /** Sent as it is. */
  body?: string
  contentType?: string
  /** For metrics: the Kubernetes verb; the method in lower case when absent. */
  verb?: string
  signal?: AbortSignal
}

/** One API server behind two bounded pools of kept-alive connections and a client-side rate limit. No retries. */
export class HttpTransport {
  readonly #connection: Connection
  readonly #options: HttpTransportOptions
  readonly #limiter: RateLimiter
  #pools: Promise<Pools> | undefined
  readonly #origin: string
  readonly #prefix: string

  constructor(options: HttpTransportOptions) {
    const base = new URL(options.connection.baseUrl)
    this.#connection = options.connection
    this.#options = options
    this.#origin = base.origin
    this.#prefix = base.pathname.replace(/\/+$/, '')
    const {clock, queriesPerSecond = 50, burst = 100} = options
    this.#limiter = new RateLimiter({clock, queriesPerSecond, burst})
  }

  /**
   * One request and its whole answer.
   *
   * @returns the body, as text
   * @throws {ClusterError} status of an answer of 400 and above; 0 when none came, in time or within the size bound
   */
  async request(request: HttpRequest): Promise<string> {
    const controller = new AbortController()
    const abort = () => controller.abort()
    const timeoutMilliseconds = this.#options.timeoutMilliseconds ?? requestTimeoutMilliseconds
    request.signal?.addEventListener('abort', abort)
    let timer: NodeJS.Timeout | undefined
    try {
      // Waiting for the rate limit is not part of the deadline: the server has nothing to do with it.
      await this.#limiter.acquire(request.signal)
      if (request.signal?.aborted) abort()
      timer = setTimeout(abort, timeoutMilliseconds)
      const response = await this.#send('requests', request, controller.signal, timeoutMilliseconds)
      return await readBody(response.body, this.#options.maxResponseBytes ?? maxResponseBytes)
    } catch (error) {
      throw asClusterError(error, request, controller.signal.aborted && !request.signal?.aborted)
    } finally {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * One request whose answer is read as it comes, without a deadline: the caller aborts it.
   *
   * @throws {ClusterError} as {@link request}, also while the answer is read
   */
  async *stream(request: HttpRequest & {signal: AbortSignal}): AsyncGenerator<Buffer> {
    try {
      await this.#limiter.acquire(request.signal)
      request.signal.throwIfAborted()
      const response = await this.#send('watches', request, request.signal, 0)
      for await (const chunk of response.body) yield chunk as Buffer
    } catch (error) {
      throw asClusterError(error, request, false)
    }
  }

  /** Hangs up every connection; requests under way fail. */
  async close(): Promise<void> {
    const pools = await this.#pools?.catch(() => undefined)
    await Promise.all([pools?.requests.destroy(), pools?.watches.destroy()])
  }

  #openPools(): Promise<Pools> {
    if (this.#pools === undefined) {
      const pools = openPools(this.#connection)
      // Credentials that cannot be read now may be readable at the next request.
      pools.catch(() => {
        this.#pools = undefined
      })
      this.#pools = pools
    }
    return this.#pools
  }

  async #send(
    pool: keyof Pools,
    request: HttpRequest,
    signal: AbortSignal,
    timeoutMilliseconds: number,
  ): Promise<Dispatcher.ResponseData> {
    const verb = request.verb ?? request.method.toLowerCase()
    let response: Dispatcher.ResponseData
    try {
      const dispatcher = (await this.#openPools())[pool]
      response = await dispatcher.request({
        origin: this.#origin,
        path: this.#prefix + request.path,
        method: request.method,
        headers: await this.#headers(request),
        body: request.body ?? null,
        signal,
        headersTimeout: timeoutMilliseconds,
        bodyTimeout: timeoutMilliseconds,
      })
    } catch (error) {
      this.#options.onAnswer?.(verb, 'error')
      throw error
    }
    this.#options.onAnswer?.(verb, String(response.statusCode))
    if (response.statusCode < 300) return response
    if (response.statusCode === 401) this.#connection.invalidate()
    const body = await readBody(response.body, maxErrorBytes)
    throw clusterErrorFrom(response.statusCode, body, headerOf(response.headers['retry-after']))
  }

  async #headers(request: HttpRequest): Promise<Record<string, string>> {
    const headers: Record<string, string> = {
      ...(await this.#connection.headers()),
      accept: request.accept ?? 'application/json',
      'user-agent': 'fairlead',
    }
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json'
    return headers
  }
}

interface Pools {
  requests: Dispatcher
  watches: Dispatcher
}

async function openPools(connection: Connection): Promise<Pools> {
  const {proxyUrl} = connection
  if (proxyUrl === undefined) {
    const connect = rotatingConnector(connection)
    return {
      requests: new Agent({...poolOptions(maxRequestConnections), connect}),
      watches: new Agent({...poolOptions(maxWatchConnections), connect}),
    }
  }
  // A tunnel takes its TLS options once: through a proxy, rotated client certificates need a restart.
  const proxy = {uri: proxyUrl, requestTls: await connection.tls()}
  return {
    requests: new ProxyAgent({...poolOptions(maxRequestConnections), ...proxy}),
    watches: new ProxyAgent({...poolOptions(maxWatchConnections), ...proxy}),
  }
}

function poolOptions(connections: number) {
  return {
    connections,
    pipelining: 1,
    // One HTTP/2 session would carry every watch and request, and hang all of them when it hangs.
    allowH2: false,
    keepAliveTimeout: keepAliveMilliseconds,
  }
}

/** Opens every new connection with the certificates of that moment, so that rotation needs no restart. */
function rotatingConnector(connection: Connection): buildConnector.connector {
  let current: {identity: string; connect: buildConnector.connector} | undefined
  return (options, callback) => {
    connection.tls().then(
      tls => {
        const identity = JSON.stringify(tls)
        if (current?.identity !== identity) current = {identity, connect: connectorWith(tls)}
        current.connect(options, callback)
      },
      (error: Error) => callback(error, null),
    )
  }
}

function connectorWith(tls: TlsOptions): buildConnector.connector {
  const keepAlive = {keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMilliseconds}
  return buildConnector({...tls, ...keepAlive, allowH2: false, timeout: connectTimeoutMilliseconds})
}

async function readBody(body: Dispatcher.ResponseData['body'], limitBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (size > limitBytes) throw new ClusterError(0, 'ResponseTooLarge', `the answer is above ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size).toString('utf8')
}

function asClusterError(error: unknown, request: HttpRequest, timedOut: boolean): ClusterError {
  if (error instanceof ClusterError) return error
  const what = `${request.method} ${request.path.split('?')[0]}`
  if (request.signal?.aborted) return new ClusterError(0, 'Aborted', `${what} was aborted`)
  const code = codeOf(error)
  if (timedOut || /TIMEOUT|ETIMEDOUT/.test(code)) return new ClusterError(0, 'Timeout', `${what} got no answer in time`)
  return new ClusterError(0, 'Unreachable', `${what} failed: ${describe(error, code)}`)
}

function codeOf(error: unknown): string {
  const code = (error as {code?: unknown} | null)?.code
  return typeof code === 'string' ? code : ''
}

function describe(error: unknown, code: string): string {
  // Connecting to a name with several addresses fails with an AggregateError, whose own message is empty.
  const cause = error instanceof AggregateError && error.message === '' ? error.errors[0] : error
  const message = cause instanceof Error ? cause.message : String(cause)
  return message === '' ? code : message
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
