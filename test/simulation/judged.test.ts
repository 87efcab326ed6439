// How the core acts on what the judge says: dwell, deadlines, holdback, and what it tells people.
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {runUntil} from './driver.ts'
import type {Says} from './model-cluster.ts'
import {analysis, releasing, until, waiting} from './releasing.ts'

test('a step ends as soon as its checks pass, but not before the minimum dwell', () => {
  const quick = releasing(() => 'pass')
  const begun = quick.now
  until(quick, () => quick.status.release?.stepIndex === 1)
  expect(quick.now - begun).toBeLessThan(15_000)
  const slow = releasing(() => 'pass', analysis({minimumDwell: '40s'}))
  const since = slow.now
  until(slow, () => slow.status.release?.stepIndex === 1)
  expect(slow.now - since).toBeGreaterThan(38_000)
  expect(slow.now - since).toBeLessThan(50_000)
})

test('while answers of other checks are out, passes end no step and a failure rolls back', () => {
  let said: Says = {result: {verdict: 'pass'}, awaiting: true}
  const cluster = releasing(() => said, analysis({}))
  runUntil(cluster, () => false, 20_000)
  expect(cluster.status.release?.stepIndex).toBe(0)
  said = {result: {verdict: 'pass'}}
  until(cluster, () => cluster.status.release?.stepIndex === 1, 20_000)
  until(cluster, () => cluster.status.release?.stepSince !== undefined, 20_000)
  said = {result: {verdict: 'fail'}, awaiting: true}
  until(cluster, () => cluster.status.phase === 'RollingBack', 10_000)
})

test('during the minimum dwell a failure rolls back', () => {
  let verdict: 'pass' | 'fail' = 'pass'
  const cluster = releasing(() => verdict, analysis({minimumDwell: '40s'}))
  runUntil(cluster, () => false, 15_000)
  verdict = 'fail'
  until(cluster, () => cluster.status.phase === 'RollingBack', 10_000)
})

test('a pause at the deadline says how many requests are missing and how long they take', () => {
  const cluster = releasing(() => waiting(1200), analysis({}))
  const told: string[] = []
  const paused = () => cluster.status.release?.paused?.reason === 'Inconclusive'
  runUntil(cluster, paused, 120_000, {}, notes => told.push(...notes.map(({message}) => message)))
  expect(told.join('\n')).toContain('about 1200 more; at the present 2 requests per second that takes 10 min')
  const condition = cluster.status.conditions?.find(({type}) => type === 'TrafficTooLow')
  expect(condition).toMatchObject({status: 'True', reason: 'DeadlineOutOfReach'})
  expect(condition?.message).toMatch(/Fix: .*lowTraffic/)
})

test('a rollback is alerted with the figures behind it', () => {
  const says = waiting(0)
  const facts = {
    canary: {failed: 9, total: 150},
    primary: {failed: 1, total: 1350},
    oddsRatio: {estimate: 67, low: 2.8},
    harm: {value: 3980, boundary: 100},
    harmless: {value: 0.01, boundary: 20},
    overdispersion: 1,
  }
  const result = {
    verdict: 'fail',
    reason: 'Harmful',
    message: 'the canary failed 9 of 150 requests',
    evidence: facts,
  } as const
  const alerts = [{channelRef: {name: 'on-call'}, severity: 'warn'}]
  const cluster = releasing(() => ({...says, result}), {...analysis({}), alerts})
  until(cluster, () => cluster.status.phase === 'RollingBack')
  const [alert] = cluster.status.alerts ?? []
  expect(alert?.text).toContain('Check success failed: the canary failed 9 of 150 requests.')
  expect(alert?.fields).toMatchObject({
    'failed check': 'success',
    compared: 'canary 9 of 150, primary 1 of 1350 failed',
    'canary failed': '50',
    'odds ratio': '67.0',
    'evidence of harm': '3.98e+3 (boundary 100)',
  })
  expect(cluster.status.checks?.[0]?.evidence).toEqual(facts)
})

test('enough traffic for the deadline is no warning', () => {
  const cluster = releasing(() => waiting(20), analysis({}))
  runUntil(cluster, () => false, 8000)
  expect(cluster.status.conditions?.find(({type}) => type === 'TrafficTooLow')).toBeUndefined()
})

test.each([
  ['clean and many', {failed: 0, total: 60}, 1],
  ['too few', {failed: 0, total: 40}, 0],
  ['one failed', {failed: 1, total: 60}, 0],
])('clean requests at the deadline: %s', (_, canaryStep, index) => {
  const cluster = releasing(() => waiting(1200, canaryStep), analysis({cleanRequests: 50}))
  runUntil(cluster, () => cluster.status.release?.stepIndex === 1, 60_000)
  expect(cluster.status.release?.stepIndex ?? 0).toBe(index)
})

test('a holdback keeps a share on the old version during the bake, and gives it up at its end', () => {
  const cluster = releasing(() => 'pass', {bake: {duration: '20s', holdback: 30}})
  until(cluster, () => cluster.status.phase === 'Baking')
  expect(cluster.status.traffic?.confirmed).toEqual({a: 30, b: 70})
  expect(cluster.status.primary).toMatchObject({slot: 'b', image: 'app:2'})
  until(cluster, () => cluster.status.phase === 'Healthy')
  expect(cluster.status.traffic?.confirmed).toEqual({a: 0, b: 100})
  expect(cluster.dropped).toBe(0)
  until(cluster, () => cluster.find('Deployment', 'checkout-a')?.spec.replicas === 0)
})

test('a failure during a bake with a holdback goes back to the old version', () => {
  let verdict: 'pass' | 'fail' = 'pass'
  const cluster = releasing(() => verdict, {bake: {duration: '60s', holdback: 30}})
  until(cluster, () => cluster.status.phase === 'Baking')
  verdict = 'fail'
  until(cluster, () => cluster.status.phase === 'Failed')
  expect(cluster.status.primary?.image).toBe('app:1')
  expect(cluster.dropped).toBe(0)
})

test('the bake goes on judging after a check has passed', () => {
  const cluster = releasing(() => 'pass', {bake: {duration: '10m'}})
  until(cluster, () => cluster.status.phase === 'Baking')
  runUntil(cluster, () => false, 20_000)
  expect(decide(cluster.observe()).again).toBeLessThanOrEqual(cluster.now + 10_000)
})

test('a baseline stands beside the canary with as many pods while steps are judged, and no longer', () => {
  const baseline = () => cluster.find('Deployment', 'checkout-baseline')
  const cluster = releasing(() => 'pass', {...analysis({baseline: true, minimumDwell: '10s'}), replicas: 4})
  const canaryPods = () => cluster.find('Deployment', 'checkout-b')?.spec.replicas
  runUntil(cluster, () => false, 5000)
  expect(baseline()?.spec.template.spec.containers[0].image).toBe('app:1')
  expect(baseline()?.spec.template.metadata.labels).toMatchObject({
    'fairlead.dev/slot': 'a',
    'fairlead.dev/baseline': 'true',
  })
  expect(baseline()?.spec.replicas).toBe(canaryPods())
  until(cluster, () => cluster.status.release?.stepIndex === 1 && cluster.status.canaryWeight === 50)
  expect(baseline()?.spec.replicas).toBe(2)
  until(cluster, () => cluster.status.phase === 'Baking')
  expect(baseline()).toBeUndefined()
  expect(cluster.dropped).toBe(0)
})

test('a baseline goes with a rollback', () => {
  let verdict: 'noData' | 'fail' = 'noData'
  const cluster = releasing(() => verdict, analysis({baseline: true}))
  runUntil(cluster, () => false, 5000)
  expect(cluster.find('Deployment', 'checkout-baseline')).toBeDefined()
  verdict = 'fail'
  until(cluster, () => cluster.status.phase === 'Failed')
  expect(cluster.find('Deployment', 'checkout-baseline')).toBeUndefined()
  expect(cluster.status.primary?.image).toBe('app:1')
  expect(cluster.dropped).toBe(0)
})
