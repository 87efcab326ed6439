// The real HTTP server on loopback that plays a Pod's container.
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {Clock, Random} from '../../controller/ports.ts'
import {podAddress} from './names.ts'
import type {PodBehaviour} from './pod-behaviour.ts'

/** Connections that one Pod takes. */
const maximumConnections = 1_024
/** Longer than any client of the playground keeps an idle connection: else the two ends race to close it. */
const keepAliveMilliseconds = 120_000

/** What a Pod's answers say about it. */
export interface PodIdentity {
  name: string
  revision: string
}

/** A running server. */
export interface PodServer {
  readonly port: number
  requests(): number
  /** Asks clients, with every answer, to close their connections. */
  drain(): void
  /** Takes no new connections, ends once requests in flight are answered, at the latest after the given time. */
  close(drainMilliseconds: number): Promise<void>
  /** Ends at once, as a crash does: every connection is reset. */
  kill(): void
}

interface Parts {
  identity: PodIdentity
  behaviour: PodBehaviour
  random: Random
  clock: Clock
  /** Tells `/readyz` whether the Pod is ready. */
  isReady: () => boolean
}

/** Starts a server on a free loopback port; rejects when no port can be had. */
export async function startPodServer(parts: Parts): Promise<PodServer> {
  const {clock} = parts
  const delays = new Set<() => void>()
  let requests = 0
  let draining = false
  const server = createServer({keepAliveTimeout: keepAliveMilliseconds}, (request, response) => {
    requests++
    request.resume()
    const reply = () => {
      if (draining) response.shouldKeepAlive = false
      answer(parts, request, response)
    }
    const delayMilliseconds = isProbe(request) ? 0 : drawLatency(parts.behaviour, parts.random)
    if (delayMilliseconds <= 0) return reply()
    const cancel = clock.after(delayMilliseconds, () => {
      delays.delete(cancel)
      if (!response.destroyed) reply()
    })
    delays.add(cancel)
  })
  server.maxConnections = maximumConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, podAddress, resolve)
  })
  const kill = () => {
    for (const cancel of delays) cancel()
    delays.clear()
    server.close()
    server.closeAllConnections()
  }
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    drain() {
      draining = true
    },
    close(drainMilliseconds) {
      draining = true
      return new Promise(resolve => {
        const cancel = clock.after(drainMilliseconds, kill)
        server.close(() => {
          cancel()
          resolve()
        })
        server.closeIdleConnections()
      })
    },
    kill,
  }
}

function isProbe(request: IncomingMessage): boolean {
  return request.url === '/healthz' || request.url === '/readyz'
}

function drawLatency(behaviour: PodBehaviour, random: Random): number {
  const {latencyMilliseconds, latencyJitterMilliseconds} = behaviour
  if (latencyJitterMilliseconds === 0) return latencyMilliseconds
  return latencyMilliseconds + (random.next() * 2 - 1) * latencyJitterMilliseconds
}

function answer(parts: Parts, request: IncomingMessage, response: ServerResponse): void {
  const {identity, behaviour, random} = parts
  const probe = isProbe(request)
  const failed = probe ? request.url === '/readyz' && !parts.isReady() : random.next() < behaviour.failureShare
  const status = failed ? (probe ? 503 : 500) : 200
  const content = {
    pod: identity.name,
    version: behaviour.version,
    revision: identity.revision,
    path: request.url,
    status,
  }
  const body = Buffer.from(`${JSON.stringify(content)}\n`)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-pod': identity.name,
    'x-version': headerText(behaviour.version),
    'x-revision': headerText(identity.revision),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Header values are printable ASCII; what a user put into VERSION may not be. */
function headerText(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, '?')
}
