// The bands begin anew at each weight, when the faults of a step come or go, and after edits. However often that is, all
// of their chances to be left by mistake come to no more than their half of the check's alpha.
import {describe, expect, test} from 'vitest'
import type {Evidence} from '../../crds/evidence.ts'
import {type JudgedStep, judgeComparisons} from '../comparisons.ts'
import type {ReportingSide} from '../polls.ts'
import {type ArmCounts, noRequests} from './poll.ts'
import {settingsOf, timed} from './test-support.ts'

const settings = settingsOf({metric: 'requestDuration', slowerThan: '500ms'})
const step: JudgedStep = {id: '0', since: 0, canary: 'b', primary: 'a', compared: true}
const count = 20_000
const bounds = [10, 500]
const fast = timed(bounds, [count, count], count)
const slow = timed(bounds, [0, count], count)

interface Turn {
  id: string
  canary?: ArmCounts
  primary?: ArmCounts
  side?: ReportingSide
}

function after(turns: readonly Turn[]) {
  let evidence: Evidence | undefined
  return turns.map(({id, canary = slow, primary = fast, side = 'caller'}, index) => {
    const at = (index + 1) * 15_000
    const poll = {at, milliseconds: 15_000, sides: {[side]: {a: primary, b: canary, baseline: noRequests}}}
    const judged = judgeComparisons([settings], {...step, id}, evidence, {at, kind: 'counted', poll})
    evidence = judged.evidence
    return judged.results[0]
  })
}

/** What the bands of two arms with as many requests each spent, by the radius that they allowed. */
function spent(radius: number, requests: number): number {
  const each = (requests * (radius / 2 / 0.85) ** 2 - Math.log(1 + Math.log(requests))) / 0.8
  return (2 * 1612) / Math.exp(each)
}

const spentBy = (results: ReturnType<typeof after>, requests = count) =>
  results.map(result => spent(result?.evidence?.bands?.radius ?? Number.NaN, requests))
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe('what the bands spend of alpha', () => {
  test('a hundred holds of a step with faults come to no more than the whole', () => {
    const spending = spentBy(after(Array.from({length: 200}, (_, index) => ({id: index % 2 === 0 ? '0' : '0/calm'}))))
    expect(sum(spending)).toBeLessThan(settings.alpha / 2)
    // And it isn't hoarded: no more than a tenth is left for whatever may come.
    expect(sum(spending)).toBeGreaterThan(0.9 * (settings.alpha / 2))
  })

  test('steps take ever smaller shares, and none of them nothing', () => {
    const spending = spentBy(after(Array.from({length: 8}, (_, index) => ({id: `${index}`}))))
    for (const [index, share] of spending.entries()) {
      expect(share).toBeLessThan(spending[index - 1] ?? settings.alpha / 4)
      expect(share).toBeGreaterThan(settings.alpha / 2 / 150)
    }
  })

  test('further polls of a step spend nothing, nor do steps without a request', () => {
    const [first, second] = after([{id: '0'}, {id: '0'}])
    expect(spentBy([second], 2 * count)[0]).toBeCloseTo(spentBy([first])[0] ?? 0, 9)
    const none = timed(bounds, [0, 0], 0)
    const quiet = ['0', '0/calm', '0', '1'].map(id => ({id, canary: none, primary: none}))
    expect(spentBy([after([...quiet, {id: '2'}]).at(-1)])).toEqual(spentBy([first]))
  })

  test('counts that an incident took back begin again with a share of their own', () => {
    const incident = {...fast, failed: count}
    const side = 'destination' as const
    const turns: Turn[] = [
      {id: '0', side},
      {id: '0', side, primary: incident},
      {id: '0', side},
      {id: '0', side},
    ]
    const [once, again] = [
      after([
        {id: '0', side},
        {id: '0', side},
      ]),
      after([...turns, {id: '0', side}]),
    ]
    expect(once.at(-1)?.reason).toBe('Slower')
    expect(again.at(-1)?.reason).toBe('Slower')
    expect(spentBy([again.at(-1)], 2 * count)[0]).toBeLessThan(spentBy([once.at(-1)], 2 * count)[0] ?? 0)
  })
  test('an incident in the first poll of a step brings no counts of the step before back', () => {
    const side = 'destination' as const
    const incident = {id: '1', side, primary: {...fast, failed: count}}
    const results = after([{id: '0', side}, {id: '0', side}, incident, ...Array(3).fill({id: '1', side})])
    expect(results.at(-1)?.evidence?.bands?.canary.total).toBe(2 * count)
  })
})
