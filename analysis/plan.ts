// Which queries an evaluation asks. What can be refused without asking is refused here, with the field and the fix.
import type {TemplateVariable} from '../crds/metric-template.ts'
import type {Check, Threshold} from '../crds/rollout.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import {checkField, kindsOf, maximumMessageLength, type Side, sourceField, type ThresholdCheck} from './checks.ts'
import {type QueryVariables, renderQuery} from './template.ts'
import {type TypedValue, type VariableProblem, valuesOfVariables} from './template-variables.ts'

/** A MetricTemplate, as far as a check needs it. */
interface QueryTemplate {
  query: string
  /** Those that its query may name and a check may set. */
  variables?: readonly TemplateVariable[]
  /** Prometheus to ask; the controller's own when absent. */
  address?: string | undefined
}

/** One query and the side that reports its figures. */
interface PlannedQuery {
  side: Side
  query: string
  address?: string
}

/** What is wrong with a check; the caller adds the time. */
type CheckProblem = Omit<CheckResult, 'evaluatedAt'>

/** The queries of one check, or why it has none. */
type PlannedCheck =
  | {kind: 'threshold'; check: ThresholdCheck; queries: PlannedQuery[]}
  /** Its figure is computed from the counters of the window. */
  | {kind: 'builtIn'; check: ThresholdCheck; metric: NonNullable<Threshold['metric']>}
  | {kind: 'compare'; check: Check}
  | {check: Check; problem: CheckProblem}

export interface PlanInput {
  checks: readonly Check[]
  /** The MetricTemplate of a name in the Rollout's namespace; undefined when there is none. */
  templates(name: string): QueryTemplate | undefined
  variables: QueryVariables
}

/**
 * Plans one evaluation: one entry per check, in the same order.
 * Reasons of problems: TemplateNotFound, UnknownVariable, MissingVariable, InvalidVariable, UnclosedVariable,
 * UnsafeValue, NoPodPattern, InvalidCheck. All are errors, which never promote and never by themselves roll back.
 */
export function planQueries(input: PlanInput): PlannedCheck[] {
  return input.checks.map(check => planCheck(input, check))
}

function planCheck(input: PlanInput, check: Check): PlannedCheck {
  const [kind, another] = kindsOf(check)
  if (kind === undefined || another !== undefined) {
    return refuse(check, 'InvalidCheck', `${checkField(check)} must set exactly one kind of check, such as threshold`)
  }
  switch (kind) {
    case 'threshold':
      return planThreshold(input, check)
    case 'compare':
      return {kind, check}
    default:
      return kind satisfies never
  }
}

function planThreshold(input: PlanInput, {name, threshold}: Check): PlannedCheck {
  if (threshold === undefined) return refuse({name}, 'InvalidCheck', `${checkField({name})}.threshold is missing`)
  const check: ThresholdCheck = {name, threshold}
  const {metric, query, templateRef} = threshold
  if ([metric, query, templateRef].filter(source => source !== undefined).length !== 1) {
    return refuse(
      check,
      'InvalidCheck',
      `${checkField(check)}.threshold must set exactly one of metric, query, templateRef`,
    )
  }
  if (metric !== undefined) return {kind: 'builtIn', check, metric}
  if (query !== undefined) return planTemplate(input, check, {query}, new Map())
  return planReference(input, check, templateRef?.name ?? '')
}

function planReference(input: PlanInput, check: ThresholdCheck, name: string): PlannedCheck {
  const template = input.templates(name)
  if (template) {
    const values = valuesOfVariables(template.variables ?? [], check.threshold.templateRef?.variables ?? {})
    return values instanceof Map ? planTemplate(input, check, template, values) : refuseVariable(check, name, values)
  }
  const message = `${sourceField(check)}: not found in namespace ${input.variables.namespace}: create it or correct the name`
  return refuse(check, 'TemplateNotFound', message)
}

function planTemplate(
  input: PlanInput,
  check: ThresholdCheck,
  template: QueryTemplate,
  values: ReadonlyMap<string, TypedValue>,
): PlannedCheck {
  const rendered = renderQuery(template.query, input.variables, values)
  if ('reason' in rendered) return refuse(check, rendered.reason, `${sourceField(check)}: ${rendered.message}`)
  const address = template.address === undefined ? {} : {address: template.address}
  return {kind: 'threshold', check, queries: [{side: 'query', query: rendered.query, ...address}]}
}

function refuseVariable(
  check: ThresholdCheck,
  template: string,
  {reason, name, isDefault, message}: VariableProblem,
): PlannedCheck {
  const field = isDefault
    ? `MetricTemplate ${template}, spec.variables[name=${name}].default`
    : `${checkField(check)}.threshold.templateRef.variables.${name} (MetricTemplate ${template})`
  return refuse(check, reason, `${field}: ${message}`)
}

function refuse(check: Check, reason: string, message: string): PlannedCheck {
  const problem: CheckProblem = {
    name: check.name,
    verdict: 'error',
    reason,
    message: message.slice(0, maximumMessageLength),
    ...(check.threshold?.dryRun ? {dryRun: true} : {}),
  }
  return {check, problem}
}
