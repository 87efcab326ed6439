import {createServer, type RequestListener} from 'node:http'
import type {AddressInfo} from 'node:net'

/** Longer than clients in the playground keep idle connections. */
const keepAliveMilliseconds = 120_000
const closingMilliseconds = 2_000
const maximumConnections = 4_096

/** An HTTP server on a free loopback port. */
interface LoopbackServer {
  port: number
  url: string
  /** Finishes requests in flight, but waits no longer than two seconds for them. */
  close(): Promise<void>
}

/** Starts a server; rejects when no port can be had. */
export async function startLoopbackServer(listener: RequestListener): Promise<LoopbackServer> {
  const server = createServer({keepAliveTimeout: keepAliveMilliseconds}, listener)
  server.maxConnections = maximumConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const {port} = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        const timer = setTimeout(() => server.closeAllConnections(), closingMilliseconds)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}
