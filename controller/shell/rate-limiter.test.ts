import {expect, test} from 'vitest'
import {RateLimiter} from './rate-limiter.ts'
import {ManualClock, settle} from './test-support.ts'

function start(queriesPerSecond: number, burst: number) {
  const clock = new ManualClock()
  const limiter = new RateLimiter({clock, queriesPerSecond, burst})
  const done: number[] = []
  const ask = (id: number, signal?: AbortSignal) => void limiter.acquire(signal).then(() => done.push(id))
  return {clock, done, ask}
}

test('a burst goes out at once, the rest at the rate and in order', async () => {
  const {clock, done, ask} = start(10, 3)
  for (let id = 1; id <= 6; id++) ask(id)
  await settle()
  expect(done).toEqual([1, 2, 3])
  await clock.advance(99)
  expect(done).toEqual([1, 2, 3])
  await clock.advance(1)
  expect(done).toEqual([1, 2, 3, 4])
  await clock.advance(200)
  expect(done).toEqual([1, 2, 3, 4, 5, 6])
})

test('a pause refills no more than the burst', async () => {
  const {clock, done, ask} = start(10, 2)
  await clock.advance(60_000)
  for (let id = 1; id <= 3; id++) ask(id)
  await settle()
  expect(done).toEqual([1, 2])
})

test('an aborted wait ends at once and gives its turn back', async () => {
  const {clock, done, ask} = start(1, 1)
  const abort = new AbortController()
  ask(1)
  ask(2, abort.signal)
  await settle()
  abort.abort()
  await settle()
  expect(done).toEqual([1, 2])
  ask(3)
  await clock.advance(1_000)
  expect(done).toEqual([1, 2, 3])
})

test('a rate that would never let anything out is refused', () => {
  const clock = new ManualClock()
  expect(() => new RateLimiter({clock, queriesPerSecond: 0, burst: 1})).toThrow('queriesPerSecond must be above 0')
  expect(() => new RateLimiter({clock, queriesPerSecond: 1, burst: 0})).toThrow('burst must be at least 1')
})

test('too many waiting requests are an error, not a leak', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({clock, queriesPerSecond: 1, burst: 1})
  for (let n = 0; n <= 10_000; n++) void limiter.acquire()
  await expect(limiter.acquire()).rejects.toMatchObject({status: 0, reason: 'RateLimited'})
})
