// How messages of threshold checks name a figure, its unit, its side and its series.
import {defaultQuantile, type Side, type ThresholdCheck} from './checks.ts'

const leastFigureDigits = 4
const mostFigureDigits = 17
const maximumSeriesNameLength = 200

/** What a check measures. */
export function subject({name, threshold}: ThresholdCheck): string {
  switch (threshold.metric) {
    case 'requestSuccessRate':
      return 'success rate'
    case 'requestDuration':
      return `p${percentile(threshold.quantile ?? defaultQuantile)} request duration`
    case 'plaintextRequests':
      return 'plaintext requests'
    case undefined:
      return name
  }
}

/** 0.29 * 100 is not 29 in floating point. */
function percentile(quantile: number): number {
  return Number((quantile * 100).toPrecision(10))
}

export function withUnit({threshold}: ThresholdCheck, figure: string): string {
  switch (threshold.metric) {
    case 'requestSuccessRate':
      return `${figure} %`
    case 'requestDuration':
      return `${figure} ms`
    case 'plaintextRequests':
    case undefined:
      return figure
  }
}

export function sideClause(side: Side): string {
  switch (side) {
    case 'caller':
      return ' (reported by the callers)'
    case 'destination':
      return ' (reported by the pods)'
    case 'query':
      return ''
  }
}

/** A figure with few digits, yet enough that it stands on the same side of every bound as the value itself. */
export function figureText(value: number, bounds: readonly number[]): string {
  const wholeDigits = String(Math.trunc(Math.abs(value))).length
  for (let digits = Math.max(leastFigureDigits, wholeDigits); digits < mostFigureDigits; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (bounds.every(bound => Math.sign(rounded - bound) === Math.sign(value - bound))) return String(rounded)
  }
  return String(value)
}

/** A series by its labels, as PromQL writes it; the same for the same labels in any order. */
export function seriesName(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .filter(([label]) => label !== '__name__')
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  const metric = Object.hasOwn(labels, '__name__') ? labels.__name__ : ''
  return `${metric}{${pairs.join(', ')}}`
}

/** The same, cut to what a message has room for. */
export function shortSeriesName(labels: Readonly<Record<string, string>>): string {
  const name = seriesName(labels)
  return name.length <= maximumSeriesNameLength ? name : `${name.slice(0, maximumSeriesNameLength)}…`
}
