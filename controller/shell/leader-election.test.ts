import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {type Cluster, ClusterError} from '../ports.ts'
import type {WatchEvent, WatchOptions, WatchQuery} from './kube-client.ts'
import {fenced, LeaderElection} from './leader-election.ts'
import {createLogger} from './log.ts'
import {ManualClock, settle} from './test-support.ts'

/** One Lease with versions, conditional patches and a watch, and whatever trouble a test wants. */
class LeaseServer {
  lease: KubeObject | undefined
  /** Told of each write; what it throws is the answer. With `after`, the write has been carried out by then. */
  trouble: (identity: string, when: 'before' | 'after') => void = () => {}
  readonly holders: string[] = []
  #version = 0
  readonly #listeners = new Set<(event: WatchEvent) => void>()

  clusterOf(identity: string): Cluster {
    const write = (change: (lease: KubeObject) => void): KubeObject => {
      this.trouble(identity, 'before')
      const lease = structuredClone(this.lease ?? {apiVersion: 'v1', kind: 'Lease', metadata: {name: 'x'}, spec: {}})
      change(lease)
      lease.metadata.resourceVersion = String(++this.#version)
      this.lease = lease
      this.holders.push(lease.spec?.holderIdentity)
      for (const listener of this.#listeners) listener({type: 'MODIFIED', object: lease})
      this.trouble(identity, 'after')
      return structuredClone(lease)
    }
    return {
      get: async () => structuredClone(this.lease),
      create: async (object: KubeObject) => {
        if (this.lease) throw new ClusterError(409, 'AlreadyExists', 'there is one')
        return write(lease => Object.assign(lease, {spec: object.spec}))
      },
      mergePatch: async (_: unknown, patch: {metadata: {resourceVersion: string}; spec: object}) => {
        if (patch.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
          throw new ClusterError(409, 'Conflict', 'the object has been modified')
        }
        return write(lease => Object.assign(lease, {spec: {...lease.spec, ...patch.spec}}))
      },
    } as unknown as Cluster
  }

  readonly watch = async function* (
    this: LeaseServer,
    _: WatchQuery,
    {signal}: WatchOptions,
  ): AsyncGenerator<WatchEvent> {
    const events: WatchEvent[] = []
    let wake = () => {}
    const listener = (event: WatchEvent) => {
      events.push(event)
      wake()
    }
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => wake())
    while (!signal.aborted) {
      for (let event = events.shift(); event; event = events.shift()) yield event
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }.bind(this)
}

function candidate(server: LeaseServer, identity: string, clock: ManualClock) {
  const terms: string[] = []
  const frozen = {milliseconds: 0}
  const election = new LeaderElection({
    cluster: server.clusterOf(identity),
    watch: server,
    clock,
    monotonic: () => clock.now() + frozen.milliseconds,
    log: createLogger({level: 'silent'}),
    namespace: 'fairlead',
    name: 'x',
    identity,
    acquired: async () => void terms.push('begun'),
    lost: async () => void terms.push('ended'),
  })
  election.start()
  return {election, terms, frozen}
}

/** Lets a time pass in small steps, and checks at each that at most one leads. */
async function pass(clock: ManualClock, seconds: number, ...all: {election: LeaderElection}[]): Promise<void> {
  for (let tick = 0; tick < seconds * 4; tick++) {
    await clock.advance(250)
    await settle()
    expect(all.filter(({election}) => election.leads()).length).toBeLessThanOrEqual(1)
  }
}

async function pair() {
  const [server, clock] = [new LeaseServer(), new ManualClock()]
  const first = candidate(server, 'first', clock)
  await pass(clock, 1, first)
  const second = candidate(server, 'second', clock)
  await pass(clock, 30, first, second)
  return {server, clock, first, second}
}

describe('a lease', () => {
  test('has one holder, who keeps it', async () => {
    const {server, first, second} = await pair()
    expect([first.election.leads(), second.election.leads()]).toEqual([true, false])
    expect(new Set(server.holders)).toEqual(new Set(['first']))
    expect(server.lease?.spec).toMatchObject({leaseDurationSeconds: 15, leaseTransitions: 0})
  })

  test('that is given back is taken at once', async () => {
    const {server, clock, first, second} = await pair()
    await Promise.all([first.election.stop(), pass(clock, 0.5, first, second)])
    expect(first.terms).toEqual(['begun', 'ended'])
    expect(second.terms).toEqual(['begun'])
    expect(server.lease?.spec).toMatchObject({holderIdentity: 'second', leaseTransitions: 1})
  })

  test('that is not renewed is left alone for its whole time, and then taken', async () => {
    const {server, clock, first, second} = await pair()
    server.trouble = identity => {
      if (identity === 'first') throw new ClusterError(0, 'Unreachable', 'no route to host')
    }
    await pass(clock, 9, first, second)
    await pass(clock, 3, first, second)
    expect([first.election.leads(), second.election.leads()]).toEqual([false, false])
    expect(first.terms).toEqual(['begun', 'ended'])
    await pass(clock, 8, first, second)
    expect(second.election.leads()).toBe(true)
    // The first one takes part again when the second goes.
    server.trouble = () => {}
    await Promise.all([second.election.stop(), pass(clock, 3, first, second)])
    expect(first.terms).toEqual(['begun', 'ended', 'begun'])
  })

  test('whose renewal was carried out and not answered is still held', async () => {
    const {server, clock, first, second} = await pair()
    let lost = 0
    server.trouble = (_, when) => {
      if (when === 'after' && lost++ === 0) throw new ClusterError(0, 'Timeout', 'no answer')
    }
    await pass(clock, 20, first, second)
    expect(lost).toBeGreaterThan(2)
    expect(first.terms).toEqual(['begun'])
  })

  test('that somebody else has taken ends the term', async () => {
    const {server, clock, first, second} = await pair()
    const {lease} = server
    if (lease?.spec) lease.spec['holderIdentity'] = 'third'
    if (lease) lease.metadata.resourceVersion = '9999'
    await pass(clock, 5, first, second)
    expect(first.terms).toEqual(['begun', 'ended'])
    expect(first.election.leads()).toBe(false)
  })
})

test('a process that was frozen writes nothing when it wakes', async () => {
  const {first} = await pair()
  const written: string[] = []
  const cluster = fenced(
    {apply: async () => void written.push('apply'), get: async () => undefined} as unknown as Cluster,
    () => first.election.leads(),
  )
  const apply = () =>
    cluster.apply({apiVersion: 'v1', kind: 'X', metadata: {name: 'x'}}, {fieldManager: 'f', force: true})
  await apply()
  // Time goes on, and nothing of the process runs.
  first.frozen.milliseconds = 60_000
  await expect(apply()).rejects.toMatchObject({reason: 'NotLeading'})
  expect(await cluster.get({apiVersion: 'v1', kind: 'X', name: 'x'})).toBeUndefined()
  expect(written).toEqual(['apply'])
})
