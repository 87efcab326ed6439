import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {dueEvaluation, type EvaluationGrid} from './grid.ts'

const grid = {anchor: 1_000_000, intervalMilliseconds: 15_000, windowMilliseconds: 60_000}
const first = 1_060_000

describe('dueEvaluation', () => {
  it.each<[string, Partial<EvaluationGrid> & {now: number}, object]>([
    ['waits for a whole window', {now: first - 1}, {next: first}],
    ['waits before the anchor', {now: 5}, {next: first}],
    ['is due when the window is whole', {now: first}, {at: first}],
    ['stays due until the next time', {now: first + 14_999}, {at: first}],
    ['moves on at the next time', {now: first + 15_000}, {at: first + 15_000}],
    ['is not due twice', {now: first + 3, evaluatedThrough: first}, {next: first + 15_000}],
    ['skips to the latest after a gap', {now: first + 100_000, evaluatedThrough: first}, {at: first + 90_000}],
    ['ignores what an earlier step judged', {now: first, evaluatedThrough: grid.anchor - 1}, {at: first}],
    [
      'does not judge again when the clock was set back',
      {now: first, evaluatedThrough: first + 30_000},
      {next: first + 45_000},
    ],
    ['waits for late samples', {now: first + 4999, lagMilliseconds: 5000}, {next: first + 5000}],
    ['judges at the grid time for all that', {now: first + 5000, lagMilliseconds: 5000}, {at: first}],
    ['takes an interval of nothing as a second', {now: first + 2500, intervalMilliseconds: 0}, {at: first + 2000}],
  ])('%s', (_, change, expected) => {
    expect(dueEvaluation({...grid, ...change})).toEqual(expected)
  })

  it('needs no window when there is none', () => {
    expect(dueEvaluation({...grid, windowMilliseconds: 0, now: grid.anchor})).toEqual({at: grid.anchor})
  })
})

const grids = fc.record({
  anchor: fc.integer({min: 0, max: 2e12}),
  intervalMilliseconds: fc.integer({min: 0, max: 600_000}),
  windowMilliseconds: fc.integer({min: 0, max: 600_000}),
  lagMilliseconds: fc.integer({min: 0, max: 60_000}),
  now: fc.integer({min: 0, max: 2e12}),
  elapsed: fc.integer({min: 0, max: 5_000_000}),
})

describe('properties of the grid', () => {
  it('an evaluation lies a whole window after the anchor, on the grid, in the past and within one interval', () => {
    fc.assert(
      fc.property(grids, ({elapsed, ...input}) => {
        const now = input.anchor + elapsed
        const due = dueEvaluation({...input, now})
        const first = input.anchor + input.windowMilliseconds
        const interval = Math.max(1000, input.intervalMilliseconds)
        if ('next' in due) {
          expect(due.next).toBe(first + input.lagMilliseconds)
          expect(due.next).toBeGreaterThan(now)
          return
        }
        expect(due.at).toBeGreaterThanOrEqual(first)
        expect((due.at - first) % interval).toBe(0)
        const settled = now - input.lagMilliseconds
        expect(settled - due.at).toBeGreaterThanOrEqual(0)
        expect(settled - due.at).toBeLessThan(interval)
      }),
    )
  })

  it('who restarts at `next` finds an evaluation due that is later than the judged one', () => {
    fc.assert(
      fc.property(grids, fc.integer({min: -100_000, max: 5_000_000}), ({elapsed, ...input}, judged) => {
        const evaluatedThrough = input.anchor + judged
        const now = input.anchor + elapsed
        const due = dueEvaluation({...input, now, evaluatedThrough})
        const again = 'at' in due ? due : dueEvaluation({...input, now: due.next, evaluatedThrough})
        expect(again).toHaveProperty('at')
        expect('at' in again && again.at).toBeGreaterThan(evaluatedThrough)
        if ('next' in due) expect(dueEvaluation({...input, now: due.next - 1, evaluatedThrough})).toEqual(due)
      }),
    )
  })
})
