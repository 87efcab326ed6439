// A plot for the terminal: one column per stretch of time, one row per step of the scale.

export interface Curve {
  title: string
  /** One value per column, undefined where there is none. */
  values: (number | undefined)[]
  /** Drawn as a line across, when set. */
  boundary?: number
  unit: string
}

const height = 8
const marks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** Lines of a bar chart, with the scale at the left. */
export function plot({title, values, boundary, unit}: Curve): string[] {
  const known = values.filter(value => value !== undefined)
  const top = Math.max(...known, boundary ?? 0, Number.MIN_VALUE)
  const rows: string[] = [title]
  const boundaryRow = boundary === undefined ? undefined : Math.min(height - 1, Math.floor((boundary / top) * height))
  for (let row = height - 1; row >= 0; row--) {
    const cells = values.map(value => cell(((value ?? 0) / top) * height - row, row === boundaryRow))
    const label = row === height - 1 ? figure(top) : row === 0 ? '0' : row === boundaryRow ? figure(boundary ?? 0) : ''
    rows.push(`${`${label} ${label === '' ? '' : unit}`.padStart(10)} │${cells.join('')}`)
  }
  return rows
}

/** One character: how full the row is, or the boundary. */
function cell(filled: number, isBoundary: boolean): string {
  if (filled >= 1) return marks[7]
  const mark = filled > 0 ? marks[Math.min(7, Math.floor(filled * 8))] : undefined
  return mark ?? (isBoundary ? '┄' : ' ')
}

/** The largest value of each of so many stretches. */
export function columns(values: readonly (number | undefined)[], count: number): (number | undefined)[] {
  if (values.length <= count) return [...values]
  return Array.from({length: count}, (_, index) => {
    const from = Math.floor((index * values.length) / count)
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / count))
    const known = values.slice(from, to).filter(value => value !== undefined)
    return known.length > 0 ? Math.max(...known) : undefined
  })
}

function figure(value: number): string {
  return String(Number(value.toPrecision(2)))
}
