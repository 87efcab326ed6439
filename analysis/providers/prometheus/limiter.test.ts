import {describe, expect, it} from 'vitest'
import {createQueryLimiter} from './limiter.ts'

const never = new AbortController().signal

function placed(place: (() => void) | 'full' | 'aborted'): () => void {
  if (typeof place === 'string') throw new Error(`no place: ${place}`)
  return place
}

describe('createQueryLimiter', () => {
  it('lets so many in, then the others one by one in their order', async () => {
    const limiter = createQueryLimiter(2, 10)
    const order: number[] = []
    const first = placed(await limiter.acquire('x', never))
    await limiter.acquire('x', never)
    const waiting = [3, 4].map(async number => {
      const release = placed(await limiter.acquire('x', never))
      order.push(number)
      return release
    })
    await Promise.resolve()
    expect(order).toEqual([])
    first()
    placed(await (waiting[0] as Promise<() => void>))()
    await waiting[1]
    expect(order).toEqual([3, 4])
  })

  it('counts a place that was handed on as taken', async () => {
    const limiter = createQueryLimiter(1, 10)
    const first = placed(await limiter.acquire('x', never))
    const second = limiter.acquire('x', never)
    first()
    const release = placed(await second)
    let entered = false
    const third = limiter.acquire('x', never).then(() => {
      entered = true
    })
    await new Promise(resolve => setImmediate(resolve))
    expect(entered).toBe(false)
    release()
    await third
    expect(entered).toBe(true)
  })

  it('refuses more than may wait', async () => {
    const limiter = createQueryLimiter(1, 1)
    await limiter.acquire('x', never)
    void limiter.acquire('x', never)
    expect(await limiter.acquire('x', never)).toBe('full')
  })

  it('does not make one address wait for another', async () => {
    const limiter = createQueryLimiter(1, 1)
    await limiter.acquire('x', never)
    expect(await limiter.acquire('y', never)).toBeTypeOf('function')
  })

  it('forgets who gave up waiting', async () => {
    const limiter = createQueryLimiter(1, 1)
    const release = placed(await limiter.acquire('x', never))
    const controller = new AbortController()
    const waiting = limiter.acquire('x', controller.signal)
    controller.abort()
    expect(await waiting).toBe('aborted')
    expect(await limiter.acquire('x', controller.signal)).toBe('aborted')
    const next = limiter.acquire('x', never)
    release()
    expect(await next).toBeTypeOf('function')
  })
})
