// How many queries one Prometheus gets at a time. Per address, so that one that hangs can't hold up the others.

interface QueryLimiter {
  /** Resolves to a function that gives the place back; to `full` or `aborted` when there was none to be had. */
  acquire(address: string, signal: AbortSignal): Promise<(() => void) | 'full' | 'aborted'>
}

interface Lane {
  running: number
  waiting: (() => void)[]
}

/** First come, first served. A lane is forgotten once nobody runs in it. */
export function createQueryLimiter(maximumConcurrent: number, maximumWaiting: number): QueryLimiter {
  const lanes = new Map<string, Lane>()

  function leave(address: string, lane: Lane): void {
    const next = lane.waiting.shift()
    if (next) return next()
    lane.running--
    if (lane.running === 0) lanes.delete(address)
  }

  return {
    acquire(address, signal) {
      if (signal.aborted) return Promise.resolve('aborted')
      const lane = lanes.get(address) ?? {running: 0, waiting: []}
      lanes.set(address, lane)
      if (lane.running < maximumConcurrent) {
        lane.running++
        return Promise.resolve(() => leave(address, lane))
      }
      if (lane.waiting.length >= maximumWaiting) return Promise.resolve('full')
      return new Promise(resolve => {
        const enter = (): void => {
          signal.removeEventListener('abort', giveUp)
          resolve(() => leave(address, lane))
        }
        const giveUp = (): void => {
          lane.waiting.splice(lane.waiting.indexOf(enter), 1)
          resolve('aborted')
        }
        lane.waiting.push(enter)
        signal.addEventListener('abort', giveUp, {once: true})
      })
    },
  }
}
