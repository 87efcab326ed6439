// Threshold checks over the past: built-in metrics from the counters that the comparisons use, queries of the user's own as
// Prometheus answered them.
import {builtInAnswers} from '../../analysis/built-in.ts'
import {checkField} from '../../analysis/checks.ts'
import {planQueries} from '../../analysis/plan.ts'
import type {CountedPoll} from '../../analysis/polls.ts'
import {judgeThreshold, type SideAnswer} from '../../analysis/threshold.ts'
import type {Metrics} from '../../controller/ports.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {metricTemplateSpec} from '../../crds/metric-template.ts'
import type {Check} from '../../crds/rollout.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {ThresholdMemory} from '../../crds/threshold.ts'
import type {MeshContext} from '../../mesh/types.ts'

/** A check that can't be tried on a range, and why. */
export interface LeftOut {
  name: string
  why: string
}

/** What a source of metrics can answer beside counters of requests and their durations. */
export interface Abilities {
  /** It names connections that came in plaintext. */
  plaintext: boolean
  /** Why it has no answer to a query of the user's own; undefined where it has one. */
  lacks(request: {query: string; address?: string}): string | undefined
}

export interface ThresholdsInput {
  checks: readonly Check[]
  context: MeshContext
  canary: SlotName
  windowMilliseconds: number
  /** MetricTemplates beside the Rollout. */
  templates: readonly KubeObject[]
  abilities: Abilities
}

type Plan = Extract<ReturnType<typeof planQueries>[number], {kind: 'threshold' | 'builtIn'}>

/** The threshold checks of a Rollout that a range can be held against. */
export class Thresholds {
  readonly leftOut: LeftOut[] = []
  readonly #plans: Plan[] = []
  readonly #input: ThresholdsInput
  readonly #memories = new Map<string, ThresholdMemory | undefined>()

  /** @throws Error that names the field of a check that is wrong, and the fix */
  constructor(input: ThresholdsInput) {
    this.#input = input
    for (const plan of plansOf(input)) {
      if (!('problem' in plan) && plan.kind === 'compare') continue
      const why = whyNot(plan, input)
      if (why !== undefined) this.leftOut.push({name: plan.check.name, why})
      else if ('problem' in plan) throw new Error(`spec.${plan.problem.message}`)
      else this.#plans.push(plan as Plan)
    }
  }

  /** Whether any of them takes the durations of requests. */
  get needDurations(): boolean {
    return this.#plans.some(plan => plan.kind === 'builtIn' && plan.metric === 'requestDuration')
  }

  get count(): number {
    return this.#plans.length
  }

  /** One result per check, as in a release whose step began at `since`; times in milliseconds. */
  async judge(at: number, since: number, polls: readonly CountedPoll[], metrics: Metrics): Promise<CheckResult[]> {
    const {windowMilliseconds, canary} = this.#input
    return Promise.all(
      this.#plans.map(async plan => {
        const {check} = plan
        const context = {at, since, windowMilliseconds, memory: this.#memories.get(check.name)}
        const answers =
          plan.kind === 'builtIn'
            ? builtInAnswers(plan.metric, check.threshold.quantile, canary, polls)
            : await asked(plan, at, metrics)
        const {result, memory} = judgeThreshold(check, answers, context)
        this.#memories.set(check.name, memory)
        return result
      }),
    )
  }
}

function plansOf({checks, context, canary, windowMilliseconds, templates}: ThresholdsInput) {
  const {name, namespace} = context.rollout
  return planQueries({
    checks,
    templates: wanted => {
      const found = templates.find(({metadata}) => metadata.name === wanted)
      return found && metricTemplateSpec.parse(found.spec)
    },
    variables: {
      namespace,
      rollout: name,
      canaryWorkload: context.slots[canary],
      primaryWorkload: context.slots[canary === 'a' ? 'b' : 'a'],
      window: `${Math.ceil(windowMilliseconds / 1000)}s`,
    },
  })
}

function whyNot(plan: ReturnType<typeof plansOf>[number], {templates, abilities}: ThresholdsInput): string | undefined {
  const {threshold} = plan.check
  const template = threshold?.templateRef?.name
  if ('problem' in plan) {
    return plan.problem.reason === 'TemplateNotFound'
      ? `MetricTemplate ${template} is not in the file: add it beside the Rollout`
      : undefined
  }
  if (plan.kind === 'compare') return undefined
  if (plan.kind === 'builtIn') {
    return plan.metric === 'plaintextRequests' && !abilities.plaintext
      ? 'a made-up range does not say what came in plaintext'
      : undefined
  }
  if (templates.find(({metadata}) => metadata.name === template)?.spec?.configRef) {
    return `MetricTemplate ${template} connects by a Secret (spec.configRef), which is not read here`
  }
  return plan.queries.map(one => abilities.lacks(one)).find(lack => lack !== undefined)
}

function asked(plan: Extract<Plan, {kind: 'threshold'}>, at: number, metrics: Metrics): Promise<SideAnswer[]> {
  return Promise.all(
    plan.queries.map(async ({side, ...request}) => ({side, answer: await metrics.query({...request, at})})),
  )
}

/** One line per check that was left out. */
export function leftOutText(leftOut: readonly LeftOut[]): string[] {
  return leftOut.map(({name, why}) => `Left out: ${checkField({name})}: ${why}.`)
}
