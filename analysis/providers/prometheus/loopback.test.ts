// What only a real socket shows: slow, endless and compressed bodies, refused connections, many queries at once.
import {once} from 'node:events'
import {createServer, type RequestListener, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {gzipSync} from 'node:zlib'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createPrometheusMetrics} from './index.ts'

const request = {query: 'up', at: 1_700_000_000_000}
const empty = JSON.stringify({status: 'success', data: {resultType: 'vector', result: []}})

let server: Server
let address: string
let handle: RequestListener

beforeEach(async () => {
  server = createServer((incoming, response) => handle(incoming, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('timeouts', () => {
  it('before the first byte', async () => {
    handle = () => undefined
    const answer = await createPrometheusMetrics({address, timeoutMilliseconds: 60}).query(request)
    expect(answer).toEqual({kind: 'error', reason: 'Timeout', message: `no answer from ${address} within 60 ms`})
  })

  it('in the middle of a body', async () => {
    handle = (_, response) => void response.write('{"status":')
    const answer = await createPrometheusMetrics({address, timeoutMilliseconds: 60}).query(request)
    expect(answer).toMatchObject({reason: 'Timeout'})
  })

  it('while waiting for a place', async () => {
    handle = () => undefined
    const metrics = createPrometheusMetrics({address, timeoutMilliseconds: 60})
    const answers = await Promise.all(Array.from({length: 20}, () => metrics.query(request)))
    expect(answers.map(answer => answer.kind === 'error' && answer.reason)).toEqual(Array(20).fill('Timeout'))
  })
})

describe('sizes', () => {
  it('stops reading an endless body', async () => {
    let sent = 0
    const closed = new Promise<void>(resolve => {
      handle = (_, response) => {
        const more = (): void => {
          sent += 16_384
          if (!response.destroyed && response.write('x'.repeat(16_384))) setImmediate(more)
        }
        response.on('drain', more).on('close', resolve)
        more()
      }
    })
    const answer = await createPrometheusMetrics({address, maximumBytes: 100_000}).query(request)
    expect(answer).toEqual({kind: 'error', reason: 'TooLarge', message: 'the answer is larger than 100000 bytes'})
    await closed
    expect(sent).toBeLessThan(50_000_000)
  })

  it('counts bytes after decompression', async () => {
    const bomb = gzipSync('x'.repeat(5_000_000))
    handle = (_, response) => void response.writeHead(200, {'content-encoding': 'gzip'}).end(bomb)
    const answer = await createPrometheusMetrics({address, maximumBytes: 100_000}).query(request)
    expect(bomb.length).toBeLessThan(100_000)
    expect(answer).toMatchObject({reason: 'TooLarge'})
  })

  it('takes a body of just the bound', async () => {
    handle = (_, response) => void response.end(empty)
    const answer = await createPrometheusMetrics({address, maximumBytes: empty.length}).query(request)
    expect(answer).toMatchObject({kind: 'vector', samples: []})
  })

  it('keeps the status of an error whose body is too large', async () => {
    handle = (_, response) => void response.writeHead(403).end('x'.repeat(1000))
    expect(await createPrometheusMetrics({address, maximumBytes: 10}).query(request)).toMatchObject({
      reason: 'Unauthorized',
    })
  })
})

describe('connections', () => {
  it('says that nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const unused = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
    closed.close()
    await once(closed, 'close')
    const answer = await createPrometheusMetrics({address: unused}).query(request)
    expect(answer).toEqual({kind: 'error', reason: 'Unreachable', message: `cannot reach ${unused}: ECONNREFUSED`})
  })

  it('survives a connection that breaks in the body', async () => {
    handle = (_, response) => {
      response.writeHead(200, {'content-length': '100'}).write('{')
      setImmediate(() => response.destroy())
    }
    expect(await createPrometheusMetrics({address}).query(request)).toMatchObject({reason: 'Unreachable'})
  })

  it('asks at most eight queries at once, and all of them in the end', async () => {
    let running = 0
    let most = 0
    handle = (_, response) => {
      most = Math.max(most, ++running)
      setTimeout(() => {
        running--
        response.end(empty)
      }, 5)
    }
    const metrics = createPrometheusMetrics({address})
    const answers = await Promise.all(Array.from({length: 50}, () => metrics.query(request)))
    expect(answers.every(answer => answer.kind === 'vector')).toBe(true)
    expect(most).toBe(8)
  })
})
