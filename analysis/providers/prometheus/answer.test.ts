import {describe, expect, it} from 'vitest'
import {answerOf} from './answer.ts'

function success(data: unknown, extra: object = {}): string {
  return JSON.stringify({status: 'success', data, ...extra})
}
function vector(...values: unknown[]): string {
  return success({
    resultType: 'vector',
    result: values.map((value, index) => ({metric: {pod: `${index}`}, value: [1.5, value]})),
  })
}
function failure(errorType: string, error: string): string {
  return JSON.stringify({status: 'error', errorType, error})
}

describe('values', () => {
  it.each<[string, number]>([
    ['1', 1],
    ['-0.5', -0.5],
    ['1.5e+07', 1.5e7],
    ['0', 0],
    ['NaN', Number.NaN],
    ['+Inf', Number.POSITIVE_INFINITY],
    ['-Inf', Number.NEGATIVE_INFINITY],
  ])('%s', (text, value) => {
    expect(answerOf(200, vector(text))).toEqual({kind: 'vector', samples: [{labels: {pod: '0'}, value}]})
  })

  it.each(['', ' ', '0x10', 'Infinity', '1 2', 'null', '.', 'e5', 'nan'])('refuses "%s"', text => {
    expect(answerOf(200, vector(text))).toMatchObject({kind: 'error', reason: 'BadAnswer'})
  })
})

describe('shapes', () => {
  it('an empty vector', () => {
    expect(answerOf(200, vector())).toEqual({kind: 'vector', samples: []})
  })

  it('several series, in order', () => {
    expect(answerOf(200, vector('1', '2'))).toMatchObject({samples: [{value: 1}, {value: 2}]})
  })

  it('a scalar is one sample without labels', () => {
    const scalar = success({resultType: 'scalar', result: [1, '7']})
    expect(answerOf(200, scalar)).toEqual({kind: 'vector', samples: [{labels: {}, value: 7}]})
  })

  it('warnings and infos change nothing', () => {
    const text = success({resultType: 'scalar', result: [1, '7']}, {warnings: ['a'], infos: ['b']})
    expect(answerOf(200, text)).toMatchObject({kind: 'vector'})
  })

  it.each([
    ['a matrix', success({resultType: 'matrix', result: []}), 'range vector'],
    ['a string', success({resultType: 'string', result: [1, 'x']}), 'yields a string'],
    [
      'a histogram',
      success({resultType: 'vector', result: [{metric: {}, histogram: [1, {}]}]}),
      'histogram_quantile()',
    ],
    ['part of the data', success({resultType: 'vector', result: []}, {isPartial: true}), 'partial'],
    ['a number as value', vector(5), 'not one of the Prometheus query API'],
    ['another type', success({resultType: 'stream', result: []}), 'not one of'],
    ['no data', JSON.stringify({status: 'success'}), 'not one of'],
    ['a page', '<html>', 'correct the address'],
    ['nothing', '', 'correct the address'],
    ['null', 'null', 'correct the address'],
  ])('%s is a bad answer', (_, text, message) => {
    expect(answerOf(200, text)).toEqual({kind: 'error', reason: 'BadAnswer', message: expect.stringContaining(message)})
  })
})

describe('errors', () => {
  it.each<[number, string, string, string]>([
    [
      400,
      failure('bad_data', 'parse error:\n unclosed'),
      'BadQuery',
      'Prometheus rejected the query: parse error: unclosed',
    ],
    [
      422,
      failure('execution', 'many-to-many matching'),
      'BadQuery',
      'Prometheus rejected the query: many-to-many matching',
    ],
    [400, 'nonsense', 'BadQuery', 'Prometheus rejected the query (HTTP 400)'],
    [200, failure('execution', 'what'), 'BadQuery', 'Prometheus rejected the query: what'],
    [401, '', 'Unauthorized', 'Prometheus refused the query (HTTP 401)'],
    [403, 'secret=1', 'Unauthorized', 'Prometheus refused the query (HTTP 403)'],
    [503, failure('timeout', 'query timed out'), 'Timeout', 'Prometheus gave the query up: query timed out'],
    [503, '', 'Unreachable', "Prometheus can't answer (HTTP 503)"],
    [500, failure('internal', 'disk'), 'Unreachable', "Prometheus can't answer (HTTP 500): disk"],
    [429, '', 'Unreachable', "Prometheus can't answer (HTTP 429)"],
    [504, '', 'Timeout', 'Prometheus took too long (HTTP 504)'],
    [
      404,
      '404 page not found',
      'BadAnswer',
      'the query API is not there (HTTP 404): correct the address of Prometheus',
    ],
    [302, '', 'BadAnswer', 'the query API is not there (HTTP 302): correct the address of Prometheus'],
  ])('HTTP %i %s', (status, text, reason, message) => {
    expect(answerOf(status, text)).toEqual({kind: 'error', reason, message})
  })

  it("cuts Prometheus's own words", () => {
    const answer = answerOf(400, failure('bad_data', 'x'.repeat(5000)))
    expect(answer).toHaveProperty('message', `Prometheus rejected the query: ${'x'.repeat(400)}`)
  })
})
