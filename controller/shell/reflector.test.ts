import {afterEach, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {ClusterError} from '../ports.ts'
import type {VersionedList, WatchEvent, WatchOptions, WatchSource} from './kube-client.ts'
import {RetryLaterError} from './kube-errors.ts'
import {Reflector, type ReflectorOptions} from './reflector.ts'
import {configMap, fixedRandom, keptLog, ManualClock, settle, silentLog} from './test-support.ts'

const query = {apiVersion: 'v1', kind: 'ConfigMap'}
const reflectors: Reflector[] = []

afterEach(async () => {
  await Promise.all(reflectors.splice(0).map(reflector => reflector.stop()))
})

/** One watch as the test sees it. */
interface OpenWatch {
  from: string
  send(type: WatchEvent['type'], object: KubeObject): Promise<void>
  end(error?: Error): Promise<void>
  aborted(): boolean
}

/** A source whose lists are given in advance and whose watches are driven by the test. */
class DrivenSource implements WatchSource {
  lists: (VersionedList | Error)[] = []
  listed = 0
  watches: OpenWatch[] = []

  async listVersioned(): Promise<VersionedList> {
    this.listed += 1
    const answer = this.lists.shift() ?? new ClusterError(0, 'Unreachable', 'the test gave no list')
    if (answer instanceof Error) throw answer
    return answer
  }

  async *watch(_: unknown, {resourceVersion, signal}: WatchOptions): AsyncGenerator<WatchEvent> {
    const inbox: (WatchEvent | Error | 'end')[] = []
    let wake = () => {}
    const put = async (item: WatchEvent | Error | 'end') => {
      inbox.push(item)
      wake()
      await settle()
    }
    signal.addEventListener('abort', () => void put(new ClusterError(0, 'Aborted', 'aborted')))
    this.watches.push({
      from: resourceVersion,
      send: (type, object) => put({type, object}),
      end: error => put(error ?? 'end'),
      aborted: () => signal.aborted,
    })
    for (;;) {
      const item = inbox.shift()
      if (item === undefined) await new Promise<void>(resolve => void (wake = resolve))
      else if (item === 'end') return
      else if (item instanceof Error) throw item
      else yield item
    }
  }

  get last(): OpenWatch {
    const watch = this.watches.at(-1)
    if (watch === undefined) throw new Error('there is no watch')
    return watch
  }
}

function list(resourceVersion: string, ...items: KubeObject[]): VersionedList {
  return {items, resourceVersion}
}

function start(lists: (VersionedList | Error)[], options: Partial<ReflectorOptions> = {}) {
  const source = new DrivenSource()
  source.lists = lists
  const clock = new ManualClock()
  const random = fixedRandom(1 - Number.EPSILON)
  const reflector = new Reflector({source, query, clock, random, log: silentLog, ...options})
  reflectors.push(reflector)
  const changes: string[] = []
  const version = (object: KubeObject | undefined) => object?.metadata.resourceVersion ?? '-'
  reflector.onChange((key, old, current) => void changes.push(`${key} ${version(old)}>${version(current)}`))
  reflector.start()
  return {source, clock, reflector, changes}
}

test('has reached a version when it tells of it: whoever is told may ask at once', async () => {
  const {source, reflector} = start([list('5')])
  await settle()
  const reached: boolean[] = []
  reflector.onChange(() => void reached.push(reflector.reached('6')))
  expect(reflector.reached('6')).toBe(false)
  await source.last.send('ADDED', configMap('a', '6'))
  expect(reached).toEqual([true])
})

describe('a reflector', () => {
  test('lists, then watches from the version of the list', async () => {
    const {source, reflector, changes} = start([list('5', configMap('a', '3'), configMap('b', '4'))])
    expect(await reflector.synced).toBe('synced')
    await settle()
    expect(source.last.from).toBe('5')
    await source.last.send('MODIFIED', configMap('a', '6'))
    await source.last.send('DELETED', configMap('b', '7'))
    await source.last.send('ADDED', configMap('c', '8'))
    expect(changes).toEqual(['shop/a ->3', 'shop/b ->4', 'shop/a 3>6', 'shop/b 4>-', 'shop/c ->8'])
    expect(reflector.store.list('shop').map(object => object.metadata.name)).toEqual(['a', 'c'])
    expect(reflector.store.list('other')).toEqual([])
    expect(reflector.store.get('shop', 'a')?.metadata.resourceVersion).toBe('6')
    expect(reflector.store.size).toBe(2)
  })

  test('goes on from the last event or bookmark, without a list', async () => {
    const {source, clock, changes} = start([list('5')])
    await settle()
    await source.last.send('ADDED', configMap('a', '6'))
    await source.last.send('BOOKMARK', configMap('', '90'))
    await clock.advance(10_000)
    await source.last.end()
    expect(source.watches.map(watch => watch.from)).toEqual(['5', '90'])
    expect(source.listed).toBe(1)
    expect(changes).toEqual(['shop/a ->6'])
  })

  test('lists anew on 410 and tells the difference', async () => {
    const before = list('5', configMap('a', '1'), configMap('b', '2'), configMap('c', '3'))
    const after = list('50', configMap('a', '1'), configMap('b', '40'), configMap('d', '41'))
    const {source, changes} = start([before, after])
    await settle()
    changes.splice(0)
    await source.last.end(new ClusterError(410, 'Expired', 'too old'))
    expect(changes).toEqual(['shop/b 2>40', 'shop/d ->41', 'shop/c 3>-'])
    expect(source.watches.map(watch => watch.from)).toEqual(['5', '50'])
  })

  test('tells delete and re-create inside a gap as both', async () => {
    const reborn = configMap('a', '40', {uid: 'second'})
    const {source, changes} = start([list('5', configMap('a', '1')), list('50', reborn)])
    await settle()
    await source.last.end(new ClusterError(410, 'Expired', 'too old'))
    expect(changes).toEqual(['shop/a ->1', 'shop/a 1>-', 'shop/a ->40'])
    await source.last.send('MODIFIED', configMap('a', '60', {uid: 'third'}))
    expect(changes.slice(3)).toEqual(['shop/a 40>-', 'shop/a ->60'])
  })

  test('begins a silent watch anew from where it was', async () => {
    const {source, clock} = start([list('5')], {silenceMilliseconds: 60_000})
    await settle()
    await clock.advance(59_000)
    await source.last.send('BOOKMARK', configMap('', '8'))
    await clock.advance(59_000)
    expect(source.watches).toHaveLength(1)
    await clock.advance(1_000)
    expect(source.watches.map(watch => [watch.from, watch.aborted()])).toEqual([
      ['5', true],
      ['8', false],
    ])
  })

  test('shrinks objects before it keeps and tells them', async () => {
    const transform = ({data: _, ...rest}: KubeObject) => rest as KubeObject
    const {reflector} = start([list('5', configMap('a', '1', {data: {big: 'x'}}))], {transform})
    await reflector.synced
    expect(reflector.store.get('shop', 'a')).not.toHaveProperty('data')
  })
})

describe('failures of a reflector', () => {
  test('of the list are tried again with a growing, bounded delay', async () => {
    const failures = Array.from({length: 12}, () => new ClusterError(500, 'InternalError', 'broken'))
    const {source, clock, reflector} = start([...failures, list('5')])
    const delays: number[] = []
    await settle()
    for (let seen = 1; seen <= 12; seen++) {
      expect(reflector.lastError).toBe('broken')
      const since = clock.now()
      while (source.listed === seen) await clock.advance(50)
      delays.push(clock.now() - since)
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000, 5000, 5000])
    expect(await reflector.synced).toBe('synced')
    expect(reflector.lastError).toBeUndefined()
  })

  test('are told once for each trouble, however long it lasts, and so is its end', async () => {
    const {log, lines} = keptLog()
    const failures = ['down', 'down', 'down', 'starting', 'starting'].map(
      message => new ClusterError(0, 'Unreachable', message),
    )
    const {clock, reflector} = start([...failures, list('5')], {log})
    await clock.advance(60_000)
    expect(reflector.state).toBe('synced')
    const told = lines.map(line => JSON.parse(line).msg)
    expect(told).toEqual(['list or watch failed', 'list or watch failed', 'list and watch work again'])
  })

  test('with Retry-After wait as long as the server says', async () => {
    const {source, clock} = start([new RetryLaterError(429, 'TooManyRequests', 'busy', [], 20), list('5')])
    await clock.advance(19_999)
    expect(source.listed).toBe(1)
    await clock.advance(1)
    expect(source.listed).toBe(2)
  })

  test('of a watch do not list: it goes on from the last version', async () => {
    const {source, clock} = start([list('5')])
    await settle()
    await source.last.send('ADDED', configMap('a', '6'))
    await source.last.end(new ClusterError(0, 'Unreachable', 'dropped'))
    await clock.advance(250)
    expect(source.watches.map(watch => watch.from)).toEqual(['5', '6'])
    expect(source.listed).toBe(1)
  })

  test('in a row slow down, also where the server just hangs up or expires every watch', async () => {
    for (const error of [undefined, new ClusterError(410, 'Expired', 'too old')]) {
      const {source, clock} = start(Array.from({length: 100}, () => list('5')))
      for (let step = 0; step < 600; step++) {
        await clock.advance(100)
        if (!source.last.aborted()) await source.last.end(error)
      }
      expect(source.watches.length).toBeGreaterThan(5)
      expect(source.watches.length).toBeLessThan(15)
    }
  })

  test('after a watch that worked begin with the short delay again', async () => {
    const {source, clock} = start([list('5')])
    for (let n = 0; n < 6; n++) {
      await clock.advance(8_000)
      await source.last.end(new ClusterError(0, 'Unreachable', 'dropped'))
    }
    const before = source.watches.length
    await clock.advance(250)
    expect(source.watches.length).toBe(before + 1)
  })
})

describe('listeners that throw', () => {
  test('are logged, and the others are told all the same', async () => {
    const {log, lines} = keptLog()
    const {source, reflector, changes} = start([list('5')], {log})
    reflector.onChange(() => {
      throw new Error('listener broke')
    })
    const later: string[] = []
    const off = reflector.onChange(key => void later.push(key))
    await settle()
    await source.last.send('ADDED', configMap('a', '6'))
    off()
    await source.last.send('ADDED', configMap('b', '7'))
    expect(changes).toEqual(['shop/a ->6', 'shop/b ->7'])
    expect(later).toEqual(['shop/a'])
    expect(lines.filter(line => line.includes('listener broke'))).toHaveLength(2)
  })
})

describe('a kind that is not installed', () => {
  const notFound = new ClusterError(404, 'KindNotFound', 'no such kind')

  test('does not hold up the start, and is found later', async () => {
    const {clock, reflector, changes} = start([notFound, notFound, list('5', configMap('a', '1'))])
    expect(await reflector.synced).toBe('missing')
    expect(reflector.state).toBe('missing')
    await clock.advance(750)
    expect(reflector.state).toBe('synced')
    expect(changes).toEqual(['shop/a ->1'])
  })

  test('after it was: its objects are gone', async () => {
    const {source, reflector, changes, clock} = start([list('5', configMap('a', '1')), notFound])
    await settle()
    await source.last.end(new ClusterError(404, 'NotFound', 'the CRD was deleted'))
    expect(reflector.state).toBe('missing')
    expect(changes).toEqual(['shop/a ->1', 'shop/a 1>-'])
    await clock.advance(250)
    expect(source.listed).toBe(2)
  })
})

describe('a kind that may not be read', () => {
  const forbidden = new ClusterError(403, 'Forbidden', 'pods is forbidden')

  test('does not hold up the start, and is read within seconds of the right', async () => {
    const {clock, reflector} = start([...Array.from({length: 20}, () => forbidden), list('5')])
    const states: string[] = []
    reflector.onState(() => states.push(reflector.state))
    await clock.advance(750)
    expect(await reflector.synced).toBe('forbidden')
    await clock.advance(100_000)
    expect(states).toEqual(['forbidden', 'synced'])
  })

  test('keeps what is known, and an API server that has just begun may forbid twice', async () => {
    const {source, clock, reflector} = start([list('5', configMap('a', '1'))])
    await settle()
    for (const state of ['synced', 'synced', 'forbidden']) {
      await source.last.end(forbidden)
      expect(reflector.state).toBe(state)
      if (state === 'synced') await clock.advance(1000)
    }
    expect(reflector.store.size).toBe(1)
    expect(reflector.lastError).toBe('pods is forbidden')
  })
})

describe('stop', () => {
  test('ends the watch, the timers and the wait for the start', async () => {
    const {source, clock, reflector} = start([list('5')])
    await settle()
    await reflector.stop()
    expect(source.last.aborted()).toBe(true)
    expect(reflector.state).toBe('stopped')
    expect(clock.timers).toBe(0)
    const failing = start([])
    await settle()
    await failing.reflector.stop()
    expect(await failing.reflector.synced).toBe('stopped')
    expect(failing.clock.timers).toBe(0)
  })

  test('there is never a second loop', async () => {
    const {reflector} = start([list('5')])
    expect(() => reflector.start()).toThrow('the reflector of ConfigMap was started before')
  })
})
