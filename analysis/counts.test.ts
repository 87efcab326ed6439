import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type CounterSample, countSince} from './counts.ts'

function sample(pod: string, value: number, code = '200'): CounterSample {
  return {labels: {pod, code}, value}
}

describe('countSince', () => {
  it.each<[string, CounterSample[], CounterSample[], number]>([
    ['nothing at all', [], [], 0],
    ['the difference of a series', [sample('x', 10)], [sample('x', 17)], 7],
    ['the sum over series', [sample('x', 10), sample('y', 1)], [sample('y', 4), sample('x', 10)], 3],
    ['a new series from 0', [sample('x', 10)], [sample('x', 10), sample('y', 5)], 5],
    ['a reset counter from 0', [sample('x', 10)], [sample('x', 4)], 4],
    ['nothing of a vanished series', [sample('x', 10), sample('y', 3)], [sample('x', 12)], 2],
    ['series apart that differ in one label', [sample('x', 10, '200')], [sample('x', 6, '500')], 6],
    ['nothing of a value that is not a number', [sample('x', 10)], [sample('x', Number.NaN)], 0],
    ['nothing of an infinite value', [], [sample('x', Number.POSITIVE_INFINITY)], 0],
    ['from 0 where the start is not a number', [sample('x', Number.NaN)], [sample('x', 3)], 3],
  ])('counts %s', (_, start, end, expected) => {
    expect(countSince(start, end)).toBe(expected)
  })

  it('knows a series again whatever the order of its labels', () => {
    const start = [{labels: {a: '1', b: '2'}, value: 5}]
    const end = [{labels: {b: '2', a: '1'}, value: 6}]
    expect(countSince(start, end)).toBe(1)
  })
})

describe('properties of the count', () => {
  const vectors = fc
    .uniqueArray(fc.tuple(fc.stringMatching(/^[a-e]{1,2}$/), fc.nat()), {selector: ([pod]) => pod})
    .map(list => list.map(([pod, value]) => sample(pod, value)))

  it('is never negative, never above what the counters say, and blind to the order of series', () => {
    fc.assert(
      fc.property(vectors, vectors, (start, end) => {
        const total = countSince(start, end)
        expect(total).toBeGreaterThanOrEqual(0)
        expect(total).toBeLessThanOrEqual(end.reduce((sum, {value}) => sum + value, 0))
        expect(countSince(start.toReversed(), end.toReversed())).toBe(total)
      }),
    )
  })

  it('adds up over two spans while nothing is reset', () => {
    fc.assert(
      fc.property(vectors, fc.nat({max: 1000}), fc.nat({max: 1000}), (start, first, second) => {
        const grow = (by: number) => (series: CounterSample) => ({...series, value: series.value + by})
        const middle = start.map(grow(first))
        const end = middle.map(grow(second))
        expect(countSince(start, end)).toBe(countSince(start, middle) + countSince(middle, end))
      }),
    )
  })
})
