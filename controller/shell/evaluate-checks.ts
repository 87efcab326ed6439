// The results of all checks at one grid time: comparisons are made already, thresholds are asked for or computed here.
import {builtInAnswers} from '../../analysis/built-in.ts'
import type {JudgedStep} from '../../analysis/comparisons.ts'
import {planQueries} from '../../analysis/plan.ts'
import type {CountedPoll} from '../../analysis/polls.ts'
import {HttpConfigError} from '../../analysis/providers/prometheus/index.ts'
import {judgeThreshold, notYetDue, type SideAnswer} from '../../analysis/threshold.ts'
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
  memories: readonly ThresholdMemory[]
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

/** One result per check, in the order of the spec, and what the thresholds have to remember. */
export async function evaluateChecks(
  input: ChecksInput,
  sources: CheckSources,
): Promise<{results: CheckResult[]; thresholds: ThresholdMemory[]}> {
  const {at, compared, memories, windowMilliseconds, step} = input
  const evaluatedAt = timeText(at)
  const judged = await Promise.all(
    plansOf(input, sources.lookup).map(
      async (plan): Promise<{result: CheckResult; memory: ThresholdMemory | undefined}> => {
        if ('problem' in plan)
          return {result: {...plan.problem, evaluatedAt}, memory: memoryOf(memories, plan.check.name)}
        if (plan.kind === 'compare') return {result: resultNamed(compared, plan.check.name, at), memory: undefined}
        const memory = memoryOf(memories, plan.check.name)
        const context = {at, since: step.since, windowMilliseconds, memory}
        const early = notYetDue(plan.check, context)
        if (early) return {result: early, memory}
        return judgeThreshold(plan.check, await answersOf(input, plan, sources), context)
      },
    ),
  )
  return {results: judged.map(({result}) => result), thresholds: judged.flatMap(({memory}) => memory ?? [])}
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

type Plan = Extract<ReturnType<typeof plansOf>[number], {kind: 'threshold' | 'builtIn'}>

function answersOf(input: ChecksInput, plan: Plan, sources: CheckSources): Promise<SideAnswer[]> {
  const {at, failure, step, polls} = input
  if (plan.kind === 'threshold') {
    return Promise.all(
      plan.queries.map(async ({side, ...query}) => ({side, answer: await ask(input, plan, {...query, at}, sources)})),
    )
  }
  if (failure) return Promise.resolve([{side: 'caller', answer: failure}])
  return Promise.resolve(builtInAnswers(plan.metric, plan.check.threshold.quantile, step.canary, polls))
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
