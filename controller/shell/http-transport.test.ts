import {afterEach, describe, expect, test} from 'vitest'
import {ClusterError} from '../ports.ts'
import {systemClock} from './clock.ts'
import {HttpTransport, type HttpTransportOptions} from './http-transport.ts'
import {RetryLaterError} from './kube-errors.ts'
import {
  plainConnection,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
  statusBody,
} from './test-support.ts'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(
  script: (path: string) => ScriptedReply | undefined,
  options: Partial<HttpTransportOptions> = {},
): Promise<{transport: HttpTransport; server: ScriptedServer}> {
  const server = await startScriptedServer(request => script(request.path))
  const transport = new HttpTransport({connection: plainConnection(server.url), clock: systemClock(), ...options})
  cleanups.push(
    () => server.close(),
    () => transport.close(),
  )
  return {transport, server}
}

async function failure(promise: Promise<unknown>): Promise<ClusterError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClusterError)
  return error as ClusterError
}

describe('connections', () => {
  test('are kept: a hundred requests in a row share them', async () => {
    const {transport, server} = await start(() => ({body: {ok: true}}), {burst: 1000})
    for (let n = 0; n < 100; n++) expect(await transport.request({method: 'GET', path: '/x'})).toBe('{"ok":true}')
    // The next request may begin before the pool has taken the last connection back.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  test('are bounded for requests, and watches do not use them up', async () => {
    const {transport, server} = await start(
      path => (path === '/watch' ? {stream: response => response.writeHead(200).flushHeaders()} : {body: {}}),
      {burst: 1000},
    )
    const abort = new AbortController()
    const watches = Array.from({length: 60}, async () => {
      for await (const _ of transport.stream({method: 'GET', path: '/watch', signal: abort.signal})) break
    })
    const ended = Promise.allSettled(watches)
    await Promise.all(Array.from({length: 200}, () => transport.request({method: 'GET', path: '/x'})))
    expect(server.connections()).toBeLessThanOrEqual(60 + 32)
    abort.abort()
    for (const result of await ended) expect(result).toMatchObject({reason: {status: 0, reason: 'Aborted'}})
  })

  test('send the connection’s headers and keep a path in its base URL', async () => {
    const {server} = await start(() => ({body: {}}))
    const connection = plainConnection(`${server.url}/k8s/clusters/one/`, {authorization: 'Bearer abc'})
    const transport = new HttpTransport({connection, clock: systemClock()})
    cleanups.push(() => transport.close())
    await transport.request({method: 'POST', path: '/api', body: '{}'})
    expect(server.requests[0]).toMatchObject({path: '/k8s/clusters/one/api', body: '{}'})
    expect(server.requests[0]?.headers).toMatchObject({authorization: 'Bearer abc', 'content-type': 'application/json'})
  })
})

describe('refusals', () => {
  test('become a ClusterError with the reason and causes of the Status', async () => {
    const details = {causes: [{field: 'spec.replicas', message: 'must be a number'}, {message: 'no field'}]}
    const {transport} = await start(() => ({status: 422, body: statusBody(422, 'Invalid', 'it is invalid', details)}))
    const error = await failure(transport.request({method: 'GET', path: '/x'}))
    expect(error).toMatchObject({status: 422, reason: 'Invalid', message: 'it is invalid'})
    expect(error.causes).toEqual(['spec.replicas: must be a number', 'no field'])
  })

  test.each([429, 500, 503])('with %i and Retry-After say when to come back', async status => {
    const {transport} = await start(() => ({status, headers: {'retry-after': '7'}, body: 'busy'}))
    const error = await failure(transport.request({method: 'GET', path: '/x'}))
    expect(error).toBeInstanceOf(RetryLaterError)
    expect(error).toMatchObject({status, retryAfterSeconds: 7})
    expect(error.message).toContain('busy')
  })

  test('with 401 make the connection forget its credentials', async () => {
    const {server} = await start(() => ({status: 401, body: statusBody(401, 'Unauthorized', 'who are you')}))
    let forgotten = 0
    const connection = {...plainConnection(server.url), invalidate: () => void (forgotten += 1)}
    const transport = new HttpTransport({connection, clock: systemClock()})
    cleanups.push(() => transport.close())
    expect(await failure(transport.request({method: 'GET', path: '/x'}))).toMatchObject({status: 401})
    expect(forgotten).toBe(1)
  })

  test('count redirects too: none is followed', async () => {
    const {transport, server} = await start(() => ({status: 302, headers: {location: '/elsewhere'}}))
    expect(await failure(transport.request({method: 'GET', path: '/x'}))).toMatchObject({status: 302})
    expect(server.requests).toHaveLength(1)
  })
})

describe('failures', () => {
  test('of the network have status 0', async () => {
    const {transport, server} = await start(() => undefined)
    await server.close()
    const error = await failure(transport.request({method: 'GET', path: '/api/v1?limit=1'}))
    expect(error).toMatchObject({status: 0, reason: 'Unreachable'})
    expect(error.message).toMatch(/^GET \/api\/v1 failed: .*ECONNREFUSED/)
  })

  test('to answer in time are timeouts, before the header and in the middle of the body', async () => {
    const dribble: ScriptedReply = {stream: response => void response.writeHead(200).write('{"half":')}
    const {transport} = await start(path => (path === '/body' ? dribble : {stream: () => {}}), {
      timeoutMilliseconds: 80,
    })
    for (const path of ['/header', '/body']) {
      expect(await failure(transport.request({method: 'GET', path}))).toMatchObject({status: 0, reason: 'Timeout'})
    }
  })

  test('cut off and oversized answers are told apart', async () => {
    const cut: ScriptedReply = {
      stream: response => {
        response.writeHead(200, {'content-length': 100})
        response.write('{"a"', () => response.destroy())
      },
    }
    const {transport} = await start(path => (path === '/cut' ? cut : {body: 'x'.repeat(2000)}), {
      maxResponseBytes: 1000,
    })
    expect(await failure(transport.request({method: 'GET', path: '/cut'}))).toMatchObject({reason: 'Unreachable'})
    const large = await failure(transport.request({method: 'GET', path: '/large'}))
    expect(large).toMatchObject({status: 0, reason: 'ResponseTooLarge'})
  })

  test('of the credentials do not reach the server, and the next request asks again', async () => {
    const {server} = await start(() => ({body: {}}))
    let calls = 0
    const headers = async () => {
      calls += 1
      if (calls === 1) throw new Error('plugin failed')
      return {}
    }
    const transport = new HttpTransport({connection: {...plainConnection(server.url), headers}, clock: systemClock()})
    cleanups.push(() => transport.close())
    expect(await failure(transport.request({method: 'GET', path: '/x'}))).toMatchObject({status: 0})
    expect(server.requests).toHaveLength(0)
    expect(await transport.request({method: 'GET', path: '/x'})).toBe('{}')
  })

  test('on purpose: an abort ends a request', async () => {
    const {transport, server} = await start(() => ({stream: () => {}}))
    const abort = new AbortController()
    const failed = failure(transport.request({method: 'GET', path: '/x', signal: abort.signal}))
    while (server.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    abort.abort()
    expect(await failed).toMatchObject({status: 0, reason: 'Aborted'})
  })
})

test('every answer is counted by verb and code', async () => {
  const counted: string[] = []
  const onAnswer = (verb: string, code: string) => void counted.push(`${verb} ${code}`)
  const {transport, server} = await start(path => (path === '/ok' ? {body: {}} : undefined), {onAnswer})
  await transport.request({method: 'GET', path: '/ok', verb: 'list'})
  await failure(transport.request({method: 'PATCH', path: '/gone'}))
  await server.close()
  await failure(transport.request({method: 'GET', path: '/ok'}))
  expect(counted).toEqual(['list 200', 'patch 404', 'get error'])
})
