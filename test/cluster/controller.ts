// The controller as users run it: the bundle, as a process of its own.
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {freePort} from '../../playground/free-port.ts'
import {type RunningProcess, startProcess} from './process.ts'

export interface ControllerOptions {
  kubeconfig: string
  /** Address of Prometheus. */
  prometheus: string
  /** The only namespace that it looks at. */
  namespace?: string
  flags?: readonly string[]
}

export interface Controller {
  readonly process: RunningProcess
  /** Port of the health and metrics endpoints. */
  readonly port: number
  /** Everything that it logged so far. */
  log(): string
  /** Ends it: as the kubelet does, or with SIGKILL as a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Starts `dist/main.js controller` and doesn't wait for it. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-controller-'))
  const port = await freePort()
  const args = [
    ...['--max-semi-space-size=2', main, 'controller', '--kubeconfig', options.kubeconfig],
    ...['--prometheus', options.prometheus, '--git-cache', folder, '--port', String(port)],
    ...(options.namespace ? ['--namespace', options.namespace] : []),
    ...(options.flags ?? []),
  ]
  const {PATH = '', HOME = ''} = process.env
  const running = startProcess(process.execPath, args, {logFile: join(folder, 'log'), env: {PATH, HOME}})
  let log = ''
  return {
    process: running,
    port,
    log: () => log || running.output(),
    async stop(signal) {
      await running.stop(signal)
      log = running.output()
      rmSync(folder, {recursive: true, force: true})
    },
  }
}
