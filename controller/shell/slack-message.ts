import type {AlertMessage} from '../ports.ts'

// Limits of Slack's Block Kit reference; a message above any of them is refused as a whole.
const maxHeaderLength = 150
const maxTextLength = 3_000
const maxFieldLength = 2_000
const maxFieldsPerSection = 10
const maxFieldSections = 4
const maxFallbackLength = 1_000

const colours: Record<AlertMessage['severity'], string> = {info: '#2eb67d', warn: '#ecb22e', error: '#e01e5a'}

/**
 * The body for a Slack incoming webhook: one attachment, coloured by severity, of blocks.
 *
 * @param channel overrides the webhook's own channel where the workspace allows that
 */
export function slackMessage(message: AlertMessage, channel: string | undefined): object {
  const fields = Object.entries(message.fields)
  const sections = []
  for (let at = 0; at < fields.length && sections.length < maxFieldSections; at += maxFieldsPerSection) {
    const part = fields.slice(at, at + maxFieldsPerSection).filter(([name, value]) => name !== '' || value !== '')
    if (part.length > 0) sections.push({type: 'section', fields: part.map(([name, value]) => field(name, value))})
  }
  const title = cut(message.title === '' ? message.event : message.title, maxHeaderLength)
  const blocks: object[] = [{type: 'header', text: {type: 'plain_text', text: title, emoji: false}}]
  if (message.text !== '') blocks.push({type: 'section', text: markdown(escaped(message.text, maxTextLength))})
  blocks.push(...sections)
  const footer = escaped(`${message.event} · ${message.createdAt} · ${message.id}`, maxFieldLength)
  blocks.push({type: 'context', elements: [markdown(footer)]})
  return {
    // Shown by notifications, which don't render blocks.
    text: escaped(message.title, maxFallbackLength),
    attachments: [{color: colours[message.severity], fallback: escaped(message.title, maxFallbackLength), blocks}],
    ...(channel === undefined ? {} : {channel}),
  }
}

function field(name: string, value: string) {
  const label = escaped(name, maxFieldLength / 4)
  return markdown(`*${label}*\n${escaped(value, maxFieldLength - label.length - 3)}`)
}

function markdown(text: string) {
  return {type: 'mrkdwn', text}
}

/** Escapes Slack's control characters, so that a commit message can't ping a channel, and cuts to a length. */
function escaped(text: string, limit: number): string {
  const safe = cut(text, limit).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  if (safe.length <= limit) return safe
  // Cut again because escaping made it longer; half an entity or half a character would show as garbage.
  return `${safe.slice(0, limit - 1).replace(/&[a-z]{0,3}$|[\uD800-\uDBFF]$/, '')}…`
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  // A high surrogate at the end has lost its other half.
  return `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
