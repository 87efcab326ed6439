// A metrics endpoint whose counters grow as a test says: series that appear, reset and vanish at its word.
import {createServer} from 'node:http'

export interface Source {
  /** `host:port` for a scrape configuration. */
  readonly target: string
  /** From one moment on the counters grow by so much each second; those that are new appear with the value `from`. */
  grow(perSecond: Readonly<Record<string, number>>, from?: number): void
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
  // One moment for all counters, so that their ratios are exact however slow the machine is.
  const settle = (counter: Counter, now: number) => {
    counter.value += ((now - counter.since) / 1000) * counter.perSecond
    counter.since = now
  }
  const server = createServer((_, response) => {
    const now = performance.now()
    for (const counter of counters.values()) settle(counter, now)
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
    grow(rates, from = 0) {
      const now = performance.now()
      for (const [series, perSecond] of Object.entries(rates)) {
        const counter = counters.get(series) ?? {value: from, perSecond, since: now}
        settle(counter, now)
        counter.perSecond = perSecond
        counters.set(series, counter)
      }
    },
    reset(text) {
      const now = performance.now()
      for (const [, counter] of chosen(text)) Object.assign(counter, {value: 0, since: now})
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
