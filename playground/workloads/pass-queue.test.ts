import {describe, expect, it} from 'vitest'
import type {Clock} from '../../controller/ports.ts'
import {createPassQueue} from './pass-queue.ts'

/** A clock that stands until it is advanced. */
function manualClock(): Clock & {advance(milliseconds: number): void} {
  const timers = new Set<{at: number; callback: () => void}>()
  let now = 0
  return {
    now: () => now,
    after(delayMilliseconds, callback) {
      const timer = {at: now + delayMilliseconds, callback}
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(milliseconds) {
      const until = now + milliseconds
      for (;;) {
        const [next] = [...timers].filter(timer => timer.at <= until).sort((left, right) => left.at - right.at)
        if (next === undefined) break
        timers.delete(next)
        now = next.at
        next.callback()
      }
      now = until
    },
  }
}

describe('the pass queue', () => {
  it('makes one pass of several requests, at the earliest of their times', () => {
    const clock = manualClock()
    const passes: string[] = []
    const queue = createPassQueue(
      clock,
      key => passes.push(`${key} at ${clock.now()}`),
      () => {},
    )
    queue.add('x', 100)
    queue.add('x', 10)
    queue.add('x', 50)
    queue.add('y')
    clock.advance(1_000)
    expect(passes).toEqual(['y at 0', 'x at 10'])
  })

  it('tries a failed pass again, later each time, and forgets failures after a success', () => {
    const clock = manualClock()
    const times: number[] = []
    const errors: unknown[] = []
    const run = () => {
      times.push(clock.now())
      if (times.length < 4) throw new Error('not yet')
    }
    const queue = createPassQueue(clock, run, error => errors.push(error))
    queue.add('x')
    clock.advance(10_000)
    expect(times).toEqual([0, 20, 60, 140])
    expect(errors).toHaveLength(3)
    expect(queue.failures()).toBe(3)
  })

  it('never waits longer than five seconds, and ends when closed', () => {
    const clock = manualClock()
    let passes = 0
    const run = () => {
      passes++
      throw new Error('never')
    }
    const queue = createPassQueue(clock, run, () => {})
    queue.add('x')
    clock.advance(60_000)
    expect(passes).toBeGreaterThan(18)
    queue.close()
    queue.add('x')
    const before = passes
    clock.advance(60_000)
    expect(passes).toBe(before)
  })
})
