// For the tests of this folder: a clock that only moves when told, and an HTTP server that does what a script says.
import {createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {KubeObject} from '../../crds/meta.ts'
import type {Clock, Random} from '../ports.ts'
import type {Connection} from './kube-config.ts'
import {createLogger, type Logger} from './log.ts'

/** A clock that stands still until it is advanced. */
export class ManualClock implements Clock {
  #now: number
  #timers: {at: number; callback: () => void}[] = []

  constructor(startMilliseconds = 1_700_000_000_000) {
    this.#now = startMilliseconds
  }

  now(): number {
    return this.#now
  }

  after(delayMilliseconds: number, callback: () => void): () => void {
    const timer = {at: this.#now + delayMilliseconds, callback}
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Moves on, calling back in order of time; lets promises settle after each callback. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    await settle()
    for (;;) {
      const due = this.#timers.filter(timer => timer.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter(timer => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
      await settle()
    }
    this.#now = until
  }
}

/** Lets everything that only waits for promises go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Chance that always says the same. */
export function fixedRandom(value = 0.5): Random {
  return {next: () => value}
}

export const silentLog: Logger = createLogger({level: 'silent'})

/** A logger whose lines are kept. */
export function keptLog(): {log: Logger; lines: string[]} {
  const lines: string[] = []
  return {log: createLogger({level: 'trace', destination: {write: line => void lines.push(line)}}), lines}
}

/** Waits, in real time, until a condition holds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within 5 s`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

export interface ScriptedRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** What to answer: a value is sent as JSON, a text as it is; a function gets the response and does as it likes. */
export interface ScriptedReply {
  status?: number
  headers?: Record<string, string>
  body?: unknown
  stream?: (response: ServerResponse) => void
}

export interface ScriptedServer {
  url: string
  requests: ScriptedRequest[]
  /** Connections that were opened in all. */
  connections(): number
  close(): Promise<void>
}

/** Serves on a free port of 127.0.0.1; 404 with a Status where the script has no answer. */
export async function startScriptedServer(
  script: (request: ScriptedRequest) => ScriptedReply | undefined,
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = []
  let connections = 0
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const url = new URL(incoming.url ?? '/', 'http://127.0.0.1')
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    }
    requests.push(request)
    send(response, script(request) ?? {status: 404, body: statusBody(404, 'NotFound', 'not in the script')})
  }
  const server = createServer((incoming, response) => {
    void answer(incoming, response)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, reply: ScriptedReply): void {
  if (reply.stream !== undefined) return reply.stream(response)
  const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {})
  const headers = {'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...reply.headers}
  response.writeHead(reply.status ?? 200, headers)
  response.end(body)
}

/** A metav1.Status that refuses. */
export function statusBody(code: number, reason: string, message: string, details: object = {}): object {
  return {kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details}
}

/** The resources of core/v1 and apps/v1 that the tests use, as discovery gives them. */
export function discoveryReply(path: string): ScriptedReply | undefined {
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']
  if (path === '/api/v1') {
    const resources = [
      {name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs},
      {name: 'namespaces', kind: 'Namespace', namespaced: false, verbs},
      {name: 'events', kind: 'Event', namespaced: true, verbs},
    ]
    return {body: {kind: 'APIResourceList', groupVersion: 'v1', resources}}
  }
  if (path === '/apis/apps/v1') {
    const resources = [
      {name: 'deployments', kind: 'Deployment', namespaced: true, verbs},
      {name: 'deployments/status', kind: 'Deployment', namespaced: true, verbs},
      {name: 'deployments/scale', kind: 'Scale', group: 'autoscaling', version: 'v1', namespaced: true, verbs},
    ]
    return {body: {kind: 'APIResourceList', groupVersion: 'apps/v1', resources}}
  }
  return undefined
}

/** A connection without credentials. */
export function plainConnection(baseUrl: string, headers: Record<string, string> = {}): Connection {
  return {
    baseUrl,
    namespace: 'default',
    tls: async () => ({}),
    headers: async () => headers,
    invalidate() {},
  }
}

/** A ConfigMap; its uid is made of its name unless given. */
export function configMap(
  name: string,
  resourceVersion: string,
  extra: {uid?: string; data?: object} = {},
): KubeObject {
  const {uid = `uid-${name}`, data = {}} = extra
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {namespace: 'shop', name, uid, resourceVersion}, data}
}
