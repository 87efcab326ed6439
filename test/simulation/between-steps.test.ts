// The weight of a step is in force until the next one's is: it goes on being judged while pods start and the mesh settles.
import {describe, expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import {judgedStep} from '../../controller/core/judgement.ts'
import {modelOf} from '../../controller/core/state.ts'
import {stepsOf} from '../../controller/core/steps.ts'
import {annotations} from '../../crds/names.ts'
import {type CheckResult, rolloutStatus} from '../../crds/rollout-status.ts'
import {runUntil} from './driver.ts'
import type {ModelCluster} from './model-cluster.ts'
import {analysis, releasing, until} from './releasing.ts'

type Verdict = CheckResult['verdict']

/** A release whose pods take more than a minute to start, just after its first step has passed. */
function starting(spec: object = {}): {cluster: ModelCluster; say(verdict: Verdict): void} {
  let verdict: Verdict = 'pass'
  const cluster = releasing(() => ({result: {verdict}}), {replicas: 4, ...spec}, {startMilliseconds: 70_000})
  until(cluster, () => cluster.status.release?.stepIndex === 1)
  return {
    cluster,
    say(next) {
      verdict = next
    },
  }
}

const judged = (cluster: ModelCluster) => {
  const model = modelOf(cluster.status)
  if (!model) throw new Error('no model')
  return judgedStep(model, cluster.observe().spec)
}

describe('while the pods of the next step start', () => {
  test('a canary that begins to fail is rolled back within a poll, and never raised', () => {
    const {cluster, say} = starting()
    const since = cluster.now
    say('fail')
    let most = 0
    runUntil(
      cluster,
      () => {
        most = Math.max(most, cluster.status.traffic?.wanted.b ?? 0)
        return cluster.status.phase === 'RollingBack'
      },
      300_000,
    )
    expect(cluster.status.release?.rollback?.reason).toBe('CheckFailed')
    expect(cluster.now - since).toBeLessThan(11_000)
    expect(most).toBeLessThanOrEqual(10)
    expect(cluster.status.checks?.[0]?.verdict).toBe('fail')
  })

  test('the step before is the one that is judged, for as long as its weight is in force', () => {
    const {cluster} = starting()
    const {since} = judged(cluster) ?? {}
    expect(judged(cluster)).toMatchObject({id: '0', canary: 'b', compared: true})
    expect(judged(cluster)?.until).toBeUndefined()
    expect(decide(cluster.observe()).again).toBeLessThanOrEqual(cluster.now + 10_000)
    until(cluster, () => cluster.status.traffic?.wanted.b === 50, 300_000)
    expect(judged(cluster)).toMatchObject({id: '0', since, until: Date.parse(cluster.status.traffic?.since ?? '')})
    until(cluster, () => cluster.status.release?.stepSince !== undefined)
    expect(judged(cluster)).toMatchObject({id: '1', since: Date.parse(cluster.status.traffic?.confirmedAt ?? '')})
    expect(cluster.status.release?.held).toBeUndefined()
  })

  test('its evidence is written at least once a minute, and with the wish for the next weight', () => {
    const {cluster} = starting()
    runUntil(cluster, () => false, 50_000)
    expect(cluster.status.traffic?.wanted.b).toBe(10)
    until(cluster, () => cluster.status.traffic?.wanted.b === 50, 300_000)
    const through = Date.parse(cluster.status.checks?.[0]?.evaluatedAt ?? '')
    expect(cluster.now - through).toBeLessThan(10_000)
  })

  test.each(['noData', 'error', 'inconclusive'] as const)('%s holds nothing and rolls nothing back', verdict => {
    const {cluster, say} = starting()
    say(verdict)
    until(cluster, () => cluster.status.traffic?.wanted.b === 50, 300_000)
    expect(cluster.status.conditions?.find(({type}) => type === 'NoVerdict')).toBeUndefined()
  })

  test('a promotion by command leaves nothing of it', () => {
    const {cluster} = starting()
    cluster.annotate(annotations.promote, cluster.status.canary?.revision ?? '')
    until(cluster, () => cluster.status.phase === 'Baking', 300_000)
    expect(cluster.status.release).not.toHaveProperty('held')
  })

  test('only the checks of the step in force count', () => {
    const steps = [{weight: 10, checks: []}, {weight: 50}]
    const {cluster, say} = starting({strategy: {canary: {steps}}})
    say('fail')
    until(cluster, () => cluster.status.traffic?.wanted.b === 50, 300_000)
    until(cluster, () => cluster.status.phase === 'RollingBack')
  })
})

test('a failure that was read after the wish for the next weight, of the time before it, rolls back', () => {
  let verdict: Verdict = 'pass'
  const slowMesh = {settlingMilliseconds: 60_000}
  const cluster = releasing(() => ({result: {verdict}}), {}, slowMesh)
  until(cluster, () => cluster.status.traffic?.wanted.b === 50, 300_000)
  verdict = 'fail'
  const since = cluster.now
  until(cluster, () => cluster.status.phase === 'RollingBack')
  expect(cluster.now - since).toBeLessThan(11_000)
})

test('a step whose weight is changed in its midst is judged at the old one until the new one is in force', () => {
  const cluster = releasing(() => 'noData', {replicas: 4}, {startMilliseconds: 30_000})
  const strategy = {canary: {steps: [{weight: 30}, {weight: 50}]}}
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, strategy}}
  runUntil(cluster, () => false, 5000)
  expect(cluster.status.release?.stepSince).toBeUndefined()
  expect(judged(cluster)).toMatchObject({id: '0'})
  until(cluster, () => cluster.status.release?.weightsSeen.at(-1) === 30, 300_000)
})

test('a route that somebody changed is not judged: what it carried is unknown', () => {
  const cluster = releasing(() => 'noData', {}, {settlingMilliseconds: 5000})
  runUntil(cluster, () => false, 5000)
  const route = cluster.find('Route', 'checkout')
  cluster.put({...route, spec: {...route?.spec, a: 10, b: 90}} as never)
  runUntil(cluster, () => cluster.status.release?.stepSince === undefined, 5000)
  expect(cluster.status.release).not.toHaveProperty('stepSince')
  expect(judged(cluster)).toBeUndefined()
  until(cluster, () => cluster.status.release?.stepSince !== undefined)
})

test('readings of the step before are taken in before the next one begins, as after a restart', () => {
  let again: {again: number} | undefined
  const cluster = releasing(() => ({result: {verdict: 'pass'}, ...again}))
  until(cluster, () => cluster.status.traffic?.wanted.b === 50)
  again = {again: 0}
  runUntil(cluster, () => false, 20_000)
  expect(cluster.status.traffic?.confirmed?.b).toBe(50)
  expect(cluster.status.release).toMatchObject({held: {step: 0}})
  again = undefined
  until(cluster, () => cluster.status.release?.stepSince !== undefined)
})

test('as many steps as a spec can make fit into the status', () => {
  const cluster = releasing(() => 'pass', {strategy: {canary: {stepWeight: 1, maxWeight: 100}}})
  const last = stepsOf(cluster.observe().spec).length - 1
  const release = {...cluster.status.release, stepIndex: last, held: {step: last - 1, since: '2026-01-01T00:00:00Z'}}
  expect(rolloutStatus.safeParse({...cluster.status, release}).error).toBeUndefined()
})

test('a step with the weight of the one before begins with itself', () => {
  const steps = [{weight: 10}, {weight: 10, checks: [], pause: {duration: '30s'}}, {weight: 50}]
  const cluster = releasing(() => 'pass', {...analysis({minimumDwell: '25s'}), strategy: {canary: {steps}}})
  until(cluster, () => cluster.status.release?.stepIndex === 1)
  const since = cluster.now
  until(cluster, () => cluster.status.release?.stepIndex === 2)
  expect(cluster.now - since).toBeGreaterThanOrEqual(29_000)
})

test.each([
  ['spec.pause', {pause: true}],
  ['a step that waits to be told', {strategy: {canary: {steps: [{weight: 10, pause: {}}, {weight: 50}]}}}],
])('%s holds the weight, and the judge is asked at every poll', (_, spec) => {
  const cluster = releasing(() => 'pass', spec)
  runUntil(cluster, () => false, 20_000)
  expect(cluster.status.release?.paused).toBeDefined()
  expect(decide(cluster.observe()).again).toBeLessThanOrEqual(cluster.now + 10_000)
})
