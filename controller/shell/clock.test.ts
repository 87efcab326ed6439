import {expect, test} from 'vitest'
import {sleep, systemClock, systemRandom} from './clock.ts'
import {ManualClock, settle} from './test-support.ts'

test('calls back once after the delay, unless it was cancelled', async () => {
  const clock = systemClock()
  const calls: string[] = []
  const startedAt = clock.now()
  clock.after(5, () => calls.push('cancelled'))()
  await new Promise<void>(resolve => void clock.after(20, resolve))
  // Node may fire a timer up to a millisecond early by the wall clock.
  expect(clock.now() - startedAt).toBeGreaterThanOrEqual(19)
  expect(calls).toEqual([])
})

test('a delay too long for a timer does not fire at once', async () => {
  let fired = false
  const cancel = systemClock().after(2 ** 40, () => void (fired = true))
  await sleep(systemClock(), 20)
  cancel()
  expect(fired).toBe(false)
})

test('sleep ends with the delay or the signal, and leaves no timer', async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const woken: string[] = []
  void sleep(clock, 100).then(() => woken.push('delay'))
  void sleep(clock, 100, abort.signal).then(() => woken.push('signal'))
  abort.abort()
  void sleep(clock, 100, abort.signal).then(() => woken.push('aborted before'))
  await settle()
  expect(woken).toEqual(['signal', 'aborted before'])
  expect(clock.timers).toBe(1)
  await clock.advance(100)
  expect(woken).toContain('delay')
})

test('chance lies in [0, 1)', () => {
  const random = systemRandom()
  const numbers = Array.from({length: 1_000}, () => random.next())
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  expect(new Set(numbers).size).toBeGreaterThan(900)
})
