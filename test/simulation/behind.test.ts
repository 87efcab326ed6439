// Readings that wait to be taken in, as after an outage of the controller or of Prometheus, come before whatever ends a step
// or a bake: the first of them is no verdict on the last. And nothing waits for them forever.
import {describe, expect, test} from 'vitest'
import {Controller, runUntil} from './driver.ts'
import type {ModelCluster, Oracle, Says} from './model-cluster.ts'
import {analysis, releasing, said, toldUntil, until, waiting} from './releasing.ts'

const passing = said('pass', 'the canary failed 0 of 450 requests')
const failing = said('fail', 'the canary failed 9 of 450 requests')
const open = waiting(1200)

/** One reading per pass, as the evaluator gives them: while there are later ones, it has more to say at once. */
function replaying(says: (at: number) => Says): Oracle {
  let through: number | undefined
  return (_image, latest) => {
    through = Math.min(latest, (through ?? latest - 5000) + 5000)
    return {...says(through), at: through, ...(through < latest ? {again: 0} : {})}
  }
}

/** A release whose readings say one thing up to a time, and then another. */
function turning(first: Says, then: Says, spec: object = {}, pods: object = {}) {
  let turn = Number.POSITIVE_INFINITY
  const cluster = releasing(
    replaying(at => (at <= turn ? first : then)),
    spec,
    pods,
  )
  /** After a while nobody runs a pass for so long; the readings turn after the first part of it. */
  const away = (first: number, second: number) => {
    runUntil(cluster, () => false, 10_000)
    turn = cluster.now + first
    cluster.advance(first + second)
  }
  return {cluster, away}
}

const most = (cluster: ModelCluster, holds: () => boolean, milliseconds = 120_000) => {
  let weight = 0
  const held = runUntil(
    cluster,
    () => {
      weight = Math.max(weight, cluster.status.traffic?.wanted.b ?? 0)
      return holds()
    },
    milliseconds,
  )
  expect(held, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
  return weight
}

describe('the deadline of a step', () => {
  test.each(['rollback', 'promote', 'pause'])('%s waits for the last of the readings', onInconclusive => {
    const {cluster, away} = turning(open, passing, analysis({onInconclusive}))
    away(40_000, 20_000)
    const {events} = toldUntil(
      cluster,
      () => cluster.status.release?.stepIndex === 1 || phase(cluster) !== 'Progressing',
    )
    expect(events.map(({reason}) => reason)).toEqual(['StepPassed'])
  })

  test('does not end a pause that stands, and tells of it once', () => {
    const {cluster, away} = turning(open, passing, analysis())
    until(cluster, () => cluster.status.release?.paused !== undefined)
    away(170_000, 20_000)
    const {events} = toldUntil(cluster, () => cluster.status.release?.stepIndex === 1)
    expect(events.map(({reason}) => reason)).toEqual(['StepPassed'])
  })

  test('a failure among the readings rolls back at once', () => {
    const {cluster, away} = turning(open, failing, analysis({onInconclusive: 'promote'}))
    away(40_000, 60_000)
    const since = cluster.now
    until(cluster, () => phase(cluster) === 'RollingBack')
    // Nine passes, and not the twenty that are due.
    expect(cluster.now - since).toBeLessThan(6000)
    expect(cluster.status.release?.rollback?.reason).toBe('CheckFailed')
  })
})

const phase = (cluster: ModelCluster) => cluster.status.phase

describe('a pass ends nothing while a failure waits', () => {
  test('on a step', () => {
    const {cluster, away} = turning(passing, failing, analysis({minimumDwell: '30s'}))
    away(40_000, 40_000)
    expect(most(cluster, () => phase(cluster) === 'RollingBack')).toBe(10)
  })

  test('while the pods of the next step start', () => {
    const {cluster, away} = turning(passing, failing, {...analysis(), replicas: 4}, {startMilliseconds: 30_000})
    until(cluster, () => cluster.status.release?.stepIndex === 1)
    away(20_000, 40_000)
    expect(most(cluster, () => phase(cluster) === 'RollingBack')).toBe(10)
  })

  test('before the promotion', () => {
    const {cluster, away} = turning(passing, failing, {...analysis(), replicas: 4}, {startMilliseconds: 30_000})
    until(cluster, () => phase(cluster) === 'Promoting', 300_000)
    away(20_000, 40_000)
    expect(most(cluster, () => phase(cluster) === 'RollingBack')).toBe(50)
  })

  test('while the release is held before the promotion', () => {
    const steps = [{weight: 10}, {weight: 50, pods: 100}]
    const {cluster, away} = turning(passing, failing, {...analysis(), strategy: {canary: {steps}}})
    const suspend = (held: boolean) => {
      cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, suspend: held}}
    }
    suspend(true)
    until(cluster, () => phase(cluster) === 'WaitingPromotion')
    away(20_000, 40_000)
    suspend(false)
    expect(most(cluster, () => phase(cluster) === 'RollingBack')).toBe(50)
  })

  test('when the last weight has come into force', () => {
    const {cluster, away} = turning(passing, failing, analysis(), {settlingMilliseconds: 30_000})
    until(cluster, () => cluster.status.traffic?.wanted.b === 100, 300_000)
    away(15_000, 40_000)
    runUntil(cluster, () => phase(cluster) !== 'Promoting', 60_000)
    expect(phase(cluster)).toBe('RollingBack')
  })

  test.each([
    ['in the bake', {}],
    ['in a bake with a holdback', {holdback: 30}],
  ])('%s', (_, more) => {
    const {cluster, away} = turning(passing, failing, {...analysis(), bake: {duration: '20s', ...more}})
    until(cluster, () => phase(cluster) === 'Baking')
    away(30_000, 30_000)
    until(cluster, () => phase(cluster) === 'Failed')
    expect(cluster.status.primary?.image).toBe('app:1')
    expect(cluster.dropped).toBe(0)
  })

  test('nor does the deadline of a bake', () => {
    const {cluster, away} = turning(open, passing, {
      ...analysis({onInconclusive: 'rollback', cleanRequests: 1}),
      bake: {duration: '20s'},
    })
    until(cluster, () => phase(cluster) === 'Baking', 300_000)
    away(60_000, 20_000)
    until(cluster, () => phase(cluster) === 'Healthy')
    expect(cluster.status.primary?.image).toBe('app:2')
  })
})

const isOver = ({status}: ModelCluster) => status.phase === 'Healthy' && status.release === undefined

/** Passes come when an object has changed, or at the time that the last one asked for. */
const ended = (cluster: ModelCluster, milliseconds: number) => {
  const controller = new Controller(cluster)
  const end = cluster.now + milliseconds
  for (; cluster.now < end && !isOver(cluster); cluster.advance(250)) controller.wake()
  expect([phase(cluster), cluster.status.message, cluster.status.primary?.image]).toEqual([
    'Healthy',
    'Serving the primary',
    'app:2',
  ])
}

/** What a reading says whose answer came late; at every other pass that of the next one is still out. */
const late = (says: Says): Oracle => {
  let passes = 0
  return (_image, latest) => {
    const isClosed = passes++ % 2 === 0
    if (isClosed) return {...says, at: latest - 20_000, again: 0}
    return {result: {verdict: 'noData', reason: 'AnswerAwaited'}, awaiting: true, again: latest + 1e6}
  }
}

describe('a release ends all the same', () => {
  test.each([
    ['where every answer is late', late(passing)],
    ['where the controller is behind all the time', () => ({...passing, again: 0})],
    [
      'where it is a while behind all the time',
      (_: string, latest: number) => ({...passing, at: latest - 60_000, again: 0}),
    ],
  ] satisfies [string, Oracle][])('%s', (_, oracle) => {
    const cluster = releasing(oracle, {...analysis(), bake: {duration: '20s', holdback: 30}})
    ended(cluster, 1_800_000)
  })

  test('where answers are late, and no request decides', () => {
    const cluster = releasing(late(open), {...analysis({onInconclusive: 'rollback'})})
    until(cluster, () => phase(cluster) === 'RollingBack', 300_000)
    expect(cluster.status.release?.rollback?.reason).toBe('Inconclusive')
  })

  test('where answers are out for good, by a pause that people are told of', () => {
    let says: Says = {...passing, awaiting: true, again: 0}
    const cluster = releasing(() => says, analysis())
    until(cluster, () => cluster.status.release?.paused?.reason === 'Inconclusive', 300_000)
    says = passing
    ended(cluster, 300_000)
  })

  test('where Prometheus is away, by a pause, and by a verdict when it is back', () => {
    let says: Says = {result: {verdict: 'error', reason: 'Unreachable', message: 'gone'}}
    const cluster = releasing(() => says, analysis({onInconclusive: 'rollback'}))
    const since = cluster.now
    until(cluster, () => cluster.status.release?.paused?.reason === 'Inconclusive')
    expect(cluster.now - since).toBeLessThan(40_000)
    says = passing
    ended(cluster, 300_000)
  })

  test('where nothing is analysed', () => {
    const cluster = releasing(() => 'noData', {analysis: {interval: '5s', window: '5s', checks: []}})
    ended(cluster, 300_000)
  })

  test('where the steps have no checks of their own, and readings of the others wait', () => {
    const steps = [
      {weight: 10, checks: []},
      {weight: 50, checks: []},
    ]
    const {cluster, away} = turning(passing, passing, {...analysis(), strategy: {canary: {steps}}})
    away(20_000, 40_000)
    ended(cluster, 300_000)
  })
})
