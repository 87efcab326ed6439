import fc from 'fast-check'
import {expect, test} from 'vitest'
import {backoffMilliseconds} from './backoff.ts'

const backoff = {baseMilliseconds: 100, maxMilliseconds: 10_000}

test('doubles with each failure, up to the bound', () => {
  const top = {next: () => 1 - Number.EPSILON}
  expect([1, 2, 3, 7, 8, 9].map(failures => backoffMilliseconds(backoff, failures, top))).toEqual([
    100, 200, 400, 6400, 10_000, 10_000,
  ])
})

test('stays between half of it and all of it, whatever the count', () => {
  const chance = fc.double({min: 0, max: 1, maxExcluded: true, noNaN: true})
  fc.assert(
    fc.property(fc.integer({min: 0, max: 1e9}), chance, (failures, next) => {
      const delay = backoffMilliseconds(backoff, failures, {next: () => next})
      const ceiling = Math.min(10_000, 100 * 2 ** Math.max(0, failures - 1))
      expect(delay).toBeGreaterThanOrEqual(ceiling / 2)
      expect(delay).toBeLessThanOrEqual(ceiling)
    }),
  )
})
