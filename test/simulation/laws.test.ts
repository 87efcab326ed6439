// Law 1: decide is pure and total. Observations of many moments of many histories, and mutilated ones, go in frozen.
import fc from 'fast-check'
import {expect, test} from 'vitest'
import {decide} from '../../controller/core/decide.ts'
import type {Observation} from '../../controller/core/observation.ts'
import {runUntil} from './driver.ts'
import {ModelCluster} from './model-cluster.ts'
import {seeded} from './random.ts'
import {settings} from './usual-settings.ts'

function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) frozen(item)
  return Object.freeze(value)
}

/** An observation at some moment of a history under a seed. */
function momentOf(seed: number): Observation {
  const random = seeded(seed)
  const cluster = new ModelCluster(settings, image =>
    image.includes('bad') ? 'fail' : random() < 0.2 ? 'noData' : 'pass',
  )
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)
  cluster.deploy(random() < 0.5 ? 'app:2' : 'app:bad')
  runUntil(cluster, () => false, random() * 60_000)
  if (random() < 0.3) cluster.deploy('app:3')
  const {mesh, ...rest} = cluster.observe()
  return {...frozen(structuredClone(rest)), mesh}
}

test('the same observation gives the same decision, the input is untouched, and the weights sum to 100', () => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 10_000}), seed => {
      const observation = momentOf(seed)
      const first = decide(observation)
      expect(decide(observation)).toEqual(first)
      const wanted = first.status.traffic?.wanted
      if (wanted) expect(wanted.a + wanted.b).toBe(100)
    }),
    {numRuns: 60},
  )
})

test('a decision on its own status, with nothing else changed, changes nothing (level-triggered)', () => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 10_000}), seed => {
      const observation = momentOf(seed)
      const first = decide(observation)
      const second = decide({...observation, status: structuredClone(first.status)})
      expect(second.status).toEqual(first.status)
    }),
    {numRuns: 60},
  )
})

test('whatever is missing from the world or the status, decide answers', () => {
  const removable = ['target', 'apex', 'analysis'] as const
  fc.assert(
    fc.property(
      fc.integer({min: 1, max: 10_000}),
      fc.subarray([...removable]),
      fc.subarray(['phase', 'primary', 'canary', 'previous', 'release', 'traffic', 'capacity', 'source', 'conditions']),
      (seed, gone, lost) => {
        const observation: Record<string, unknown> = {...momentOf(seed)}
        for (const field of gone) delete observation[field]
        const status: Record<string, unknown> = {...(observation.status as object)}
        for (const field of lost) delete status[field]
        expect(() => decide({...(observation as unknown as Observation), status})).not.toThrow()
      },
    ),
    {numRuns: 80},
  )
})

test('whatever is kept of releases gone by, the status stays under 64 KiB', () => {
  const long = (length: number) => 'm'.repeat(length)
  const observation = momentOf(7)
  const entry = {
    id: '1-r',
    revision: 'r',
    image: 'app:0',
    outcome: 'RolledBack' as const,
    reason: 'CheckFailed',
    message: long(2048),
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:00.000Z',
    weights: [],
  }
  const alert = {
    id: 'a',
    event: 'RolledBack',
    severity: 'error' as const,
    title: 't',
    text: long(4096),
    fields: {one: long(2048), two: long(2048)},
    createdAt: '2026-01-01T00:00:00.000Z',
    channels: ['on-call'],
  }
  const spec = {...observation.spec, alerts: [{channelRef: {name: 'on-call'}, severity: 'warn' as const}]}
  const status = {
    ...observation.status,
    history: Array.from({length: 10}, () => entry),
    alerts: Array.from({length: 20}, (_, index) => ({...alert, id: String(index)})),
  }
  const decided = decide({...observation, spec, status}).status
  expect(Buffer.byteLength(JSON.stringify(decided))).toBeLessThan(64 * 1024)
  expect(decided.alerts).toHaveLength(20)
  expect(decide({...observation, spec, status: decided}).status).toEqual(decided)
})
