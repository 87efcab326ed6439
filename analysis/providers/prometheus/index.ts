// Prometheus, or what speaks its query API, as a metrics system. Nothing here throws once it is set up, nothing is
// unbounded, and no message holds a credential: those name the origin of an address and never its path or user.
import type {MetricAnswer, MetricRequest, Metrics} from '../../../controller/ports.ts'
import {answerOf, problem} from './answer.ts'
import {readBoundedText} from './bounded-body.ts'
import {createQueryLimiter} from './limiter.ts'

export interface PrometheusOptions {
  /** Base address, such as `http://prometheus.monitoring:9090`; a path in it is kept. */
  address: string
  /** From the question to the last byte, waiting for a free place included; 10 seconds when absent. */
  timeoutMilliseconds?: number
  /** Largest body that is read, decompressed; 1 MiB when absent. */
  maximumBytes?: number
  /** Credentials and the like. They go to `address` alone: whoever may write a MetricTemplate must not collect them. */
  headers?: Readonly<Record<string, string>>
  /** The platform's own when absent; one bound to a dispatcher brings a proxy or certificates. */
  fetch?: typeof globalThis.fetch
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
  headers: Readonly<Record<string, string>>
  fetch: typeof globalThis.fetch
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
    headers: checkedHeaders(options.headers ?? {}),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
  }
  const limiter = createQueryLimiter(maximumConcurrentQueries, maximumWaitingQueries)
  return {
    async query(request) {
      const address = request.address === undefined ? home : queryAddress(request.address)
      if (address instanceof Error) return problem('BadAnswer', address.message)
      const signal = AbortSignal.timeout(settings.timeoutMilliseconds)
      const release = await limiter.acquire(address.origin, signal)
      if (release === 'aborted') return timedOut(address, settings)
      if (release === 'full') {
        return problem('Unreachable', `${maximumWaitingQueries} queries wait for ${address.origin} already`)
      }
      try {
        return await ask(settings, address, request, signal)
      } catch (error) {
        return signal.aborted ? timedOut(address, settings) : unreachable(address, error)
      } finally {
        release()
      }
    },
  }
}

async function ask(
  settings: Settings,
  address: URL,
  request: MetricRequest,
  signal: AbortSignal,
): Promise<MetricAnswer> {
  const response = await settings.fetch(address.href, {
    method: 'POST',
    headers: {
      ...(address.href === settings.home ? settings.headers : {}),
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      query: request.query,
      time: (request.at / 1000).toFixed(3),
      timeout: (settings.timeoutMilliseconds / 1000).toFixed(3),
      // Thanos answers from whatever stores it reaches unless told not to; half of the data is no evidence.
      partial_response: 'false',
    }).toString(),
    // A redirect could carry the credentials elsewhere.
    redirect: 'manual',
    signal,
  })
  const text = await readBoundedText(response, settings.maximumBytes)
  if (text !== undefined) return answerOf(response.status, text)
  if (response.status !== 200) return answerOf(response.status, '')
  return problem('TooLarge', `the answer is larger than ${settings.maximumBytes} bytes`)
}

/** Where to send a query for a base address; an error with a message fit for users when it can't be one. */
function queryAddress(base: string): URL | TypeError {
  if (!URL.canParse(base)) return new TypeError('the address of Prometheus is not a URL: write http://host:port')
  const url = new URL(base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return new TypeError(`the address of Prometheus must begin with http:// or https://, not ${url.protocol}//`)
  }
  if (url.username !== '' || url.password !== '') {
    return new TypeError('the address of Prometheus must not hold a user or password: send credentials as a header')
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`
  url.hash = ''
  return url
}

/** The platform's own complaint about a header quotes its value. */
function checkedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers({[name]: value})
    } catch {
      throw new TypeError(`header ${JSON.stringify(name)} for Prometheus is not valid: remove line breaks from it`)
    }
  }
  return headers
}

function timedOut(address: URL, settings: Settings): MetricAnswer {
  return problem('Timeout', `no answer from ${address.origin} within ${settings.timeoutMilliseconds} ms`)
}

function unreachable(address: URL, error: unknown): MetricAnswer {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  const code = cause && 'code' in cause ? String(cause.code) : 'connection failed'
  return problem('Unreachable', `cannot reach ${address.origin}: ${code}`)
}
