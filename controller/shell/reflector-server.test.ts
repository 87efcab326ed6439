import type {ServerResponse} from 'node:http'
import {afterEach, describe, expect, test} from 'vitest'
import {systemClock} from './clock.ts'
import {HttpTransport} from './http-transport.ts'
import {KubeClient} from './kube-client.ts'
import {Reflector} from './reflector.ts'
import {
  configMap,
  discoveryReply,
  fixedRandom,
  plainConnection,
  silentLog,
  startScriptedServer,
  statusBody,
  until,
} from './test-support.ts'

const query = {apiVersion: 'v1', kind: 'ConfigMap'}
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Watch = (response: ServerResponse, from: string) => void

async function startServer(watch: Watch, lists: () => {status?: number; body: unknown}) {
  const server = await startScriptedServer(({path, query}) => {
    if (!path.endsWith('/configmaps')) return discoveryReply(path)
    if (query.get('watch') !== 'true') return lists()
    return {stream: response => watch(response, query.get('resourceVersion') ?? '')}
  })
  const clock = systemClock()
  const transport = new HttpTransport({connection: plainConnection(server.url), clock})
  cleanups.push(
    () => server.close(),
    () => transport.close(),
  )
  const source = new KubeClient(transport)
  // Ten times as fast as real time, so that back-off does not hold up the test.
  const fast = {now: () => clock.now() * 10, after: (ms: number, call: () => void) => clock.after(ms / 10, call)}
  const random = fixedRandom(0)
  const options = {source, query, clock: fast, random, log: silentLog, silenceMilliseconds: 1_500}
  const reflector = new Reflector(options)
  cleanups.push(() => reflector.stop())
  reflector.start()
  return {server, reflector}
}

function line(type: string, object: object): string {
  return `${JSON.stringify({type, object})}\n`
}

describe('a reflector against a server', () => {
  test('survives 500, 410 in the middle, half an event, a dropped connection and silence', async () => {
    let lists = 0
    const watched: string[] = []
    const script: Watch[] = [
      response => response.end(line('ADDED', configMap('b', '11')) + line('ERROR', statusBody(410, 'Expired', 'old'))),
      response => response.end(`${line('ADDED', configMap('c', '21'))}{"type":"ADDED","obj`),
      response => response.write(line('ADDED', configMap('d', '22')), () => setTimeout(() => response.destroy(), 20)),
      response => void response.write(line('ADDED', configMap('e', '23'))),
      response => void response.write(line('ADDED', configMap('f', '24'))),
    ]
    const {reflector} = await startServer(
      (response, from) => {
        const step = script[watched.length]
        watched.push(from)
        response.writeHead(200, {'content-type': 'application/json'})
        step?.(response, from)
      },
      () => {
        lists += 1
        if (lists === 1) return {status: 500, body: statusBody(500, 'InternalError', 'broken')}
        const items = lists === 2 ? [configMap('a', '1')] : [configMap('a', '1'), configMap('b', '11')]
        return {body: {metadata: {resourceVersion: lists === 2 ? '10' : '20'}, items}}
      },
    )
    await until(() => reflector.store.get('shop', 'f') !== undefined, 'the last object')
    expect(watched).toEqual(['10', '20', '21', '22', '23'])
    expect(reflector.store.list().map(object => object.metadata.name)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('hangs up when it stops', async () => {
    let closed = false
    const {reflector} = await startServer(
      response => {
        response.on('close', () => void (closed = true))
        response.writeHead(200).flushHeaders()
      },
      () => ({body: {metadata: {resourceVersion: '1'}, items: []}}),
    )
    await reflector.synced
    await new Promise(resolve => setTimeout(resolve, 50))
    await reflector.stop()
    await until(() => closed, 'the end of the connection')
  })
})
