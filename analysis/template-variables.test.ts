import {describe, expect, it} from 'vitest'
import type {TemplateVariable} from '../crds/metric-template.ts'
import {renderQuery} from './template.ts'
import {valuesOfVariables} from './template-variables.ts'

type Type = TemplateVariable['type']

const base = {namespace: 'shop', rollout: 'r.1', canaryWorkload: 'r.1-b', primaryWorkload: 'r.1-a', window: '60s'}

function judged(type: Type, value: string) {
  return valuesOfVariables([{name: 'x', type}], {x: value})
}

function rendered(template: string, type: Type, value: string) {
  const values = judged(type, value)
  return values instanceof Map ? renderQuery(template, base, values) : values
}

describe('values of each type', () => {
  it.each<[Type, string]>([
    ['string', ''],
    ['string', 'any "text" at all\n'],
    ['number', '0'],
    ['number', '-1.5e-3'],
    ['number', '.5'],
    ['number', '5.'],
    ['duration', '5m'],
    ['duration', '1y2w3d4h5m6s7ms'],
    ['duration', '0s'],
    ['regex', 'a|b'],
    ['regex', '(?i)check(?:out)?-[0-9]{1,3}'],
    ['regex', '[^/]+\\.example\\.com'],
    ['regex', '\\(\\?='],
    ['regex', '\\\\1'],
    ['regex', '\\w+\\_\\-\\n'],
    ['regex', ''],
  ])('%s: %j', (type, value) => {
    expect(judged(type, value)).toEqual(new Map([['x', {type, value}]]))
  })

  it.each<[Type, string, string]>([
    ['number', '', '"" is not a number: write one such as 0.5'],
    ['number', 'NaN', '"NaN" is not a number'],
    ['number', 'Inf', 'is not a number'],
    ['number', '1e999', 'is not a number'],
    ['number', '0x10', 'is not a number'],
    ['number', '1,5', 'is not a number'],
    ['number', '5 or vector(0)', '"5 or vector(0)" is not a number'],
    ['number', '5\n', 'is not a number'],
    ['number', '+5', 'is not a number'],
    ['duration', '', 'is not a duration of PromQL: write one such as 5m or 1h30m'],
    ['duration', '5', 'is not a duration'],
    ['duration', '1.5h', 'is not a duration'],
    ['duration', '5m1h', 'is not a duration'],
    ['duration', '5m] or y[5m', 'is not a duration'],
    ['regex', '(', 'is not a regular expression that can stand in another: close every bracket'],
    ['regex', 'a)|(.*', 'is not a regular expression'],
    ['regex', '[](]a)|(b[])]', 'is not a regular expression'],
    ['regex', '[[:alpha:](]a)|(b[[:alpha:])]', 'is not a regular expression'],
    ['regex', '[^](]a)|(b[^])]', 'is not a regular expression'],
    ['regex', '(?=a)', 'is not a regular expression'],
    ['regex', '(?<=a)b', 'is not a regular expression'],
    ['regex', '(a)\\1', 'is not a regular expression'],
    ['regex', 'a\\Q', 'is not a regular expression'],
    ['regex', '\\m', 'is not a regular expression'],
    ['regex', '\\é', 'is not a regular expression'],
    ['regex', 'a\\', 'is not a regular expression'],
    ['regex', '*', 'is not a regular expression'],
  ])('%s refuses %j', (type, value, message) => {
    const problem = {reason: 'InvalidVariable', name: 'x', isDefault: false, message: expect.stringContaining(message)}
    expect(judged(type, value)).toEqual(problem)
  })
})

describe('names', () => {
  const declared: TemplateVariable[] = [
    {name: 'pool', type: 'string', description: 'Pool of workers.'},
    {name: 'limit', type: 'number', default: '5'},
  ]

  it('takes what the check sets, and else the default', () => {
    const values = {pool: {type: 'string', value: 'blue'}, limit: {type: 'number', value: '5'}}
    expect(valuesOfVariables(declared, {pool: 'blue'})).toEqual(new Map(Object.entries(values)))
    expect(valuesOfVariables(declared, {pool: 'blue', limit: '7'})).toEqual(
      new Map(Object.entries({...values, limit: {type: 'number', value: '7'}})),
    )
  })

  it.each<[string, TemplateVariable[], Record<string, string>, object]>([
    [
      'unknown to the template',
      declared,
      {pool: 'x', size: '3'},
      {
        reason: 'UnknownVariable',
        name: 'size',
        message: 'the template declares no such variable: use one of pool, limit',
      },
    ],
    [
      'given to a template without any',
      [],
      {constructor: '3'},
      {reason: 'UnknownVariable', name: 'constructor', message: 'the template declares no such variable: remove it'},
    ],
    [
      'missing',
      declared,
      {},
      {reason: 'MissingVariable', name: 'pool', message: 'missing: set this string (Pool of workers.)'},
    ],
    [
      'a default of another type',
      [{name: 'limit', type: 'number', default: 'many'}],
      {},
      {
        reason: 'InvalidVariable',
        name: 'limit',
        isDefault: true,
        message: '"many" is not a number: write one such as 0.5',
      },
    ],
  ])('%s', (_, variables, given, problem) => {
    expect(valuesOfVariables(variables, given)).toEqual({isDefault: false, ...problem})
  })
})

describe('values in a query', () => {
  it.each<[string, Type, string, string]>([
    ['x{a="{{ variables.x }}"}', 'string', 'a"b\\', 'x{a="a\\"b\\\\"}'],
    ['x{a=~"{{ variables.x }}"}', 'string', 'a.b*', 'x{a=~"a\\\\.b\\\\*"}'],
    ["x{a !~ '{{ variables.x }}'}", 'string', "it's.", "x{a !~ 'it\\'s\\\\.'}"],
    ['x{a=~`{{ variables.x }}`}', 'string', 'a.b', 'x{a=~`a\\.b`}'],
    ['x{a="b",c=~"{{ variables.x }}-.*"}', 'string', 'v1.2', 'x{a="b",c=~"v1\\\\.2-.*"}'],
    ['x{a=~"b",c="{{ variables.x }}"}', 'string', 'v1.2', 'x{a=~"b",c="v1.2"}'],
    ['x{a=~"a{{ variables.x }}b"}', 'regex', '1|2', 'x{a=~"a(?:1|2)b"}'],
    ['x{a=~"{{ variables.x }}"}', 'regex', '\\d"', 'x{a=~"(?:\\\\d\\")"}'],
    ['label_replace(x,"a","$1","b","{{ variables.x }}")', 'regex', '(.*)', 'label_replace(x,"a","$1","b","(?:(.*))")'],
    ['x > {{ variables.x }}', 'number', '-1.5e3', 'x > -1.5e3'],
    ['rate(x[{{ variables.x }}])', 'duration', '1h30m', 'rate(x[1h30m])'],
    ['{{ variables.x }}{a="b"}', 'string', 'job:depth', 'job:depth{a="b"}'],
    ['x{a="{{ variables.x }}"}', 'string', '{{ namespace }}', 'x{a="{{ namespace }}"}'],
  ])('%s with the %s %j', (template, type, value, query) => {
    expect(rendered(template, type, value)).toEqual({query})
  })

  it('stand for themselves in a pattern also where they are built in', () => {
    expect(renderQuery('x{r=~"{{ rollout }}-.*"}', base)).toEqual({query: 'x{r=~"r\\\\.1-.*"}'})
  })

  it.each<[string, Type, string, string]>([
    ['x > {{ variables.x }}', 'string', '1 or y', "can't stand outside quotes: put it in double quotes"],
    ['{{ variables.x }}', 'string', 'up-down', "can't stand outside quotes: put it in double quotes"],
    ['x > {{ variables.x }}', 'string', 'on', "can't stand outside quotes: put it in double quotes"],
    ['x > {{ variables.x }}', 'string', 'NaN', "can't stand outside quotes: put it in double quotes"],
    ['x # {{ variables.x }}', 'string', 'a\n or y', "can't stand outside quotes: put it in double quotes"],
    ['x > {{ variables.x }}', 'regex', 'y', "can't stand outside quotes: put it in double quotes"],
    ['x{a=`{{ variables.x }}`}', 'string', '`', "can't stand inside `: put it in double quotes"],
    ['x{a="{{ variables.x }}"}', 'regex', 'y', "can't stand after = or !=: use =~ or !~"],
    ['x{a!="{{ variables.x }}"}', 'regex', 'y', "can't stand after = or !=: use =~ or !~"],
  ])('refuses %s with the %s %j', (template, type, value, message) => {
    expect(rendered(template, type, value)).toEqual({reason: 'UnsafeValue', message: `{{ variables.x }} ${message}`})
  })

  it.each<[Type, string]>([
    ['number', '1 or y'],
    ['duration', '5m] or y[5m'],
    ['string', 'x or y'],
  ])('stay where they are even if nobody held the %s %j against its type', (type, value) => {
    const own = new Map([['x', {type, value}]])
    expect(renderQuery('x > {{ variables.x }}', base, own)).toMatchObject({reason: 'UnsafeValue'})
  })

  it('are unknown where no template declares them', () => {
    expect(renderQuery('{{ variables.y }}', base)).toMatchObject({
      reason: 'UnknownVariable',
      message: expect.stringMatching(/use one of .*window, or declare it in spec\.variables of a MetricTemplate$/),
    })
  })
})
