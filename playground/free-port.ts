// A port for a process that must be told which one to listen on.
import {randomInt} from 'node:crypto'
import {createServer} from 'node:net'

/** Below the ports that the kernel gives to outgoing connections (from 32768), which would take a free one at any time. */
const portRange = {first: 12_000, end: 32_000}
const maxPortAttempts = 100

/** A port of the loopback address that is free now, drawn at random so that other processes seldom draw it too. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < maxPortAttempts; attempt++) {
    const port = randomInt(portRange.first, portRange.end)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port in ${maxPortAttempts} attempts from ${portRange.first} on`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
