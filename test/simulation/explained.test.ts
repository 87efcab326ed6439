// Each decision says what it rests on: in the event, in the status, and in the alert.
import {describe, expect, test} from 'vitest'
import {timeText} from '../../crds/common.ts'
import {annotations} from '../../crds/names.ts'
import {runUntil} from './driver.ts'
import type {Says} from './model-cluster.ts'
import {analysis, onCall, releasing, said, toldUntil, until, waiting} from './releasing.ts'

const clean = said('pass', 'the canary failed 0 of 450 requests', {
  oddsRatio: {estimate: 0.8, low: 0.25, high: 2, confidence: 0.99},
})

const textOf = (events: readonly {reason: string; message: string}[], reason: string) =>
  events.filter(one => one.reason === reason).map(({message}) => message)

describe('a release that is promoted', () => {
  const cluster = releasing(() => clean, {...analysis({minimumDwell: '10s'}), ...onCall})
  const promoted = () => cluster.status.phase === 'Healthy' && cluster.status.release === undefined
  const {events, alerts} = toldUntil(cluster, promoted)

  test('says of each step why it ended', () => {
    expect(textOf(events, 'StepPassed')).toEqual([
      'Step 1 of 2 (Weight 10) ends. Check success: the canary failed 0 of 450 requests.',
      'Step 2 of 2 (Weight 50) ends. Check success: the canary failed 0 of 450 requests.',
    ])
  })

  test('says of the promotion what it rests on, in event, alert and history', () => {
    const sentence = 'Check success: the canary failed 0 of 450 requests.'
    expect(textOf(events, 'Promoted')).toEqual([expect.stringContaining(sentence)])
    const alert = alerts.find(({event}) => event === 'Promoted')
    expect(alert?.text).toContain(sentence)
    expect(alert?.fields).toMatchObject({
      'canary requests': '100',
      'canary failed': '0',
      'check success':
        'pass; compared canary 0 of 450, primary 4 of 4000 failed; odds ratio 0.800; confidence sequence 0.250 to 2.00 (99 %); evidence of harm 0.800 (boundary 100); evidence of harmlessness 40.0 (boundary 20.0)',
    })
    expect(textOf(events, 'BakeEnded')).toEqual([expect.stringContaining(sentence)])
    expect(cluster.status.history?.[0]?.message).toBe(`The bake ended. ${sentence}`)
  })

  test('writes few events: one per step beside the three of every release', () => {
    expect(events.map(({reason}) => reason)).toEqual(['StepPassed', 'StepPassed', 'Promoted', 'BakeEnded'])
  })
})

describe('a step that ends without a verdict says so, and why', () => {
  test('by onInconclusive: promote', () => {
    const cluster = releasing(() => waiting(1200), analysis({onInconclusive: 'promote'}))
    const {events} = toldUntil(cluster, () => cluster.status.release?.stepIndex === 1)
    expect(textOf(events, 'StepInconclusive')).toEqual([
      'Step 1 ends without a verdict: spec.analysis.onInconclusive is promote, and spec.analysis.inconclusiveDeadline (30s) is over. Check success: about 1200 more; at the present 2 requests per second that takes 10 min.',
    ])
  })

  test('by cleanRequests', () => {
    const cluster = releasing(() => waiting(1200), analysis({cleanRequests: 50}))
    const {events} = toldUntil(cluster, () => cluster.status.release?.stepIndex === 1)
    expect(textOf(events, 'CleanRequests')).toEqual([
      expect.stringMatching(
        /^Step 1 ends without a verdict: every one .* since the step began, or its last shared incident ended, was good, .* 50 of spec\.analysis\.cleanRequests\. Check success: about/,
      ),
    ])
  })

  test('by a bake with a holdback and onInconclusive: promote', () => {
    let says: Says = clean
    const spec = {...analysis({onInconclusive: 'promote'}), bake: {duration: '20s', holdback: 30}}
    const cluster = releasing(() => says, spec)
    until(cluster, () => cluster.status.phase === 'Baking')
    says = waiting(1200)
    const {events} = toldUntil(cluster, () => cluster.status.phase === 'Healthy')
    expect(textOf(events, 'BakeEnding')).toEqual([expect.stringContaining('without a verdict')])
  })
})

describe('a pause for want of a verdict carries the figures', () => {
  const figures = {
    check: 'success',
    compared: 'canary 0 of 60, primary 1 of 540 failed',
    'evidence of harm': '1.00 (boundary 100)',
    'evidence of harmlessness': '2.00 (boundary 20.0)',
    'requests needed': '1200',
  }

  test('on a step', () => {
    const cluster = releasing(() => waiting(1200), {...analysis(), ...onCall})
    const {alerts} = toldUntil(cluster, () => cluster.status.release?.paused !== undefined)
    const alert = alerts.find(({event}) => event === 'PausedInconclusive')
    expect(alert?.fields).toMatchObject(figures)
    expect(alert?.text).toContain('at the present 2 requests per second that takes 10 min')
  })

  test('by a person, with what the checks have said so far', () => {
    const steps = [{weight: 10, pause: {}}, {weight: 50}]
    const cluster = releasing(() => waiting(1200), {...analysis(), ...onCall})
    runUntil(cluster, () => false, 15_000)
    const strategy = {canary: {steps}}
    cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, strategy}}
    const {alerts} = toldUntil(cluster, () => cluster.status.release?.paused?.reason === 'StepPause')
    const {fields} = alerts.find(({event}) => event === 'PausedStepPause') ?? {}
    expect(fields?.['check success']).toContain('inconclusive; compared canary 0 of 60')
    cluster.annotate(annotations.skipStep, cluster.status.canary?.revision ?? '')
    const {events} = toldUntil(cluster, () => cluster.status.release?.stepIndex === 1)
    expect(textOf(events, 'SkipStep')).toEqual([
      'The skip-step annotation ends step 1. Check success: about 1200 more.',
    ])
  })

  test('in the bake, with an alert of its own', () => {
    let says: Says = clean
    const cluster = releasing(() => says, {...analysis(), ...onCall})
    until(cluster, () => cluster.status.phase === 'Baking')
    says = waiting(1200)
    const {events, alerts} = toldUntil(cluster, () => cluster.status.release?.paused !== undefined)
    const text =
      'The bake ends when there is a verdict: Check success: about 1200 more; at the present 2 requests per second that takes 10 min'
    expect(textOf(events, 'PausedInconclusive')).toEqual([`${text}.`])
    const paused = alerts.filter(({event}) => event === 'PausedInconclusive')
    expect(paused).toHaveLength(1)
    expect(paused[0]).toMatchObject({severity: 'warn', fields: figures})
    expect(paused[0]?.text).toContain(`${text}. app:1 stays warm. Set fairlead.dev/end-bake`)
    says = clean
    until(cluster, () => cluster.status.phase === 'Healthy')
  })
})

describe('a rollback carries the evidence that it rests on', () => {
  const rolledBack = (says: Says) => {
    const cluster = releasing(() => says, {...analysis(), ...onCall})
    const {alerts} = toldUntil(cluster, () => cluster.status.phase === 'RollingBack')
    return alerts.find(({event}) => event === 'RolledBack')?.fields ?? {}
  }

  test('the E-values, and the odds ratio with its confidence sequence', () => {
    const odds = {oddsRatio: {estimate: 67, low: 2.8, confidence: 0.99}}
    expect(rolledBack(said('fail', 'it failed', odds))).toMatchObject({
      'odds ratio': '67.0',
      'confidence sequence': 'at least 2.80 (99 %)',
      'evidence of harm': '0.800 (boundary 100)',
      'evidence of harmlessness': '40.0 (boundary 20.0)',
    })
  })

  test('the bands, where they decided, and not the E-values of another question', () => {
    const bands = {
      boundMilliseconds: 10,
      canary: {failed: 1900, total: 2000},
      primary: {failed: 1000, total: 18_000},
      distance: 0.894,
      radius: 0.0941,
      tolerance: 0.05,
    }
    const fields = rolledBack(said('fail', 'it is slower', {bands, slowerThanMilliseconds: 500}))
    expect(fields).toMatchObject({
      compared: 'canary 1900 of 2000, primary 1000 of 18000 slower than 10 ms',
      distance: '0.894 (chance allows 0.0941, the tolerance 0.0500)',
    })
    expect(Object.keys(fields).filter(name => name.startsWith('evidence'))).toEqual([])
    expect(fields).not.toHaveProperty('odds ratio')
  })

  test('the check that decided, be it without a verdict', () => {
    const cluster = releasing(() => waiting(1200), {...analysis({onInconclusive: 'rollback'}), ...onCall})
    const {alerts} = toldUntil(cluster, () => cluster.status.phase === 'RollingBack')
    const alert = alerts.find(({event}) => event === 'RolledBack')
    expect(alert?.fields).toMatchObject({check: 'success', compared: 'canary 0 of 60, primary 1 of 540 failed'})
    expect(alert?.text).toContain('that takes 10 min, within spec.analysis.inconclusiveDeadline (30s).')
    expect(cluster.status.release?.rollback).not.toHaveProperty('result')
  })

  test('what the checks have said so far, where none decided', () => {
    const cluster = releasing(() => waiting(1200), {...analysis(), ...onCall})
    runUntil(cluster, () => false, 15_000)
    cluster.annotate(annotations.abort, cluster.status.canary?.revision ?? '')
    const {alerts} = toldUntil(cluster, () => cluster.status.phase === 'RollingBack')
    const {fields} = alerts.find(({event}) => event === 'Aborted') ?? {}
    expect(fields?.['check success']).toContain('inconclusive; compared canary 0 of 60')
  })

  test('whom the canary was compared with', () => {
    expect(rolledBack(said('fail', 'it failed', {against: 'baseline'})).compared).toBe(
      'canary 0 of 450, baseline 4 of 4000 failed',
    )
  })
})

describe('the status of a rollback holds the verdict that it rests on', () => {
  test.each(['WaitingPromotion', 'Promoting', 'Baking'])('from %s', phase => {
    let says: Says = clean
    const cluster = releasing(() => says, analysis(), {settlingMilliseconds: 20_000})
    if (phase === 'WaitingPromotion') {
      cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: true}}
    }
    until(cluster, () => cluster.status.phase === phase, 300_000)
    says = said('fail', 'it failed')
    until(cluster, () => cluster.status.phase === 'RollingBack')
    expect(cluster.status.checks?.[0]).toMatchObject({verdict: 'fail', message: 'it failed'})
  })

  test('evidence is written once a minute while a promotion waits', () => {
    const says = (_: string, now: number) => ({...clean, evidence: {through: timeText(now), step: '0', checks: []}})
    const cluster = releasing(says, analysis())
    cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: true}}
    until(cluster, () => cluster.status.phase === 'WaitingPromotion')
    runUntil(cluster, () => false, 200_000)
    const at = Date.parse(cluster.status.checks?.[0]?.evaluatedAt ?? '')
    expect(cluster.now - at).toBeLessThan(75_000)
    const writes = cluster.statusWrites
    runUntil(cluster, () => false, 300_000)
    expect(cluster.statusWrites - writes).toBeLessThanOrEqual(6)
  })
})

describe('TrafficTooLow goes by the deadline of the step', () => {
  const condition = (spec: object) => {
    const cluster = releasing(() => waiting(1200), spec)
    runUntil(cluster, () => false, 15_000)
    return cluster.status.conditions?.find(({type}) => type === 'TrafficTooLow')
  }
  const steps = (first: object) => ({strategy: {canary: {steps: [{weight: 10, ...first}, {weight: 50}]}}})

  test('which is far enough away after a pause of an hour', () => {
    expect(condition({...analysis(), ...steps({pause: {duration: '1h'}})})).toBeUndefined()
    expect(condition({...analysis(), ...steps({minimumDwell: '1h'})})).toBeUndefined()
  })

  test('which a step that waits to be told does not have', () => {
    expect(condition({...analysis(), ...steps({pause: {}})})).toBeUndefined()
  })

  test('and names the field that sets it', () => {
    expect(condition(analysis())?.message).toContain('spec.analysis.inconclusiveDeadline (30s)')
    const own = condition({...analysis({inconclusiveDeadline: '1h'}), ...steps({maximumDwell: '40s'})})
    expect(own?.message).toContain('spec.strategy.canary.steps[0].maximumDwell (40s)')
  })
})

test('a step may have a deadline of its own', () => {
  const steps = [{weight: 10, maximumDwell: '40s'}, {weight: 50}]
  const cluster = releasing(() => waiting(1200), {
    ...analysis({inconclusiveDeadline: '1h', onInconclusive: 'rollback'}),
    strategy: {canary: {steps}},
  })
  const since = Date.parse(cluster.status.release?.stepSince ?? '')
  until(cluster, () => cluster.status.phase === 'RollingBack')
  expect(cluster.now - since).toBeGreaterThanOrEqual(40_000)
  expect(cluster.now - since).toBeLessThan(48_000)
  expect(cluster.status.release?.rollback?.message).toContain('within spec.strategy.canary.steps[0].maximumDwell (40s)')
})
