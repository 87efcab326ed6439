// What the rest of this room says of a check: its kinds, its place in the spec, and the sides that report on it.
import type {Check, Threshold} from '../crds/rollout.ts'

/** A check with a fixed bound. */
export interface ThresholdCheck {
  name: string
  threshold: Threshold
}

/** Who reports a figure: the callers' proxies, the pods' own, or whoever the user's own query asks. */
export type Side = 'caller' | 'destination' | 'query'

/** Longest message that the status takes. */
export const maximumMessageLength = 1024

/** Reasons of a check that only has to go on for a while: no news for anybody. */
const awaiting = new Set([
  'WindowNotFull',
  'InitialDelay',
  'BelowFailureLimit',
  'MoreRequestsNeeded',
  'AnswerAwaited',
  'AwaitingScrapes',
])

/** Whether a check without a verdict just needs time or requests, and nobody's help. */
export function isAwaiting(reason: string): boolean {
  return awaiting.has(reason)
}

/** Quantile of requestDuration where the check names none. */
export const defaultQuantile = 0.99

/** Every key of a check but its name is a kind of check. */
export type CheckKind = Exclude<keyof Check, 'name'>

/** Adding a kind to the schema fails to compile here, and then in every switch over {@link CheckKind}. */
const kinds = {threshold: true, compare: true} satisfies Record<CheckKind, true>

/** The kinds that a check sets; valid checks set exactly one. */
export function kindsOf(check: Check): CheckKind[] {
  return (Object.keys(kinds) as CheckKind[]).filter(kind => check[kind] !== undefined)
}

/** The checks whose results count: one that is dry-run is reported only, as if it were not there. */
export function checksInForce(checks: readonly Check[]): Check[] {
  return checks.filter(({threshold}) => !threshold?.dryRun)
}

/** The field of the spec that gives a check its figure, as messages name it. */
export function sourceField(check: ThresholdCheck): string {
  return `${checkField(check)}.threshold.${sourceName(check.threshold)}`
}

/** The place of a check in the spec, as messages name it. */
export function checkField(check: {name: string}): string {
  return `analysis.checks[name=${check.name}]`
}

function sourceName(threshold: Threshold): string {
  if (threshold.query !== undefined) return 'query'
  return threshold.templateRef === undefined ? 'metric' : `templateRef (MetricTemplate ${threshold.templateRef.name})`
}
