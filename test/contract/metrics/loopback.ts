// A server on loopback that tests steer, with TLS or without.
import {once} from 'node:events'
import {createServer, type RequestListener} from 'node:http'
import {createServer as createTlsServer, type ServerOptions} from 'node:https'
import type {AddressInfo} from 'node:net'

export interface Loopback {
  address: string
  close(): Promise<void>
}

/** @param tls certificate and key; clients must show a certificate where it says so */
export async function listen(handle: RequestListener, tls?: ServerOptions): Promise<Loopback> {
  const server = tls ? createTlsServer(tls, handle) : createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
