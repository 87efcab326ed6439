// Fairlead's judge on drawn requests: the functions of `analysis/`, on the polls that the controller would take.
import type {CompareSettings} from '../../../analysis/compare/settings.ts'
import {type JudgedStep, judgeComparisons} from '../../../analysis/comparisons.ts'
import type {CountedPoll} from '../../../analysis/polls.ts'
import {combineVerdicts} from '../../../analysis/verdict.ts'
import type {Evidence} from '../../../crds/evidence.ts'
import type {Conditions} from './conditions.ts'
import {bounds} from './durations.ts'
import {type Ending, endingOf} from './ending.ts'
import {moveSeconds, type Plan, readSeconds} from './plan.ts'
import type {Chance} from './random.ts'
import {difference, Requests, type Version} from './requests.ts'
import {type Reading, Scrapes} from './scrapes.ts'

/** Beside how a run ended: the first time at which a step could have. */
export interface Run extends Ending {
  /** Seconds from the canary's first request until the verdict. */
  cleared?: number
  /** Canary requests that had been compared by then. */
  clearedRequests?: number
}

/** Time 0 of a run, milliseconds since the epoch. */
const epoch = 1_700_000_000_000

/** One release. Its time 0 is the canary's first request; the grid of reading times lies as it happens to. */
class Release {
  readonly #conditions: Conditions
  readonly #plan: Plan
  readonly #settings: readonly CompareSettings[]
  readonly #requests: Requests
  #evidence: Evidence | undefined
  #step: JudgedStep
  #index = 0
  #baking = false
  #cleared: Pick<Run, 'cleared' | 'clearedRequests'> = {}

  constructor(
    conditions: Conditions,
    plan: Plan,
    settings: readonly CompareSettings[],
    requests: Requests,
    known: Evidence | undefined,
  ) {
    this.#conditions = conditions
    this.#plan = plan
    this.#settings = settings
    this.#requests = requests
    this.#evidence = known
    this.#step = this.#stepSince(plan.settleSeconds)
  }

  /** Takes a grid time in; the ending when it is the last one. */
  take(at: number, now: Reading, before: Reading): Run | undefined {
    const {pollSeconds, deadlineSeconds, goOn, bake} = this.#plan
    if (at - (goOn ? 0 : this.#since) > deadlineSeconds + (this.#baking ? (bake?.seconds ?? 0) : 0)) {
      return this.#end('undecided', at)
    }
    const poll = pollOf(at, pollSeconds, now, before, this.#conditions)
    const judged = judgeComparisons(this.#settings, this.#step, this.#evidence, {at: poll.at, kind: 'counted', poll})
    this.#evidence = judged.evidence
    const {verdict} = combineVerdicts(judged.results)
    if (verdict === 'rollback') return this.#end('rollback', at + readSeconds(pollSeconds))
    return verdict === 'advance' ? this.#advance(at + readSeconds(pollSeconds)) : undefined
  }

  get #since(): number {
    return (this.#step.since - epoch) / 1000
  }

  /** A step may end: the next one, the bake, or the end. */
  #advance(found: number): Run | undefined {
    const {goOn, weights = [], bake, settleSeconds} = this.#plan
    if (this.#baking) return found >= this.#since + (bake?.seconds ?? 0) ? this.#end('advance', found) : undefined
    if (this.#cleared.cleared === undefined) {
      const [question] = this.#evidence?.checks[0]?.proportions ?? []
      this.#cleared = {cleared: found, clearedRequests: question?.canaryStep.total ?? 0}
    }
    this.#index++
    if (goOn) {
      this.#step = this.#stepSince(found)
      return undefined
    }
    const moved = found + moveSeconds
    const settled = found + Math.max(moveSeconds, settleSeconds)
    if (this.#index < weights.length) {
      this.#requests.setWeight(moved, weights[this.#index] ?? 0)
      this.#suffer(this.#index, moved)
    } else {
      if (!bake) return this.#end('advance', found)
      this.#bake(moved, settled)
    }
    this.#step = this.#stepSince(settled)
    return undefined
  }

  #bake(moved: number, settled: number): void {
    const {bake} = this.#plan
    this.#baking = true
    this.#requests.setWeight(moved, 1 - (bake?.holdback ?? 0))
    if (bake?.onset !== undefined) this.#requests.setOnset(settled + bake.onset)
    const {incident} = bake ?? {}
    if (incident) this.#requests.addIncident({...incident, from: settled + incident.from, to: settled + incident.to})
  }

  #suffer(index: number, moved: number): void {
    const {atMove} = this.#plan
    if (atMove?.step !== index) return
    const {incident} = atMove
    this.#requests.addIncident({...incident, from: moved + incident.from, to: moved + incident.to})
  }

  #stepSince(seconds: number): JudgedStep {
    const compared = !this.#baking || this.#plan.bake?.holdback !== undefined
    return {
      id: this.#baking ? 'bake' : String(this.#index),
      since: epoch + seconds * 1000,
      canary: 'b',
      // The bake has no baseline: that goes with the steps.
      primary: this.#conditions.baseline === undefined || this.#baking ? 'a' : 'baseline',
      compared,
    }
  }

  #end(kind: Ending['kind'], found: number): Run {
    return {...endingOf(kind, this.#requests, found), ...this.#cleared}
  }
}

/** @param known what the hour before the release told: see warm-up.ts */
export function runFairlead(
  conditions: Conditions,
  plan: Plan,
  settings: readonly CompareSettings[],
  chance: Chance,
  known: Evidence | undefined,
): Run {
  const {pollSeconds, weights} = plan
  const requests = new Requests(conditions, chance, weights?.[0])
  const scrapes = new Scrapes(requests, conditions, pollSeconds, chance)
  const release = new Release(conditions, plan, settings, requests, known)
  let at = (chance.uniform() - 1) * pollSeconds
  let before = scrapes.read(at)
  for (;;) {
    at += pollSeconds
    const now = scrapes.read(at)
    const run = release.take(at, now, before)
    if (run) return run
    before = now
  }
}

/** What the controller counts between two grid times. */
export function pollOf(
  second: number,
  pollSeconds: number,
  now: Reading,
  before: Reading,
  {skew, durations}: Conditions,
): CountedPoll {
  const arm = (version: Version) => {
    const {failed, total, buckets} = difference(now.counts[version], before.counts[version])
    return {failed, total, ...(durations ? {durations: {bounds: [...bounds], counts: [...buckets], total}} : {})}
  }
  const counts = {a: arm('primary'), b: arm('canary'), baseline: arm('baseline')}
  const {canary, primary} = before.scrapedAt
  const sampledFrom = epoch + Math.min(canary, primary) * 1000
  // Only the pods' own counters come from different scrapes.
  const side = skew === undefined ? 'caller' : 'destination'
  return {
    at: epoch + second * 1000,
    milliseconds: pollSeconds * 1000,
    sides: {[side]: counts},
    ...{sampledFrom: {[side]: sampledFrom}},
  }
}
