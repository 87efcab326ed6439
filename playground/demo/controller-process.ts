// The real controller as a process of its own, so that it can be killed, and its memory measured.
import {type ChildProcess, spawn} from 'node:child_process'
import {createWriteStream} from 'node:fs'
import {fileURLToPath} from 'node:url'

export interface ControllerProcess {
  /** Process id of the running controller. */
  pid(): number
  /** Largest resident memory that was seen, in MiB. */
  peakMebibytes(): number
  /** Ends it at once, as SIGKILL does. */
  kill(): Promise<void>
  start(): void
  close(): Promise<void>
}

export interface ControllerProcessOptions {
  kubeconfig: string
  prometheus: string
  gitCache: string
  logFile: string
  /** Port of the health and metrics endpoints. */
  port: number
}

/** The bundle that `npm run build` makes: it is what runs in production too. */
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** Small young generations keep the resident memory of an idle controller low. */
const nodeOptions = ['--max-semi-space-size=2']
const sampleMilliseconds = 500

export function startControllerProcess(options: ControllerProcessOptions): ControllerProcess {
  const log = createWriteStream(options.logFile, {flags: 'a'})
  let child: ChildProcess | undefined
  let peak = 0
  const start = () => {
    const args = [
      ...nodeOptions,
      main,
      'controller',
      ...['--kubeconfig', options.kubeconfig, '--prometheus', options.prometheus, '--git-cache', options.gitCache],
      ...['--port', String(options.port), '--allow-file-repositories'],
    ]
    child = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'pipe']})
    child.stdout?.pipe(log, {end: false})
    child.stderr?.pipe(log, {end: false})
  }
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> =>
    new Promise(resolve => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  const timer = setInterval(() => {
    void residentMebibytes(options.port).then(mebibytes => {
      peak = Math.max(peak, mebibytes)
    })
  }, sampleMilliseconds)
  start()
  return {
    pid: () => child?.pid ?? 0,
    peakMebibytes: () => peak,
    kill: () => end('SIGKILL'),
    start,
    async close() {
      clearInterval(timer)
      await end('SIGTERM')
      log.end()
    },
  }
}

/** Resident memory by the controller's own metrics; 0 while it doesn't answer. */
async function residentMebibytes(port: number): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {signal: AbortSignal.timeout(sampleMilliseconds)})
    const found = /^process_resident_memory_bytes (\S+)$/m.exec(await response.text())
    return found ? Number(found[1]) / 1_048_576 : 0
  } catch {
    return 0
  }
}
