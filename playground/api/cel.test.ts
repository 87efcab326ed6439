import {expect, test} from 'vitest'
import {compileRule, evaluateRule} from './cel.ts'

const self = {a: 1, b: 'text', list: [1, 2, 3], items: [{n: 1}, {n: 2}], map: {x: '1'}, on: true}
const schema = {
  type: 'object',
  properties: {
    a: {type: 'integer'},
    b: {type: 'string'},
    c: {type: 'string'},
    list: {type: 'array', items: {type: 'integer'}},
    items: {type: 'array', items: {type: 'object', properties: {n: {type: 'integer'}}}},
    map: {type: 'object', additionalProperties: {type: 'string'}},
    on: {type: 'boolean'},
  },
}

test.each([
  ['self.a == 1', true],
  ['self.a + 1 - 3 < 0', true],
  ['self.a >= 1 && self.b != "x"', true],
  ['!self.on || has(self.c)', false],
  ['has(self.a) && !has(self.c)', true],
  ['size(self.b) == 4 && self.list.size() == 3', true],
  ['self.list.all(x, x > 0)', true],
  ['self.items.exists(i, i.n == 2)', true],
  ['self.items.all(i, i.n < 2)', false],
  ['[has(self.a), has(self.c)].filter(x, x).size() == 1', true],
  ['self.on ? self.a == 1 : self.a == 2', true],
  ['"x" in self.map && 2 in self.list', true],
  ["self.b.matches('^te.t$')", true],
  ['int("12") == 12', true],
  ['self.c == "x" || self.a == 1', true],
  ["self.map['x'] == '1'", true],
  ['self.items.map(i, i.n) == [1, 2]', true],
])('%s is %s', (rule, expected) => {
  expect(evaluateRule(compileRule(rule, schema), self, undefined)).toBe(expected)
})

test('a missing field is an error, not false', () => {
  expect(() => evaluateRule(compileRule('self.c == "x"', schema), self, undefined)).toThrow('no such key: c')
  expect(() => evaluateRule(compileRule('self.a', schema), self, undefined)).toThrow('boolean')
})
