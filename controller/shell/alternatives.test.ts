import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {alternatives} from './alternatives.ts'

/** The pattern that a literal of PromQL says, which it may not leave. */
function patternOf(values: string[]): RegExp {
  const text = alternatives(values)
  expect(text.replaceAll('\\\\', '')).not.toMatch(/["\\\n]/)
  return new RegExp(`^(?:${text.replaceAll('\\\\', '\\')})$`, 's')
}

describe('alternatives', () => {
  test('write a common beginning once', () => {
    expect(alternatives(['app-1-a', 'app-1-b', 'app-2-a', 'app-2-b'])).toBe('app-(?:1-[ab]|2-[ab])')
    expect(alternatives(['pay', 'payment', 'cart', 'cart'])).toBe('cart|pay(?:ment)?')
    expect(alternatives(['a', 'ab'])).toBe('ab?')
    expect(alternatives(['one.shop'])).toBe('one[.]shop')
  })

  test('match each of the texts and nothing else', () => {
    const texts = fc.string({
      unit: fc.constantFrom('a', 'b', '-', '.', '/', '+', '(', ']', '"', '\n', 'ü', '\\'),
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.array(texts, {minLength: 1, maxLength: 12}), texts, (values, other) => {
        const pattern = patternOf(values)
        for (const value of values) expect(pattern.test(value)).toBe(true)
        expect(pattern.test(other)).toBe(values.includes(other))
      }),
      {numRuns: 2000},
    )
  })
})
