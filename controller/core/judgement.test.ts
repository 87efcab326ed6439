import {describe, expect, test} from 'vitest'
import type {ReleaseStatus} from '../../crds/rollout-status.ts'
import {freshEvidence} from './judgement.ts'
import type {AnalysisObservation} from './observation.ts'
import type {Ledger} from './state.ts'
import type {World} from './world.ts'

const at = '2026-01-01T00:00:00.000Z'
const release: ReleaseStatus = {
  id: '1-b',
  startedAt: at,
  phaseSince: at,
  weightsSeen: [10],
  requests: {failed: 0, total: 100},
  evidence: {through: at, step: '0', checks: []},
}
const ledger = {checks: []} as unknown as Ledger

/** The release with what an observation leaves in it. */
function kept(analysis: Partial<AnalysisObservation>): ReleaseStatus {
  const seen = {at: 0, step: '0', results: [], thresholds: [], again: 0, requests: {failed: 1, total: 500}, ...analysis}
  return freshEvidence({observation: {analysis: seen}} as unknown as World, ledger, release).release
}

describe('what a status keeps of an observation', () => {
  test('is the evidence with the requests that are in it', () => {
    const evidence = {through: '2026-01-01T00:01:00.000Z', step: '0', checks: []}
    expect(kept({evidence})).toMatchObject({evidence, requests: {failed: 1, total: 500}})
  })

  test('is no request beyond the evidence: they are counted again from there', () => expect(kept({})).toEqual(release))
})
