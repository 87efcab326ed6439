import {describe, expect, test} from 'vitest'
import {chosenInterval, dueGridTimes, gridOf, gridTimeAfter, latestGridTime, nextReadingAt} from './grid.ts'

const grid = gridOf(15_000)

describe('the grid of reading times', () => {
  test('is the same for everybody, whenever it is looked at', () => {
    expect(latestGridTime(grid, 1_000_000_005_000)).toBe(1_000_000_005_000 - 15_000)
    expect(latestGridTime(grid, 1_000_000_007_000)).toBe(1_000_000_005_000)
    expect(gridTimeAfter(grid, 1_000_000_005_000)).toBe(1_000_000_005_000)
    expect(gridTimeAfter(grid, 1_000_000_005_001)).toBe(1_000_000_020_000)
  })

  test('a time is read a fifth of the interval later, at most two seconds', () => {
    expect(gridOf(5000).lagMilliseconds).toBe(1000)
    expect(gridOf(60_000).lagMilliseconds).toBe(2000)
    expect(nextReadingAt(grid, 1_000_000_005_000)).toBe(1_000_000_022_000)
    expect(nextReadingAt(grid, 1_000_000_006_000)).toBe(1_000_000_022_000)
  })

  test.each([
    [undefined, 15],
    [0, 15],
    [1, 15],
    [2, 15],
    [4, 15],
    [8, 15],
    [9, 15],
    [11, 10],
    [12, 10],
    [13, 10],
    [17, 10],
    [23, 5],
    [24, 5],
    [120, 5],
  ])('with %s scrapes in two minutes the interval is %i s', (scrapes, seconds) => {
    expect(chosenInterval(scrapes)).toBe(1000 * seconds)
  })

  test('what was missed is made up for in order', () => {
    const through = 1_000_000_005_000
    expect(dueGridTimes(grid, through, through + 16_999)).toEqual([])
    expect(dueGridTimes(grid, through, through + 17_000)).toEqual([through + 15_000])
    expect(dueGridTimes(grid, through, through + 50_000)).toEqual([15, 30, 45].map(seconds => through + seconds * 1000))
  })

  test('after a change of the interval the grid is the new one', () =>
    expect(dueGridTimes(gridOf(20_000), 1_000_000_005_000, 1_000_000_030_000)).toEqual([1_000_000_020_000]))

  test('a long outage is a gap', () => {
    const due = dueGridTimes(grid, 0, 1_000_000_010_000)
    expect(due).toHaveLength(480)
    expect(due.at(-1)).toBe(1_000_000_005_000)
  })

  test('history is read whole, however long the window; what was missed since is bounded', () => {
    const taken = 1_000_000_005_000
    const from = taken - 1000 * 15_000
    const due = dueGridTimes(grid, from, taken + 35_000, taken)
    expect(due).toHaveLength(1002)
    expect(due[0]).toBe(from + 15_000)
    expect(dueGridTimes(grid, from, taken + 1000 * 15_000 + 5000, taken)).toHaveLength(480)
    // Prometheus gives at most 11,000 points of a series.
    expect(dueGridTimes(grid, taken - 20_000 * 15_000, taken + 20_000, taken)).toHaveLength(10_000)
  })

  test('a clock that was set back reads nothing twice', () =>
    expect(dueGridTimes(grid, 1_000_000_005_000, 999_000_000_000)).toEqual([]))

  test('an interval below a second is a second', () => expect(gridOf(0).intervalMilliseconds).toBe(1000))
})
