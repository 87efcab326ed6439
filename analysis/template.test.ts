import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type QueryVariables, renderQuery} from './template.ts'

const variables: QueryVariables = {
  namespace: 'shop',
  rollout: 'checkout',
  canaryWorkload: 'checkout-b',
  primaryWorkload: 'checkout-a',
  window: '60s',
}

describe('renderQuery', () => {
  it.each([
    ['up', 'up'],
    ['x{namespace="{{ namespace }}",r="{{rollout}}"}', 'x{namespace="shop",r="checkout"}'],
    ['x{w="{{ canary.workload }}"} - x{w="{{primary.workload}}"}', 'x{w="checkout-b"} - x{w="checkout-a"}'],
    ['rate(x{pod=~"{{ canary.podPattern }}"}[{{ window }}])', 'rate(x{pod=~"checkout-b-[a-z0-9]+(-[a-z0-9]+)?"}[60s])'],
    ["x{pod=~'{{ primary.podPattern }}'}", "x{pod=~'checkout-a-[a-z0-9]+(-[a-z0-9]+)?'}"],
    ['x{pod=~`{{ primary.podPattern }}`}', 'x{pod=~`checkout-a-[a-z0-9]+(-[a-z0-9]+)?`}'],
    ['x{a="\\"{{ namespace }}"}', 'x{a="\\"shop"}'],
    ['x # it\'s {{ window }}\n+ y{n="{{ namespace }}"}', 'x # it\'s 60s\n+ y{n="shop"}'],
  ])('%s', (template, query) => {
    expect(renderQuery(template, variables)).toEqual({query})
  })

  it.each([
    [
      'x{p="{{ canary.pod }}"}',
      'UnknownVariable',
      'unknown variable {{ canary.pod }}: use one of namespace, rollout, canary.workload, canary.podPattern, primary.workload, primary.podPattern, window',
    ],
    ['{{ }}', 'UnknownVariable', 'unknown variable {{  }}'],
    ['{{ constructor }}', 'UnknownVariable', 'unknown variable {{ constructor }}'],
    ['x{p="{{ namespace"}', 'UnclosedVariable', '"{{ namespace"}" has no closing }}'],
    [
      'x{pod=~{{ canary.podPattern }}}',
      'UnsafeValue',
      "{{ canary.podPattern }} can't stand outside quotes: put it in double quotes",
    ],
  ])('refuses %s', (template, reason, message) => {
    expect(renderQuery(template, variables)).toEqual({reason, message: expect.stringContaining(message)})
  })

  it('refuses a pattern of pods whose names Kubernetes cuts', () => {
    const long = (length: number) => ({...variables, canaryWorkload: 'x'.repeat(length)})
    const template = 'x{pod=~"{{ canary.podPattern }}"}'
    expect(renderQuery(template, long(57))).toHaveProperty('query')
    expect(renderQuery(template, long(58))).toMatchObject({reason: 'NoPodPattern'})
    expect(renderQuery('x{w="{{ canary.workload }}"}', long(58))).toHaveProperty('query')
  })
})

describe('the pod pattern', () => {
  function pattern(workload: string): RegExp {
    const rendered = renderQuery('{pod=~"{{ canary.podPattern }}"}', {...variables, canaryWorkload: workload})
    const text = 'query' in rendered ? /"(.*)"/.exec(rendered.query)?.[1] : undefined
    return new RegExp(`^(?:${text})$`)
  }

  it.each([
    ['checkout-b', 'checkout-b-7d4b9c6f5-x2x8q', true],
    ['checkout-b', 'checkout-b-x2x8q', true],
    ['checkout-b', 'checkout-a-7d4b9c6f5-x2x8q', false],
    ['checkout-b', 'checkout-b', false],
    ['checkout-b', 'checkout-b-a-7d4b9c6f5-x2x8q', false],
    ['checkout-b', 'my-checkout-b-7d4b9c6f5-x2x8q', false],
    ['check.out-b', 'check.out-b-7d4b9c6f5-x2x8q', true],
    ['check.out-b', 'checkXout-b-7d4b9c6f5-x2x8q', false],
  ])('of %s and %s: %s', (workload, pod, matches) => {
    expect(pattern(workload).test(pod)).toBe(matches)
  })
})

describe('values in literals', () => {
  it.each(['"', "'"])('cannot end a literal in %s, and read back unchanged', quote => {
    fc.assert(
      fc.property(fc.string({unit: 'binary'}), namespace => {
        const rendered = renderQuery(`${quote}{{ namespace }}${quote}`, {...variables, namespace})
        const literal = 'query' in rendered ? rendered.query.slice(1, -1) : ''
        expect(literal.replaceAll(/\\./g, '')).not.toMatch(quote === '"' ? /["\n\r\\]/ : /['\n\r\\]/)
        const unescaped = literal.replaceAll(/\\(.)/g, (_, character: string) =>
          character === 'n' ? '\n' : character === 'r' ? '\r' : character,
        )
        expect(unescaped).toBe(namespace)
      }),
    )
  })

  it('are refused in backticks and outside quotes where they would change the query', () => {
    expect(renderQuery('`{{ namespace }}`', {...variables, namespace: 'a`b'})).toMatchObject({reason: 'UnsafeValue'})
    expect(renderQuery('x[{{ window }}]', {...variables, window: '1m] or y['})).toMatchObject({reason: 'UnsafeValue'})
    expect(renderQuery('# {{ window }}', {...variables, window: '1m\nor y'})).toMatchObject({reason: 'UnsafeValue'})
  })
})
