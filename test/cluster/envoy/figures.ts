// What the users saw, held against what the Rollout's status said at that time.
import type {KubeObject} from '../../../crds/meta.ts'
import type {RolloutStatus, Weights} from '../../../crds/rollout-status.ts'
import type {SentRequest} from './client.ts'
import type {Report} from './report.ts'

/** A time during which the status called a weight confirmed. Milliseconds since the epoch. */
export interface ConfirmedSpan {
  weights: Weights
  confirmedAt: number
  /** When the next weight was decided, which is before its route was written. */
  until: number
  /** Requests that were sent after the confirmation and answered before that. */
  requests: SentRequest[]
}

/** Spans of confirmed weights, in order. */
export function confirmedSpans(report: Pick<Report, 'changes' | 'requests'>): ConfirmedSpan[] {
  const spans: ConfirmedSpan[] = []
  for (const {traffic} of statusesOf(report)) {
    if (!traffic) continue
    const last = spans.at(-1)
    if (last && traffic.wanted.a !== last.weights.a) last.until = Math.min(last.until, Date.parse(traffic.since))
    const {confirmed, confirmedAt} = traffic
    const at = Date.parse(confirmedAt ?? '')
    if (!confirmed || confirmed.a !== traffic.wanted.a || last?.confirmedAt === at) continue
    spans.push({weights: confirmed, confirmedAt: at, until: Number.POSITIVE_INFINITY, requests: []})
  }
  for (const span of spans) {
    span.requests = report.requests.filter(one => one.sentAt >= span.confirmedAt && one.endedAt <= span.until)
  }
  return spans
}

export function statusesOf(report: Pick<Report, 'changes'>): RolloutStatus[] {
  return report.changes.filter(({kind}) => kind === 'Rollout').map(({status}) => (status ?? {}) as RolloutStatus)
}

export function answeredBy(requests: readonly SentRequest[], slot: 'a' | 'b'): number {
  return requests.filter(({answer}) => answer?.slot === slot).length
}

/** Every confirmation of a weight, with the route as it stood in the API server at that moment. */
export function confirmations(report: Report): {weights: Weights; heldMilliseconds: number; route: KubeObject}[] {
  const found: {weights: Weights; heldMilliseconds: number; route: KubeObject}[] = []
  let route: KubeObject | undefined
  let last: string | undefined
  for (const object of report.changes) {
    if (object.kind === 'HTTPRoute') route = object
    const {traffic} = (object.kind === 'Rollout' ? (object.status ?? {}) : {}) as RolloutStatus
    const {confirmed, confirmedAt, inForceSince} = traffic ?? {}
    if (!route || !confirmed || !confirmedAt || confirmedAt === last || inForceSince === undefined) continue
    last = confirmedAt
    found.push({weights: confirmed, heldMilliseconds: Date.parse(confirmedAt) - Date.parse(inForceSince), route})
  }
  return found
}

/**
 * The least and the greatest count that `trials` independent trials of the given chance show, but for a chance of
 * `outside`, half of it on either side: exact, not by the normal curve.
 */
export function binomialBounds(trials: number, chance: number, outside: number): {least: number; greatest: number} {
  if (chance <= 0 || chance >= 1) return {least: trials * chance, greatest: trials * chance}
  let logarithm = trials * Math.log1p(-chance)
  let below = 0
  let least: number | undefined
  for (let count = 0; count < trials; count++) {
    below += Math.exp(logarithm)
    if (below > outside / 2) least ??= count
    if (below >= 1 - outside / 2) return {least: least ?? count, greatest: count}
    logarithm += Math.log(((trials - count) / (count + 1)) * (chance / (1 - chance)))
  }
  return {least: least ?? trials, greatest: trials}
}

/** How long after the decision the last request went to a slot that was to have none. Milliseconds; 0 when none did. */
export function straggling(report: Report): number {
  let longest = 0
  const seen = new Set<string>()
  for (const {traffic} of statusesOf(report)) {
    if (!traffic || seen.has(traffic.since)) continue
    seen.add(traffic.since)
    const slot = traffic.wanted.a === 0 ? 'a' : 'b'
    const since = Date.parse(traffic.since)
    const span = confirmedSpans(report).find(one => one.confirmedAt >= since)
    if (traffic.wanted[slot] !== 0 || !span) continue
    const late = report.requests.filter(
      one => one.answer?.slot === slot && one.sentAt >= since && one.sentAt < span.until,
    )
    longest = Math.max(longest, ...late.map(({sentAt}) => sentAt - since))
  }
  return longest
}
