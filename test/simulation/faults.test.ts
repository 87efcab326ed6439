// Faults are in force only while their step is being judged, and nothing of them is left behind. Beside Istio's own objects.
import {describe, expect, test} from 'vitest'
import {annotations} from '../../crds/names.ts'
import {pass, runUntil} from './driver.ts'
import {analysis, edit, fault, faultsOf, faulty, merged, settings, until} from './guarded-release.ts'
import type {ModelCluster} from './model-cluster.ts'

const command = (cluster: ModelCluster, annotation: string) =>
  cluster.annotate(annotation, cluster.status.canary?.revision ?? '')
const pausedFor = (cluster: ModelCluster) => cluster.status.release?.paused?.reason

describe('a pause takes faults away', () => {
  test('a pause takes them away; afterwards they come back before the step is judged, and its clock starts anew', () => {
    let verdict: 'noData' | 'pass' = 'noData'
    const cluster = merged(faulty, () => verdict)
    until(cluster, () => cluster.status.release?.stepSince !== undefined)
    expect(faultsOf(cluster)).toBeDefined()
    edit(cluster, {pause: true})
    until(cluster, () => pausedFor(cluster) === 'UserPause', 10_000)
    expect(faultsOf(cluster)).toBeUndefined()
    until(cluster, () => cluster.status.checks?.[0]?.verdict === 'noData', 30_000)
    // What is seen without the faults ends no step of theirs.
    verdict = 'pass'
    runUntil(cluster, () => false, 120_000)
    expect([cluster.status.release?.stepIndex, faultsOf(cluster)]).toEqual([0, undefined])
    edit(cluster, {pause: false})
    const resumed = cluster.now
    until(cluster, () => faultsOf(cluster) !== undefined, 5000)
    until(cluster, () => cluster.status.release?.stepIndex === 1)
    // Confirmed after the settling time, and then judged by a whole window.
    expect(cluster.now - resumed).toBeGreaterThanOrEqual(settings.settlingMilliseconds + 5000)
    expect(faultsOf(cluster)).toBeUndefined()
  })

  test('a pause for want of a verdict takes them away for good: only a person goes on', () => {
    const cluster = merged(faulty, () => 'noData')
    until(cluster, () => pausedFor(cluster) === 'Inconclusive')
    runUntil(cluster, () => false, 120_000)
    expect([pausedFor(cluster), faultsOf(cluster)]).toEqual(['Inconclusive', undefined])
    command(cluster, annotations.skipStep)
    until(cluster, () => cluster.status.release?.stepIndex === 1, 5000)
  })

  test('and so does spec.pause, set and taken back: the step is tried again', () => {
    let verdict: 'noData' | 'pass' = 'noData'
    const cluster = merged(faulty, () => verdict)
    until(cluster, () => pausedFor(cluster) === 'Inconclusive')
    edit(cluster, {pause: true})
    until(cluster, () => pausedFor(cluster) === 'UserPause', 10_000)
    verdict = 'pass'
    edit(cluster, {pause: false})
    until(cluster, () => faultsOf(cluster) !== undefined, 10_000)
    until(cluster, () => cluster.status.release?.stepIndex === 1)
  })

  test('a step that waits to be told is judged under them first, and waits without them', () => {
    const steps = [{weight: 10, pause: {}, faults: [fault]}, {weight: 50}]
    const cluster = merged({strategy: {canary: {steps}}, analysis})
    until(cluster, () => faultsOf(cluster) !== undefined)
    until(cluster, () => pausedFor(cluster) === 'StepPause')
    expect(cluster.status.checks?.[0]?.verdict).toBe('pass')
    runUntil(cluster, () => false, 120_000)
    expect([pausedFor(cluster), faultsOf(cluster)]).toEqual(['StepPause', undefined])
    command(cluster, annotations.skipStep)
    until(cluster, () => cluster.status.phase === 'Baking')
  })
})

describe('whatever else holds a release takes them away as well', () => {
  test('a release that is suspended before its promotion has none', () => {
    const steps = [{weight: 10, faults: [fault]}]
    const cluster = merged({strategy: {canary: {steps}}, analysis})
    until(cluster, () => faultsOf(cluster) !== undefined)
    edit(cluster, {suspend: true})
    until(cluster, () => cluster.status.phase === 'WaitingPromotion')
    runUntil(cluster, () => false, 120_000)
    expect(faultsOf(cluster)).toBeUndefined()
    edit(cluster, {suspend: false})
    until(cluster, () => cluster.status.phase === 'Baking')
  })

  test('a version that fails while it is held is rolled back all the same', () => {
    let verdict: 'pass' | 'fail' | 'noData' = 'noData'
    const cluster = merged(faulty, image => (image === 'app:2' ? verdict : 'pass'))
    until(cluster, () => pausedFor(cluster) === 'Inconclusive')
    verdict = 'fail'
    until(cluster, () => cluster.status.phase === 'Failed', 60_000)
    expect(cluster.status.history?.[0]?.reason).toBe('CheckFailed')
  })
})

describe('they go with their step', () => {
  test('of two steps each has its own, and the clock of the second starts when they are there', () => {
    const other = {service: 'stock', delay: '1s'}
    const steps = [
      {weight: 10, faults: [fault]},
      {weight: 10, faults: [other]},
    ]
    const cluster = merged({strategy: {canary: {steps}}, analysis})
    const named = () => JSON.stringify(faultsOf(cluster)?.spec ?? {})
    until(cluster, () => named().includes('payment'))
    until(cluster, () => cluster.status.release?.stepIndex === 1)
    expect(faultsOf(cluster)).toBeUndefined()
    until(cluster, () => named().includes('stock'), 10_000)
    const there = cluster.now
    until(cluster, () => cluster.status.release?.stepSince !== undefined, 10_000)
    expect(Date.parse(cluster.status.release?.stepSince ?? '')).toBeGreaterThanOrEqual(there)
    until(cluster, () => cluster.status.phase === 'Baking')
  })

  test.each([
    ['the user takes them out of the step', [{weight: 5}, {weight: 10}]],
    ['the user takes the step out', [{weight: 5}]],
  ])('they go where %s, and nobody is blamed for it', (_, steps) => {
    const cluster = merged({strategy: {canary: {steps: [{weight: 5}, {weight: 10, faults: [fault]}]}}, analysis})
    until(cluster, () => faultsOf(cluster) !== undefined)
    edit(cluster, {strategy: {canary: {steps}}})
    const reasons: string[] = []
    until(cluster, () => faultsOf(cluster) === undefined, 10_000)
    const ended = runUntil(
      cluster,
      () => cluster.status.phase === 'Baking',
      120_000,
      {},
      notes => reasons.push(...notes.map(({reason}) => reason)),
    )
    expect(ended, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
    expect(reasons).not.toContain('RouteDrift')
  })

  test('a deletion takes them away before the target is back', () => {
    const cluster = merged(faulty)
    until(cluster, () => faultsOf(cluster) !== undefined)
    const {rollout} = cluster
    cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
    pass(cluster)
    pass(cluster)
    expect([cluster.status.terminating?.stage, faultsOf(cluster)]).toEqual(['restore', undefined])
  })
})
