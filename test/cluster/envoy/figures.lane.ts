import {expect, test} from 'vitest'
import {binomialBounds, confirmedSpans, straggling} from './figures.ts'
import type {Report} from './report.ts'

test.each([
  // Of ten throws of a coin none shows heads in 1 of 1,024 cases, at most one in 11 and at most two in 56.
  [10, 0.5, 2 * (10 / 1024), {least: 1, greatest: 9}],
  [10, 0.5, 2 * (12 / 1024), {least: 2, greatest: 8}],
  [7, 0, 0.1, {least: 0, greatest: 0}],
  [7, 1, 0.1, {least: 7, greatest: 7}],
])('%i trials of chance %d, %d outside', (trials, chance, outside, expected) => {
  expect(binomialBounds(trials, chance, outside)).toEqual(expected)
})

test('many trials: by the normal curve, 3.89 standard deviations on either side', () => {
  const {least, greatest} = binomialBounds(10_000, 0.5, 1e-4)
  expect(Math.abs(least - (5000 - 3.89 * 50))).toBeLessThan(3)
  expect(Math.abs(greatest - (5000 + 3.89 * 50))).toBeLessThan(3)
})

/** A run in which 0/100 becomes 100/0 at 10 s and is confirmed at 12 s; slot b still gets requests until 10.5 s. */
function run(): Report {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString()
  const status = (wanted: object, since: number, confirmed: object, confirmedAt: number) => ({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name: 'checkout'},
    status: {traffic: {wanted, since: time(since), confirmed, confirmedAt: time(confirmedAt)}},
  })
  const [onA, onB] = [
    {a: 100, b: 0},
    {a: 0, b: 100},
  ]
  const request = (seconds: number, slot: string) => {
    return {sentAt: seconds * 1000, endedAt: seconds * 1000 + 1, status: 200, answer: {slot, chosen: slot, image: ''}}
  }
  return {
    envoy: '',
    adoptionMilliseconds: 0,
    good: {mergedAt: 0, endedAt: 0},
    bad: {mergedAt: 0, endedAt: 0},
    troubled: {mergedAt: 0, endedAt: 0, brokenAt: 0},
    requests: [request(5, 'b'), request(10.5, 'b'), request(11, 'a'), request(13, 'a')],
    changes: [status(onB, 1, onB, 2), status(onA, 10, onB, 2), status(onA, 10, onA, 12)],
  }
}

test('a span lasts from the confirmation to the next decision; what is sent in between belongs to none', () => {
  const spans = confirmedSpans(run()).map(({weights, confirmedAt, until, requests}) => {
    return [weights.b, confirmedAt, until, requests.map(({sentAt}) => sentAt)]
  })
  expect(spans).toEqual([
    [100, 2000, 10_000, [5000]],
    [0, 12_000, Number.POSITIVE_INFINITY, [13_000]],
  ])
})

test('straggling is the time from the decision to the last request of a slot that was to have none', () => {
  expect(straggling(run())).toBe(500)
})
