// Settings that are edited in mid-release: of what is known, only that is kept which was gathered for the question that is
// asked now. An E-value against 5 % says nothing of 1 %. What E-values must reach (alpha, beta, weights) may change: they
// mean the same whatever they are held to.
import type {CompareEvidence, ProportionEvidence} from '../../crds/evidence.ts'
import {emptyEvidence, withBandsAnew, withQuestions} from './judge.ts'
import {anew, noEvidence, withoutHarm, withoutHarmlessness} from './proportion.ts'
import type {CompareSettings} from './settings.ts'

/**
 * What is known of a check, without what the settings don't ask any more. Counts that are only told, and how the primary
 * scatters, stay wherever they are about the same.
 * @param compared there is another version to compare with; else the evidence of harm is held to the harmful margin too
 */
export function afterEdit(known: CompareEvidence, settings: CompareSettings, compared: boolean): CompareEvidence {
  const asked = emptyEvidence(settings)
  if (!known.bands !== !asked.bands) return asked
  const {against: _before, ...rest} = known
  const {harmless, harmful, against} = asked
  const now = {...rest, harmless, harmful, ...(against ? {against} : {})}
  // An older version didn't say what its evidence is for: it may be for anything, and its bands may have begun at any time.
  if (!known.harmless || !known.harmful) {
    return withBandsAnew(harmAnew(withQuestions(now, withoutHarmlessness)))
  }
  const isOtherArm = compared && known.against !== against
  if (isOtherArm || known.proportions.length !== asked.proportions.length) {
    const begun = questionsAnew(now, asked.proportions.length)
    return isOtherArm ? withBandsAnew(begun) : begun
  }
  const keepsHarmlessness = isSame(known.harmful, harmful)
  const keepsHarm = compared ? isSame(known.harmless, harmless) : keepsHarmlessness
  const kept = keepsHarmlessness ? now : withQuestions(now, withoutHarmlessness)
  return keepsHarm ? kept : harmAnew(kept)
}

function isSame(before: readonly number[], after: readonly number[] = []): boolean {
  return before.every((value, index) => value === after[index])
}

/** Also what waits to be confirmed at the next poll was harm by other settings. */
function harmAnew(evidence: CompareEvidence): CompareEvidence {
  return {...withQuestions(evidence, withoutHarm), harmHeld: false}
}

/** Of so many questions, none of which is among those that the evidence is about. */
function questionsAnew(evidence: CompareEvidence, count: number): CompareEvidence {
  const {apart} = evidence
  const all = (known: readonly ProportionEvidence[]) =>
    Array.from({length: count}, (_, index) => anew(known[index] ?? known.at(-1) ?? noEvidence))
  return {
    ...evidence,
    proportions: all(evidence.proportions),
    ...(apart ? {apart: {...apart, proportions: all(apart.proportions)}} : {}),
    harmHeld: false,
  }
}
