// Notices that the source holds another revision, and decides when that counts: inputs have been still for the settling
// time, or all of them carry one commit. A tool that applies ConfigMap and Deployment in turn must not make two releases.
import {timeOf, timeText} from '../../crds/common.ts'
import type {Source} from './revision.ts'
import {sameSource} from './revision.ts'
import type {Ledger} from './state.ts'
import {without} from './state.ts'
import {sourceRecord} from './transitions.ts'
import type {World} from './world.ts'

export type Finding =
  /** The source is gone. */
  | {kind: 'absent'}
  /** The source holds the revision that is asked about (`held`). */
  | {kind: 'held'; ledger: Ledger}
  /** Something new, not yet still. */
  | {kind: 'settling'; ledger: Ledger; revision: string; again: number}
  | {kind: 'new'; ledger: Ledger; revision: string; source: Source}

/**
 * What the source holds, compared with one revision.
 * @param held revision that is expected: the primary's, or the canary's during a release.
 */
export function findCandidate(world: World, ledger: Ledger, held: string): Finding {
  const {source, revision} = world
  if (!source || revision === undefined) return {kind: 'absent'}
  if (revision === held) return {kind: 'held', ledger: without(recorded(ledger, source, revision), 'candidate')}
  const key = `${source.uid}/${source.generation}/${source.configVersions}`
  const known = ledger.candidate?.key === key && ledger.candidate.revision === revision ? ledger.candidate : undefined
  const candidate = known ?? {
    revision,
    key,
    firstSeenAt: timeText(world.now),
    ...(source.commit ? {commit: source.commit} : {}),
  }
  const next = known ? ledger : {...ledger, candidate}
  const stillAt = timeOf(candidate.firstSeenAt) + world.durations.settle
  if (source.oneCommit || world.now >= stillAt) return {kind: 'new', ledger: next, revision, source}
  return {kind: 'settling', ledger: next, revision, again: stillAt}
}

/** The ledger that knows the source's present state as acted upon; the same object when it knew already. */
function recorded(ledger: Ledger, source: Source, revision: string): Ledger {
  const {source: known} = ledger
  if (known && known.revision === revision && sameSource(known, source) && known.commit === source.commit?.hash)
    return ledger
  return {...ledger, source: sourceRecord(source, revision)}
}

/** Records a rejected or otherwise settled revision of the source, so that a moved hash doesn't make it new again. */
export function acknowledge(ledger: Ledger, source: Source, revision: string): Ledger {
  return without(recorded(ledger, source, revision), 'candidate')
}

export function isRejected(ledger: Ledger, revision: string): boolean {
  return ledger.rejected.some(entry => entry.revision === revision)
}
