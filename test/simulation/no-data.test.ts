// Law 6: a canary that could not be measured is never promoted and never rolled back for it, whatever the outcome that
// the user chose for one whose requests were seen and don't decide.
import {describe, expect, test} from 'vitest'
import {runUntil} from './driver.ts'
import type {Says} from './model-cluster.ts'
import {analysis, onCall, releasing, said, toldUntil, until, waiting} from './releasing.ts'

const outcomes = ['promote', 'rollback', 'pause'] as const
const gone: Says = {result: {verdict: 'error', reason: 'Unreachable', message: 'Prometheus is gone'}}
const silent: Says = {result: {verdict: 'noData', reason: 'NoTraffic', message: 'the canary has had no request'}}
const passing = said('pass', 'the canary failed 0 of 450 requests')

describe.each(outcomes)('onInconclusive %s', onInconclusive => {
  test.each([
    ['error', gone],
    ['noData', silent],
  ])('%s at the deadline of a step pauses, and says why', (verdict, says) => {
    let now: Says = says
    const cluster = releasing(() => now, {...analysis({onInconclusive}), ...onCall})
    const {events, alerts} = toldUntil(cluster, () => cluster.status.release?.paused !== undefined)
    const why = `Check success: ${says.result.message} (${verdict}, ${says.result.reason})`
    expect(events.filter(({reason}) => reason === 'PausedInconclusive').map(({message}) => message)).toEqual([
      `${why}. The canary keeps its weight.`,
    ])
    expect(alerts.find(({event}) => event === 'PausedInconclusive')?.text).toContain(why)
    expect(cluster.status.conditions?.find(({type}) => type === 'NoVerdict')).toMatchObject({
      status: 'True',
      reason: says.result.reason,
    })
    runUntil(cluster, () => false, 120_000)
    expect([cluster.status.phase, cluster.status.canaryWeight]).toEqual(['Progressing', 10])
    now = passing
    until(cluster, () => cluster.status.phase === 'Baking')
  })

  test('no evaluation at all pauses', () => {
    const cluster = releasing(() => ({...passing, step: 'another'}), analysis({onInconclusive}))
    until(cluster, () => cluster.status.release?.paused !== undefined)
    expect([cluster.status.phase, cluster.status.canaryWeight]).toEqual(['Progressing', 10])
  })

  test.each([
    ['error', gone],
    ['noData', silent],
  ])('%s at the end of the bake pauses', (_, says) => {
    let now: Says = passing
    const cluster = releasing(() => now, {...analysis({onInconclusive}), ...onCall})
    until(cluster, () => cluster.status.phase === 'Baking')
    now = says
    const {alerts} = toldUntil(cluster, () => cluster.status.release?.paused !== undefined)
    expect(alerts.find(({event}) => event === 'PausedInconclusive')?.text).toContain(says.result.reason)
    runUntil(cluster, () => false, 60_000)
    expect([cluster.status.phase, cluster.status.primary?.image]).toEqual(['Baking', 'app:2'])
  })
})

test.each([
  ['promote', () => [1, undefined]],
  ['rollback', () => [0, 'RolledBack']],
])('requests that were seen and do not decide: %s', (onInconclusive, expected) => {
  const cluster = releasing(() => waiting(1200), analysis({onInconclusive}))
  runUntil(cluster, () => cluster.status.release?.stepIndex === 1 || cluster.status.phase === 'RollingBack', 60_000)
  const {stepIndex, rollback} = cluster.status.release ?? {}
  expect([stepIndex, rollback?.outcome]).toEqual(expected())
})

describe('clean requests', () => {
  const checks = [
    {name: 'success', compare: {metric: 'requestErrors'}},
    {name: 'queue', threshold: {query: 'queue', max: 1}},
    {name: 'latency', compare: {metric: 'requestDuration', slowerThan: '50ms'}},
  ]
  /** All is well but that `queue` has no data, and that `latency` saw a slow request. */
  const says = (): Says => {
    const {result, evidence, ...more} = waiting(1200)
    const slow = waiting(1200, {failed: 1, total: 60}).evidence?.checks ?? []
    const success = {name: 'success', evaluatedAt: '2026-01-01T00:00:00.000Z', ...result}
    const queue = {...success, name: 'queue', verdict: 'noData', reason: 'NoSeries', message: 'none'} as const
    const all = [...(evidence?.checks ?? []), ...slow.map(check => ({...check, name: 'latency'}))]
    return {
      result,
      ...more,
      ...(evidence ? {evidence: {...evidence, checks: all}} : {}),
      results: [success, queue, {...success, name: 'latency'}],
    } as Says
  }
  const on = (...inForce: string[]) => {
    const steps = [{weight: 10, checks: inForce}, {weight: 50}]
    const spec = {...analysis({checks, cleanRequests: 50}), strategy: {canary: {steps}}}
    const cluster = releasing(says, spec)
    until(cluster, () => cluster.status.release?.paused !== undefined || cluster.status.release?.stepIndex === 1)
    return cluster.status.release?.stepIndex
  }

  test('promote nothing while another check has no data', () => expect(on('success', 'queue')).toBe(0))
  test('nor while one of another check is bad', () => expect(on('success', 'latency')).toBe(0))
  test('are asked of no check that is not in force on the step', () => expect(on('success')).toBe(1))
})
