// Carries one request to one Pod and the answer back. It is never tried again: a wrong order of events must show.
import type {IncomingHttpHeaders, IncomingMessage, ServerResponse} from 'node:http'
import type {Dispatcher} from 'undici'
import type {Upstream} from './upstreams.ts'

/** How it ended. `status` is what the client saw, 0 when it hung up first. */
export type ForwardResult =
  | {kind: 'answered'; status: number}
  | {kind: 'client_closed'}
  | {kind: 'upstream_connect_failure' | 'upstream_reset' | 'upstream_timeout'; status?: number; error: Error}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'proxy-authenticate',
  'proxy-authorization',
])

/**
 * Forwards a request; `done` is called exactly once. After a failure whose result has no `status` nothing was sent to
 * the client, and the caller answers it; one with a `status` cut the answer off.
 */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
  done: (result: ForwardResult) => void,
): void {
  const exchange = new Exchange(request, response, done)
  upstream.inFlight++
  response.once('close', () => {
    upstream.inFlight--
    exchange.clientClosed()
  })
  const options: Dispatcher.DispatchOptions = {
    path: request.url ?? '/',
    method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: endToEnd(request.headers),
    body: hasBody(request) ? request : null,
  }
  try {
    upstream.pool.dispatch(options, exchange)
  } catch (error) {
    exchange.failed(error as Error)
  }
}

/** The state of one request under way. */
class Exchange implements Dispatcher.DispatchHandler {
  private readonly request: IncomingMessage
  private readonly response: ServerResponse
  private readonly done: (result: ForwardResult) => void
  private controller: Dispatcher.DispatchController | undefined
  private status: number | undefined
  private finished = false

  constructor(request: IncomingMessage, response: ServerResponse, done: (result: ForwardResult) => void) {
    this.request = request
    this.response = response
    this.done = done
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.finished) controller.abort(new Error('the client has closed its connection'))
  }

  onResponseStart(_: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders): void {
    if (statusCode < 200 || this.finished) return
    this.status = statusCode
    this.response.writeHead(statusCode, endToEnd(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.finished || this.response.write(chunk)) return
    controller.pause()
    this.response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    if (this.finished) return
    this.finish({kind: 'answered', status: this.status ?? 0})
    this.response.end()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.failed(error)
  }

  failed(error: Error): void {
    if (this.finished) return
    const gone = this.response.destroyed || (this.request.destroyed && !this.request.complete)
    if (gone) return this.finish({kind: 'client_closed'})
    const cutOff = this.status === undefined ? {} : {status: this.status}
    this.finish({kind: this.classify(error), error, ...cutOff})
    if (this.status !== undefined) this.response.destroy()
  }

  clientClosed(): void {
    if (this.finished) return
    this.finish({kind: 'client_closed'})
    this.controller?.abort(new Error('the client has closed its connection'))
  }

  private finish(result: ForwardResult): void {
    this.finished = true
    this.done(result)
  }

  private classify(error: Error): 'upstream_connect_failure' | 'upstream_reset' | 'upstream_timeout' {
    const {code} = error as {code?: string}
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'upstream_timeout'
    return this.controller === undefined ? 'upstream_connect_failure' : 'upstream_reset'
  }
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = String(headers.connection ?? '').toLowerCase()
  const listed =
    named === '' || named === 'keep-alive' || named === 'close' ? undefined : named.split(',').map(name => name.trim())
  const kept: Record<string, string | string[]> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !hopByHop.has(name) && listed?.includes(name) !== true) kept[name] = value
  }
  return kept
}
