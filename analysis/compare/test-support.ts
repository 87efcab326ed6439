// What the tests of the judge share: settings as a spec gives them, and polls.
import type {CompareEvidence} from '../../crds/evidence.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {emptyEvidence, judgePoll, resultOf} from './judge.ts'
import type {ArmCounts, Poll} from './poll.ts'
import {type CompareSettings, compareSettings} from './settings.ts'

/** The settings of several compare checks, named after their place. */
export function allSettingsOf(compares: readonly object[], analysis: object = {}): CompareSettings[] {
  const checks = compares.map((compare, index) => ({name: index === 0 ? 'check' : `check-${index + 1}`, compare}))
  const spec = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {...analysis, checks},
  })
  return compareSettings(spec.analysis)
}

export function settingsOf(compare: object, analysis: object = {}): CompareSettings {
  const [settings] = allSettingsOf([compare], analysis)
  if (!settings) throw new Error('no settings')
  return settings
}

export function pollOf(canary: ArmCounts, primary: ArmCounts, more: Partial<Poll> = {}): Poll {
  return {
    at: 1_000_000,
    milliseconds: 15_000,
    separateScrapes: false,
    counts: true,
    canary,
    primary,
    ...more,
  }
}

export function requests(failed: number, total: number): ArmCounts {
  return {failed, total}
}

/** Requests by duration, with the counts up to each bound. */
export function timed(bounds: number[], counts: number[], total: number, failed = 0): ArmCounts {
  return {failed, total, durations: {bounds, counts, total}}
}

/** What the last of some polls says, a quarter of a minute apart. */
export function afterPolls(settings: CompareSettings, ...polls: Poll[]) {
  let evidence: CompareEvidence = emptyEvidence(settings)
  let judged = judgePoll(settings, evidence, polls[0] as Poll)
  for (const [index, one] of polls.entries()) {
    judged = judgePoll(settings, evidence, {...one, at: 1_000_000 + index * 15_000})
    evidence = judged.evidence
  }
  return {...judged, result: resultOf(settings, judged, polls.at(-1) as Poll, '2026-01-01T00:00:00.000Z')}
}
