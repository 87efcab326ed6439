// The users: one HTTP client that sends requests at a steady rate, whatever the answers, and counts every one of them.
import {Agent, get, type IncomingMessage} from 'node:http'
import type {Answer} from './pod-servers.ts'

/** One request as its sender saw it. Times are milliseconds since the epoch. */
export interface SentRequest {
  sentAt: number
  endedAt: number
  /** Absent when no answer came. */
  status?: number
  /** What the pod said of itself; absent when no pod answered. */
  answer?: Answer
  /** Why there was no whole answer. */
  error?: string
}

export interface LoadClient {
  readonly requests: readonly SentRequest[]
  /** Sends no more, and resolves when the last one has been answered. */
  stop(): Promise<void>
}

export interface LoadOptions {
  host: string
  port: number
  /** The `Host` header. */
  hostname: string
  requestsPerSecond: number
  /** Whether connections are kept for later requests; each has its own otherwise. */
  keepAlive: boolean
}

const timeoutMilliseconds = 10_000
/** Requests under way at once; a proxy that hangs must not pile up more. */
const maximumInFlight = 200
const tickMilliseconds = 10

export function startLoad(options: LoadOptions): LoadClient {
  const {keepAlive} = options
  const agent = new Agent({keepAlive, maxSockets: maximumInFlight})
  const requests: SentRequest[] = []
  const inFlight = new Set<Promise<void>>()
  const begun = performance.now()
  let due = 0
  const tick = () => {
    due = ((performance.now() - begun) / 1000) * options.requestsPerSecond
    while (requests.length < due && inFlight.size < maximumInFlight) {
      const request: SentRequest = {sentAt: Date.now(), endedAt: 0}
      requests.push(request)
      const sent = send(options, agent, request).then(() => void inFlight.delete(sent))
      inFlight.add(sent)
    }
  }
  const timer = setInterval(tick, tickMilliseconds)
  return {
    requests,
    async stop() {
      clearInterval(timer)
      await Promise.all(inFlight)
      agent.destroy()
    },
  }
}

async function send(options: LoadOptions, agent: Agent, request: SentRequest): Promise<void> {
  const {host, port, hostname} = options
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = get({host, port, agent, headers: {host: hostname}, timeout: timeoutMilliseconds}, resolve)
      asked.once('error', reject)
      asked.once('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMilliseconds} ms`)))
    })
    request.status = response.statusCode ?? 0
    let body = ''
    for await (const chunk of response.setEncoding('utf8')) body += chunk
    if (response.headers['content-type'] === 'application/json') request.answer = JSON.parse(body) as Answer
    else request.error = body.slice(0, 100)
  } catch (error) {
    request.error = error instanceof Error ? error.message : String(error)
  }
  request.endedAt = Date.now()
}
