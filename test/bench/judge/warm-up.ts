// What is known of the primary when a release begins: how its failures scatter, from an hour before the first step.

import type {CompareSettings} from '../../../analysis/compare/settings.ts'
import {judgeComparisons} from '../../../analysis/comparisons.ts'
import type {Evidence} from '../../../crds/evidence.ts'
import type {Conditions} from './conditions.ts'
import {pollOf} from './fairlead.ts'
import type {Plan} from './plan.ts'
import {Chance, seedOf} from './random.ts'
import {Requests} from './requests.ts'
import {Scrapes} from './scrapes.ts'

const warmUpSeconds = 3600
/** The controller reads no more grid times than this. */
const maximumPolls = 240
/** Hours that are drawn for the same conditions; runs take turns with them. */
const hours = 250

/** Hours before a release, drawn once for all scenarios in which the primary does the same. */
export class WarmUps {
  readonly #known = new Map<string, (Evidence | undefined)[]>()

  /** The evidence with which a run begins. */
  of(conditions: Conditions, plan: Plan, settings: readonly CompareSettings[], run: number): Evidence | undefined {
    const calm = calmOf(conditions)
    const key = JSON.stringify([calm, plan.pollSeconds, settings])
    const known = this.#known.get(key) ?? Array.from({length: hours}, () => undefined)
    this.#known.set(key, known)
    const index = run % hours
    const found = known[index] ?? hourBefore(calm, plan, settings, new Chance(seedOf(key, index)))
    known[index] = found
    return found
  }
}

/** The primary alone, without anything that begins with the release. */
function calmOf({rate, primary, cluster, durations, scrapeSeconds, skew, baseline}: Conditions): Conditions {
  return {
    rate,
    weight: 0,
    primary,
    canary: primary,
    ...(cluster === undefined ? {} : {cluster}),
    ...(durations ? {durations: {...durations, slower: 1}} : {}),
    ...(scrapeSeconds === undefined ? {} : {scrapeSeconds}),
    ...(skew === undefined ? {} : {skew: 0}),
    ...(baseline === undefined ? {} : {baseline: 0}),
  }
}

function hourBefore(
  calm: Conditions,
  plan: Plan,
  settings: readonly CompareSettings[],
  chance: Chance,
): Evidence | undefined {
  const {pollSeconds} = plan
  const polls = Math.min(maximumPolls, Math.floor(warmUpSeconds / pollSeconds))
  const scrapes = new Scrapes(new Requests(calm, chance), calm, pollSeconds, chance)
  const step = {
    id: '0',
    since: Number.POSITIVE_INFINITY,
    canary: 'b',
    primary: calm.baseline === undefined ? 'a' : 'baseline',
    compared: true,
  } as const
  let evidence: Evidence | undefined
  let before = scrapes.read(0)
  for (let poll = 1; poll <= polls; poll++) {
    const now = scrapes.read(poll * pollSeconds)
    // It is over when the release begins, at time 0 of its run.
    const counted = pollOf((poll - polls - 1) * pollSeconds, pollSeconds, now, before, calm)
    evidence = judgeComparisons(settings, step, evidence, {at: counted.at, kind: 'counted', poll: counted}).evidence
    before = now
  }
  return evidence
}
