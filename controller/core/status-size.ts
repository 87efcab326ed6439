// A Rollout's status stays under 64 KiB (law 10). What its parts may hold at their largest is more than that, so texts
// and what is only told give way, in a fixed order; what the state machine resumes from never does. The judge's
// evidence comes last: whoever runs has it in memory, and only a restart misses what was left out of the status.
import type {CompareEvidence, ProportionEvidence} from '../../crds/evidence.ts'
import type {PendingAlert, RolloutStatus, SlotContent} from '../../crds/rollout-status.ts'
import {without} from './state.ts'

/** Bytes of the status as JSON. */
const maximumStatusBytes = 64 * 1024

/** Lengths of texts that are cut, in bytes. */
const shortMessage = 160
const shortText = 512
const shortField = 128

/** Gives something up; the same status when there is nothing of it. Those with `repeat` give up one thing at a time. */
interface Shedding {
  shed(status: RolloutStatus): RolloutStatus
  repeat?: true
}

/** What gives way, and in which order. */
const order: readonly Shedding[] = [
  // Messages of ended releases, then the oldest of these.
  {
    shed: status =>
      withHistory(status, history => history.map(entry => ({...entry, message: cut(entry.message, shortMessage)}))),
  },
  {shed: status => withHistory(status, history => (history.length > 1 ? history.slice(0, -1) : history)), repeat: true},
  // Texts of alerts that wait; the alerts stay.
  {shed: status => withAlerts(status, alerts => alerts.map(shortAlert))},
  // Messages of checks and conditions: their reasons stay.
  {shed: shortChecks},
  {shed: shortConditions},
  // Images that pods ran, without which a moved tag is not noticed.
  {shed: withoutImageIDs},
  // The likelihoods behind the odds ratio, which is only told.
  {shed: status => withQuestions(status, question => ({...question, logLikelihoods: []}))},
  {shed: status => withHistory(status, () => [])},
  {shed: shortRelease},
  // Only now an alert itself, the oldest first.
  {shed: status => withAlerts(status, alerts => (alerts.length > 1 ? alerts.slice(1) : alerts)), repeat: true},
  // Of the evidence: what an incident would take back, then the bands, then the figures of the last verdict.
  {shed: status => withEvidence(status, check => without(check, 'apart'))},
  {shed: status => withEvidence(status, check => (check.bands ? {...check, bands: noBands} : check))},
  {shed: status => (status.checks ? {...status, checks: status.checks.map(one => without(one, 'evidence'))} : status)},
  {shed: status => withAlerts(status, () => [])},
  // More questions than analysis-problems.ts lets a release begin with: after a restart their evidence begins anew.
  {shed: withoutEvidence},
]

const noBands = {bounds: [], canary: [], primary: [], canaryTotal: 0, primaryTotal: 0}

/** The status, without what doesn't fit. Sheds the same of a status that it was applied to before. */
export function withinBound(status: RolloutStatus): RolloutStatus {
  let fitting = status
  for (const {shed, repeat} of order) {
    for (let again = true; again; ) {
      if (bytesOf(fitting) < maximumStatusBytes) return fitting
      const less = shed(fitting)
      again = repeat === true && less !== fitting
      fitting = less
    }
  }
  return fitting
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}

/** The begin of a text, of at most so many bytes as JSON, and no half characters. */
function cut(text: string, bytes: number): string {
  if (text.length <= bytes && bytesOf(text) - quotes <= bytes) return text
  const mark = '…'
  let room = bytes - (bytesOf(mark) - quotes)
  let end = 0
  for (const character of text) {
    room -= bytesOf(character) - quotes
    if (room < 0) break
    end += character.length
  }
  return text.slice(0, end) + mark
}

const quotes = 2

type History = NonNullable<RolloutStatus['history']>

function withHistory(status: RolloutStatus, change: (history: History) => History): RolloutStatus {
  if (!status.history) return status
  const history = change(status.history)
  if (history === status.history) return status
  return history.length > 0 ? {...status, history} : without(status, 'history')
}

function withAlerts(status: RolloutStatus, change: (alerts: PendingAlert[]) => PendingAlert[]): RolloutStatus {
  if (!status.alerts) return status
  const alerts = change(status.alerts)
  if (alerts === status.alerts) return status
  return alerts.length > 0 ? {...status, alerts} : without(status, 'alerts')
}

function shortAlert(alert: PendingAlert): PendingAlert {
  const fields = Object.entries(alert.fields).map(([name, value]) => [name, cut(value, shortField)])
  return {
    ...alert,
    title: cut(alert.title, shortMessage),
    text: cut(alert.text, shortText),
    fields: Object.fromEntries(fields),
  }
}

function shortChecks(status: RolloutStatus): RolloutStatus {
  if (!status.checks) return status
  return {...status, checks: status.checks.map(check => ({...check, message: cut(check.message, shortMessage)}))}
}

function shortConditions(status: RolloutStatus): RolloutStatus {
  if (!status.conditions) return status
  const conditions = status.conditions.map(one => ({...one, message: cut(one.message, shortMessage)}))
  return {...status, conditions}
}

function withoutImageIDs(status: RolloutStatus): RolloutStatus {
  const bare = (content: SlotContent) => without(content, 'imageIDs')
  return {
    ...status,
    ...(status.primary ? {primary: bare(status.primary)} : {}),
    ...(status.canary ? {canary: bare(status.canary)} : {}),
    ...(status.previous ? {previous: bare(status.previous)} : {}),
  }
}

/** The message of a rollback under way, and what is said of commits. */
function shortRelease(status: RolloutStatus): RolloutStatus {
  const {release} = status
  const bare = (content: SlotContent): SlotContent =>
    content.commit ? {...content, commit: {hash: content.commit.hash}} : content
  const rollback = release?.rollback && {...release.rollback, message: cut(release.rollback.message, shortMessage)}
  return {
    ...status,
    ...(status.primary ? {primary: bare(status.primary)} : {}),
    ...(status.canary ? {canary: bare(status.canary)} : {}),
    ...(status.previous ? {previous: bare(status.previous)} : {}),
    ...(release && rollback ? {release: {...release, rollback}} : {}),
  }
}

function withEvidence(status: RolloutStatus, change: (check: CompareEvidence) => CompareEvidence): RolloutStatus {
  const {release} = status
  if (!release?.evidence) return status
  const {evidence} = release
  return {...status, release: {...release, evidence: {...evidence, checks: evidence.checks.map(change)}}}
}

function withQuestions(
  status: RolloutStatus,
  change: (question: ProportionEvidence) => ProportionEvidence,
): RolloutStatus {
  return withEvidence(status, check => ({
    ...check,
    proportions: check.proportions.map(change),
    ...(check.apart ? {apart: {...check.apart, proportions: check.apart.proportions.map(change)}} : {}),
  }))
}

function withoutEvidence(status: RolloutStatus): RolloutStatus {
  return status.release ? {...status, release: without(status.release, 'evidence')} : status
}
