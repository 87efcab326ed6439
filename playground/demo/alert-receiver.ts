// A webhook on loopback that takes the demo's alerts.
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {AlertMessage} from '../../controller/ports.ts'

export interface AlertReceiver {
  url: string
  /** Alerts so far, each once, however often it was sent. */
  alerts(): AlertMessage[]
  close(): Promise<void>
}

const maximumBodyBytes = 256 * 1024

export async function startAlertReceiver(): Promise<AlertReceiver> {
  const taken = new Map<string, AlertMessage>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => {
      body += part
      if (body.length > maximumBodyBytes) request.destroy()
    })
    request.on('end', () => {
      const message = JSON.parse(body) as AlertMessage
      taken.set(message.id, message)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    alerts: () => [...taken.values()],
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
