import {describe, expect, test} from 'vitest'
import {type CounterMeaning, countsOf, incrementsBetween, keysOf, type Reading, readingOf} from './counters.ts'

type Sample = {labels: Record<string, string>; value: number}

const meaning: CounterMeaning = {
  kind: 'requests',
  slotOf: ({slot}) => (slot === 'a' || slot === 'b' ? slot : undefined),
  outcomeOf: ({code = ''}) => (code === '0' ? 'hungUp' : code.startsWith('5') ? 'failed' : 'answered'),
  isPlaintext: ({tls}) => (tls === undefined ? undefined : tls === 'none'),
  millisecondsPerBound: 1000,
}
const durations: CounterMeaning = {...meaning, kind: 'durations'}

function reading(samples: Sample[], how = meaning, at = 0): Reading {
  const read = readingOf(how, samples, at)
  if ('reason' in read) throw new Error(read.message)
  return read
}

const sample = (value: number, labels: Record<string, string> = {}): Sample => ({
  labels: {__name__: 'requests_total', slot: 'b', code: '200', ...labels},
  value,
})

function countsBetween(
  kind: 'requests' | 'durations',
  before: Reading,
  after: Reading,
  isBack: (key: string) => boolean,
) {
  return countsOf(kind, incrementsBetween(before, after, isBack))
}

function between(before: Sample[], after: Sample[], back: Sample[] = []) {
  const seen = keysOf(back)
  return countsBetween('requests', reading(before), reading(after), key => seen.has(key)).b
}

describe('counts between two readings', () => {
  test('sum the differences of each series', () => {
    const before = [sample(100), sample(5, {code: '503'}), sample(70, {slot: 'a'})]
    const after = [sample(160), sample(7, {code: '503'}), sample(90, {slot: 'a'})]
    expect(between(before, after)).toEqual({total: 62, failed: 2})
    expect(countsBetween('requests', reading(before), reading(after), () => false).a).toEqual({total: 20, failed: 0})
  })

  test('a new series began at 0: its first failure counts', () => {
    expect(between([sample(100)], [sample(100), sample(1, {code: '500'})])).toEqual({total: 1, failed: 1})
  })

  test('a counter that fell began at 0 again', () => expect(between([sample(100)], [sample(7)]).total).toBe(7))

  test('a counter that lost a little is an older answer: neither what it shows nor what it lost is counted', () => {
    expect(between([sample(1_000_000)], [sample(999_990)]).total).toBe(0)
    // A process that counts as fast after a restart as before it.
    expect(between([sample(1000)], [sample(899)]).total).toBe(899)
  })

  test('a series that vanished counts for nothing', () =>
    expect(between([sample(100), sample(9, {pod: 'x'})], [sample(103)]).total).toBe(3))

  test('a series that was missing and is back spans a gap: its difference is dropped', () => {
    const back = sample(5000, {pod: 'x'})
    expect(between([sample(100)], [sample(103), back]).total).toBe(5003)
    expect(between([sample(100)], [sample(103), back], [back]).total).toBe(3)
  })

  test('what clients left before an answer is neither a success nor a failure', () =>
    expect(between([], [sample(3), sample(2, {code: '0'}), sample(1, {code: '502'})])).toEqual({total: 4, failed: 1}))

  test('the order of labels is no part of a series', () => {
    const turned = {labels: {code: '200', slot: 'b', __name__: 'requests_total'}, value: 12}
    expect(between([sample(10)], [turned]).total).toBe(2)
  })

  test('series of others are left out', () => expect(between([], [sample(3, {slot: 'other'})]).total).toBe(0))
})

describe('histograms', () => {
  const bucket = (le: string, value: number, pod = 'x') => sample(value, {le, pod})
  const counted = (before: Sample[], after: Sample[]) =>
    countsBetween('durations', reading(before, durations), reading(after, durations), () => false).b.durations

  test('bounds are read, in milliseconds', () => {
    const before = [bucket('0.1', 5), bucket('0.5', 8), bucket('+Inf', 9)]
    const after = [bucket('0.1', 15), bucket('0.5', 28), bucket('+Inf', 39)]
    expect(counted(before, after)).toEqual({bounds: [100, 500], counts: [10, 20], total: 30})
  })

  test('a histogram of which one bucket fell began at 0 with all of them', () => {
    const before = [bucket('0.5', 5), bucket('1', 10), bucket('+Inf', 10)]
    const after = [bucket('0.5', 8), bucket('1', 8), bucket('+Inf', 8)]
    expect(counted(before, after)).toEqual({bounds: [500, 1000], counts: [8, 8], total: 8})
    // Others go on meanwhile.
    const [old, young] = [bucket('+Inf', 100, 'y'), bucket('+Inf', 103, 'y')]
    expect(counted([...before, old], [...after, young])).toMatchObject({total: 11})
  })

  test('a histogram that lost a little counts for nothing', () => {
    const before = [bucket('0.5', 500), bucket('+Inf', 1000)]
    expect(counted(before, [bucket('0.5', 510), bucket('+Inf', 990)])).toEqual({bounds: [], counts: [], total: 0})
  })

  test('of several histograms only the bounds that all have', () => {
    const after = [bucket('0.1', 1), bucket('0.5', 2), bucket('+Inf', 3), bucket('0.5', 4, 'y'), bucket('+Inf', 5, 'y')]
    expect(counted([], after)).toEqual({bounds: [500], counts: [6], total: 8})
  })

  test('a histogram without its last bucket is left out', () =>
    expect(counted([], [bucket('0.1', 1)])).toEqual({bounds: [], counts: [], total: 0}))
})

describe('what is no counter', () => {
  test.each([
    ['NaN', sample(Number.NaN), 'InvalidCounter'],
    ['infinite', sample(Number.POSITIVE_INFINITY), 'InvalidCounter'],
    ['negative', sample(-1), 'InvalidCounter'],
    ['larger than can be counted exactly', sample(2 ** 60), 'InvalidCounter'],
  ])('%s', (_name, bad, reason) => expect(readingOf(meaning, [bad], 0)).toMatchObject({reason}))

  test('the same series twice', () =>
    expect(readingOf(meaning, [sample(1), sample(2)], 0)).toMatchObject({reason: 'DuplicateSeries'}))

  test.each([
    ['prometheus_replica', {instance: 'x:1'}],
    ['replica', {pod: 'x'}],
    ['job', {instance: 'x:1', pod: 'x'}],
  ])('the same series of one target scraped by two, apart in %s', (label, target) => {
    const twice = [sample(7, {...target, [label]: 'one'}), sample(8, {...target, [label]: 'two'})]
    const problem = readingOf(meaning, twice, 0)
    expect(problem).toMatchObject({reason: 'DuplicateSeries'})
    expect((problem as {message: string}).message).toContain(`with ${label} "one" and "two"`)
  })

  test('series of two targets, or of nobody knows whom, are not one series twice', () => {
    const apart = (...labels: Record<string, string>[]) =>
      readingOf(
        meaning,
        labels.map(one => sample(7, one)),
        0,
      )
    expect(apart({instance: 'x', replica: '1'}, {instance: 'y', replica: '2'})).toHaveProperty('counters')
    expect(apart({replica: '1'}, {replica: '2'})).toHaveProperty('counters')
    expect(apart({instance: 'x', job: 'a', code: '200'}, {instance: 'x', job: 'a', code: '503'})).toHaveProperty(
      'counters',
    )
  })

  test.each(['', 'wide', undefined])('a bucket whose bound is %s', le =>
    expect(readingOf(durations, [{labels: {slot: 'a', ...(le === undefined ? {} : {le})}, value: 1}], 0)).toMatchObject(
      {
        reason: 'InvalidCounter',
      },
    ),
  )

  test('more series than are kept', () => {
    const many = Array.from({length: 20_001}, (_, index) => sample(1, {pod: String(index)}))
    expect(readingOf(meaning, many, 0)).toMatchObject({reason: 'TooManySeries'})
  })
})

describe('requests in plaintext', () => {
  const counted = (...labels: Record<string, string>[]) =>
    between(
      labels.map(one => sample(10, one)),
      labels.map(one => sample(15, one)),
    )

  test('are counted whatever became of them', () => {
    const [encrypted, plain, left] = [{tls: 'mutual'}, {tls: 'none', code: '503'}, {tls: 'none', code: '0'}]
    expect(counted(encrypted, plain, left)).toEqual({total: 10, failed: 5, plaintext: 10})
    expect(counted(encrypted)).toEqual({total: 5, failed: 0, plaintext: 0})
  })

  test('are unknown where any series does not say', () => {
    expect(counted({tls: 'mutual'}, {code: '201'})).toEqual({total: 10, failed: 0})
    expect(counted()).toEqual({total: 0, failed: 0})
  })
})
