// `fairlead backtest`: what would the judge have said?
import {readFileSync} from 'node:fs'
import {parseAllDocuments} from 'yaml'
import {compareSettings} from '../../analysis/compare/settings.ts'
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import {stepsOf} from '../../controller/core/steps.ts'
import type {Metrics} from '../../controller/ports.ts'
import {systemClock} from '../../controller/shell/clock.ts'
import {httpConfigFile} from '../../controller/shell/http-config.ts'
import {contextOf} from '../../controller/shell/mesh-context.ts'
import {durationMilliseconds} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {type RolloutSpec, rolloutSpec} from '../../crds/rollout.ts'
import {meshOf} from '../../mesh/registry.ts'
import {generate, parseGeneration} from './generate.ts'
import {metricsOf, readRecording, recorderOf, seriesOf, writeRecording} from './recorded.ts'
import {backtestReport} from './report.ts'
import {runBacktest} from './run.ts'

export interface BacktestOptions {
  /** File with a Rollout. */
  rollout: string
  prometheus?: string
  /** File that says how to connect to it. */
  prometheusConfig?: string
  file?: string
  generate?: string
  from?: string
  to?: string
  canary: string
  record?: string
  threshold: string
}

const defaultRangeMilliseconds = 600_000
const thresholdWindowMilliseconds = 60_000
const thresholdFailedWindows = 5

/** The report. @throws Error that names the option or field, and the fix */
export async function backtest(options: BacktestOptions): Promise<string> {
  const sources = [options.prometheus, options.file, options.generate].filter(one => one !== undefined)
  if (sources.length !== 1) throw new Error('give exactly one of --prometheus, --file and --generate')
  const {canary} = options
  if (canary !== 'a' && canary !== 'b') throw new Error(`--canary ${canary}: write the canary's slot, a or b`)
  const minimumPercent = Number(options.threshold)
  if (!(minimumPercent > 0 && minimumPercent <= 100)) throw new Error('--threshold: write a percentage, such as 99')
  const {rollout, spec} = readRollout(options.rollout)
  const mesh = meshOf(spec.traffic)
  if (!mesh) throw new Error(`${options.rollout}: spec.traffic: set exactly one mesh`)
  const settings = compareSettings(spec.analysis, stepsOf(spec).length + 1)
  if (settings.length === 0) throw new Error(`${options.rollout}: spec.analysis.checks: add a compare check to test`)
  const context = contextOf(rollout, spec, undefined)
  const intervalMilliseconds = Math.max(1000, durationMilliseconds(spec.analysis.interval))
  const recorded = options.file === undefined ? undefined : readRecording(options.file)
  const {from, to} = recorded ?? rangeOf(options)
  const source: Metrics = recorded
    ? metricsOf(seriesOf(recorded))
    : options.generate === undefined
      ? prometheusOf(options)
      : metricsOf(
          generate(
            mesh,
            context,
            canary,
            {from: gridFloor(from, intervalMilliseconds), to, intervalMilliseconds},
            parseGeneration(options.generate),
          ),
        )
  const recorder = recorderOf(source)
  const result = await runBacktest({
    mesh,
    context,
    metrics: recorder.metrics,
    clock: systemClock(),
    settings,
    canary,
    from,
    to,
    intervalMilliseconds: recorded?.stepMilliseconds ?? intervalMilliseconds,
  })
  if (options.record !== undefined) {
    const series = recorder.series.map(({labels, points}) => ({
      labels,
      points: points.map(({at, value}): [number, number] => [at, value]),
    }))
    writeRecording(options.record, {fairleadRecording: 1, from, to, stepMilliseconds: intervalMilliseconds, series})
  }
  return backtestReport(result, {
    minimumPercent,
    windowMilliseconds: thresholdWindowMilliseconds,
    failedWindows: thresholdFailedWindows,
  })
}

function prometheusOf({prometheus = '', prometheusConfig}: BacktestOptions): Metrics {
  const config = prometheusConfig === undefined ? {} : {httpConfig: httpConfigFile(prometheusConfig, systemClock())}
  return createPrometheusMetrics({address: prometheus, ...config})
}

function gridFloor(time: number, interval: number): number {
  return Math.ceil(time / interval) * interval
}

function rangeOf({from, to, generate: generated}: BacktestOptions): {from: number; to: number} {
  const end = to === undefined ? Date.now() : timeOption('--to', to)
  if (from === undefined && generated === undefined)
    throw new Error('--from is missing: write a time such as 2026-01-31T12:00:00Z')
  const start = from === undefined ? end - defaultRangeMilliseconds : timeOption('--from', from)
  if (start >= end) throw new Error('--from must lie before --to')
  return {from: start, to: end}
}

function timeOption(name: string, text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error(`${name} ${text} is not a time: write one such as 2026-01-31T12:00:00Z`)
  return time
}

/** The only Rollout among a file's documents. */
function readRollout(file: string): {rollout: KubeObject; spec: RolloutSpec} {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS() as KubeObject)
  const rollouts = documents.filter(document => document?.kind === 'Rollout')
  const [rollout] = rollouts
  if (!rollout || rollouts.length > 1)
    throw new Error(`${file} must hold exactly one Rollout, and holds ${rollouts.length}`)
  const parsed = rolloutSpec.safeParse(rollout.spec)
  if (parsed.success) return {rollout: named(rollout), spec: parsed.data}
  const [issue] = parsed.error.issues
  throw new Error(`${file}: spec.${issue?.path.join('.')}: ${issue?.message}`)
}

/** A manifest may leave its namespace to kubectl. */
function named(rollout: KubeObject): KubeObject {
  return {
    ...rollout,
    metadata: {...rollout.metadata, namespace: rollout.metadata.namespace ?? 'default', uid: 'backtest'},
  }
}
