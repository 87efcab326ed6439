// Prometheus, or what speaks its query API, as a metrics system. Nothing here throws once it is set up, nothing is
// unbounded, and no message holds a credential: those name the origin of an address and never its path or user.
import type {MetricFailure, Metrics} from '../../../controller/ports.ts'
import type {HttpConfig} from '../../../crds/http-config.ts'
import {answerOf, problem, rangeAnswerOf} from './answer.ts'
import {readBoundedText} from './bounded-body.ts'
import {Connections, withoutCredentials} from './connection.ts'
import {createQueryLimiter} from './limiter.ts'

/** A configuration that can't be used; the message names file and field, and no value. */
export class HttpConfigError extends Error {
  override readonly name = 'HttpConfigError'
}

export interface PrometheusOptions {
  /** Base address, such as `http://prometheus.monitoring:9090`; a path in it is kept. */
  address: string
  /** From the question to the last byte, waiting for a free place included; 10 seconds when absent. */
  timeoutMilliseconds?: number
  /** Largest body that is read, decompressed; 1 MiB when absent. */
  maximumBytes?: number
  /**
   * How to connect to `address`, asked for at each request: credentials may be rotated. They go to that address alone:
   * whoever may write a MetricTemplate must not collect them. It may throw: then its message is the answer.
   */
  httpConfig?: () => HttpConfig
}

/** Nothing but an address. */
const plain: HttpConfig = {}

/** What compatible systems leave out or shift unless told not to; Prometheus doesn't know these fields. */
const wholeAndCurrent = {
  // Thanos answers from whatever stores it reaches; half of the data is no evidence.
  partial_response: 'false',
  // VictoriaMetrics answers a question about now with what was 30 s ago, and moves the times of long ranges.
  nocache: '1',
  latency_offset: '1ms',
}

const defaultTimeoutMilliseconds = 10_000
const defaultMaximumBytes = 1 << 20
/** Below Prometheus's own default of 20, so that people can still ask it things. */
const maximumConcurrentQueries = 8
const maximumWaitingQueries = 4096

interface Settings {
  home: string
  timeoutMilliseconds: number
  maximumBytes: number
  httpConfig: () => HttpConfig
  connections: Connections
}

/**
 * Asks by `POST /api/v1/query`. Errors are answers: Unreachable (no connection, 5xx, 429), Timeout, Unauthorized (401,
 * 403), BadQuery (400, 422, with Prometheus's own words), BadAnswer (not this API, or not a vector), TooLarge.
 * @throws TypeError when an option can't be used
 */
export function createPrometheusMetrics(options: PrometheusOptions): Metrics {
  const home = queryAddress(options.address)
  if (home instanceof Error) throw home
  const settings: Settings = {
    home: home.href,
    timeoutMilliseconds: options.timeoutMilliseconds ?? defaultTimeoutMilliseconds,
    maximumBytes: options.maximumBytes ?? defaultMaximumBytes,
    httpConfig: options.httpConfig ?? (() => plain),
    connections: new Connections(),
  }
  const limiter = createQueryLimiter(maximumConcurrentQueries, maximumWaitingQueries)
  async function send<Answer extends {kind: string; serverTime?: number}>(
    question: Question,
    read: (status: number, text: string) => Answer | MetricFailure,
  ): Promise<Answer | MetricFailure> {
    const address = question.address === undefined ? home : queryAddress(question.address)
    if (address instanceof Error) return problem('BadAnswer', address.message)
    const signal = AbortSignal.timeout(settings.timeoutMilliseconds)
    const release = await limiter.acquire(address.origin, signal)
    if (release === 'aborted') return timedOut(address, settings)
    if (release === 'full') {
      return problem('Unreachable', `${maximumWaitingQueries} queries wait for ${address.origin} already`)
    }
    try {
      return await ask(settings, address, question, read, signal)
    } catch (error) {
      if (error instanceof HttpConfigError) return problem('Unauthorized', error.message)
      return signal.aborted ? timedOut(address, settings) : unreachable(address, error)
    } finally {
      release()
    }
  }
  return {
    query: request => send({...request, path: 'query', parameters: {time: seconds(request.at)}}, answerOf),
    queryRange: request =>
      send(
        {
          ...request,
          path: 'query_range',
          parameters: {
            start: seconds(request.from),
            end: seconds(request.to),
            step: seconds(request.stepMilliseconds),
          },
        },
        rangeAnswerOf,
      ),
  }
}

interface Question {
  path: 'query' | 'query_range'
  query: string
  parameters: Record<string, string>
  address?: string
  maximumBytes?: number
  httpConfig?: HttpConfig
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3)
}

async function ask<Answer extends {kind: string; serverTime?: number}>(
  settings: Settings,
  address: URL,
  question: Question,
  read: (status: number, text: string) => Answer | MetricFailure,
  signal: AbortSignal,
): Promise<Answer | MetricFailure> {
  const endpoint = new URL(address)
  endpoint.pathname += `/${question.path}`
  const config = question.httpConfig ?? (address.href === settings.home ? settings.httpConfig() : plain)
  const send = settings.connections.of(config)
  const response = await send(endpoint.href, {
    headers: {accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded'},
    body: new URLSearchParams({
      query: question.query,
      ...question.parameters,
      timeout: seconds(settings.timeoutMilliseconds),
      ...wholeAndCurrent,
    }).toString(),
    signal,
  })
  const maximumBytes = question.maximumBytes ?? settings.maximumBytes
  const text = await readBoundedText(response, maximumBytes)
  if (text === undefined && response.status === 200) {
    return problem('TooLarge', `the answer is larger than ${maximumBytes} bytes`)
  }
  const answer = read(response.status, text ?? '')
  if ('reason' in answer) return problem(answer.reason, withoutCredentials(answer.message, config))
  const serverTime = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(serverTime) ? answer : Object.assign(answer, {serverTime})
}

/** Where to send a query for a base address; an error with a message fit for users when it can't be one. */
function queryAddress(base: string): URL | TypeError {
  if (!URL.canParse(base)) return new TypeError('the address of Prometheus is not a URL: write http://host:port')
  const url = new URL(base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return new TypeError(`the address of Prometheus must begin with http:// or https://, not ${url.protocol}//`)
  }
  if (url.username !== '' || url.password !== '') {
    return new TypeError(
      'the address of Prometheus must not hold a user or password: put credentials into --prometheus-config',
    )
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1`
  url.hash = ''
  return url
}

function timedOut(address: URL, settings: Settings): MetricFailure {
  return problem('Timeout', `no answer from ${address.origin} within ${settings.timeoutMilliseconds} ms`)
}

function unreachable(address: URL, error: unknown): MetricFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  const code = cause && 'code' in cause ? String(cause.code) : 'connection failed'
  return problem('Unreachable', `cannot reach ${address.origin}: ${code}`)
}
