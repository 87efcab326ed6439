// Built-in figures of threshold checks, from the counted polls of the last window: one sample per side that counted.
import type {Threshold} from '../crds/rollout.ts'
import type {SlotName} from '../crds/slots.ts'
import {defaultQuantile} from './checks.ts'
import type {ArmCounts} from './compare/poll.ts'
import type {CountedPoll, ReportingSide} from './polls.ts'
import type {SideAnswer} from './threshold.ts'
import {durationQuantile, successRatePercent, sumDurations} from './window-figures.ts'

const sides: readonly ReportingSide[] = ['caller', 'destination']

/**
 * What each side says of a slot in a window: success rate in percent, duration in milliseconds, or requests in plaintext; no
 * sample where the side counted nothing, or can't tell.
 */
export function builtInAnswers(
  metric: NonNullable<Threshold['metric']>,
  quantile: number | undefined,
  slot: SlotName,
  polls: readonly CountedPoll[],
): SideAnswer[] {
  return sides.map(side => {
    const counts = polls.flatMap(poll => poll.sides[side]?.[slot] ?? [])
    const samples = figuresOf(metric, quantile, counts).map(value => ({labels: {}, value}))
    return {side, answer: {kind: 'vector', samples}}
  })
}

/** The figure of a side; none where there is nothing to say, NaN where there were no requests. */
function figuresOf(
  metric: NonNullable<Threshold['metric']>,
  quantile: number | undefined,
  counts: readonly ArmCounts[],
): number[] {
  if (counts.length === 0) return []
  const total = sum(counts.map(one => one.total))
  switch (metric) {
    case 'requestSuccessRate':
      return [successRatePercent({failed: sum(counts.map(one => one.failed)), total})]
    case 'requestDuration':
      return [durationQuantile(sumDurations(counts.flatMap(one => one.durations ?? [])), quantile ?? defaultQuantile)]
    case 'plaintextRequests': {
      const told = counts.filter(one => one.total > 0 || one.plaintext !== undefined)
      const plaintext = told.flatMap(one => one.plaintext ?? [])
      // A poll that can't tell may hide one.
      if (plaintext.length < told.length || plaintext.length === 0) return []
      return [total > 0 || sum(plaintext) > 0 ? sum(plaintext) : Number.NaN]
    }
    default:
      return metric satisfies never
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
