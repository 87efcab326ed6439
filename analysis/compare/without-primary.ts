// Judging a version that has all of the traffic: nothing is left to compare it with, so it is held to what the old
// version did during the release. Weaker: an incident that both would have suffered from looks like its fault.
import type {CompareEvidence} from '../../crds/evidence.ts'
import {withoutHarm} from './proportion.ts'
import type {CompareSettings} from './settings.ts'

/**
 * The settings of a check without a primary: harmful is what exceeds the harmful share, and the old version's share in
 * this release by the harmful odds ratio too.
 */
export function aloneSettings(settings: CompareSettings, evidence: CompareEvidence): CompareSettings {
  const {margins} = settings
  const shares = evidence.proportions.map(({primary: {failed, total}}) => (total > 0 ? failed / total : 0))
  const usual = Math.max(0, ...shares)
  const odds = (usual / (1 - Math.min(usual, 0.999))) * margins.harmfulOdds
  const share = Math.min(0.999, Math.max(margins.harmfulShare, odds / (1 + odds)))
  return {...settings, alone: true, margins: {...margins, harmlessShare: share, harmfulShare: share}}
}

/** The evidence for harm starts anew: it is against another margin than before. */
export function aloneAtBegin(evidence: CompareEvidence): CompareEvidence {
  return {...evidence, proportions: evidence.proportions.map(withoutHarm)}
}
