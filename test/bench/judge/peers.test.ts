import {expect, test} from 'vitest'
import {argo, flagger, flaggerStrict, runThreshold, shiftOf} from './peers.ts'
import {moveSeconds} from './plan.ts'
import {Chance} from './random.ts'

const broken = {rate: 100, weight: 0.1, primary: 0.001, canary: 1}

// Flagger takes an interval more than its threshold: 3,600 failed requests, as STATISTICS says.
test.each([
  ['flagger', flagger, 360],
  ['flagger, 1 check', flaggerStrict, 120],
  ['argo', argo, 1200],
])('%s rolls a broken canary back after %d s', (_name, threshold, seconds) => {
  const ending = runThreshold(broken, threshold, new Chance(5))
  expect(ending).toMatchObject({kind: 'rollback', found: seconds, moved: seconds + moveSeconds})
  expect(Math.abs(ending.failed / (10 * seconds) - 1)).toBeLessThan(0.1)
})

test('the shift of Hodges and Lehmann and the lower end of its interval', () => {
  const primary = Array.from({length: 30}, (_, index) => index)
  const {estimate, lower} = shiftOf(
    primary.map(value => value + 100),
    primary,
  )
  expect(estimate).toBe(100)
  // By hand: rank 450 - 2.326 sqrt(900 * 61 / 12) = 292.7; 276 of the 900 shifts are at most 93, 300 at most 94.
  expect(lower).toBe(94)
  expect(shiftOf([], primary)).toEqual({estimate: 0, lower: 0})
})
