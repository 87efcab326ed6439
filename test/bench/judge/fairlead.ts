// Fairlead's judge on drawn requests: the pure functions of `analysis/compare`, polled as the controller polls them.
import {beginStep, emptyEvidence, judgePoll} from '../../../analysis/compare/judge.ts'
import {type CompareSettings, compareSettings} from '../../../analysis/compare/settings.ts'
import type {CompareEvidence} from '../../../crds/evidence.ts'
import {rolloutSpec} from '../../../crds/rollout.ts'
import {type Conditions, type Counts, difference, Requests} from './conditions.ts'
import type {Chance} from './random.ts'

/** How one run of a judge ended. */
export interface Ending {
  kind: 'rollback' | 'advance' | 'undecided'
  /** Seconds from the begin until the weight moved. */
  seconds: number
  /** Requests that the canary failed until then. */
  failed: number
  /** Both from the onset of the fault. */
  failedSinceOnset: number
  secondsSinceOnset: number
}

export interface Plan {
  pollSeconds: number
  /** From a reading until the weight has moved. */
  lagSeconds: number
  /** The longest stay. */
  deadlineSeconds: number
  /** Go on after a step could have ended, with the next one at the same weight. */
  goOn?: boolean
  /** Weights of a whole release; one step at the weight of the conditions when absent. */
  weights?: readonly number[]
}

/** Settings of one check of errors. */
export function settingsFor(
  preset: 'standard' | 'lowTraffic' = 'standard',
  check: object = {metric: 'requestErrors'},
): CompareSettings {
  const {analysis} = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'app'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {preset, checks: [{name: 'check', compare: check}]},
  })
  const [settings] = compareSettings(analysis, 4)
  if (!settings) throw new Error('no check')
  return settings
}

/** First time at which a step could have ended, in seconds; beside how the run ended. */
export interface Run extends Ending {
  cleared?: number
}

/** @param known what the hour before the release told: see {@link warmedUp} */
export function runFairlead(
  conditions: Conditions,
  plan: Plan,
  settings: CompareSettings,
  chance: Chance,
  known: CompareEvidence,
): Run {
  const {pollSeconds, deadlineSeconds, weights = [conditions.weight]} = plan
  const requests = new Requests(conditions, chance)
  let evidence = known
  let before = requests.read(0, weights[0])
  let cleared: number | undefined
  let step = 0
  let stepSince = 0
  // The first poll of a step spans the change of the weight.
  let spans = false
  for (let second = pollSeconds; second - stepSince <= deadlineSeconds; second += pollSeconds) {
    const weight = weights[step] ?? conditions.weight
    const now = requests.read(second, weight)
    const judged = judgePoll(
      settings,
      evidence,
      pollOf(difference(now, before), second, pollSeconds, conditions, !spans),
    )
    before = now
    spans = false
    evidence = judged.evidence
    const {kind} = judged.standing
    if (kind === 'rollback')
      return {...ending('rollback', requests, second + plan.lagSeconds, weight, conditions), ...clearedAt(cleared)}
    if (kind !== 'advance') continue
    cleared ??= second
    step++
    if (step >= weights.length && !plan.goOn) {
      return {...ending('advance', requests, second + plan.lagSeconds, weight, conditions), ...clearedAt(cleared)}
    }
    evidence = beginStep(evidence)
    // With `goOn` the time of the whole run is bounded, else that of each step.
    if (!plan.goOn) stepSince = second
    spans = weights.length > 1
  }
  const weight = weights[Math.min(step, weights.length - 1)] ?? conditions.weight
  return {...ending('undecided', requests, stepSince + deadlineSeconds, weight, conditions), ...clearedAt(cleared)}
}

function clearedAt(cleared: number | undefined): {cleared?: number} {
  return cleared === undefined ? {} : {cleared}
}

/** Seconds of the primary alone before a release, from which its overdispersion is taken. */
const warmUpSeconds = 3600

/** What is known of the primary when a release begins. */
export function warmedUp(
  conditions: Conditions,
  {pollSeconds}: Plan,
  settings: CompareSettings,
  chance: Chance,
): CompareEvidence {
  const {incident: _none, ...calm} = conditions
  const requests = new Requests({...calm, weight: 0}, chance)
  let evidence = emptyEvidence(settings)
  let before = requests.upTo(0)
  for (let second = pollSeconds; second <= warmUpSeconds; second += pollSeconds) {
    const now = requests.upTo(second)
    const poll = pollOf(difference(now, before), second - warmUpSeconds, pollSeconds, conditions, false)
    evidence = judgePoll(settings, evidence, poll).evidence
    before = now
  }
  return evidence
}

function pollOf(counts: Counts, second: number, pollSeconds: number, conditions: Conditions, isEvidence: boolean) {
  return {
    at: 1_700_000_000_000 + second * 1000,
    milliseconds: pollSeconds * 1000,
    separateScrapes: (conditions.skew ?? 0) !== 0,
    counts: isEvidence,
    canary: {failed: counts.canaryFailed, total: counts.canaryTotal},
    primary: {failed: counts.primaryFailed, total: counts.primaryTotal},
  }
}

export function ending(
  kind: Ending['kind'],
  requests: Requests,
  seconds: number,
  weight: number,
  {onset = 0}: Conditions,
): Ending {
  const failed = requests.upTo(Math.round(seconds), weight).canaryFailed
  return {
    kind,
    seconds,
    failed,
    failedSinceOnset: failed - requests.upTo(Math.min(Math.round(seconds), onset)).canaryFailed,
    secondsSinceOnset: seconds - onset,
  }
}
