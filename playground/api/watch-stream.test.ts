import {afterEach, beforeEach, expect, test, vi} from 'vitest'
import {configMap, newStore} from './fixtures.ts'
import type {Store} from './store.ts'
import {startWatch} from './watch-stream.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Recording {
  types: string[]
  ended: boolean
  stop: () => void
}

/** Watches config maps; the sink falls behind after `capacity` lines. */
function record(store: Store, query: Record<string, string>, capacity = Number.POSITIVE_INFINITY): Recording {
  const recording: Recording = {types: [], ended: false, stop: () => {}}
  const path = {group: '', version: 'v1', resource: 'configmaps', plural: 'configmaps', subresource: ''}
  const request = {method: 'GET', path: '/api/v1/configmaps', query}
  recording.stop = startWatch(store, request, path, () => ({
    send(lines) {
      for (const line of lines.trim().split('\n')) recording.types.push(JSON.parse(line).type)
      return recording.types.length <= capacity
    },
    end() {
      recording.ended = true
    },
  }))
  return recording
}

test('bookmarks come every 30 s, to those who allow them', () => {
  const store = newStore()
  const allowing = record(store, {allowWatchBookmarks: 'true'})
  const silent = record(store, {})
  vi.advanceTimersByTime(29_000)
  expect(allowing.types).toEqual([])
  vi.advanceTimersByTime(31_000)
  expect(allowing.types).toEqual(['BOOKMARK', 'BOOKMARK'])
  expect(silent.types).toEqual([])
})

test('a watch ends after its time, and its timers with it', () => {
  const store = newStore()
  const recording = record(store, {timeoutSeconds: '5', allowWatchBookmarks: 'true'})
  vi.advanceTimersByTime(4_900)
  expect(recording.ended).toBe(false)
  vi.advanceTimersByTime(200)
  expect(recording.ended).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
  expect(store.storage.subscriberCount).toBe(0)
})

test('a watcher that falls behind is ended; the others go on', () => {
  const store = newStore()
  const slow = record(store, {}, 1)
  const fast = record(store, {})
  for (const name of ['a', 'b', 'c']) store.create(configMap(name, {}))
  expect(slow).toMatchObject({types: ['ADDED', 'ADDED'], ended: true})
  expect(fast).toMatchObject({types: ['ADDED', 'ADDED', 'ADDED'], ended: false})
})
