import {describe, expect, test} from 'vitest'
import {cookiePattern} from './cookies.ts'

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
