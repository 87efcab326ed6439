// A release on the playground's metrics store, judged by the controller's own evaluator, with a clock that the test moves.
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {without} from '../../../controller/core/state.ts'
import type {
  Clock,
  Cluster,
  MetricAnswer,
  MetricRangeAnswer,
  MetricRequest,
  MetricSample,
  MetricSeries,
  Metrics,
} from '../../../controller/ports.ts'
import {type EvaluationInput, Evaluator} from '../../../controller/shell/evaluate.ts'
import {SecretHttpConfigs} from '../../../controller/shell/http-config.ts'
import type {Lookup} from '../../../controller/shell/lookup.ts'
import {timeText} from '../../../crds/common.ts'
import {rolloutSpec} from '../../../crds/rollout.ts'
import type {RolloutStatus} from '../../../crds/rollout-status.ts'
import {meshes} from '../../../mesh/registry.ts'
import type {MeshContext} from '../../../mesh/types.ts'
import {evaluateInstant} from '../../../playground/metrics/promql/evaluate.ts'
import type {MetricStore} from '../../../playground/metrics/store.ts'

/** A metrics system in this process. The store is complete: what it says of a time is computed once. */
export function metricsOf(store: MetricStore): Metrics & {queries: MetricRequest[]} {
  const queries: MetricRequest[] = []
  const known = new Map<string, MetricSample[]>()
  const instant = (query: string, at: number): MetricSample[] => {
    const key = `${at} ${query}`
    const before = known.get(key)
    if (before) return before
    const value = evaluateInstant(store, query, at)
    const samples = value.kind === 'vector' ? value.elements : [{labels: {}, value: value.value}]
    known.set(key, samples)
    return samples
  }
  return {
    queries,
    async query(request): Promise<MetricAnswer> {
      queries.push(request)
      return {kind: 'vector', samples: instant(request.query, request.at)}
    },
    async queryRange(request): Promise<MetricRangeAnswer> {
      return {kind: 'matrix', series: seriesOver(request, instant)}
    },
  }
}

/** The series of a range, from what an instant query says at each of its times. */
export function seriesOver(
  {query, from, to, stepMilliseconds}: Parameters<Metrics['queryRange']>[0],
  instant: (query: string, at: number) => MetricSample[],
): MetricSeries[] {
  const series = new Map<string, MetricSeries>()
  for (let at = from; at <= to; at += stepMilliseconds) {
    for (const {labels, value} of instant(query, at)) {
      const key = JSON.stringify(labels)
      const known = series.get(key) ?? {labels, points: []}
      known.points.push({at, value})
      series.set(key, known)
    }
  }
  return [...series.values()]
}

/** Nothing is in the cluster but maybe a MetricTemplate of every name. */
const lookupWith = (template: string | undefined): Lookup => ({
  get: ref =>
    ref.kind === 'MetricTemplate' && template !== undefined
      ? {apiVersion: ref.apiVersion, kind: ref.kind, metadata: {name: ref.name}, spec: {query: template}}
      : undefined,
  list: () => [],
  meshObjects: () => [],
  missing: () => false,
  forbidden: () => undefined,
  reached: () => true,
})

/** Longer waits than this are for somebody who is slow to answer: they take a part of their time. */
const shortMilliseconds = 100
const speed = 20

/** The time of the passes. Short waits are over at once; longer ones last, so that what is slow can be. */
class PassClock implements Clock {
  #now = 0
  readonly #onWait: (milliseconds: number) => void

  constructor(onWait: (milliseconds: number) => void) {
    this.#onWait = onWait
  }

  now(): number {
    return this.#now
  }

  set(now: number): void {
    this.#now = Math.max(this.#now, now)
  }

  after(delayMilliseconds: number, callback: () => void): () => void {
    if (delayMilliseconds <= shortMilliseconds) {
      queueMicrotask(callback)
      return () => {}
    }
    this.#onWait(delayMilliseconds)
    const timer = setTimeout(callback, delayMilliseconds / speed)
    return () => clearTimeout(timer)
  }
}

/** Meshes that count requests. */
type Counting = Exclude<keyof typeof meshes, 'none'>

/** A mesh that is missing here does not compile. */
export const traffics: Record<Counting, MeshContext['traffic']> = {
  istio: {istio: {hosts: [], gateways: [], settlingTime: '1s'}},
  gatewayAPI: {gatewayAPI: {parentRefs: [{name: 'web'}], hosts: ['web.example.com'], settlingTime: '1s'}},
  linkerd: {linkerd: {settlingTime: '1s'}},
}

export interface JudgedReleaseOptions {
  name?: string
  startedAt: number
  analysis: object
  metrics: Metrics
  weights?: number[]
  mesh?: Counting
  namespace?: string
  /** Query of every MetricTemplate. */
  template?: string
}

/** One Rollout in a release: slot a serves, slot b is the canary. */
export class JudgedRelease {
  readonly #options: JudgedReleaseOptions
  readonly context: MeshContext
  #evaluator: Judge
  status: RolloutStatus

  constructor(options: JudgedReleaseOptions, evaluator: Judge = sharedEvaluator(options.metrics, options.template)) {
    this.#options = options
    const {name = 'checkout', namespace = 'shop'} = options
    this.context = {
      rollout: {name, namespace, uid: `${namespace}/${name}`},
      apex: {name, ports: []},
      slots: {a: `${name}-a`, b: `${name}-b`},
      baseline: `${name}-baseline`,
      traffic: traffics[options.mesh ?? 'istio'],
    }
    this.#evaluator = evaluator
    const at = timeText(options.startedAt)
    const content = (slot: 'a' | 'b') => ({slot, revision: slot, image: slot, filledAt: at})
    this.status = {
      phase: 'Progressing',
      primary: content('a'),
      canary: content('b'),
      release: {id: '1-b', startedAt: at, phaseSince: at, weightsSeen: []},
    }
  }

  /** The controller is killed: only the status is left. */
  kill(): void {
    this.#evaluator = sharedEvaluator(this.#options.metrics, this.#options.template)
  }

  /** A step's weight has come into force. */
  step(index: number, weight: number, at: number): void {
    const {release} = this.status
    if (!release) throw new Error('no release')
    this.status = {
      ...this.status,
      traffic: {wanted: {a: 100 - weight, b: weight}, since: timeText(at), confirmed: {a: 100 - weight, b: weight}},
      release: {
        ...without(release, 'held'),
        stepIndex: index,
        stepSince: timeText(at),
        weightsSeen: [...release.weightsSeen, weight],
      },
    }
  }

  /** The step has passed, and the pods of the next one start; its weight stays in force. */
  leave(): void {
    const {release} = this.status
    if (!release?.stepSince || release.stepIndex === undefined) throw new Error('no step')
    const held = {step: release.stepIndex, since: release.stepSince}
    this.status = {
      ...this.status,
      release: {...without(release, 'stepSince'), stepIndex: release.stepIndex + 1, held},
    }
  }

  /** The pods are there: another weight is wished for. */
  wish(weight: number, at: number): void {
    const {traffic} = this.status
    if (!traffic) throw new Error('no traffic')
    this.status = {
      ...this.status,
      traffic: {...traffic, wanted: {a: 100 - weight, b: weight}, since: timeText(at)},
    }
  }

  /** What the status is to keep of an observation. */
  persist({evidence, requests, results, thresholds}: AnalysisObservation): void {
    const {release} = this.status
    if (!release) throw new Error('no release')
    const kept = {...release, thresholds, ...(evidence ? {evidence, requests} : {})}
    this.status = JSON.parse(JSON.stringify({...this.status, checks: results, release: kept}))
  }

  /** One pass at a time; like the controller's, it may have to be followed by another one at once. */
  pass(now: number): Promise<AnalysisObservation | undefined> {
    return this.#evaluator.evaluate(this.#input(now, this.status))
  }

  /** The interval that is found while the canary is prepared. */
  found(now: number): Promise<number | undefined> {
    return this.#evaluator.interval(this.#input(now, {...this.status, phase: 'Preparing'}))
  }

  #input(now: number, status: RolloutStatus): EvaluationInput {
    const spec = rolloutSpec.parse({
      targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: this.context.rollout.name},
      traffic: this.context.traffic,
      strategy: {canary: {steps: (this.#options.weights ?? [10, 50]).map(weight => ({weight}))}},
      analysis: this.#options.analysis,
    })
    const metadata = {...this.context.rollout}
    const rollout = {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', metadata, status}
    return {
      rollout,
      spec,
      mesh: meshes[this.#options.mesh ?? 'istio'],
      meshContext: this.context,
      now,
    }
  }

  /** Passes until there is nothing more to say at this time. */
  async settle(now: number, seen: (observation: AnalysisObservation) => void = () => {}): Promise<void> {
    for (let pass = 0; pass < 1000; pass++) {
      const observation = await this.pass(now)
      if (!observation) return
      seen(observation)
      if (observation.again > now) return
    }
    throw new Error('the evaluation does not come to rest')
  }
}

/** An evaluator with a clock that its passes set. */
export type Judge = Pick<Evaluator, 'evaluate' | 'interval'>

/** Many Rollouts of one controller; `onWait` hears of each wait for somebody who is slow. */
export function sharedEvaluator(
  metrics: Metrics,
  template?: string,
  onWait: (milliseconds: number) => void = () => {},
): Judge {
  const clock = new PassClock(onWait)
  // No template here names a Secret.
  const configs = new SecretHttpConfigs({} as Cluster, clock)
  const evaluator = new Evaluator({metrics, lookup: lookupWith(template), configs}, clock)
  const at = (input: EvaluationInput) => {
    clock.set(input.now)
    return input
  }
  return {evaluate: input => evaluator.evaluate(at(input)), interval: input => evaluator.interval(at(input))}
}
