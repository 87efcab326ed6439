// Steady traffic from the outside, and the count that the demo is about: what a client saw, by the version that answered.
import {Agent, request} from 'node:http'

export interface VersionCount {
  total: number
  failed: number
}

/** What the client saw since some moment. */
export interface TrafficCount {
  total: number
  failed: number
  /** Requests that no workload answered: refused, reset, cut off, timed out, or answered by the proxy itself. */
  dropped: number
  byVersion: Record<string, VersionCount>
  /** Reasons of the dropped ones. */
  reasons: Record<string, number>
}

export interface Traffic {
  /** All requests so far. */
  count(): TrafficCount
  /** Ends the traffic, and waits for the requests under way. */
  stop(): Promise<void>
}

export interface TrafficOptions {
  /** Address of the proxy. */
  url: string
  /** Host that the requests name. */
  host: string
  requestsPerSecond: number
  timeoutMilliseconds: number
  /** A header that a share of the requests bears, spread evenly. */
  special?: {header: string; value: string; share: number} | undefined
}

/** Requests under way at once: at the bound, no further ones begin. */
const maximumUnderWay = 200
const tickMilliseconds = 20

/** Starts steady traffic. */
export function startTraffic(options: TrafficOptions): Traffic {
  const agent = new Agent({keepAlive: true, maxSockets: maximumUnderWay})
  const count: TrafficCount = {total: 0, failed: 0, dropped: 0, byVersion: {}, reasons: {}}
  const underWay = new Set<Promise<void>>()
  const startedAt = Date.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - startedAt) / 1000) * options.requestsPerSecond)
    for (; sent < due && underWay.size < maximumUnderWay; sent++) {
      const one: Promise<void> = send(agent, options, sent).then(outcome => {
        underWay.delete(one)
        record(count, outcome)
      })
      underWay.add(one)
    }
    sent = Math.max(sent, due - maximumUnderWay)
  }, tickMilliseconds)
  return {
    count: () => structuredClone(count),
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      agent.destroy()
    },
  }
}

/** What became of one request. */
type Outcome = {kind: 'answered'; status: number; version: string} | {kind: 'dropped'; reason: string}

function record(count: TrafficCount, outcome: Outcome): void {
  count.total++
  if (outcome.kind === 'dropped') {
    count.dropped++
    count.reasons[outcome.reason] = (count.reasons[outcome.reason] ?? 0) + 1
    return
  }
  const version = (count.byVersion[outcome.version] ??= {total: 0, failed: 0})
  version.total++
  if (outcome.status >= 500) {
    version.failed++
    count.failed++
  }
}

/** Whether the share says that a request of this number bears the header. */
function isSpecial(number: number, share: number): boolean {
  return Math.floor((number + 1) * share) > Math.floor(number * share)
}

function send(agent: Agent, options: TrafficOptions, number: number): Promise<Outcome> {
  const {special} = options
  return new Promise(resolve => {
    const dropped = (reason: string) => resolve({kind: 'dropped', reason})
    const headers = {
      'x-playground-host': options.host,
      ...(special && isSpecial(number, special.share) ? {[special.header]: special.value} : {}),
    }
    const sent = request(options.url, {agent, headers, timeout: options.timeoutMilliseconds}, response => {
      const {'x-version': version, 'x-proxy-error': proxyError} = response.headers
      response.resume()
      response.on('end', () => {
        if (proxyError !== undefined || typeof version !== 'string') dropped(String(proxyError ?? 'no_version'))
        else resolve({kind: 'answered', status: response.statusCode ?? 0, version})
      })
      response.on('error', () => dropped('cut_off'))
      response.on('aborted', () => dropped('cut_off'))
    })
    sent.on('timeout', () => sent.destroy(new Error('timeout')))
    sent.on('error', error => dropped('code' in error ? String(error.code) : error.message))
    sent.end()
  })
}

/** What was counted between two moments. */
export function between(start: TrafficCount, end: TrafficCount): TrafficCount {
  const byVersion: TrafficCount['byVersion'] = {}
  for (const [version, {total, failed}] of Object.entries(end.byVersion)) {
    const before = start.byVersion[version] ?? {total: 0, failed: 0}
    byVersion[version] = {total: total - before.total, failed: failed - before.failed}
  }
  return {
    total: end.total - start.total,
    failed: end.failed - start.failed,
    dropped: end.dropped - start.dropped,
    byVersion,
    reasons: end.reasons,
  }
}
