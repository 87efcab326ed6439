// From the series that one side answered to one finding. NaN and infinities never become a pass or a failure: with `all` a
// series in bounds doesn't excuse one that is not a number, and an aggregate is as good as its worst series.
import type {Threshold} from '../crds/rollout.ts'
import type {CheckResult} from '../crds/rollout-status.ts'
import {type Side, sourceField, type ThresholdCheck} from './checks.ts'
import {figureText, seriesName, shortSeriesName, sideClause, subject, withUnit} from './threshold-text.ts'

export type Finding = Pick<CheckResult, 'verdict' | 'reason' | 'message' | 'value'>

/** One series of an instant vector. */
export interface Sample {
  labels: Readonly<Record<string, string>>
  value: number
}

/** A figure and what messages say of where it comes from. */
interface Figure {
  value: number
  /** Stands behind the figure. */
  origin: string
  /** Stands at the end of the sentence. */
  remark: string
}

type Mode = NonNullable<Threshold['series']>
type Aggregate = Exclude<Mode, 'single' | 'any' | 'all'>

/** The finding that decides comes first: of all series, one out of bounds; of any, one within. */
const ranksOf = {
  all: {fail: 0, error: 1, noData: 2, pass: 3, inconclusive: 4},
  any: {pass: 0, error: 1, noData: 2, fail: 3, inconclusive: 4},
} as const

/**
 * Judges the series of one side.
 * @returns reasons Passed, BelowMinimum, AboveMaximum, NoSeries, NotANumber (no data), DuplicateSeries, SeveralSeries,
 *   Infinite, NoBound (errors)
 */
export function judgeSeries(check: ThresholdCheck, side: Side, samples: readonly Sample[]): Finding {
  const [sample, another] = samples
  if (!sample) return noSeries(check, side)
  const twice = duplicateOf(samples)
  if (twice) return duplicate(check, side, twice)
  const mode = check.threshold.series ?? 'single'
  switch (mode) {
    case 'single':
      return another ? several(check, side, samples.length) : judgeFigure(check, side, plain(sample.value))
    case 'any':
    case 'all':
      return judgeEach(check, side, samples, mode)
    default:
      return judgeAggregate(check, side, samples, mode)
  }
}

export function noSeries(check: ThresholdCheck, side?: Side): Finding {
  const clause = side ? sideClause(side) : ''
  const message = `${sourceField(check)} returned no series${clause}: the canary had no traffic, or Prometheus doesn't scrape it`
  return {verdict: 'noData', reason: 'NoSeries', message}
}

function duplicateOf(samples: readonly Sample[]): Sample | undefined {
  const seen = new Set<string>()
  return samples.find(({labels}) => {
    const name = seriesName(labels)
    return seen.has(name) || !seen.add(name)
  })
}

function duplicate(check: ThresholdCheck, side: Side, {labels}: Sample): Finding {
  const message = `${sourceField(check)} returned the series ${shortSeriesName(labels)} twice${sideClause(side)}: two stores answer for it; deduplicate them`
  return {verdict: 'error', reason: 'DuplicateSeries', message}
}

function several(check: ThresholdCheck, side: Side, count: number): Finding {
  const message = `${sourceField(check)} returned ${count} series${sideClause(side)}: aggregate with sum() or max(), or say with threshold.series what becomes of several`
  return {verdict: 'error', reason: 'SeveralSeries', message}
}

function plain(value: number): Figure {
  return {value, origin: '', remark: ''}
}

function judgeEach(check: ThresholdCheck, side: Side, samples: readonly Sample[], mode: 'any' | 'all'): Finding {
  const ranks = ranksOf[mode]
  const direction = mode === 'all' ? -1 : 1
  const extreme = mode === 'all' ? 'worst' : 'best'
  const remark = samples.length === 1 ? '' : `, the ${extreme} of ${samples.length} series`
  const [decisive] = samples
    .map(({labels, value}) => ({
      finding: judgeFigure(check, side, {value, origin: ` of ${shortSeriesName(labels)}`, remark}),
      excess: excessOf(check, value),
      name: seriesName(labels),
    }))
    .toSorted(
      (left, right) =>
        ranks[left.finding.verdict] - ranks[right.finding.verdict] ||
        direction * compare(left.excess, right.excess) ||
        (left.name < right.name ? -1 : 1),
    )
  return decisive?.finding ?? noSeries(check, side)
}

/** How far a value lies beyond the nearer bound; negative within both. */
function excessOf({threshold: {min, max}}: ThresholdCheck, value: number): number {
  const below = min === undefined ? Number.NEGATIVE_INFINITY : min - value
  const above = max === undefined ? Number.NEGATIVE_INFINITY : value - max
  return Math.max(below, above)
}

/** Differences of equal infinities would be NaN, which sorts anyhow. */
function compare(left: number, right: number): number {
  if (left === right || Number.isNaN(left) || Number.isNaN(right)) return 0
  return left < right ? -1 : 1
}

function judgeAggregate(check: ThresholdCheck, side: Side, samples: readonly Sample[], mode: Aggregate): Finding {
  for (const isBad of [isInfinite, Number.isNaN]) {
    const bad = samples.find(({value}) => isBad(value))
    if (bad) {
      return judgeFigure(check, side, {value: bad.value, origin: ` of ${shortSeriesName(bad.labels)}`, remark: ''})
    }
  }
  // Sorted, since the sum of floating-point numbers depends on their order.
  const values = samples.map(({value}) => value).toSorted((left, right) => left - right)
  const remark = `, the ${mode} of ${values.length} series`
  return judgeFigure(check, side, {value: aggregateOf(mode, values), origin: '', remark})
}

function aggregateOf(mode: Aggregate, rising: readonly number[]): number {
  const sum = rising.reduce((total, value) => total + value, 0)
  switch (mode) {
    case 'sum':
      return sum
    case 'avg':
      return sum / rising.length
    case 'max':
      return rising.at(-1) ?? Number.NaN
    case 'min':
      return rising[0] ?? Number.NaN
  }
}

function isInfinite(value: number): boolean {
  return Math.abs(value) === Number.POSITIVE_INFINITY
}

function judgeFigure(check: ThresholdCheck, side: Side, {value, origin, remark}: Figure): Finding {
  if (Number.isNaN(value)) {
    const message = `${subject(check)}${origin} is not a number${sideClause(side)}: most often a division by zero, without traffic`
    return {verdict: 'noData', reason: 'NotANumber', message}
  }
  if (!Number.isFinite(value)) {
    const message = `${sourceField(check)} returned an infinite value${origin}${sideClause(side)}: guard the query against a division by zero`
    return {verdict: 'error', reason: 'Infinite', message}
  }
  const {min, max} = check.threshold
  if (min === undefined && max === undefined) {
    const message = `${sourceField(check)} has no bound to hold its figure against: set min, max or both`
    return {verdict: 'error', reason: 'NoBound', message, value}
  }
  const bounds = [min, max].filter(bound => bound !== undefined)
  const sentence = (relation: string, ...against: number[]) =>
    `${subject(check)} ${withUnit(check, figureText(value, against))}${origin} is ${relation}${sideClause(side)}${remark}`
  const bound = (limit: number) => withUnit(check, String(limit))
  if (min !== undefined && value < min) {
    return {verdict: 'fail', reason: 'BelowMinimum', message: sentence(`below ${bound(min)}`, min), value}
  }
  if (max !== undefined && value > max) {
    return {verdict: 'fail', reason: 'AboveMaximum', message: sentence(`above ${bound(max)}`, max), value}
  }
  const relations = [
    ...(min === undefined ? [] : [`not below ${bound(min)}`]),
    ...(max === undefined ? [] : [`not above ${bound(max)}`]),
  ]
  return {verdict: 'pass', reason: 'Passed', message: sentence(relations.join(' and '), ...bounds), value}
}
