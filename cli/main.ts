#!/usr/bin/env node
// The `fairlead` command.
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Command, Option} from 'commander'
import {parseConfig} from '../controller/shell/config.ts'
import {startController} from '../controller/shell/controller.ts'
import {type DemoVariant, demoMeshes, demoStrategies} from '../playground/demo/variants.ts'
import type {BacktestOptions} from './backtest/index.ts'

const program = new Command('fairlead').description(
  'GitOps progressive delivery for Kubernetes: promotion is a traffic move.',
)

program
  .command('controller')
  .description('run the controller')
  .requiredOption('--prometheus <address>', 'Prometheus that analyses ask, such as http://prometheus.monitoring:9090')
  .option(
    '--prometheus-config <file>',
    'how to connect to it, as the http_config of Prometheus: basic_auth, authorization, sigv4, tls_config, http_headers',
  )
  .option('--kubeconfig <file>', 'kubeconfig; the in-cluster service account or the usual places when absent')
  .option('--context <name>', 'context of the kubeconfig')
  .option('--namespace <name>', 'look at this namespace only')
  .option('--meshes <names>', 'meshes that Rollouts may use, between commas; all that there are when absent')
  .option(
    '--secret-namespaces <names>',
    'namespaces where Rollouts may track Secrets, between commas, or empty for none; all when absent',
  )
  .option('--host <address>', 'address of the health and metrics endpoints')
  .option('--port <number>', 'port of the health and metrics endpoints')
  .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
  .option('--git-cache <folder>', 'folder for bare clones', join(tmpdir(), 'fairlead-git'))
  .option('--allow-file-repositories', 'let GitSyncs name file:// repositories of this machine')
  .option('--concurrency <number>', 'passes at once')
  .option('--leader-election <on|off>', 'act only while holding a Lease, for several replicas')
  .option('--leader-election-namespace <name>', 'namespace of the Lease; that of the kubeconfig or the pod when absent')
  .option('--leader-election-id <name>', 'name of the Lease; controllers with the same one take turns')
  .action(async (options: Record<string, unknown>) => {
    const controller = await startController(
      parseConfig({...options, searchPath: process.env.PATH, kubeconfigVariable: process.env.KUBECONFIG}),
    )
    const stop = () => {
      void controller.close().then(() => process.exit(0))
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })

program
  .command('demo')
  .description('three merges on the embedded playground: a good version, a bad one, the fix')
  .addOption(new Option('--mesh <mesh>', 'what moves the traffic').choices(demoMeshes).default('istio'))
  .addOption(new Option('--strategy <strategy>', 'how a release proceeds').choices(demoStrategies).default('canary'))
  .option('--json', 'print one JSON document instead')
  .option('--keep', 'leave everything running afterwards, and say how to use it')
  .action(async ({json = false, keep = false, mesh, strategy}: DemoVariant & {json?: boolean; keep?: boolean}) => {
    // Only the demo needs the playground: the controller doesn't load it.
    const {runDemo} = await import('./demo.ts')
    process.exitCode = await runDemo({json, keep, mesh, strategy})
  })

program
  .command('backtest')
  .description('what the judge would have decided over a range of the past, beside a fixed threshold')
  .requiredOption(
    '--rollout <file>',
    'YAML file with the Rollout, for its names, mesh and checks, and with MetricTemplates that they use',
  )
  .option('--prometheus <address>', 'Prometheus that holds the range')
  .option('--prometheus-config <file>', 'how to connect to it, as for the controller')
  .option('--file <file>', 'a range that --record has written')
  .option(
    '--generate <settings>',
    'a made-up range: rate, weight, primary and canary (percent that fail), median (ms), slower (factor), onset (seconds), seed; such as canary=5,rate=100',
  )
  .option('--from <time>', 'begin of the range, such as 2026-01-31T12:00:00Z')
  .option('--to <time>', 'end of the range; now when absent')
  .option('--canary <slot>', 'slot of the version that was new, a or b', 'b')
  .option('--threshold <percent>', 'success rate of the fixed threshold', '99')
  .option('--record <file>', 'keep what Prometheus answered')
  .action(async (options: BacktestOptions) => {
    const {backtest} = await import('./backtest/index.ts')
    process.stdout.write(await backtest(options))
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`fairlead: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
