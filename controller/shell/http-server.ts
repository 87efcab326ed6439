import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

const maxConnections = 100
const requestTimeoutMilliseconds = 10_000
const defaultCloseGraceMilliseconds = 2_000

/** Whether the process should get work, and if not, why. */
export interface Readiness {
  ready: boolean
  /** One short text for each thing that is not ready. */
  reasons: string[]
}

export interface HttpServerOptions {
  /** Address to listen on, such as 127.0.0.1 or ::. */
  host: string
  /** 0 for any free port. */
  port: number
  /** Asked for `/readyz`. */
  readiness: () => Readiness
  /** Asked for `/metrics`. */
  metrics: () => Promise<{contentType: string; body: string}>
  /** How long answers under way may take when the server closes; 2 s when absent. */
  closeGraceMilliseconds?: number
}

export interface RunningHttpServer {
  host: string
  port: number
  /** Stops to listen and resolves when the last answer was sent or cut off. */
  close(): Promise<void>
}

interface Answer {
  status: number
  contentType: string
  body: string
}

/**
 * Serves `/healthz` (the process runs), `/readyz` and `/metrics`, for GET and HEAD.
 *
 * @throws {Error} the address is taken or not ours
 */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const server = createServer((request, response) => {
    void respond(options, request, response)
  })
  server.maxConnections = maxConnections
  server.requestTimeout = requestTimeoutMilliseconds
  server.headersTimeout = requestTimeoutMilliseconds
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const closeGraceMilliseconds = options.closeGraceMilliseconds ?? defaultCloseGraceMilliseconds
  const {address, port} = server.address() as AddressInfo
  return {
    host: address,
    port,
    close: () =>
      new Promise(resolve => {
        const cutOff = setTimeout(() => server.closeAllConnections(), closeGraceMilliseconds)
        server.close(() => {
          clearTimeout(cutOff)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

async function respond(options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const {status, contentType, body} = await answer(options, request)
  const length = Buffer.byteLength(body)
  const headers = {'content-type': contentType, 'content-length': length, 'cache-control': 'no-store'}
  response.writeHead(status, status === 405 ? {...headers, allow: 'GET, HEAD'} : headers)
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answer(options: HttpServerOptions, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD')
  try {
    switch ((request.url ?? '').split('?')[0]) {
      case '/healthz':
        return text(200, 'ok')
      case '/readyz': {
        const {ready, reasons} = options.readiness()
        return ready ? text(200, 'ok') : text(503, `not ready:\n${reasons.map(reason => `- ${reason}`).join('\n')}`)
      }
      case '/metrics':
        return {status: 200, ...(await options.metrics())}
      default:
        return text(404, 'there is /healthz, /readyz and /metrics')
    }
  } catch (error) {
    return text(500, error instanceof Error ? error.message : 'unknown error')
  }
}

function text(status: number, body: string): Answer {
  return {status, contentType: 'text/plain; charset=utf-8', body: `${body}\n`}
}
