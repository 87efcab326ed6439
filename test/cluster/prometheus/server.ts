// Debian's Prometheus, on loopback, with a data folder that outlives a restart.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {freePort} from '../../../playground/free-port.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'

export interface PrometheusOptions {
  /** `host:port` of every endpoint to scrape; their path is `/metrics` unless told otherwise. */
  targets: readonly string[]
  metricsPath?: string
  scrapeIntervalMilliseconds: number
  /** Groups of rules, evaluated as often as is scraped. */
  rules?: object
  /** Folder of a data directory that already holds blocks; one of its own when absent. */
  dataFolder?: string
}

export interface PrometheusServer {
  readonly address: string
  /** Ends it; with SIGKILL as a crash. `start` goes on with the same data. */
  halt(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  start(): Promise<void>
  /** Freezes it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

const upMilliseconds = 150_000

/** @throws Error when `prometheus` is not on PATH or doesn't come up */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-prometheus-'))
  const configuration = join(folder, 'prometheus.yml')
  const interval = `${options.scrapeIntervalMilliseconds}ms`
  // JSON is YAML too.
  if (options.rules) writeFileSync(join(folder, 'rules.yml'), JSON.stringify(options.rules))
  writeFileSync(
    configuration,
    JSON.stringify({
      global: {scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval},
      ...(options.rules ? {rule_files: [join(folder, 'rules.yml')]} : {}),
      scrape_configs: [
        {
          job_name: 'mesh',
          metrics_path: options.metricsPath ?? '/metrics',
          static_configs: [{targets: options.targets}],
        },
      ],
    }),
  )
  const port = await freePort()
  const address = `http://127.0.0.1:${port}`
  let running: RunningProcess | undefined
  const start = async () => {
    running = startProcess(
      'prometheus',
      [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${options.dataFolder ?? join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--storage.tsdb.retention.time=100y',
      ],
      {logFile: join(folder, 'log')},
    )
    const ready = async () => (await fetch(`${address}/-/ready`)).ok
    await untilUp('prometheus', running, ready, upMilliseconds)
  }
  const halt = async (signal: 'SIGTERM' | 'SIGKILL') => running?.stop(signal)
  await start()
  return {
    address,
    halt,
    start,
    signal: signal => running?.signal(signal),
    async stop() {
      await halt('SIGKILL')
      rmSync(folder, {recursive: true, force: true})
    },
  }
}
