// The HTTP API of Prometheus over the store, as far as Fairlead and a person with curl need it.
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {QueryError} from './promql/errors.ts'
import {type Element, evaluateInstant, type Value} from './promql/evaluate.ts'
import type {Labels, MetricStore} from './store.ts'

export interface PrometheusApi {
  url: string
  close(): Promise<void>
}

export interface PrometheusApiOptions {
  store: MetricStore
  port?: number
  now?: () => number
}

const maximumBodyBytes = 64 * 1024
const maximumPoints = 11_000

/** Serves the store on loopback. */
export async function startPrometheusApi(options: PrometheusApiOptions): Promise<PrometheusApi> {
  const server = createServer((request, response) => {
    void answer(request, options).then(
      ({status, body}) => send(response, status, body),
      (error: unknown) =>
        send(response, 400, {
          status: 'error',
          errorType: 'bad_data',
          error: error instanceof Error ? error.message : 'bad request',
        }),
    )
  })
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(status, {'content-type': type, 'content-length': Buffer.byteLength(text)}).end(text)
}

interface Answer {
  status: number
  body: object | string
}

async function answer(request: IncomingMessage, {store, now = Date.now}: PrometheusApiOptions): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const parameters = request.method === 'POST' ? new URLSearchParams(await readBody(request)) : url.searchParams
  switch (url.pathname) {
    case '/-/ready':
    case '/-/healthy':
      return {status: 200, body: 'ok\n'}
    case '/api/v1/query':
      return success(instant(store, required(parameters, 'query'), timeOf(parameters.get('time'), now())))
    case '/api/v1/query_range':
      return success(range(store, parameters))
    case '/api/v1/labels':
      return success([...new Set(store.all().flatMap(series => Object.keys(series.labels)))].sort())
    default:
      return (
        labelValues(store, url.pathname) ?? {
          status: 404,
          body: {status: 'error', errorType: 'not_found', error: `${url.pathname} is not served here`},
        }
      )
  }
}

function success(data: unknown): Answer {
  return {status: 200, body: {status: 'success', data}}
}

function labelValues(store: MetricStore, path: string): Answer | undefined {
  const name = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path)?.[1]
  if (name === undefined) return undefined
  return success([...new Set(store.all().flatMap(series => series.labels[name] ?? []))].sort())
}

function instant(store: MetricStore, query: string, at: number): object {
  const value = evaluateInstant(store, query, at)
  if (value.kind === 'scalar') return {resultType: 'scalar', result: [at / 1000, numberText(value.value)]}
  return {
    resultType: 'vector',
    result: value.elements.map(element => ({metric: element.labels, value: [at / 1000, numberText(element.value)]})),
  }
}

function range(store: MetricStore, parameters: URLSearchParams): object {
  const query = required(parameters, 'query')
  const [start, end] = [timeOf(required(parameters, 'start'), 0), timeOf(required(parameters, 'end'), 0)]
  const step = Number(required(parameters, 'step').replace(/s$/, '')) * 1000
  if (!(step > 0)) throw new QueryError('step must be a number of seconds above 0')
  if ((end - start) / step > maximumPoints)
    throw new QueryError(`more than ${maximumPoints} points per series: use a larger step`)
  const found = new Map<string, {metric: Labels; values: [number, string][]}>()
  for (let at = start; at <= end; at += step) {
    for (const {labels, value} of elementsOf(evaluateInstant(store, query, at))) {
      const key = JSON.stringify(labels)
      const series = found.get(key) ?? {metric: labels, values: []}
      series.values.push([at / 1000, numberText(value)])
      found.set(key, series)
    }
  }
  return {resultType: 'matrix', result: [...found.values()]}
}

function elementsOf(value: Value): Element[] {
  return value.kind === 'vector' ? value.elements : [{labels: {}, value: value.value}]
}

function required(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name)
  if (!value) throw new QueryError(`the parameter ${name} is missing`)
  return value
}

/** Milliseconds of a unix time in seconds or an RFC 3339 time. */
function timeOf(text: string | null, otherwise: number): number {
  if (text === null || text === '') return otherwise
  const seconds = Number(text)
  const milliseconds = Number.isNaN(seconds) ? new Date(text).getTime() : seconds * 1000
  if (Number.isNaN(milliseconds)) throw new QueryError(`"${text}" is neither a unix time nor RFC 3339`)
  return Math.round(milliseconds)
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  request.setEncoding('utf8')
  for await (const part of request) {
    body += String(part)
    if (body.length > maximumBodyBytes) throw new QueryError(`the body is larger than ${maximumBodyBytes} bytes`)
  }
  return body
}
