// Asks the metrics what the core wants to know: which evaluation is due follows from the status alone, so whoever
// restarts asks the same question. An answer is kept until another grid time is due: passes in between cost no query.

import {countSince} from '../../analysis/counts.ts'
import {planQueries} from '../../analysis/plan.ts'
import {judgeThreshold} from '../../analysis/threshold.ts'
import {timeOf, timeText} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {RolloutSpec, SlotName} from '../../crds/rollout.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'
import {evaluationDue} from '../core/judgement.ts'
import {type AnalysisObservation, otherSlot} from '../core/observation.ts'
import {type Model, modelOf} from '../core/state.ts'
import {durationsOf} from '../core/world.ts'
import type {MetricAnswer, Metrics} from '../ports.ts'
import type {Lookup} from './lookup.ts'

export interface EvaluationInput {
  rollout: KubeObject
  spec: RolloutSpec
  mesh: Mesh
  meshContext: MeshContext
  now: number
}

/** Evaluations that are remembered: one per Rollout in a release. */
const maximumRemembered = 5000

export class Evaluator {
  readonly #metrics: Metrics
  readonly #lookup: Lookup
  readonly #last = new Map<string, AnalysisObservation>()

  constructor(metrics: Metrics, lookup: Lookup) {
    this.#metrics = metrics
    this.#lookup = lookup
  }

  /** The evaluation that is due, or the last one while no other is; undefined where nothing is judged. */
  async evaluate(input: EvaluationInput): Promise<AnalysisObservation | undefined> {
    const key = input.rollout.metadata.uid ?? ''
    const model = modelOf(input.rollout.status ?? {})
    const judged = model && judgedSlot(model)
    const due = model && evaluationDue(model, durationsOf(input.spec), input.spec.analysis.checks.length, input.now)
    if (!model || !judged || !due || !('at' in due)) {
      this.#last.delete(key)
      return undefined
    }
    const known = this.#last.get(key)
    if (known?.at === due.at) return known
    const [results, requests] = await Promise.all([
      this.#judge(input, judged, due.at),
      this.#count(input, model, judged, due.at),
    ])
    const observation: AnalysisObservation = {at: due.at, results, ...(requests ? {requests} : {})}
    if (this.#last.size < maximumRemembered) this.#last.set(key, observation)
    return observation
  }

  forget(uid: string): void {
    this.#last.delete(uid)
  }

  async #judge(input: EvaluationInput, slot: SlotName, at: number): Promise<CheckResult[]> {
    const {spec, mesh, meshContext} = input
    const {name, namespace} = meshContext.rollout
    const window = `${Math.ceil(durationsOf(spec).window / 1000)}s`
    const plans = planQueries({
      checks: spec.analysis.checks,
      templates: template => this.#template(namespace, template),
      builtIn: (metric, quantile) => mesh.metricQueries(meshContext, {metric, slot, window, quantile}),
      variables: {
        namespace,
        rollout: name,
        canaryWorkload: meshContext.slots[slot],
        primaryWorkload: meshContext.slots[otherSlot(slot)],
        window,
      },
    })
    return Promise.all(
      plans.map(async plan => {
        if ('problem' in plan) return {...plan.problem, evaluatedAt: timeText(at)}
        const answers = await Promise.all(
          plan.queries.map(async query => ({
            side: query.side,
            answer: await this.#metrics.query({
              query: query.query,
              at,
              ...(query.address ? {address: query.address} : {}),
            }),
          })),
        )
        return judgeThreshold(plan.check, answers, timeText(at))
      }),
    )
  }

  #template(namespace: string, name: string): {query: string; address?: string} | undefined {
    const object = this.#lookup.get({apiVersion, kind: 'MetricTemplate', namespace, name})
    if (!object) return undefined
    const {query, address} = object.spec ?? {}
    return {query, ...(address ? {address} : {})}
  }

  /** Requests that the judged slot answered and failed since the release began, from raw counters; the callers' side first. */
  async #count(
    input: EvaluationInput,
    model: Model,
    slot: SlotName,
    at: number,
  ): Promise<{total: number; failed: number} | undefined> {
    if (!('release' in model.state)) return undefined
    const start = timeOf(model.state.release.startedAt)
    for (const {total, failed} of input.mesh.requestCounters(input.meshContext, slot)) {
      const [all, bad] = await Promise.all([this.#difference(total, start, at), this.#difference(failed, start, at)])
      // A figure that could not be read is no zero.
      if (all !== undefined && all > 0 && bad !== undefined) return {total: all, failed: bad}
    }
    return undefined
  }

  async #difference(query: string, start: number, end: number): Promise<number | undefined> {
    const [before, after] = await Promise.all([
      this.#metrics.query({query, at: start}),
      this.#metrics.query({query, at: end}),
    ])
    const samples = (answer: MetricAnswer) => (answer.kind === 'vector' ? answer.samples : undefined)
    const [first, last] = [samples(before), samples(after)]
    return first && last ? Math.round(countSince(first, last)) : undefined
  }
}

/** The slot whose version is being judged. */
function judgedSlot(model: Model): SlotName | undefined {
  const {state} = model
  if (state.phase === 'Baking') return state.primary.slot
  return 'canary' in state ? state.canary.slot : undefined
}
