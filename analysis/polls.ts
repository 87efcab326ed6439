// From the readings of one grid time to the next: what both slots were asked and failed, as each side counted it.
import type {Side} from './checks.ts'
import {type ArmCounts, noRequests} from './compare/poll.ts'
import {type Arm, countsOf, incrementsBetween, type Reading, type SampleTimes, unknownKeys} from './counters.ts'

export type ReportingSide = Exclude<Side, 'query'>
export type SlotCounts = Record<Arm, ArmCounts>
type Kind = 'requests' | 'durations'

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
  /**
   * When the oldest of the samples was taken that a side's counts begin at, milliseconds: up to a whole scrape before the
   * time that the poll covers.
   */
  sampledFrom?: Partial<Record<ReportingSide, number>>
}

/** Whether a series that the reading before doesn't have was seen earlier still. */
export type Returned = (side: ReportingSide, kind: Kind, key: string) => boolean

/** A poll that covers more grid intervals than this spans an outage: it is dropped. */
export const maximumPollIntervals = 3

/** Within this time after a gap every target that is still there is scraped again, milliseconds. */
const settlingMilliseconds = 120_000

const reportingSides: readonly ReportingSide[] = ['caller', 'destination']
const kinds = ['requests', 'durations'] as const

/** How long after a gap a target may still be missing that was there before it, in intervals. */
export function settlingIntervals(intervalMilliseconds: number): number {
  return Math.max(maximumPollIntervals, Math.ceil(settlingMilliseconds / intervalMilliseconds))
}

/** Series of each reading that the one before doesn't have, so that they may be back after a gap. */
export function newcomers(before: Readings, after: Readings): {side: ReportingSide; kind: Kind; at: number}[] {
  return pairsOf(before, after).flatMap(({side, kind, earlier, later}) =>
    unknownKeys(earlier, later).length > 0 ? [{side, kind, at: earlier.at}] : [],
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
  const sampledFrom: Partial<Record<ReportingSide, number>> = {}
  let milliseconds = intervalMilliseconds
  const readings: Readings = {caller: {...before.caller}, destination: {...before.destination}}
  const targets = targetsOf(before, after, isBack)
  for (const {side, kind, later} of laterOf(after)) {
    const earlier = before[side][kind]
    const goesOn = earlier && follows(earlier, later, intervalMilliseconds)
    readings[side][kind] = {...later, since: goesOn ? (earlier.since ?? earlier.at) : at}
    if (!goesOn) continue
    const settled = at - (earlier.since ?? earlier.at) > settlingIntervals(intervalMilliseconds) * intervalMilliseconds
    const increments = incrementsBetween(
      earlier,
      later,
      (key, {target}) => isBack(side, kind, key) || mayBeOlder(targets.get(target), target, settled),
    )
    milliseconds = Math.max(milliseconds, at - earlier.at)
    sides[side] = merged(sides[side], countsOf(kind, increments), kind)
    const counting = increments.filter(({value}) => value > 0).map(({target}) => target)
    // Requests and their durations come from the same scrapes.
    const {sampled} = before[side].requests ?? {}
    const oldest = sampled && oldestOf(sampled, counting, earlier.at, intervalMilliseconds)
    if (oldest !== undefined) sampledFrom[side] = Math.min(oldest, sampledFrom[side] ?? oldest)
  }
  return {readings, poll: Object.keys(sides).length > 0 ? {at, milliseconds, sides, sampledFrom} : undefined}
}

interface Pair {
  side: ReportingSide
  kind: Kind
  earlier: Reading
  later: Reading
}

function laterOf(after: Readings): Omit<Pair, 'earlier'>[] {
  return reportingSides.flatMap(side =>
    kinds.flatMap(kind => {
      const later = after[side][kind]
      return later && later.counters.size > 0 ? [{side, kind, later}] : []
    }),
  )
}

function pairsOf(before: Readings, after: Readings): Pair[] {
  return laterOf(after).flatMap(found => {
    const earlier = before[found.side][found.kind]
    return earlier ? [{...found, earlier}] : []
  })
}

/**
 * Whether a reading can be compared with the last one. Where none of its series goes on, all of them were renamed, or another
 * store answered: then none of them began at 0 either.
 */
function follows(earlier: Reading, later: Reading, intervalMilliseconds: number): boolean {
  if (later.at - earlier.at > maximumPollIntervals * intervalMilliseconds) return false
  return [...later.counters.keys()].some(key => earlier.counters.has(key))
}

/** What became of a target from one reading to the next, over all families: one scrape holds all of them. */
interface Target {
  /** It had series at the earlier reading. */
  had: boolean
  /** One of them is there at the later one too. */
  goesOn: boolean
  /** One that it had before the earlier reading, and not at it, is there again. */
  isBack: boolean
}

function targetsOf(before: Readings, after: Readings, isBack: Returned): Map<string, Target> {
  const targets = new Map<string, Target>()
  const of = (name: string): Target => {
    const known = targets.get(name) ?? {had: false, goesOn: false, isBack: false}
    targets.set(name, known)
    return known
  }
  for (const {side, kind, earlier, later} of pairsOf(before, after)) {
    for (const [key, {target}] of earlier.counters) {
      of(target).had = true
      if (later.counters.has(key)) of(target).goesOn = true
    }
    for (const key of unknownKeys(earlier, later)) {
      const target = later.counters.get(key)?.target
      if (target !== undefined && isBack(side, kind, key)) of(target).isBack = true
    }
  }
  return targets
}

/**
 * Whether a new series of a target may have begun before the earlier reading. So it may where the target couldn't be scraped
 * then: what it counted meanwhile in series of its own, such as the first failures of one version, spans the gap like the
 * rest. And so it may where its series were renamed, and right after a gap, until every target was scraped again.
 */
function mayBeOlder(target: Target | undefined, name: string, settled: boolean): boolean {
  const {had, goesOn, isBack} = target ?? {had: false, goesOn: false, isBack: false}
  if (isBack || (had && !goesOn)) return true
  // Nameless targets can't be told apart, and another one may be among them.
  return !settled && (!had || name === '')
}

/**
 * When the oldest of the samples was taken that these targets' counts begin at; of none, the newest there is. A target that
 * showed nothing at the earlier reading is scraped as often as it is read, or as seldom as the others.
 */
function oldestOf(
  sampled: SampleTimes,
  targets: readonly string[],
  at: number,
  intervalMilliseconds: number,
): number | undefined {
  if (targets.length === 0) return newestOf(sampled)
  let unknown = at - intervalMilliseconds
  for (const time of sampled.values()) unknown = Math.min(unknown, time)
  return targets.reduce((oldest, target) => Math.min(oldest, sampled.get(target) ?? unknown), at)
}

function newestOf(sampled: SampleTimes): number | undefined {
  let newest: number | undefined
  for (const time of sampled.values()) newest = Math.max(newest ?? time, time)
  return newest
}

function merged(known: SlotCounts | undefined, counts: SlotCounts, kind: Kind): SlotCounts {
  const arm = (slot: Arm): ArmCounts => {
    const {durations} = counts[slot]
    if (kind === 'requests') return counts[slot]
    return {...(known?.[slot] ?? noRequests), ...(durations ? {durations} : {})}
  }
  return {a: arm('a'), b: arm('b'), baseline: arm('baseline')}
}
