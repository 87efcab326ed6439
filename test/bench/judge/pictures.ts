// The pictures of docs/judge.md, as SVG that is readable on light and on dark pages.

import {boundOfHarm} from './bounds.ts'
import type {Figures} from './measure.ts'
import {shareInterval} from './measure.ts'
import type {Judge} from './scenarios/scenario.ts'
import {scenarios} from './scenarios.ts'

const width = 760
const left = 275
const right = 40
const rowHeight = 22
const colours: Record<Judge | 'bound', string> = {
  fairlead: '#0b7a75',
  flagger: '#c8553d',
  'flagger, 1 check': '#e08e45',
  argo: '#7d5ba6',
  kayenta: '#4a6fa5',
  bound: '#888888',
}
const names: Record<Judge | 'bound', string> = {
  fairlead: 'Fairlead',
  flagger: 'Flagger, 5 × 1 min',
  'flagger, 1 check': 'Flagger, 1 check',
  argo: 'Argo Rollouts, 4 × 5 min',
  kayenta: 'Kayenta, once after 30 min',
  bound: "Wald's bound, rates known",
}

/** A picture of a white card: text and lines are dark on it whatever the page is. */
function svg(height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" rx="6" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="15" font-weight="600" fill="#1b1f24">${title}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

/** Failed requests of users until the rollback, by the size of the fault; on a logarithmic scale. */
export function damagePicture(figures: readonly Figures[]): string {
  const faults = scenarios.filter(({id}) => /^fault [\d.]+ %$/.test(id))
  const most = Math.log10(30_000)
  const x = (value: number) => left + ((width - left - right) * Math.log10(Math.max(1, value))) / most
  const body: string[] = []
  let y = 56
  for (const scenario of faults) {
    body.push(text(16, y + 4, `canary fails ${Number((scenario.conditions.canary * 100).toPrecision(3))} %`, true))
    const rows: [Judge | 'bound', number | undefined, string][] = scenario.judges.map(judge => {
      const one = figures.find(found => found.scenario === scenario.id && found.judge === judge)
      const caught = one ? one.rollbacks / one.runs : 0
      return [
        judge,
        caught > 0 ? one?.badMedian : undefined,
        caught < 0.995 ? ` (${Math.round(caught * 100)} % caught)` : '',
      ]
    })
    for (const [judge, value, note] of [['bound', boundOfHarm(scenario), ''] as const, ...rows]) {
      y += rowHeight
      body.push(text(28, y + 4, names[judge]))
      if (value !== undefined) {
        const end = Math.max(x(value), left + 3)
        body.push(
          `<rect x="${left}" y="${y - 8}" width="${(end - left).toFixed(1)}" height="14" fill="${colours[judge]}"/>`,
        )
        body.push(text(end + 6, y + 4, `${Number(value.toPrecision(3))}${note}`))
      } else body.push(text(left + 6, y + 4, 'never rolled back'))
    }
    y += rowHeight + 12
  }
  return svg(y + 4, 'Failed requests until the weight moved back (median, logarithmic)', body)
}

/** False rollbacks with their intervals, against alpha. */
export function falseAlarmPicture(figures: readonly Figures[]): string {
  const healthy = scenarios.filter(({good, beyond}) => good === 'stays' && !beyond)
  const most = 0.02
  const x = (share: number) => left + ((width - left - right) * Math.min(share, most)) / most
  const body: string[] = []
  let y = 62
  const bottom = 62 + healthy.length * rowHeight
  for (const share of [0, 0.005, 0.01, 0.015, 0.02]) {
    const alpha = share === 0.01
    body.push(
      `<line x1="${x(share)}" x2="${x(share)}" y1="48" y2="${bottom}" stroke="${alpha ? '#c8553d' : '#d0d7de'}" stroke-width="${alpha ? 2 : 1}"/>`,
    )
    body.push(text(x(share) - 12, bottom + 18, `${share * 100} %`))
  }
  for (const {id} of healthy) {
    const one = figures.find(({scenario, judge}) => scenario === id && judge === 'fairlead')
    if (!one) continue
    const [low, high] = shareInterval(one.rollbacks, one.runs)
    body.push(text(16, y + 4, id))
    body.push(
      `<line x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${y}" y2="${y}" stroke="${colours.fairlead}" stroke-width="3"/>`,
    )
    body.push(`<circle cx="${x(one.rollbacks / one.runs).toFixed(1)}" cy="${y}" r="4" fill="${colours.fairlead}"/>`)
    y += rowHeight
  }
  return svg(bottom + 30, 'False rollbacks of healthy canaries, with 95 % intervals; alpha in red', body)
}

function text(x: number, y: number, content: string, strong = false): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#1b1f24"${strong ? ' font-weight="600"' : ''}>${safe}</text>`
}
