// Functions of a range of samples. rate, increase and delta extrapolate to the borders of the window as Prometheus 3 does.
import type {Sample} from '../store.ts'

/** A sample that is no stale marker. */
export interface Point {
  at: number
  value: number
}

/** The window of a range: its samples are later than `from` and at most `to` (milliseconds). */
export interface Window {
  from: number
  to: number
}

export type RangeFunction = (points: Point[], window: Window) => number | undefined

/** The samples of a window: the left border is excluded, as in Prometheus 3; stale markers are left out. */
export function pointsIn(samples: readonly Sample[], window: Window): Point[] {
  const points: Point[] = []
  for (const {at, value} of samples)
    if (at > window.from && at <= window.to && value !== 'stale') points.push({at, value})
  return points
}

/** What a counter grew by, a fall being a reset to zero; a value in between that is not a number changes nothing. */
function counterChange(points: Point[]): number {
  let total = (points.at(-1)?.value ?? 0) - (points[0]?.value ?? 0)
  for (let index = 1; index < points.length; index++) {
    const before = points[index - 1]?.value ?? 0
    if ((points[index]?.value ?? 0) < before) total += before
  }
  return total
}

function extrapolated(points: Point[], window: Window, kind: 'rate' | 'increase' | 'delta'): number | undefined {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || points.length < 2) return undefined
  const isCounter = kind !== 'delta'
  const change = isCounter ? counterChange(points) : last.value - first.value
  const sampled = (last.at - first.at) / 1000
  const between = sampled / (points.length - 1)
  let toStart = (first.at - window.from) / 1000
  let toEnd = (window.to - last.at) / 1000
  // Samples that end well before a border: the series is taken to begin or end half an interval beyond them.
  const threshold = between * 1.1
  if (toStart >= threshold) toStart = between / 2
  if (isCounter && change > 0 && first.value >= 0) toStart = Math.min(toStart, sampled * (first.value / change))
  if (toEnd >= threshold) toEnd = between / 2
  const factor = (sampled + toStart + toEnd) / sampled
  // In this order, so that the last bit is that of Prometheus.
  return change * (kind === 'rate' ? factor / ((window.to - window.from) / 1000) : factor)
}

function irate(points: Point[]): number | undefined {
  const [before, last] = points.slice(-2)
  if (!before || !last) return undefined
  const change = last.value < before.value ? last.value : last.value - before.value
  return change / ((last.at - before.at) / 1000)
}

function fold(combine: (values: number[]) => number): RangeFunction {
  return points => (points.length === 0 ? undefined : combine(points.map(point => point.value)))
}

/** The value that beats all others; NaN loses against every number. */
export function best(values: number[], better: (value: number, kept: number) => boolean): number {
  return values.reduce((kept, value) => (Number.isNaN(kept) || better(value, kept) ? value : kept))
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

export const rangeFunctions: Readonly<Record<string, RangeFunction>> = {
  rate: (points, window) => extrapolated(points, window, 'rate'),
  increase: (points, window) => extrapolated(points, window, 'increase'),
  irate,
  delta: (points, window) => extrapolated(points, window, 'delta'),
  sum_over_time: fold(sum),
  avg_over_time: fold(values => sum(values) / values.length),
  max_over_time: fold(values => best(values, (value, kept) => value > kept)),
  min_over_time: fold(values => best(values, (value, kept) => value < kept)),
  count_over_time: fold(values => values.length),
  last_over_time: fold(values => values.at(-1) ?? Number.NaN),
}
