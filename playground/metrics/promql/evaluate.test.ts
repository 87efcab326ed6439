// Expected values are computed by hand from Prometheus 3's published rules (extrapolation, left-open windows, staleness).
import {describe, expect, test} from 'vitest'
import {createTarget} from '../scraper.ts'
import {MetricStore} from '../store.ts'
import {QueryError} from './errors.ts'
import {evaluateInstant} from './evaluate.ts'

/** A store with one page of metrics every 10 s, from time 0; an undefined page is a failed scrape. */
function storeOf(pages: (string | undefined)[]): MetricStore {
  const store = new MetricStore()
  const target = createTarget(store, {job: 't'})
  for (const [index, page] of pages.entries()) target.take(page, index * 10_000)
  return store
}

/** The values of a query at a time in seconds, by the text of the labels that are left. */
function values(store: MetricStore, query: string, seconds: number): Record<string, number> {
  const value = evaluateInstant(store, query, seconds * 1000)
  if (value.kind === 'scalar') return {scalar: value.value}
  const text = (labels: Record<string, string>) =>
    Object.entries(labels)
      .filter(([name]) => name !== 'job')
      .map(([name, item]) => `${name}=${item}`)
      .sort()
      .join(',')
  return Object.fromEntries(value.elements.map(element => [text(element.labels), element.value]))
}

const counters = storeOf([
  'x{a="1"} 0\nx{a="2"} 5',
  'x{a="1"} 10\nx{a="2"} 5',
  'x{a="1"} 30\nx{a="2"} 5',
  'x{a="1"} 60\nx{a="2"} 5',
])

describe('selectors and ranges', () => {
  test.each([
    ['x{a="1"}', 30, {'__name__=x,a=1': 60}],
    ['x{a!="1"}', 30, {'__name__=x,a=2': 5}],
    ['x{a=~"1|3"}', 30, {'__name__=x,a=1': 60}],
    ['x{a!~"1"}', 30, {'__name__=x,a=2': 5}],
    ['x{missing=""}', 30, {'__name__=x,a=1': 60, '__name__=x,a=2': 5}],
    ['x{missing!~"z"}', 30, {'__name__=x,a=1': 60, '__name__=x,a=2': 5}],
    ['x{a="1"} offset 10s', 30, {'__name__=x,a=1': 30}],
    // The window (10, 30] holds the samples at 20 and 30: 30 in 10 s, extrapolated by the 10 s to its left border
    // (just below 1.1 intervals): 30 * 20/10 = 60 in 20 s.
    ['increase(x{a="1"}[20s])', 30, {'a=1': 60}],
    ['rate(x{a="1"}[20s])', 30, {'a=1': 3}],
    // The window (0, 30]: 10, 30, 60. 50 in 20 s; the counter would have been 0 four seconds before the first: 50 * 24/20.
    ['increase(x{a="1"}[30s])', 30, {'a=1': 60}],
    ['irate(x{a="1"}[30s])', 30, {'a=1': 3}],
    ['rate(x{a="2"}[30s])', 30, {'a=2': 0}],
    ['count_over_time(x{a="1"}[20s])', 30, {'a=1': 2}],
    ['avg_over_time(x{a="1"}[30s])', 30, {'a=1': 100 / 3}],
    ['max_over_time(x{a="1"}[30s])', 30, {'a=1': 60}],
    ['rate(x{a="1"}[5s])', 30, {}],
    // The times of samples; of what is computed, that of the question.
    ['timestamp(x{a="1"})', 34, {'a=1': 30}],
    ['timestamp(x{a="1"} offset 10s)', 34, {'a=1': 20}],
    ['timestamp(-x{a="1"})', 34, {'a=1': 34}],
    ['min by (a) (timestamp(x) or timestamp(y))', 34, {'a=1': 30, 'a=2': 30}],
  ])('%s at %d s', (query, seconds, expected) => {
    expect(values(counters, query, seconds)).toEqual(expected)
  })

  test('a counter that falls has been reset', () => {
    const store = storeOf(['x 100', 'x 110', 'x 5', 'x 15'])
    // Samples 110, 5, 15: the change is 5 + 10 in 20 s. To its left border 10 s are missing, and the zero point lies
    // further away (20 * 110/15), so it is extrapolated over the whole window.
    expect(values(store, 'increase(x[30s])', 30)).toEqual({'': 22.5})
  })

  test('a series that is missing from a scrape is stale at once, and one that was never heard of again after 5 minutes', () => {
    const store = storeOf(['x 1', 'y 1'])
    expect(values(store, 'x', 10)).toEqual({})
    expect(values(store, 'y', 10 + 299)).toEqual({'__name__=y': 1})
    expect(values(store, 'y', 10 + 300)).toEqual({})
  })

  test('a failed scrape marks all of its series stale and sets up to 0', () => {
    const store = storeOf(['x 1', undefined])
    expect(values(store, 'x', 10)).toEqual({})
    expect(values(store, 'up', 10)).toEqual({'__name__=up': 0})
  })
})

describe('operators', () => {
  const store = storeOf(['a{i="1"} 1\na{i="2"} 2\nb{i="2"} 20\nb{i="3"} 30'])
  test.each([
    ['2 + 3 * 4', {scalar: 14}],
    ['-2 ^ 2', {scalar: -4}],
    ['a * 10', {'i=1': 10, 'i=2': 20}],
    ['b / a', {'i=2': 10}],
    ['a > 1', {'__name__=a,i=2': 2}],
    ['a > bool 1', {'i=1': 0, 'i=2': 1}],
    ['a or b', {'__name__=a,i=1': 1, '__name__=a,i=2': 2, '__name__=b,i=3': 30}],
    ['a and b', {'__name__=a,i=2': 2}],
    ['a unless b', {'__name__=a,i=1': 1}],
    ['sum(a)', {'': 3}],
    ['sum by (i) (b)', {'i=2': 20, 'i=3': 30}],
    ['max without (i) (b)', {'': 30}],
    ['avg(b)', {'': 25}],
    ['count(a)', {'': 2}],
    ['sum(nothing)', {}],
    ['0 / sum(a - a)', {'': Number.NaN}],
    ['vector(7)', {'': 7}],
    ['scalar(b{i="2"})', {scalar: 20}],
    ['time()', {scalar: 5}],
  ])('%s', (query, expected) => {
    expect(values(store, query, 5)).toEqual(expected)
  })

  test.each([
    ['topk(1, a)', /topk/],
    ['a[1m:10s]', /SubqueryExpr/],
    ['predict_linear(a[1m], 5)', /predict_linear/],
    ['a * on(i) group_left b', /group_left/],
    ['a @ 5', /StepInvariantExpr/],
    ['a{i=~"(?i)x"}', /regular expression/],
    ['a{', /parse error/],
    ['a[1m]', /range needs a function/],
    ['1 > 2', /need bool/],
    ['', /empty/],
  ])('%s is refused, never answered with a number', (query, message) => {
    expect(() => values(store, query, 5)).toThrow(message)
  })
})

describe('histograms', () => {
  const page = (count: number) =>
    `h_bucket{le="10"} ${count * 5}\nh_bucket{le="100"} ${count * 9}\nh_bucket{le="+Inf"} ${count * 10}`
  const store = storeOf([page(0), page(10), page(20)])
  test.each([
    [0.5, 10],
    [0.25, 5],
    [0.7, 55],
    [0.99, 100],
  ])('quantile %d', (quantile, expected) => {
    const found = values(store, `histogram_quantile(${quantile}, sum by (le) (rate(h_bucket[20s])))`, 20)
    expect(found['']).toBeCloseTo(expected, 9)
  })

  test('no observations: NaN', () => {
    expect(values(storeOf([page(0), page(0)]), 'histogram_quantile(0.5, rate(h_bucket[20s]))', 10)).toEqual({
      '': Number.NaN,
    })
  })
})

// Each of these was found by the lane that asks the real Prometheus the same.
describe('as the real Prometheus has it', () => {
  test('an empty label is no label', () => {
    const store = new MetricStore()
    store.add({__name__: 'x', a: '1', b: ''}, {at: 0, value: 1})
    expect(evaluateInstant(store, 'x', 1)).toMatchObject({elements: [{labels: {__name__: 'x', a: '1'}, value: 1}]})
  })

  test('nothing matches an empty side, so nothing matches it twice', () => {
    expect(values(counters, 'absent + on () x', 30)).toEqual({})
    expect(() => values(counters, 'x + on () x', 30)).toThrow('matching labels must be unique')
  })

  test.each([
    ['x > on () vector(10)', {'': 60}],
    ['x{a="1"} > ignoring (a) vector(10)', {'__name__=x': 60}],
    ['x == bool x', {'a=1': 1, 'a=2': 1}],
    ['1 + x{a="1"} offset 10s', {'a=1': 31}],
    ['-x{a="1"} offset 10s', {'a=1': -30}],
    ['1 ^ scalar(absent)', {scalar: 1}],
  ])('%s', (query, expected) => {
    const jobless = storeOf([])
    for (const [index, value] of [0, 10, 30, 60].entries()) {
      jobless.add({__name__: 'x', a: '1'}, {at: index * 10_000, value})
      jobless.add({__name__: 'x', a: '2'}, {at: index * 10_000, value: 5})
    }
    expect(values(jobless, query, 30)).toEqual(expected)
  })

  test('what is not a number is passed over by a range, and counts in a sum', () => {
    const store = storeOf(['x 1', 'x NaN', 'x 3', 'x 7'])
    expect(values(store, 'min_over_time(x[40s])', 30)).toEqual({'': 1})
    expect(values(store, 'max_over_time(x[40s])', 30)).toEqual({'': 7})
    expect(values(store, 'delta(x[40s])', 30)).toEqual({'': 8})
    expect(values(store, 'sum_over_time(x[40s])', 30)).toEqual({'': Number.NaN})
  })

  test('an offset between two operations is refused where the grammar loses what it belongs to', () => {
    expect(() => values(counters, '1 + x offset 10s * 2', 30)).toThrow('parentheses')
    expect(values(counters, '1 + (x{a="1"} offset 10s) * 2', 30)).toEqual({'a=1': 61})
  })

  test.each(['{a=""}', '{a=~".*"}', '{a!="1"}', '1 + on (a) x', 'x > ignoring (a) 1', '1 + on (a) 1'])(
    '%s is refused',
    query => {
      expect(() => values(counters, query, 30)).toThrow(QueryError)
    },
  )

  test('a matching without labels means nothing beside a scalar', () => {
    expect(values(counters, '1 + on () 1', 30)).toEqual({scalar: 2})
  })
})
