// From the readings of one grid time to the next: what both slots were asked and failed, as each side counted it.
import type {Side} from './checks.ts'
import {type ArmCounts, noRequests} from './compare/poll.ts'
import {type Arm, countsBetween, type Reading, unknownKeys} from './counters.ts'

export type ReportingSide = Exclude<Side, 'query'>
export type SlotCounts = Record<Arm, ArmCounts>

/** The readings of a grid time that can still be compared with a later one: the last that held any series. */
export interface SideReadings {
  requests?: Reading
  durations?: Reading
}
export type Readings = Record<ReportingSide, SideReadings>

export const noReadings: Readings = {caller: {}, destination: {}}

/** What was counted up to a grid time. */
export interface CountedPoll {
  at: number
  /** Time that it covers, milliseconds. */
  milliseconds: number
  /** Only sides that had series at both ends. */
  sides: Partial<Record<ReportingSide, SlotCounts>>
}

/** Whether a series that the reading before doesn't have was seen earlier still. */
export type Returned = (side: ReportingSide, kind: 'requests' | 'durations', key: string) => boolean

/** A poll that covers more grid intervals than this spans an outage: it is dropped. */
export const maximumPollIntervals = 3

const reportingSides: readonly ReportingSide[] = ['caller', 'destination']
const kinds = ['requests', 'durations'] as const

/** Series of each reading that the one before doesn't have, so that they may be back after a gap. */
export function newcomers(
  before: Readings,
  after: Readings,
): {side: ReportingSide; kind: 'requests' | 'durations'; at: number}[] {
  return reportingSides.flatMap(side =>
    kinds.flatMap(kind => {
      const [earlier, later] = [before[side][kind], after[side][kind]]
      return earlier && later && unknownKeys(earlier, later).length > 0 ? [{side, kind, at: earlier.at}] : []
    }),
  )
}

/**
 * @param before readings to compare with
 * @param after readings of the grid time `at`; those without any series are a gap, and the earlier ones stay
 * @param isBack whether a series was seen before and was missing in `before`
 */
export function pollBetween(
  before: Readings,
  after: Readings,
  at: number,
  intervalMilliseconds: number,
  isBack: Returned,
): {readings: Readings; poll: CountedPoll | undefined} {
  const sides: CountedPoll['sides'] = {}
  let milliseconds = intervalMilliseconds
  const readings: Readings = {caller: {...before.caller}, destination: {...before.destination}}
  for (const side of reportingSides) {
    for (const kind of kinds) {
      const later = after[side][kind]
      if (!later || later.counters.size === 0) continue
      readings[side][kind] = later
      const earlier = before[side][kind]
      if (!earlier || at - earlier.at > maximumPollIntervals * intervalMilliseconds) continue
      const counts = countsBetween(kind, earlier, later, key => isBack(side, kind, key))
      milliseconds = Math.max(milliseconds, at - earlier.at)
      sides[side] = merged(sides[side], counts, kind)
    }
  }
  return {readings, poll: Object.keys(sides).length > 0 ? {at, milliseconds, sides} : undefined}
}

function merged(known: SlotCounts | undefined, counts: SlotCounts, kind: 'requests' | 'durations'): SlotCounts {
  const arm = (slot: Arm): ArmCounts => {
    const {durations} = counts[slot]
    if (kind === 'requests') return counts[slot]
    return {...(known?.[slot] ?? noRequests), ...(durations ? {durations} : {})}
  }
  return {a: arm('a'), b: arm('b'), baseline: arm('baseline')}
}
