// What Istio's proxies would report, as a metrics endpoint whose figures a test steers: request counters and latency
// buckets of every slot that has a flow, from the callers' side and the destination's.
import {createServer} from 'node:http'

/** Requests to one slot. */
export interface Flow {
  requestsPerSecond: number
  /** Share of them that is answered with status 500, 0 to 1. */
  failureShare: number
}

export interface MeshExporter {
  /** `host:port` for a scrape configuration. */
  readonly target: string
  /** Sets the flow to the workload `name` of a namespace; undefined ends it, and its series stay as they are. */
  set(namespace: string, name: string, flow: Flow | undefined): void
  /** The series of a namespace vanish, as those of pods that are gone do. */
  forget(namespace: string): void
  close(): Promise<void>
}

interface Counters {
  flow: Flow | undefined
  succeeded: number
  failed: number
  countedAt: number
}

const bucketsMilliseconds = [5, 10, 50, 100, 500, 1000]
/** Every request takes this long. */
const latencyMilliseconds = 8

export async function startMeshExporter(): Promise<MeshExporter> {
  const counters = new Map<string, Counters>()
  const server = createServer((_, response) => {
    for (const one of counters.values()) count(one)
    const body = exposition(counters)
    response.writeHead(200, {'content-type': 'text/plain; version=0.0.4', 'content-length': Buffer.byteLength(body)})
    response.end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the exporter has no port')
  return {
    target: `127.0.0.1:${address.port}`,
    set(namespace, name, flow) {
      const key = `${namespace}/${name}`
      const known = counters.get(key) ?? {flow: undefined, succeeded: 0, failed: 0, countedAt: performance.now()}
      count(known)
      known.flow = flow
      counters.set(key, known)
    },
    forget(namespace) {
      for (const key of counters.keys()) if (key.startsWith(`${namespace}/`)) counters.delete(key)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Adds what happened since the last time. */
function count(counters: Counters): void {
  const now = performance.now()
  const requests = ((now - counters.countedAt) / 1000) * (counters.flow?.requestsPerSecond ?? 0)
  const failureShare = counters.flow?.failureShare ?? 0
  counters.failed += requests * failureShare
  counters.succeeded += requests * (1 - failureShare)
  counters.countedAt = now
}

function exposition(all: ReadonlyMap<string, Counters>): string {
  const requests = ['# TYPE istio_requests_total counter']
  const durations = ['# TYPE istio_request_duration_milliseconds histogram']
  for (const [key, {succeeded, failed}] of all) {
    const [namespace = '', name = ''] = key.split('/')
    for (const labels of [
      `reporter="source",destination_service_namespace="${namespace}",destination_service_name="${name}"`,
      `reporter="destination",destination_workload_namespace="${namespace}",destination_workload="${name}"`,
    ]) {
      const codes = [['200', Math.floor(succeeded)] as const, ['500', Math.floor(failed)] as const]
      for (const [code, value] of codes) {
        if (value > 0) requests.push(`istio_requests_total{${labels},response_code="${code}"} ${value}`)
      }
      const total = Math.floor(succeeded) + Math.floor(failed)
      const series = 'istio_request_duration_milliseconds'
      for (const bound of bucketsMilliseconds) {
        durations.push(`${series}_bucket{${labels},le="${bound}"} ${bound >= latencyMilliseconds ? total : 0}`)
      }
      durations.push(`${series}_bucket{${labels},le="+Inf"} ${total}`)
      durations.push(`${series}_sum{${labels}} ${total * latencyMilliseconds}`, `${series}_count{${labels}} ${total}`)
    }
  }
  return `${[...requests, ...durations].join('\n')}\n`
}
