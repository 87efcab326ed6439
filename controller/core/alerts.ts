// Alerts leave through an outbox in the status: written with the decision, sent afterwards, removed when delivered. So
// a crash sends one twice rather than never, and the id lets the receiver tell.

import {timeText} from '../../crds/common.ts'
import type {CommitInfo, PendingAlert, SlotContent} from '../../crds/rollout-status.ts'
import type {AlertMessage} from '../ports.ts'
import type {Ledger} from './state.ts'
import type {World} from './world.ts'

/** Alerts that may wait at once; the oldest give way. */
const maximumPending = 20

const ranks = {info: 0, warn: 1, error: 2} as const
export type Severity = keyof typeof ranks

export interface AlertContent {
  event: string
  severity: Severity
  title: string
  text: string
  fields: Record<string, string>
}

/** The ledger with an alert in the outbox, for every channel that wants its severity; unchanged when none does. */
export function withAlert(world: World, ledger: Ledger, releaseId: string, content: AlertContent): Ledger {
  const channels = world.spec.alerts
    .filter(alert => ranks[content.severity] >= ranks[alert.severity])
    .map(alert => alert.channelRef.name)
  const id = `${world.observation.rollout.metadata.uid}/${releaseId}/${content.event}`
  if (channels.length === 0 || ledger.alerts.some(pending => pending.id === id)) return ledger
  const alert: PendingAlert = {
    id,
    event: content.event,
    severity: content.severity,
    title: content.title.slice(0, 512),
    text: content.text.slice(0, 4096),
    fields: Object.fromEntries(Object.entries(content.fields).map(([key, value]) => [key, value.slice(0, 2048)])),
    createdAt: timeText(world.now),
    channels: [...new Set(channels)],
  }
  return {...ledger, alerts: [...ledger.alerts, alert].slice(-maximumPending)}
}

/** The ledger without what was delivered, and without channels that the spec no longer names. */
export function settleAlerts(world: World, ledger: Ledger): Ledger {
  if (ledger.alerts.length === 0) return ledger
  const named = new Set(world.spec.alerts.map(alert => alert.channelRef.name))
  const delivered = new Set(world.observation.delivered.map(({id, channel}) => `${id} ${channel}`))
  const alerts = ledger.alerts.flatMap(alert => {
    const channels = alert.channels.filter(channel => named.has(channel) && !delivered.has(`${alert.id} ${channel}`))
    return channels.length === 0 ? [] : [channels.length === alert.channels.length ? alert : {...alert, channels}]
  })
  const unchanged =
    alerts.length === ledger.alerts.length && alerts.every((alert, index) => alert === ledger.alerts[index])
  return unchanged ? ledger : {...ledger, alerts}
}

/** What a notifier needs of a pending alert. */
export function messageOf(alert: PendingAlert): AlertMessage {
  const {id, event, severity, title, text, fields, createdAt} = alert
  return {id, event, severity, title, text, fields, createdAt}
}

export function commitText(commit: CommitInfo | undefined): string {
  if (!commit) return 'unknown'
  const subject = commit.subject ? ` "${commit.subject}"` : ''
  const author = commit.author ? ` by ${commit.author}` : ''
  return `${commit.hash.slice(0, 12)}${subject}${author}`
}

/** The facts that every alert of a release carries. */
export function releaseFields(world: World, stable: SlotContent, released: SlotContent): Record<string, string> {
  const {name, namespace} = world.observation.meshContext.rollout
  const fields: Record<string, string> = {
    rollout: `${namespace}/${name}`,
    revision: released.revision,
    'canary image': released.image,
    'primary image': stable.image,
  }
  if (released.commit) {
    fields.commit = released.commit.hash
    if (released.commit.author) fields.author = released.commit.author
    if (released.commit.subject) fields.subject = released.commit.subject
  }
  return fields
}
