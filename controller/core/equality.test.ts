// Comparisons of JSON: the quick one agrees with the canonical text.
import fc from 'fast-check'
import {expect, test} from 'vitest'
import {canonicalJson} from '../../crds/json.ts'
import {same} from './equality.ts'

const json = fc.jsonValue({maxDepth: 3})

test('two values are the same when their canonical texts are', () => {
  fc.assert(
    fc.property(json, json, (left, right) => {
      expect(same(left, right)).toBe(canonicalJson(left) === canonicalJson(right))
      expect(same(left, structuredClone(left))).toBe(true)
    }),
  )
})

test.each<[unknown, unknown, boolean]>([
  [{a: 1, b: {c: [1, 2]}}, {b: {c: [1, 2]}, a: 1}, true],
  [{a: 1, b: undefined}, {a: 1}, true],
  [{a: 1}, {a: 1, b: undefined}, true],
  [{a: 1}, {a: 1, b: null}, false],
  [{a: 1, b: 2}, {a: 1}, false],
  [[1, 2], [2, 1], false],
  [[1], {0: 1}, false],
  [{}, null, false],
  [{}, undefined, false],
  ['1', 1, false],
])('%j and %j: %s', (left, right, expected) => {
  expect(same(left, right)).toBe(expected)
  expect(same(right, left)).toBe(expected)
})
