import {describe, expect, test} from 'vitest'
import type {Conditions} from './conditions.ts'
import {type Run, runFairlead} from './fairlead.ts'
import {moveSeconds, type Plan, readSeconds, settingsOf, usualPlan} from './plan.ts'
import {Chance} from './random.ts'
import {WarmUps} from './warm-up.ts'

const usual: Conditions = {rate: 100, weight: 0.1, primary: 0.001, canary: 0.001}
const runs = 40

function runsOf(change: Partial<Conditions>, more: Partial<Plan> = {}): Run[] {
  const [conditions, plan] = [
    {...usual, ...change},
    {...usualPlan, ...more},
  ]
  const settings = settingsOf(plan)
  return Array.from({length: runs}, (_, seed) => runFairlead(conditions, plan, settings, new Chance(seed), undefined))
}

test('the times that the product keeps', () => {
  expect([readSeconds(15), readSeconds(5)]).toEqual([2, 1])
  expect(moveSeconds).toBe(1)
})

describe('a broken canary', () => {
  test.each([15, 5])('polls of %d s: it is found at a grid time, after the reading', pollSeconds => {
    for (const one of runsOf({canary: 1}, {pollSeconds})) {
      expect(one).toMatchObject({kind: 'rollback', moved: one.found + moveSeconds})
      // One whole poll after the settling time, whose first grid time lies anywhere, and no later than the second.
      const least = usualPlan.settleSeconds + pollSeconds + readSeconds(pollSeconds)
      expect(one.found).toBeGreaterThanOrEqual(least)
      expect(one.found).toBeLessThan(least + 2 * pollSeconds)
      expect(Math.abs(one.failed / (10 * one.moved) - 1)).toBeLessThan(0.35)
    }
  })

  test('is not found before its weight counts as in force', () => {
    for (const {found} of runsOf({canary: 1}, {settleSeconds: 100})) expect(found).toBeGreaterThan(115)
  })

  test('grid and scrapes lie elsewhere in each run', () =>
    expect(new Set(runsOf({canary: 1}).map(({found}) => found)).size).toBe(runs))

  test('late: what counts begins with the onset', () => {
    for (const one of runsOf({canary: 1, onset: 400}, {goOn: true})) {
      expect(one.kind).toBe('rollback')
      expect(one.foundSinceOnset).toBeCloseTo(one.found - 400, 9)
      expect(one.failed - one.failedSinceOnset).toBeLessThan(20)
      expect(one.cleared).toBeLessThan(400)
    }
  })
})

test('the same seed gives the same run', () => expect(runsOf({canary: 0.01})).toEqual(runsOf({canary: 0.01})))

describe('a healthy canary', () => {
  test('ends its step, and says after how many requests', () => {
    for (const one of runsOf({primary: 0, canary: 0})) {
      expect(one.kind).toBe('advance')
      // 435 clean requests: three polls of 150, four at most.
      expect(one.clearedRequests).toBeGreaterThanOrEqual(435)
      expect(one.clearedRequests).toBeLessThan(700)
      expect(one.cleared).toBe(one.found)
    }
  })

  test('goes through the steps of a release and its bake', () => {
    const steps = {weights: [0.05, 0.5], bake: {seconds: 120, holdback: 0.25}}
    for (const one of runsOf({primary: 0, canary: 0}, steps)) {
      expect(one.kind).toBe('advance')
      expect(one.found).toBeGreaterThan((one.cleared ?? 0) + 120)
      // From the bake on it has three quarters of 100 requests a second: 9,000 in two minutes alone.
      expect(one.failed).toBe(0)
    }
  })

  test('of several checks all must pass', () => {
    const checks = [{metric: 'requestErrors'}, {metric: 'requestDuration', slowerThan: '500ms'}]
    const durations = {medianMilliseconds: 100, slower: 1}
    const one = runsOf({durations}, {checks})
    const alone = runsOf({durations})
    const mean = (all: Run[]) => all.reduce((sum, {cleared = 600}) => sum + cleared, 0) / all.length
    expect(mean(one)).toBeGreaterThan(mean(alone))
  })
})

describe('an incident of both versions during the bake', () => {
  const incident = {from: 60, to: 180, share: 0.3}
  const endings = (bake: NonNullable<Plan['bake']>) =>
    runsOf({primary: 0.0005, canary: 0.0005}, {weights: [0.25], bake}).map(({kind}) => kind)

  test('is told from a fault where the old version kept a share', () =>
    expect(endings({seconds: 300, holdback: 0.25, incident})).not.toContain('rollback'))

  test('and is not where it did not', () => expect(endings({seconds: 300, incident})).toContain('rollback'))
})

test('an hour of the primary teaches how its failures scatter, once for all with the same primary', () => {
  const warmUps = new WarmUps()
  const phiOf = (change: Partial<Conditions>) => {
    const settings = settingsOf(usualPlan)
    const [dispersion] = (warmUps.of({...usual, ...change}, usualPlan, settings, 0)?.checks ?? []).flatMap(
      ({proportions}) => proportions.map(one => one.dispersion.weightedSum / one.dispersion.weights),
    )
    return dispersion
  }
  expect(phiOf({cluster: 5})).toBeGreaterThan(2)
  expect(phiOf({})).toBeLessThan(1.7)
  expect(phiOf({canary: 0.05, onset: 7})).toBe(phiOf({}))
})
