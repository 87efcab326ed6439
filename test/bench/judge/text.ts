// Tables and figures in Markdown.
import {shareInterval} from './measure.ts'

/** One line of a table. */
export type Line = readonly string[]

export function table(head: Line, rows: readonly Line[]): string {
  const line = (cells: Line) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A share with its 95 % confidence interval, in percent. */
export function share(count: number, runs: number): string {
  const [low, high] = shareInterval(count, runs)
  return `${figure((100 * count) / runs)} % (${figure(100 * low)}–${figure(100 * high)})`
}

export function figure(value: number | undefined): string {
  if (value === undefined) return ''
  return String(Number(value.toPrecision(value >= 100 ? 4 : 3)))
}

/** A figure beside another that belongs to it, in brackets. */
export function beside(value: number | undefined, other: number | undefined): string {
  if (value === undefined) return ''
  return other === undefined ? figure(value) : `${figure(value)} (${figure(other)})`
}
