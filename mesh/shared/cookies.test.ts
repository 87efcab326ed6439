import {describe, expect, test} from 'vitest'
import {cookiePattern, cookiePatterns} from './cookies.ts'

describe('a Cookie header by its expression', () => {
  const matches = (header: string, ...names: string[]) =>
    new RegExp(`^${cookiePattern(names.map(name => ({name, value: `${name}.1`})))}$`).test(header)

  test.each([
    ['a=a.1', true],
    ['x=1; a=a.1', true],
    ['x=1;a=a.1;y=2', true],
    ['a=a.12', false],
    ['ba=a.1', false],
    ['a=ax1', false],
    ['x=a=a.1', false],
    ['', false],
  ])('one: %s -> %s', (header, expected) => {
    expect(matches(header, 'a')).toBe(expected)
  })

  test.each([
    ['a=a.1; b=b.1; c=c.1', true],
    ['c=c.1; a=a.1; b=b.1', true],
    ['z=0; b=b.1; y=1; c=c.1; a=a.1; x=2', true],
    ['a=a.1; b=b.1', false],
    ['a=a.1; b=b.1b=b.1; c=c.1', false],
  ])('several, in any order: %s -> %s', (header, expected) => {
    expect(matches(header, 'a', 'b', 'c')).toBe(expected)
  })
})

describe('an expression that would be too long', () => {
  const cookies = [1, 2, 3, 4].map(one => ({
    name: `cookie-name-number-${one}`,
    value: `some-reasonably-long-value-${one}`,
  }))
  const header = (order: readonly number[]) =>
    order.map(index => `${cookies[index]?.name}=${cookies[index]?.value}`).join('; x=1; ')

  test('is several, and every order meets one of them', () => {
    expect(cookiePattern(cookies).length).toBeGreaterThan(4096)
    const patterns = cookiePatterns(cookies, 4096)
    expect(patterns.length).toBeGreaterThan(1)
    expect(Math.max(...patterns.map(one => one.length))).toBeLessThanOrEqual(4096)
    const meets = (text: string) => patterns.filter(one => new RegExp(`^${one}$`).test(text)).length
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 3, 1],
      [1, 3, 0, 2],
    ])
      expect(meets(header(order))).toBe(1)
    expect(meets(header([0, 1, 2]))).toBe(0)
  })

  test('is the one that it was where it fits', () => {
    expect(cookiePatterns(cookies.slice(0, 2), 4096)).toEqual([cookiePattern(cookies.slice(0, 2))])
  })
})
