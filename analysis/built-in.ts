// Built-in figures of threshold checks, from the counted polls of the last window: one sample per side that counted.
import type {Threshold} from '../crds/rollout.ts'
import type {SlotName} from '../crds/slots.ts'
import {defaultQuantile} from './checks.ts'
import type {CountedPoll, ReportingSide} from './polls.ts'
import type {SideAnswer} from './threshold.ts'
import {durationQuantile, successRatePercent, sumDurations} from './window-figures.ts'

const sides: readonly ReportingSide[] = ['caller', 'destination']

/**
 * What each side says of a slot in a window: success rate in percent or duration in milliseconds; no sample where the side
 * counted nothing.
 */
export function builtInAnswers(
  metric: NonNullable<Threshold['metric']>,
  quantile: number | undefined,
  slot: SlotName,
  polls: readonly CountedPoll[],
): SideAnswer[] {
  return sides.map(side => {
    const counts = polls.flatMap(poll => poll.sides[side]?.[slot] ?? [])
    const value =
      metric === 'requestSuccessRate'
        ? successRatePercent({failed: sum(counts.map(one => one.failed)), total: sum(counts.map(one => one.total))})
        : durationQuantile(sumDurations(counts.flatMap(one => one.durations ?? [])), quantile ?? defaultQuantile)
    const samples = counts.length === 0 ? [] : [{labels: {}, value}]
    return {side, answer: {kind: 'vector', samples}}
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
