// What a metrics system does to who asks: it hangs, it trickles, it answers without end. Time and memory stay bounded.
import type {ServerResponse} from 'node:http'
import {afterEach, describe, expect, test} from 'vitest'
import type {MetricRangeRequest, MetricRequest} from '../../../controller/ports.ts'
import {type Loopback, listen} from './loopback.ts'
import {providers} from './providers.ts'

const instant: MetricRequest = {query: 'q', at: 1_700_000_000_000}
const range: MetricRangeRequest = {query: 'q', from: 1_699_999_980_000, to: 1_700_000_000_000, stepMilliseconds: 10_000}
const kinds = ['query', 'queryRange'] as const
const mebibyte = 1 << 20

let loopback: Loopback | undefined
afterEach(() => loopback?.close())

/** Sends so many bytes as fast as they are taken; `memory` is the most that buffers took meanwhile. */
function pour(response: ServerResponse, totalBytes: number): {sent: number; memory: number; closed: Promise<void>} {
  const chunk = Buffer.alloc(64 << 10, ' ')
  const before = process.memoryUsage().arrayBuffers
  const closed = new Promise<void>(resolve => response.on('close', resolve))
  const state = {sent: 0, memory: 0, closed}
  const more = (): void => {
    while (!response.destroyed && state.sent < totalBytes) {
      state.sent += chunk.length
      state.memory = Math.max(state.memory, process.memoryUsage().arrayBuffers - before)
      if (!response.write(chunk)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
  return state
}

describe.each(providers)('$name', provider => {
  const ask = (kind: (typeof kinds)[number], options: {timeoutMilliseconds?: number}, maximumBytes?: number) => {
    const metrics = provider.create({address: loopback?.address ?? '', ...options})
    const bound = maximumBytes === undefined ? {} : {maximumBytes}
    return kind === 'query' ? metrics.query({...instant, ...bound}) : metrics.queryRange({...range, ...bound})
  }

  test.each(kinds)('%s: a server that never answers', async kind => {
    loopback = await listen(() => undefined)
    expect(await ask(kind, {timeoutMilliseconds: 100})).toMatchObject({kind: 'error', reason: 'Timeout'})
  })

  test.each(kinds)('%s: a server that goes on byte by byte', async kind => {
    loopback = await listen((_, response) => {
      const timer = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(timer))
    })
    expect(await ask(kind, {timeoutMilliseconds: 200})).toMatchObject({kind: 'error', reason: 'Timeout'})
  })

  test.each(kinds)('%s: 100 MB are not read, and the connection is dropped', async kind => {
    let poured: ReturnType<typeof pour> | undefined
    loopback = await listen((_, response) => {
      poured = pour(response, 100 * mebibyte)
    })
    expect(await ask(kind, {})).toMatchObject({kind: 'error', reason: 'TooLarge'})
    await poured?.closed
    // The bound is 1 MiB; the rest is what sockets hold on their way.
    expect(poured?.sent).toBeLessThan(24 * mebibyte)
    expect(poured?.memory).toBeLessThan(24 * mebibyte)
  })

  test.each(kinds)('%s: a request may ask for more than the default', async kind => {
    const {body} = provider.empty[kind]
    loopback = await listen((_, response) => void response.end(body + ' '.repeat(2 * mebibyte)))
    expect(await ask(kind, {})).toMatchObject({reason: 'TooLarge', message: expect.stringContaining('1048576 bytes')})
    expect(await ask(kind, {}, 4 * mebibyte)).not.toHaveProperty('reason')
    expect(await ask(kind, {}, 2 * mebibyte)).toMatchObject({reason: 'TooLarge'})
  })
})
