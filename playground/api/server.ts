// The API over HTTP, on loopback.
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import {createApi, handle, isWatch, refusal} from './api.ts'
import {ApiError} from './errors.ts'
import {maximumBodyBytes} from './request-body.ts'
import {parseResourcePath} from './request-path.ts'
import type {Store, StoreOptions} from './store.ts'
import type {ApiRequest, ApiResponse} from './types.ts'
import {startWatch} from './watch-stream.ts'

/** A server that listens. */
export interface ApiServer {
  /** Such as `http://127.0.0.1:12345`. */
  url: string
  port: number
  store: Store
  /** Ends all watches and stops listening. */
  close(): Promise<void>
}

/** A watch whose client lags behind by this much is ended; the client lists again. */
const maximumUnsentBytes = 8 * 1024 * 1024

/** Starts the API on 127.0.0.1; port 0, the default, takes any free one. */
export async function startApiServer(options: StoreOptions & {port?: number} = {}): Promise<ApiServer> {
  const {store} = createApi(options)
  const watches = new Set<() => void>()
  const server = createServer((incoming, response) => {
    serve(store, watches, incoming, response).catch(error => send(response, refusal(error)))
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    store,
    async close() {
      for (const stop of watches) stop()
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(
  store: Store,
  watches: Set<() => void>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that leaves in the middle of an answer is nobody's fault.
  response.on('error', () => {})
  const body = await readBody(incoming)
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  const request: ApiRequest = {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers as Record<string, string | undefined>,
    body,
  }
  if (response.destroyed) return
  if (isWatch(request)) serveWatch(store, watches, request, response)
  else send(response, handle(store, request))
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maximumBodyBytes) {
      throw new ApiError(413, 'RequestEntityTooLarge', `the body is larger than ${maximumBodyBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, {status, headers, body}: ApiResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : `${JSON.stringify(body)}\n`
  const content = Buffer.from(text as string)
  response.writeHead(status, {...headers, 'content-length': content.length, 'cache-control': 'no-cache, private'})
  response.end(content)
}

function serveWatch(store: Store, watches: Set<() => void>, request: ApiRequest, response: ServerResponse): void {
  const path = parseResourcePath(request.path)
  try {
    if (path === undefined) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource')
    const named = path.name === undefined ? request : narrowedToName(request, path.name)
    const stop = startWatch(store, named, path, () => {
      response.writeHead(200, {'content-type': 'application/json', 'cache-control': 'no-cache, private'})
      response.flushHeaders()
      return {
        send(line) {
          response.write(line)
          return response.writableLength <= maximumUnsentBytes
        },
        end: () => void response.end(),
      }
    })
    watches.add(stop)
    // The response's close event tells of the client's leaving; the request's fires as soon as its body was read.
    response.on('close', () => {
      stop()
      watches.delete(stop)
    })
  } catch (error) {
    send(response, refusal(error))
  }
}

function narrowedToName(request: ApiRequest, name: string): ApiRequest {
  const others = request.query?.['fieldSelector']
  const fieldSelector = [...(others ? [others] : []), `metadata.name=${name}`].join(',')
  return {...request, query: {...request.query, fieldSelector}}
}
