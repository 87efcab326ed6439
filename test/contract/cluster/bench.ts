// What the tests of the contract share: an API server under test, a client of it, and a namespace of their own.
import {afterAll, beforeAll} from 'vitest'
import {systemClock, systemRandom} from '../../../controller/shell/clock.ts'
import {type HttpRequest, HttpTransport} from '../../../controller/shell/http-transport.ts'
import {KubeClient, type WatchQuery} from '../../../controller/shell/kube-client.ts'
import type {Connection} from '../../../controller/shell/kube-config.ts'
import {createLogger} from '../../../controller/shell/log.ts'
import {Reflector} from '../../../controller/shell/reflector.ts'
import type {KubeObject, ObjectRef} from '../../../crds/meta.ts'

/** How long what happens in the background may take, on a loaded machine. */
const untilMilliseconds = 60_000

/** An API server under test, with Fairlead's CRDs and with controllers for workloads. */
export interface Target {
  connection: Connection
  close(): Promise<void>
}

/** Starts a target, or connects to one. */
export type StartTarget = () => Promise<Target>

/** A target with a client and a namespace of its own. */
export interface Bench {
  client: KubeClient
  namespace: string
  /** A request for which the client has no method; the answer is parsed. Objects are sent as JSON. */
  send(request: RawRequest): Promise<KubeObject>
  /** The events of a watch as they are on the wire, until `enough` says so. */
  watch(path: string, enough: (events: RawEvent[]) => boolean, accept?: string): Promise<RawEvent[]>
  close(): Promise<void>
}

export interface RawRequest extends Omit<HttpRequest, 'body'> {
  body?: object | string
}

export interface RawEvent {
  type: string
  object: KubeObject
}

async function openBench(startTarget: StartTarget, purpose: string): Promise<Bench> {
  const target = await startTarget()
  const {connection} = target
  const transport = new HttpTransport({connection, clock: systemClock(), queriesPerSecond: 500, burst: 500})
  const client = new KubeClient(transport)
  const namespace = `contract-${purpose}-${Date.now().toString(36)}`
  await client.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  return {
    client,
    namespace,
    async send({body, ...request}) {
      const text = typeof body === 'object' ? JSON.stringify(body) : body
      return JSON.parse(await transport.request({...request, ...(text === undefined ? {} : {body: text})}))
    },
    watch: (path, enough, accept) => readWatch(transport, path, enough, accept),
    async close() {
      await client.delete({apiVersion: 'v1', kind: 'Namespace', name: namespace}, {})
      await transport.close()
      await target.close()
    },
  }
}

async function readWatch(
  transport: HttpTransport,
  path: string,
  enough: (events: RawEvent[]) => boolean,
  accept = 'application/json',
): Promise<RawEvent[]> {
  const events: RawEvent[] = []
  const signal = AbortSignal.timeout(untilMilliseconds)
  let rest = ''
  for await (const chunk of transport.stream({method: 'GET', path, accept, signal})) {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) events.push(JSON.parse(line) as RawEvent)
    if (enough(events)) break
  }
  return events
}

/** Gives each test of a `describe` the same bench. */
export function useBench(startTarget: StartTarget, purpose: string): () => Bench {
  let bench: Bench | undefined
  beforeAll(async () => {
    bench = await openBench(startTarget, purpose)
  })
  afterAll(async () => bench?.close())
  return () => {
    if (bench === undefined) throw new Error('the target did not start')
    return bench
  }
}

/** Waits for what a probe finds. */
export async function until<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
): Promise<T> {
  const deadline = performance.now() + untilMilliseconds
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`within ${untilMilliseconds} ms there was no ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** A reflector that has begun. */
export function follow(client: KubeClient, query: WatchQuery): Reflector {
  const log = createLogger({level: 'silent'})
  const reflector = new Reflector({source: client, query, clock: systemClock(), random: systemRandom(), log})
  reflector.start()
  return reflector
}

/** What a refused request was refused with. @throws Error when it was not refused */
export async function refusal(request: Promise<unknown>): Promise<{status: number; reason: string; message: string}> {
  const answer = await request.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(answer instanceof Error)) throw new Error('the request was not refused')
  return answer as Error & {status: number; reason: string}
}

export function refOf(object: KubeObject): ObjectRef {
  const {apiVersion, kind, metadata} = object
  return {apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? ''}
}

/** The path of the objects of a kind in a namespace, such as `configmaps` or `apps/v1/deployments`. */
export function pathOf(namespace: string, resource: string, name?: string): string {
  const parts = resource.split('/')
  const plural = parts.pop()
  const root = parts.length === 0 ? '/api/v1' : `/apis/${parts.join('/')}`
  return `${root}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`
}
