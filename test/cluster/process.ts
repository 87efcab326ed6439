// A process of the lane's own: its output goes to a file, and it is ended by its handle, never by name.
import {type ChildProcess, spawn} from 'node:child_process'
import {createWriteStream, existsSync, readFileSync} from 'node:fs'

export interface RunningProcess {
  readonly pid: number
  /** Everything that it wrote so far. */
  output(): string
  /** Exit code or signal; undefined while it runs. */
  ended(): number | NodeJS.Signals | undefined
  signal(signal: NodeJS.Signals): void
  /** Ends it, with SIGKILL when it is still there after the time, and waits until it is gone. */
  stop(signal?: NodeJS.Signals, patienceMilliseconds?: number): Promise<void>
}

export interface ProcessOptions {
  logFile: string
  env?: NodeJS.ProcessEnv
  cwd?: string
}

const defaultPatienceMilliseconds = 10_000
/** How much of a log goes into an error message. */
const tailCharacters = 2000

export function startProcess(command: string, args: readonly string[], options: ProcessOptions): RunningProcess {
  const log = createWriteStream(options.logFile, {flags: 'a'})
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.env ? {env: options.env} : {}),
    ...(options.cwd ? {cwd: options.cwd} : {}),
  })
  let failure: Error | undefined
  child.stdout?.pipe(log, {end: false})
  child.stderr?.pipe(log, {end: false})
  child.once('error', error => {
    failure = error
  })
  const ended = () => (failure ? 1 : (child.exitCode ?? child.signalCode ?? undefined))
  return {
    get pid() {
      return child.pid ?? 0
    },
    output: () =>
      failure ? failure.message : existsSync(options.logFile) ? readFileSync(options.logFile, 'utf8') : '',
    ended,
    signal: signal => void child.kill(signal),
    async stop(signal = 'SIGTERM', patienceMilliseconds = defaultPatienceMilliseconds) {
      if (ended() === undefined) {
        const gone = new Promise(resolve => child.once('exit', resolve))
        child.kill(signal)
        const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds)
        await gone
        clearTimeout(timer)
      }
      log.end()
    },
  }
}

/** Waits until `probe` holds. @throws Error with the end of the process's output when it ended or time is up */
export async function untilUp(
  name: string,
  running: RunningProcess,
  probe: () => Promise<boolean>,
  timeoutMilliseconds: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMilliseconds
  for (;;) {
    if (await probe().catch(() => false)) return
    const ended = running.ended()
    const tail = () => running.output().slice(-tailCharacters)
    if (ended !== undefined) throw new Error(`${name} ended with ${ended}:\n${tail()}`)
    if (performance.now() > deadline) throw new Error(`${name} is not up after ${timeoutMilliseconds} ms:\n${tail()}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
