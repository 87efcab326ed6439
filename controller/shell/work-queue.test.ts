import {describe, expect, test} from 'vitest'
import {fixedRandom, ManualClock, settle} from './test-support.ts'
import {type PassResult, WorkQueue, type WorkQueueOptions} from './work-queue.ts'

const backoff = {baseMilliseconds: 100, maxMilliseconds: 1_000}

/** A queue whose passes end when the test says so. */
function start(options: Partial<WorkQueueOptions> = {}) {
  const clock = new ManualClock()
  const begun: string[] = []
  const open: {key: string; end: (result?: PassResult) => void; fail: (error: Error) => void}[] = []
  const process = (key: string) =>
    new Promise<PassResult | undefined>((resolve, reject) => {
      begun.push(key)
      open.push({key, end: resolve, fail: reject})
    })
  // Chance 1/1 would be outside of the port's range; just below it the whole delay is used.
  const random = fixedRandom(1 - Number.EPSILON)
  const queue = new WorkQueue({process, clock, random, concurrency: 10, backoff, ...options})
  queue.start()
  const finish = async (key: string, result?: PassResult | Error) => {
    const index = open.findIndex(pass => pass.key === key)
    const pass = open.splice(index, 1)[0]
    if (result instanceof Error) pass?.fail(result)
    else pass?.end(result)
    await settle()
  }
  return {queue, clock, begun, finish, open}
}

describe('keys', () => {
  test('are de-duplicated while they wait', async () => {
    const {queue, begun, finish} = start({concurrency: 1})
    for (const key of ['a', 'b', 'b', 'c', 'b']) queue.add(key)
    expect(queue.depth).toBe(2)
    for (const key of ['a', 'b', 'c']) await finish(key)
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  test('run at most once at a time, and again when asked for during the pass', async () => {
    const {queue, begun, finish} = start()
    queue.add('a')
    queue.add('a')
    queue.add('a')
    expect(begun).toEqual(['a'])
    await finish('a')
    expect(begun).toEqual(['a', 'a'])
    await finish('a')
    expect(begun).toEqual(['a', 'a'])
  })

  test('run side by side up to the bound', async () => {
    const {queue, begun, finish} = start({concurrency: 2})
    for (const key of ['a', 'b', 'c']) queue.add(key)
    expect(begun).toEqual(['a', 'b'])
    await finish('b')
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  test('beyond the bound are refused, known ones are not', () => {
    const {queue} = start({maxKeys: 2, concurrency: 1})
    expect([queue.add('a'), queue.addAfter('b', 50), queue.add('c'), queue.addAfter('d', 1)]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect([queue.add('a'), queue.add('b')]).toEqual([true, true])
  })

  test('wait until the queue is started', async () => {
    const ran: string[] = []
    const process = async (key: string) => void ran.push(key)
    const queue = new WorkQueue({
      process: process as never,
      clock: new ManualClock(),
      random: fixedRandom(),
      concurrency: 1,
    })
    queue.add('a')
    await settle()
    expect(ran).toEqual([])
    queue.start()
    expect(ran).toEqual(['a'])
  })
})

describe('delays', () => {
  test('the earliest wins, and one timer is kept', async () => {
    const {queue, clock, begun} = start()
    queue.addAfter('a', 500)
    queue.addAfter('a', 200)
    queue.addAfter('a', 900)
    expect(clock.timers).toBe(1)
    await clock.advance(199)
    expect(begun).toEqual([])
    await clock.advance(1)
    expect(begun).toEqual(['a'])
    await clock.advance(10_000)
    expect(begun).toEqual(['a'])
  })

  test('what is asked for later is served by a pass that is due already', async () => {
    const {queue, clock, begun, finish} = start({concurrency: 1})
    queue.add('a')
    queue.add('b')
    queue.addAfter('b', 100)
    await finish('a')
    await finish('b')
    await clock.advance(10_000)
    expect(begun).toEqual(['a', 'b'])
  })

  test('asking for a pass now replaces the delayed one', async () => {
    const {queue, clock, begun, finish} = start()
    queue.addAfter('a', 500)
    queue.add('a')
    await finish('a')
    await clock.advance(10_000)
    expect(begun).toEqual(['a'])
  })

  test('a pass may name its own', async () => {
    const {queue, clock, begun, finish} = start()
    queue.add('a')
    await finish('a', {requeueAfterMilliseconds: 300})
    await clock.advance(299)
    expect(begun).toEqual(['a'])
    await clock.advance(1)
    expect(begun).toEqual(['a', 'a'])
  })

  test('what is asked for later during a pass stays beside the earlier wish of the pass', async () => {
    const {queue, clock, begun, finish} = start()
    queue.add('a')
    queue.addAfter('a', 100)
    await finish('a', {requeueAfterMilliseconds: 300})
    await clock.advance(100)
    expect(begun).toEqual(['a', 'a'])
    await finish('a')
    await clock.advance(10_000)
    expect(begun).toEqual(['a', 'a'])
  })
})

describe('failures', () => {
  test('back off per key, and success forgets them', async () => {
    const failed: string[] = []
    const hooks = {
      failed: (key: string, _: unknown, n: number, delay: number) => void failed.push(`${key} ${n} ${delay}`),
    }
    const {queue, clock, finish} = start({hooks})
    queue.add('a')
    queue.add('b')
    for (const delay of [100, 200, 400, 800, 1_000, 1_000]) {
      await finish('a', new Error('no'))
      await clock.advance(delay)
    }
    await finish('b', new Error('no'))
    await finish('a')
    queue.add('a')
    await finish('a', new Error('no'))
    expect(failed).toEqual(['a 1 100', 'a 2 200', 'a 3 400', 'a 4 800', 'a 5 1000', 'a 6 1000', 'b 1 100', 'a 1 100'])
  })

  test('that are thrown before the first await are failures too', async () => {
    let passes = 0
    const process = () => {
      passes += 1
      if (passes === 1) throw new Error('at once')
      return Promise.resolve(undefined)
    }
    const {queue, clock} = start({process})
    queue.add('a')
    await clock.advance(100)
    expect(passes).toBe(2)
  })

  test('do not make a key wait that was asked for during the pass', async () => {
    const {queue, begun, finish} = start()
    queue.add('a')
    queue.add('a')
    await finish('a', new Error('no'))
    expect(begun).toEqual(['a', 'a'])
  })

  test('forget drops the pending pass and the count', async () => {
    const {queue, clock, begun, finish} = start()
    queue.add('a')
    await finish('a', new Error('no'))
    queue.forget('a')
    await clock.advance(10_000)
    expect(begun).toEqual(['a'])
    expect(clock.timers).toBe(0)
  })
})

describe('drain', () => {
  test('lets running passes end and drops the rest', async () => {
    const {queue, clock, begun, finish} = start({concurrency: 1})
    queue.add('a')
    queue.add('b')
    queue.addAfter('c', 10)
    const drained = queue.drain(1_000)
    expect(queue.add('d')).toBe(false)
    await finish('a', {requeueAfterMilliseconds: 1})
    expect(await drained).toBe(true)
    await clock.advance(10_000)
    expect(begun).toEqual(['a'])
    expect(clock.timers).toBe(0)
  })

  test('gives up at its deadline', async () => {
    const {queue, clock} = start()
    queue.add('a')
    const drained = queue.drain(1_000)
    await clock.advance(1_000)
    expect(await drained).toBe(false)
  })

  test('of an idle queue is over at once', async () => {
    expect(await start().queue.drain(1)).toBe(true)
  })
})

test('hooks see depth, waiting and working times in seconds', async () => {
  const depths: number[] = []
  const times: string[] = []
  const hooks = {
    depth: (keys: number) => void depths.push(keys),
    waited: (seconds: number) => void times.push(`waited ${seconds}`),
    worked: (seconds: number) => void times.push(`worked ${seconds}`),
  }
  const {queue, clock, finish} = start({hooks, concurrency: 1})
  queue.add('a')
  queue.add('b')
  await clock.advance(2_000)
  await finish('a')
  await clock.advance(500)
  await finish('b')
  expect(times).toEqual(['waited 0', 'worked 2', 'waited 2', 'worked 0.5'])
  expect(Math.max(...depths)).toBe(1)
  expect(depths.at(-1)).toBe(0)
})
