// A port for a process that must be told which one to listen on.
import {randomInt} from 'node:crypto'
import {closeSync, mkdirSync, openSync, statSync, utimesSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Below the ports that the kernel gives to outgoing connections (from 32768), which would take a free one at any time. */
const portRange = {first: 12_000, end: 32_000}
const maxPortAttempts = 100
/** For so long a port is whose who drew it: by then a process listens there, or has given up. */
const claimMilliseconds = 120_000

/** A port of the loopback address that is free now, and that no other process of this user draws for a while. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < maxPortAttempts; attempt++) {
    const port = randomInt(portRange.first, portRange.end)
    if (claim(port) && (await isFree(port))) return port
  }
  throw new Error(`no free port in ${maxPortAttempts} attempts from ${portRange.first} on`)
}

/** Whether nobody else has drawn the port lately; true where such claims can't be written. */
function claim(port: number): boolean {
  const folder = join(tmpdir(), `fairlead-ports-${process.getuid?.() ?? 0}`)
  const file = join(folder, String(port))
  try {
    mkdirSync(folder, {recursive: true})
    closeSync(openSync(file, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return true
  }
  try {
    if (Date.now() - statSync(file).mtimeMs < claimMilliseconds) return false
    const now = new Date()
    utimesSync(file, now, now)
  } catch {
    // Somebody has removed it.
  }
  return true
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
