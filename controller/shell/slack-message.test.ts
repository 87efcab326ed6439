import fc from 'fast-check'
import {expect, test} from 'vitest'
import type {AlertMessage} from '../ports.ts'
import {slackMessage} from './slack-message.ts'

const base: AlertMessage = {
  id: '1',
  event: 'Promoted',
  severity: 'info',
  title: 'cart was promoted',
  text: 'all checks passed',
  fields: {revision: 'abc'},
  createdAt: '2026-01-01T00:00:00Z',
}

interface Text {
  type: string
  text: string
}
interface Block {
  type: string
  text?: Text
  fields?: Text[]
  elements?: Text[]
}
interface Body {
  text: string
  channel?: string
  attachments: [{color: string; fallback: string; blocks: Block[]}]
}

function render(message: Partial<AlertMessage>, channel?: string): Body {
  return slackMessage({...base, ...message}, channel) as Body
}

test('an ordinary message', () => {
  const body = render({})
  expect(body).not.toHaveProperty('channel')
  const [attachment] = body.attachments
  expect(attachment.color).toBe('#2eb67d')
  expect(attachment.blocks).toEqual([
    {type: 'header', text: {type: 'plain_text', text: 'cart was promoted', emoji: false}},
    {type: 'section', text: {type: 'mrkdwn', text: 'all checks passed'}},
    {type: 'section', fields: [{type: 'mrkdwn', text: '*revision*\nabc'}]},
    {type: 'context', elements: [{type: 'mrkdwn', text: 'Promoted · 2026-01-01T00:00:00Z · 1'}]},
  ])
})

test('a commit message can neither ping a channel nor make a link', () => {
  const body = JSON.stringify(render({text: '<!channel> & <https://evil|click>', fields: {subject: '<@U1>'}}))
  expect(body).not.toMatch(/<[!@h]/)
  expect(body).toContain('&lt;!channel&gt; &amp; ')
})

test('whatever comes in, what goes out is within Slack’s limits', () => {
  const unit = fc.oneof(fc.constantFrom('&', '<', '&👋', 'é>', ''), fc.string({unit: 'grapheme', maxLength: 20}))
  const text = fc.tuple(unit, unit, fc.nat(2_000)).map(([start, repeated, times]) => start + repeated.repeat(times))
  const fields = fc.dictionary(text, text, {maxKeys: 60})
  fc.assert(
    fc.property(text, text, fields, (title, body, fieldSet) => {
      const {blocks} = render({title, text: body, fields: fieldSet}).attachments[0]
      expect(blocks.length).toBeLessThanOrEqual(50)
      for (const block of blocks) {
        if (block.text) expect(block.text.text.length).toBeGreaterThan(0)
        expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(block.type === 'header' ? 150 : 3_000)
        expect(block.fields?.length ?? 1).toBeGreaterThan(0)
        expect(block.fields?.length ?? 0).toBeLessThanOrEqual(10)
        for (const part of [...(block.fields ?? []), ...(block.elements ?? [])]) {
          expect(part.text.length).toBeLessThanOrEqual(2_000)
          // No entity is cut in two, and no character either.
          expect(part.text).not.toMatch(/&(?!amp;|lt;|gt;)/)
          expect(part.text.isWellFormed()).toBe(true)
        }
      }
    }),
    {numRuns: 50},
  )
})
