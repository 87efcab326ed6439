import {describe, expect, test} from 'vitest'
import {type CounterMeaning, type Reading, readingOf, type SampleTimes} from './counters.ts'
import {noReadings, pollBetween, type Readings, type Returned, settlingIntervals} from './polls.ts'

const interval = 15_000

const meaning = (kind: CounterMeaning['kind']): CounterMeaning => ({
  kind,
  slotOf: ({slot}) => (slot === 'a' || slot === 'b' ? slot : undefined),
  outcomeOf: ({code = ''}) => (code === '503' ? 'failed' : 'answered'),
  isPlaintext: () => undefined,
  millisecondsPerBound: 1,
})

/** Series by `slot code target`, such as `b 503 x`. */
function requests(at: number, counts: Record<string, number>): Reading {
  const samples = Object.entries(counts).map(([name, value]) => {
    const [slot = '', code = '', instance] = name.split(' ')
    return {labels: {slot, code, ...(instance ? {instance} : {})}, value}
  })
  return reading('requests', samples, at)
}

function reading(kind: CounterMeaning['kind'], samples: {labels: Record<string, string>; value: number}[], at: number) {
  const read = readingOf(meaning(kind), samples, at)
  if ('reason' in read) throw new Error(read.message)
  return read
}

const caller = (one: Reading): Readings => ({...noReadings, caller: {requests: one}})
const nobody: Returned = () => false
/** Long after any gap. */
const settled = (one: Reading): Reading => ({...one, since: one.at - 3_600_000})

function counted(before: Readings, after: Readings, isBack: Returned = nobody) {
  const at = after.caller.requests?.at ?? 0
  return pollBetween(before, after, at, interval, isBack).poll
}
const canary = (poll: ReturnType<typeof counted>) => poll?.sides.caller?.b

describe('series that the last reading does not have', () => {
  const before = settled(requests(0, {'a 200 x': 900, 'a 503 x': 1, 'b 200 x': 100, 'a 200 z': 10}))
  const after = requests(interval, {
    'a 200 x': 1000,
    'a 503 x': 1,
    'b 200 x': 110,
    'b 503 x': 3,
    'b 503 y': 40,
    'b 200 y': 9,
  })

  test('began at 0, of a target that goes on and of one that is new', () =>
    expect(canary(counted(caller(before), caller(after)))).toEqual({total: 62, failed: 43}))

  test('began nobody knows when, if another one of their target is back after a gap', () => {
    const back: Returned = (_side, _kind, key) => key.includes('"200"') && key.includes('"y"')
    expect(canary(counted(caller(before), caller(after), back))).toEqual({total: 13, failed: 3})
  })

  test('and so did those of its other families', () => {
    const bucket = (at: number, value: number) =>
      reading('durations', [{labels: {slot: 'b', instance: 'y', le: '+Inf'}, value}], at)
    const others = (at: number) =>
      reading('durations', [{labels: {slot: 'a', instance: 'x', le: '+Inf'}, value: 7}], at)
    const joined = (one: Reading, other: Reading): Reading => ({
      ...one,
      counters: new Map([...one.counters, ...other.counters]),
    })
    const poll = (isBack: Returned) =>
      counted(
        {...noReadings, caller: {requests: before, durations: settled(others(0))}},
        {...noReadings, caller: {requests: after, durations: joined(others(interval), bucket(interval, 49))}},
        isBack,
      )
    expect(canary(poll(nobody))?.durations?.total).toBe(49)
    expect(canary(poll((_side, kind, key) => kind === 'requests' && key.includes('"y"')))?.durations?.total).toBe(0)
  })

  test('were renamed, if their target has none of those that it had', () => {
    const renamed = requests(interval, {'a 200 x': 1000, 'a 503 x': 1, 'b 200 x': 110, 'a 201 z': 500, 'b 200 z': 60})
    expect(canary(counted(caller(before), caller(renamed)))).toEqual({total: 10, failed: 0})
  })

  test('follow on nothing, if no series goes on', () => {
    const other = requests(interval, {'a 200 v': 10_000, 'b 200 v': 1000})
    const {readings, poll} = pollBetween(caller(before), caller(other), interval, interval, nobody)
    expect(poll).toBeUndefined()
    expect(readings.caller.requests?.since).toBe(interval)
  })
})

describe('after a gap', () => {
  const until = settlingIntervals(interval)

  /** The canary's requests of a new series, so many polls after the first reading since the gap. */
  function afterPolls(polls: number, name: string): number | undefined {
    let {readings} = pollBetween(noReadings, caller(requests(0, {'a 200 x': 900, 'b 200': 1})), 0, interval, nobody)
    for (let poll = 1; poll <= polls; poll++) {
      const new_ = poll === polls ? {[name]: 5000} : {}
      const after = caller(requests(poll * interval, {'a 200 x': 900, 'b 200': 1, ...new_}))
      const found = pollBetween(readings, after, poll * interval, interval, nobody)
      readings = found.readings
      if (poll === polls) return canary(found.poll)?.total
    }
    return undefined
  }

  test('a target that was not scraped yet counts from its second reading on, until all had the time to be', () => {
    expect(afterPolls(1, 'b 200 y')).toBe(0)
    expect(afterPolls(until, 'b 200 y')).toBe(0)
    expect(afterPolls(until + 1, 'b 200 y')).toBe(5000)
  })

  test('so does one whose labels name no target', () => {
    expect(afterPolls(until, 'b 503')).toBe(0)
    expect(afterPolls(until + 1, 'b 503')).toBe(5000)
  })

  test('a target that is there counts its new series at once', () => expect(afterPolls(1, 'b 503 x')).toBe(5000))

  test('time enough is two minutes, or three polls', () => {
    expect(settlingIntervals(15_000)).toBe(8)
    expect(settlingIntervals(1000)).toBe(120)
    expect(settlingIntervals(600_000)).toBe(3)
  })
})

describe('when counts begin', () => {
  const before = settled(requests(60_000, {'a 200 x': 900, 'b 200 x': 100, 'a 200 y': 50}))
  const timesOf = (sampled: Record<string, number>): SampleTimes =>
    new Map(Object.entries(sampled).map(([target, time]) => [`instance ${target}`, time]))
  const from = (after: Record<string, number>, sampled?: Record<string, number>) =>
    counted(
      caller({...before, ...(sampled ? {sampled: timesOf(sampled)} : {})}),
      caller(requests(60_000 + interval, after)),
    )?.sampledFrom?.caller

  test('is when the oldest of their targets was scraped', () => {
    const after = {'a 200 x': 950, 'b 200 x': 110, 'a 200 y': 60}
    expect(from(after, {x: 59_000, y: 51_000})).toBe(51_000)
    expect(from(after)).toBeUndefined()
  })

  test('does not depend on targets that counted nothing', () =>
    expect(from({'a 200 x': 950, 'b 200 x': 110, 'a 200 y': 50}, {x: 59_000, y: 1000})).toBe(59_000))

  test('is the last scrape of any of them where nothing was counted', () =>
    expect(from({'a 200 x': 900, 'b 200 x': 100, 'a 200 y': 50}, {x: 59_000, y: 1000})).toBe(59_000))

  test('of a target that showed nothing is a poll before, or as long ago as that of others', () => {
    const after = {'a 200 x': 950, 'b 200 x': 110, 'a 200 y': 50, 'b 200 z': 3}
    expect(from(after, {x: 59_000})).toBe(45_000)
    expect(from(after, {x: 59_000, y: 20_000})).toBe(20_000)
  })
})
