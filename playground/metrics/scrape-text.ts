// The Prometheus text exposition format, as far as counters, gauges and classic histograms need it.
import type {Labels} from './store.ts'

export interface ScrapedSample {
  labels: Labels
  value: number
}

const maximumLines = 200_000
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/
const labelPair = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/y

/** The samples of a page. @throws Error that names the line that isn't in the format */
export function parseScrape(text: string): ScrapedSample[] {
  const lines = text.split('\n')
  if (lines.length > maximumLines) throw new Error(`more than ${maximumLines} lines in one scrape`)
  return lines.flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const found = sampleLine.exec(line)
    if (!found) throw new Error(`line ${index + 1} is not a sample: ${line.slice(0, 100)}`)
    const [, name = '', pairs = '', value = ''] = found
    return [{labels: {__name__: name, ...parseLabels(pairs, index + 1)}, value: parseValue(value, index + 1)}]
  })
}

function parseLabels(text: string, line: number): Labels {
  const labels: Labels = {}
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < text.length) {
    const from = labelPair.lastIndex
    const found = labelPair.exec(text)
    if (!found) throw new Error(`line ${line}: labels are malformed at "${text.slice(from, from + 40)}"`)
    labels[found[1] ?? ''] = (found[2] ?? '').replace(/\\(.)/g, (_, escaped: string) =>
      escaped === 'n' ? '\n' : escaped,
    )
  }
  return labels
}

function parseValue(text: string, line: number): number {
  if (text === 'NaN') return Number.NaN
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  const value = Number(text)
  if (Number.isNaN(value)) throw new Error(`line ${line}: "${text}" is not a number`)
  return value
}
