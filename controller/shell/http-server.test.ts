import {connect} from 'node:net'
import {afterEach, expect, test} from 'vitest'
import {type Readiness, type RunningHttpServer, startHttpServer} from './http-server.ts'

const servers: RunningHttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(readiness: () => Readiness = () => ({ready: true, reasons: []}), body = 'up 1\n') {
  const metrics = async () => {
    if (body === '') throw new Error('no metrics')
    return {contentType: 'text/plain; version=0.0.4', body}
  }
  const server = await startHttpServer({host: '127.0.0.1', port: 0, readiness, metrics, closeGraceMilliseconds: 50})
  servers.push(server)
  const url = `http://127.0.0.1:${server.port}`
  return {server, ask: (path: string, method = 'GET') => fetch(url + path, {method})}
}

test('health, metrics and unknown paths', async () => {
  const {ask, server} = await start()
  expect(server.host).toBe('127.0.0.1')
  expect((await ask('/healthz')).status).toBe(200)
  const metrics = await ask('/metrics?x=1')
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  expect(await metrics.text()).toBe('up 1\n')
  expect((await ask('/')).status).toBe(404)
  const refused = await ask('/healthz', 'POST')
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const head = await ask('/metrics', 'HEAD')
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', ''])
})

test('readiness is asked anew each time and names what is missing', async () => {
  let answer: Readiness = {ready: false, reasons: ['Rollout: starting', 'Pod: Forbidden']}
  const {ask} = await start(() => answer)
  const before = await ask('/readyz')
  expect(before.status).toBe(503)
  expect(await before.text()).toBe('not ready:\n- Rollout: starting\n- Pod: Forbidden\n')
  expect((await ask('/healthz')).status).toBe(200)
  answer = {ready: true, reasons: []}
  expect((await ask('/readyz')).status).toBe(200)
})

test('a failing handler is a 500, not the end of the process', async () => {
  const {ask} = await start(() => {
    throw new Error('readiness broke')
  }, '')
  expect((await ask('/metrics')).status).toBe(500)
  const readiness = await ask('/readyz')
  expect([readiness.status, await readiness.text()]).toEqual([500, 'readiness broke\n'])
})

test('a taken port is an error', async () => {
  const {server} = await start()
  const options = {host: '127.0.0.1', port: server.port, readiness: () => ({ready: true, reasons: []})}
  const second = startHttpServer({...options, metrics: async () => ({contentType: 'x', body: ''})})
  await expect(second).rejects.toMatchObject({code: 'EADDRINUSE'})
})

test('close cuts off clients that hold on', async () => {
  const {server} = await start()
  const socket = connect(server.port, '127.0.0.1')
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
  const ended = new Promise(resolve => socket.once('close', resolve))
  socket.on('error', () => {})
  await server.close()
  await ended
  await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow()
  servers.splice(0)
})
