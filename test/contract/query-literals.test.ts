// Whatever a check sets a variable to, the query keeps its structure: read by the grammar of PromQL itself.
import {parser} from '@prometheus-io/lezer-promql'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {renderQuery} from '../../analysis/template.ts'
import {valuesOfVariables} from '../../analysis/template-variables.ts'
import type {TemplateVariable} from '../../crds/metric-template.ts'

const builtIn = {
  namespace: 'shop',
  rollout: 'checkout',
  canaryWorkload: 'checkout-b',
  primaryWorkload: 'checkout-a',
  window: '60s',
}

/** The query, or undefined where the value is refused. */
function rendered(template: string, type: TemplateVariable['type'], value: string): string | undefined {
  const values = valuesOfVariables([{name: 'x', type}], {x: value})
  if (!(values instanceof Map)) return undefined
  const result = renderQuery(template, builtIn, values)
  return 'query' in result ? result.query : undefined
}

/** Kinds of all nodes with their depth, and whether the grammar had to guess. */
function structureOf(query: string): string[] {
  const found: string[] = []
  let depth = 0
  parser.parse(query).iterate({
    enter: node => {
      found.push(`${depth++} ${node.type.isError ? 'error' : node.name}`)
    },
    leave: () => {
      depth--
    },
  })
  return found
}

const templates = [
  'max(x{a="{{ variables.x }}",b="c"}) by (a) > 1',
  "x{a='{{ variables.x }}'} or y",
  'x{a=`{{ variables.x }}`} or y',
  'x{a=~"{{ variables.x }}-.*"} or y',
  'x{a!~`{{ variables.x }}`} or y',
  'label_replace(x, "a", "$1", "b", "{{ variables.x }}")',
  'x > {{ variables.x }}',
  'rate(x[{{ variables.x }}]) # {{ variables.x }}\n > 1',
]
/** The grammar looks words up in a plain object, and takes what every object has for keywords; Prometheus does not. */
const inherited = (value: string) => value.toLowerCase() in {}
const plain = {string: 'a', number: '1', duration: '1m', regex: 'a'} as const
const hostile = fc.oneof(
  fc.string(),
  fc.string({unit: 'binary'}),
  fc
    .array(
      fc.constantFrom(
        '"',
        "'",
        '`',
        '\\',
        '\n',
        '#',
        '}',
        '{{',
        '}}',
        ')',
        '(',
        '[',
        ']',
        ' or y',
        '1',
        'm',
        '^',
        ':',
        '|',
      ),
      {
        maxLength: 12,
      },
    )
    .map(parts => parts.join('')),
)

/** Every template with every type that makes a query of it. */
const cases = templates.flatMap(template =>
  (Object.keys(plain) as (keyof typeof plain)[]).flatMap(type => {
    const structure = structureOf(rendered(template, type, plain[type]) ?? '')
    return structure.some(node => node.endsWith('error')) ? [] : [{template, type, structure}]
  }),
)

test('most templates take most types', () => expect(cases.length).toBeGreaterThan(20))

test.each(cases)('$template keeps its structure with any $type', ({template, type, structure}) => {
  fc.assert(
    fc.property(hostile, value => {
      const query = rendered(template, type, value)
      if (query === undefined || inherited(value)) return
      // A sign is a node of its own.
      if (type === 'number' && value.startsWith('-')) expect(structureOf(query).join()).not.toContain('error')
      else expect(structureOf(query)).toEqual(structure)
    }),
    {numRuns: 300},
  )
})

/** What a double-quoted literal of PromQL says, and the pattern that it is as a matcher. */
function patternIn(query: string): RegExp {
  const text = /"((?:[^"\\]|\\.)*)"/s.exec(query)?.[1] ?? ''
  const said = text.replaceAll(/\\(.)/gs, (_, character: string) =>
    character === 'n' ? '\n' : character === 'r' ? '\r' : character,
  )
  return new RegExp(`^(?:${said})$`, 's')
}

describe('in a pattern', () => {
  test('a text matches itself and nothing else', () => {
    fc.assert(
      fc.property(hostile, hostile, (value, other) => {
        const pattern = patternIn(rendered('x{a=~"<{{ variables.x }}>"}', 'string', value) ?? '')
        expect(pattern.test(`<${value}>`)).toBe(true)
        expect(pattern.test(`<${other}>`)).toBe(value === other)
      }),
    )
  })

  test('a regular expression cannot leave its place', () => {
    fc.assert(
      fc.property(hostile, hostile, (value, subject) => {
        const query = rendered('x{a=~"<{{ variables.x }}>"}', 'regex', value)
        if (query === undefined || !patternIn(query).test(subject)) return
        expect(subject.startsWith('<') && subject.endsWith('>')).toBe(true)
      }),
      {numRuns: 1000},
    )
  })
})
