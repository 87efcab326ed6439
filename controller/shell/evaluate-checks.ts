// The results of all checks at one grid time: comparisons are made already, thresholds are asked for or computed here. Whoever
// is slow to answer holds nobody else up: what is known can be had at any moment.
import {builtInAnswers} from '../../analysis/built-in.ts'
import type {ThresholdCheck} from '../../analysis/checks.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {planQueries} from '../../analysis/plan.ts'
import type {CountedPoll} from '../../analysis/polls.ts'
import {HttpConfigError} from '../../analysis/providers/prometheus/index.ts'
import {judgeThreshold, notYetDue, type SideAnswer, type ThresholdContext} from '../../analysis/threshold.ts'
import {timeText} from '../../crds/common.ts'
import type {TemplateVariable} from '../../crds/metric-template.ts'
import {apiVersion} from '../../crds/names.ts'
import type {Check} from '../../crds/rollout.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import type {ThresholdMemory} from '../../crds/threshold.ts'
import type {MeshContext} from '../../mesh/types.ts'
import {otherSlot} from '../core/observation.ts'
import {ClusterError, type MetricAnswer, type MetricFailure, type MetricRequest, type Metrics} from '../ports.ts'
import type {SecretHttpConfigs} from './http-config.ts'
import type {Lookup} from './lookup.ts'

export interface ChecksInput {
  checks: readonly Check[]
  meshContext: MeshContext
  step: JudgedStep
  /** Grid time, milliseconds. */
  at: number
  windowMilliseconds: number
  /** What was counted in the last window. */
  polls: readonly CountedPoll[]
  /** Results of the compare checks. */
  compared: readonly CheckResult[]
  /** Why the counters could not be read, if so. */
  failure: MetricFailure | undefined
}

/** Where the answers come from. */
export interface CheckSources {
  metrics: Metrics
  lookup: Lookup
  configs: SecretHttpConfigs
}

interface Asked {
  plan: AnyPlan
  /** It waits for its answers. */
  isOpen: boolean
  answers?: SideAnswer[]
}

/** The checks of one grid time, which are being asked for. */
export class AskedChecks {
  readonly #input: ChecksInput
  readonly #plans: Asked[]
  /** Resolves once every answer is there; never rejects. */
  readonly done: Promise<void>
  #error: Error | undefined

  constructor(input: ChecksInput, sources: CheckSources) {
    this.#input = input
    this.#plans = plansOf(input, sources.lookup).map(plan => ({plan, isOpen: false}))
    this.done = Promise.all(this.#plans.map(asked => this.#ask(asked, sources))).then(() => undefined)
  }

  /** Whether every check that is asked for has its answer. */
  get isComplete(): boolean {
    return this.#plans.every(({isOpen}) => !isOpen)
  }

  /**
   * One result per check, in the order of the spec, and what the thresholds have to remember: of those that were answered.
   * The others are `AnswerAwaited`, which decides nothing, or have still the trouble that they had.
   * @param last results of the last grid time
   * @throws what asking failed with, other than an answer that says so
   */
  judged(
    memories: readonly ThresholdMemory[],
    last: readonly CheckResult[] = [],
  ): {results: CheckResult[]; thresholds: ThresholdMemory[]} {
    if (this.#error) throw this.#error
    const judged = this.#plans.map(({plan, answers}) => {
      const {name} = plan.check
      const before = last.find(result => result.name === name)
      return this.#judge(plan, answers, memoryOf(memories, name), before)
    })
    return {results: judged.map(({result}) => result), thresholds: judged.flatMap(({memory}) => memory ?? [])}
  }

  /** Waits no longer: what is not there is an error. */
  giveUp(): void {
    const failure = {kind: 'error', reason: 'Timeout', message: 'no answer came'} as const
    for (const asked of this.#plans) if (asked.isOpen) close(asked, [{side: 'query', answer: failure}])
  }

  async #ask(asked: Asked, sources: CheckSources): Promise<void> {
    const {plan} = asked
    if ('problem' in plan || plan.kind !== 'threshold' || notYetDue(plan.check, this.#context(undefined))) return
    asked.isOpen = true
    try {
      const answers = await answersOf(this.#input, plan, sources)
      if (asked.isOpen) close(asked, answers)
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error))
      asked.isOpen = false
    }
  }

  #judge(
    plan: AnyPlan,
    answers: SideAnswer[] | undefined,
    memory: ThresholdMemory | undefined,
    before: CheckResult | undefined,
  ): {result: CheckResult; memory: ThresholdMemory | undefined} {
    const {at, compared} = this.#input
    if ('problem' in plan) return {result: {...plan.problem, evaluatedAt: timeText(at)}, memory}
    if (plan.kind === 'compare') return {result: resultNamed(compared, plan.check.name, at), memory: undefined}
    const context = this.#context(memory)
    const early = notYetDue(plan.check, context)
    if (early) return {result: early, memory}
    const known = plan.kind === 'builtIn' ? builtInAnswersOf(this.#input, plan) : answers
    if (known) return judgeThreshold(plan.check, known, context)
    const troubled = before?.verdict === 'error' || before?.verdict === 'noData'
    return {result: troubled ? before : awaited(plan.check, at), memory}
  }

  #context(memory: ThresholdMemory | undefined): ThresholdContext {
    const {at, step, windowMilliseconds} = this.#input
    return {at, since: step.since, windowMilliseconds, memory}
  }
}

function close(asked: Asked, answers: SideAnswer[]): void {
  asked.answers = answers
  asked.isOpen = false
}

function awaited({name, threshold}: ThresholdCheck, at: number): CheckResult {
  const message = 'its Prometheus has not answered yet'
  const dryRun = threshold.dryRun ? {dryRun: true} : {}
  return {name, verdict: 'noData', reason: 'AnswerAwaited', message, evaluatedAt: timeText(at), ...dryRun}
}

function plansOf({checks, meshContext, step, windowMilliseconds}: ChecksInput, lookup: Lookup) {
  const {name, namespace} = meshContext.rollout
  return planQueries({
    checks,
    templates: template => templateOf(lookup, namespace, template),
    variables: {
      namespace,
      rollout: name,
      canaryWorkload: meshContext.slots[step.canary],
      primaryWorkload: meshContext.slots[otherSlot(step.canary)],
      window: `${Math.ceil(windowMilliseconds / 1000)}s`,
    },
  })
}

type AnyPlan = ReturnType<typeof plansOf>[number]
type BuiltIn = Extract<AnyPlan, {kind: 'builtIn'}>
type Plan = Extract<AnyPlan, {kind: 'threshold'}>

function builtInAnswersOf({failure, step, polls}: ChecksInput, {metric, check}: BuiltIn): SideAnswer[] {
  if (failure) return [{side: 'caller', answer: failure}]
  return builtInAnswers(metric, check.threshold.quantile, step.canary, polls)
}

function answersOf(input: ChecksInput, plan: Plan, sources: CheckSources): Promise<SideAnswer[]> {
  const {at} = input
  return Promise.all(
    plan.queries.map(async ({side, ...query}) => ({side, answer: await ask(input, plan, {...query, at}, sources)})),
  )
}

/** Asks as the check's MetricTemplate says, where it names a configuration. */
async function ask(
  {meshContext}: ChecksInput,
  {check}: Plan,
  request: MetricRequest,
  {metrics, lookup, configs}: CheckSources,
): Promise<MetricAnswer> {
  const {namespace} = meshContext.rollout
  const {templateRef} = check.threshold
  const template = templateRef && lookup.get({apiVersion, kind: 'MetricTemplate', namespace, name: templateRef.name})
  const reference: {name: string; key: string} | undefined = template?.spec?.configRef
  if (!reference) return metrics.query(request)
  try {
    return await metrics.query({...request, httpConfig: await configs.read(namespace, reference)})
  } catch (error) {
    if (!(error instanceof HttpConfigError || error instanceof ClusterError)) throw error
    return {kind: 'error', reason: 'Unauthorized', message: error.message}
  }
}

function templateOf(
  lookup: Lookup,
  namespace: string,
  name: string,
): {query: string; address?: string; variables: TemplateVariable[]} | undefined {
  const object = lookup.get({apiVersion, kind: 'MetricTemplate', namespace, name})
  if (!object) return undefined
  const {query, address, variables} = object.spec ?? {}
  return {query, variables: variables ?? [], ...(address ? {address} : {})}
}

function memoryOf(memories: readonly ThresholdMemory[], name: string): ThresholdMemory | undefined {
  return memories.find(memory => memory.name === name)
}

function resultNamed(results: readonly CheckResult[], name: string, at: number): CheckResult {
  const found = results.find(result => result.name === name)
  if (found) return found
  const message = `check ${name} was not compared: its name is not unique`
  return {name, verdict: 'error', reason: 'InvalidCheck', message, evaluatedAt: timeText(at)}
}
