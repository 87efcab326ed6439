// A metrics endpoint whose counters grow as a test says: series that appear, reset and vanish at its word.
import {createServer} from 'node:http'

export interface Source {
  /** `host:port` for a scrape configuration. */
  readonly target: string
  /** From now on the counter grows by so much each second; it appears with this value when it is new. */
  grow(series: string, perSecond: number, from?: number): void
  /** Counters whose name and labels contain the text begin at zero again, as those of a restarted process do. */
  reset(text: string): void
  /** They are exposed no longer. */
  remove(text: string): void
  close(): Promise<void>
}

interface Counter {
  value: number
  perSecond: number
  since: number
}

export async function startSource(): Promise<Source> {
  const counters = new Map<string, Counter>()
  const settle = (counter: Counter) => {
    const now = performance.now()
    counter.value += ((now - counter.since) / 1000) * counter.perSecond
    counter.since = now
  }
  const server = createServer((_, response) => {
    for (const counter of counters.values()) settle(counter)
    const body = [...counters].map(([series, {value}]) => `${series} ${value}\n`).join('')
    response.writeHead(200, {'content-type': 'text/plain; version=0.0.4', 'content-length': Buffer.byteLength(body)})
    response.end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the source has no port')
  const chosen = (text: string) => [...counters].filter(([series]) => series.includes(text))
  return {
    target: `127.0.0.1:${address.port}`,
    grow(series, perSecond, from = 0) {
      const counter = counters.get(series) ?? {value: from, perSecond, since: performance.now()}
      settle(counter)
      counter.perSecond = perSecond
      counters.set(series, counter)
    },
    reset(text) {
      for (const [, counter] of chosen(text)) Object.assign(counter, {value: 0, since: performance.now()})
    },
    remove(text) {
      for (const [series] of chosen(text)) counters.delete(series)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
