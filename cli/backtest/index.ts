// `fairlead backtest`: what would the judge have said?
import {readFileSync} from 'node:fs'
import {parseAllDocuments} from 'yaml'
import {compareSettings} from '../../analysis/compare/settings.ts'
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import {durationsOf} from '../../controller/core/world.ts'
import type {MetricSeries, Metrics} from '../../controller/ports.ts'
import {systemClock} from '../../controller/shell/clock.ts'
import {httpConfigFile} from '../../controller/shell/http-config.ts'
import {contextOf} from '../../controller/shell/mesh-context.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {metricTemplateSpec} from '../../crds/metric-template.ts'
import {type RolloutSpec, rolloutSpec} from '../../crds/rollout.ts'
import {meshOf} from '../../mesh/registry.ts'
import {generate, parseGeneration} from './generate.ts'
import {knows, metricsOf, seriesOf} from './recorded.ts'
import {Recorder, type Recording, readRecording, writeRecording} from './recording.ts'
import {backtestReport} from './report.ts'
import {type Backtest, type BacktestInput, beginOf, runBacktest} from './run.ts'
import {type Abilities, leftOutText, Thresholds} from './thresholds.ts'

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
  const {rollout, spec, templates} = readRollout(options.rollout)
  const mesh = meshOf(spec.traffic)
  if (!mesh) throw new Error(`${options.rollout}: spec.traffic: set exactly one mesh`)
  const context = contextOf(rollout, spec, undefined)
  const durations = durationsOf(spec)
  const recorded = options.file === undefined ? undefined : readRecording(options.file)
  const intervalMilliseconds = recorded?.stepMilliseconds ?? Math.max(1000, durations.interval)
  const {from, to} = recorded ?? rangeOf(options)
  const range = {from, to, intervalMilliseconds, windowMilliseconds: durations.window}
  const begin = beginOf(range)
  const source = sourceOf(options, recorded, () =>
    generate(
      mesh,
      context,
      canary,
      {from: begin.judged, read: begin.read, to: range.to, intervalMilliseconds},
      parseGeneration(options.generate ?? ''),
    ),
  )
  const thresholds = () =>
    new Thresholds({
      checks: spec.analysis.checks,
      context,
      canary,
      windowMilliseconds: durations.window,
      templates,
      abilities: source.abilities,
    })
  const input: Omit<BacktestInput, 'metrics'> = {
    mesh,
    context,
    clock: systemClock(),
    order: spec.analysis.checks.map(({name}) => name),
    settings: compareSettings(spec.analysis),
    thresholds: thresholds(),
    canary,
    ...range,
  }
  const {leftOut, count} = input.thresholds
  if (input.settings.length + count === 0) {
    const why = leftOutText(leftOut).join(' ')
    throw new Error(
      `${options.rollout}: spec.analysis.checks: add a compare check or a threshold to test. ${why}`.trim(),
    )
  }
  const result =
    options.record === undefined
      ? await runBacktest({...input, metrics: source.metrics})
      : await recordedRun({...input, metrics: source.metrics}, options.record, thresholds)
  return backtestReport(result, leftOut, {
    minimumPercent,
    windowMilliseconds: thresholdWindowMilliseconds,
    failedWindows: thresholdFailedWindows,
  })
}

/** Runs, and keeps all that other margins and checks of the same Rollout would ask. */
async function recordedRun(input: BacktestInput, file: string, thresholds: () => Thresholds): Promise<Backtest> {
  const {from, to, intervalMilliseconds: stepMilliseconds} = input
  const recorder = new Recorder(input.metrics, {from: beginOf(input).judged, to, stepMilliseconds})
  await runBacktest({...input, metrics: recorder, thresholds: thresholds(), everyFamily: true})
  const result = await runBacktest({...input, metrics: recorder})
  writeRecording(file, {fairleadRecording: 1, from, to, stepMilliseconds, ...recorder.recording()})
  return result
}

interface Source {
  metrics: Metrics
  abilities: Abilities
}

function sourceOf(options: BacktestOptions, recorded: Recording | undefined, made: () => MetricSeries[]): Source {
  if (recorded) {
    const known = {...recorded, series: seriesOf(recorded.series)}
    const lacks: Abilities['lacks'] = request =>
      knows(known, request) ? undefined : 'the file has no answer to its query: record the range again with it'
    return {metrics: metricsOf(known), abilities: {plaintext: true, lacks}}
  }
  if (options.generate === undefined) {
    return {metrics: prometheusOf(options), abilities: {plaintext: true, lacks: () => undefined}}
  }
  const lacks: Abilities['lacks'] = () => 'a made-up range has no answer to a query of yours'
  return {metrics: metricsOf({series: made()}), abilities: {plaintext: false, lacks}}
}

function prometheusOf({prometheus = '', prometheusConfig}: BacktestOptions): Metrics {
  const config = prometheusConfig === undefined ? {} : {httpConfig: httpConfigFile(prometheusConfig, systemClock())}
  return createPrometheusMetrics({address: prometheus, ...config})
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

/** The only Rollout among a file's documents, and the MetricTemplates beside it. */
function readRollout(file: string): {rollout: KubeObject; spec: RolloutSpec; templates: KubeObject[]} {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS() as KubeObject)
  const rollouts = documents.filter(document => document?.kind === 'Rollout')
  const [rollout] = rollouts
  if (!rollout || rollouts.length > 1)
    throw new Error(`${file} must hold exactly one Rollout, and holds ${rollouts.length}`)
  const templates = documents.filter(document => document?.kind === 'MetricTemplate')
  for (const {metadata, spec} of templates) {
    const problem = metricTemplateSpec.safeParse(spec).error?.issues[0]
    if (problem)
      throw new Error(`${file}: MetricTemplate ${metadata.name}: spec.${problem.path.join('.')}: ${problem.message}`)
  }
  const parsed = rolloutSpec.safeParse(rollout.spec)
  if (parsed.success) return {rollout: named(rollout), spec: parsed.data, templates}
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
