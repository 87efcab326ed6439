import {describe, expect, test} from 'vitest'
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import type {Cluster} from '../ports.ts'
import {ClusterError} from '../ports.ts'
import {EventRecorder} from './event-recorder.ts'
import {fixedRandom, keptLog, ManualClock, settle} from './test-support.ts'

const rollout: KubeObject = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'Rollout',
  metadata: {namespace: 'shop', name: 'cart', uid: 'u1', resourceVersion: '9'},
}

/** Takes events, or answers what the test planned. */
class EventCluster {
  created: KubeObject[] = []
  patched: {ref: ObjectRef; patch: object}[] = []
  failures: Error[] = []
  hold: Promise<void> | undefined

  async create(object: KubeObject): Promise<KubeObject> {
    await this.hold
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    this.created.push(object)
    return object
  }

  async mergePatch(ref: ObjectRef, patch: object): Promise<KubeObject> {
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    this.patched.push({ref, patch})
    return rollout
  }
}

function start() {
  const cluster = new EventCluster()
  const clock = new ManualClock()
  const {log, lines} = keptLog()
  const options = {cluster: cluster as unknown as Cluster, clock, random: fixedRandom(), log, instance: 'pod-1'}
  return {recorder: new EventRecorder(options), cluster, clock, lines}
}

describe('an event', () => {
  test('is what kubectl describe looks for', async () => {
    const {recorder, cluster} = start()
    recorder.record(rollout, 'Warning', 'RolledBack', 'errors went up')
    await settle()
    expect(cluster.created[0]).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {namespace: 'shop', name: expect.stringMatching(/^cart\.[0-9a-f]+$/)},
      involvedObject: {...rollout.metadata, apiVersion: rollout.apiVersion, kind: 'Rollout'},
      type: 'Warning',
      reason: 'RolledBack',
      message: 'errors went up',
      count: 1,
      firstTimestamp: '2023-11-14T22:13:20Z',
      lastTimestamp: '2023-11-14T22:13:20Z',
      source: {component: 'fairlead'},
      reportingInstance: 'pod-1',
    })
  })

  test('about an object without a namespace lives in default', async () => {
    const {recorder, cluster} = start()
    recorder.record({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}}, 'Normal', 'Seen', 'x')
    await settle()
    expect(cluster.created[0]?.metadata.namespace).toBe('default')
    expect(cluster.created[0]?.['involvedObject']).not.toHaveProperty('namespace')
  })

  test('is cut to what the API server takes', async () => {
    const {recorder, cluster} = start()
    const long = {...rollout, metadata: {...rollout.metadata, name: 'n'.repeat(253)}}
    recorder.record(long, 'Normal', 'R'.repeat(500), 'm'.repeat(5000))
    await settle()
    const [event] = cluster.created
    expect(event?.metadata.name).toHaveLength(253)
    expect([event?.['reason'].length, event?.['message'].length]).toEqual([128, 1024])
  })
})

describe('a repeated event', () => {
  test('is counted up, another message or object is another event', async () => {
    const {recorder, cluster, clock} = start()
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    await clock.advance(2_000)
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    recorder.record(rollout, 'Normal', 'Step', 'weight 20')
    recorder.record({...rollout, metadata: {...rollout.metadata, uid: 'u2'}}, 'Normal', 'Step', 'weight 5')
    await settle()
    expect(cluster.created.map(event => event['message'])).toEqual(['weight 5', 'weight 20', 'weight 5'])
    const name = cluster.created[0]?.metadata.name
    const patch = {count: 3, lastTimestamp: '2023-11-14T22:13:22Z'}
    expect(cluster.patched).toEqual([{ref: {apiVersion: 'v1', kind: 'Event', namespace: 'shop', name}, patch}])
  })

  test('much later is a new one', async () => {
    const {recorder, cluster, clock} = start()
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    await clock.advance(10 * 60_000)
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    await settle()
    expect(cluster.created).toHaveLength(2)
    expect(new Set(cluster.created.map(event => event.metadata.name)).size).toBe(2)
  })

  test('whose first one the server forgot is written anew, with its count', async () => {
    const {recorder, cluster} = start()
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    await settle()
    cluster.failures = [new ClusterError(404, 'NotFound', 'gone')]
    recorder.record(rollout, 'Normal', 'Step', 'weight 5')
    await settle()
    expect(cluster.created.map(event => event['count'])).toEqual([1, 2])
  })
})

describe('recording', () => {
  test('is rate-bounded: a burst, then five a second', async () => {
    const {recorder, cluster, clock} = start()
    for (let n = 0; n < 100; n++) recorder.record(rollout, 'Normal', 'Many', `number ${n}`)
    for (let n = 0; n < 60; n++) await settle()
    expect(cluster.created).toHaveLength(50)
    await clock.advance(1_000)
    expect(cluster.created).toHaveLength(55)
  })

  test('is bounded: what does not fit is dropped and told', async () => {
    const {recorder, cluster, clock, lines} = start()
    let release = () => {}
    cluster.hold = new Promise(resolve => void (release = resolve))
    for (let n = 0; n < 1_101; n++) recorder.record(rollout, 'Normal', 'Many', `number ${n}`)
    // One that waits already takes no further place, so it is not dropped.
    recorder.record(rollout, 'Normal', 'Many', 'number 5')
    release()
    await clock.advance(300_000)
    // One was being written when the queue filled up.
    expect(cluster.created).toHaveLength(1_001)
    expect(lines.join('')).toContain('"dropped":100')
  })

  test('tries transient failures again and gives up in the end', async () => {
    const {recorder, cluster, clock, lines} = start()
    const busy = new ClusterError(503, 'ServiceUnavailable', 'busy')
    cluster.failures = [busy, busy, busy]
    recorder.record(rollout, 'Normal', 'First', 'x')
    await clock.advance(30_000)
    expect(cluster.created).toHaveLength(1)
    cluster.failures = [busy, busy, busy, busy]
    recorder.record(rollout, 'Normal', 'Second', 'x')
    await clock.advance(30_000)
    expect(cluster.created).toHaveLength(1)
    expect(lines.filter(line => line.includes('event could not be written'))).toHaveLength(1)
  })

  test('does not try a refusal again, and goes on with the next event', async () => {
    const {recorder, cluster} = start()
    cluster.failures = [new ClusterError(403, 'Forbidden', 'the namespace is terminating')]
    recorder.record(rollout, 'Normal', 'First', 'x')
    recorder.record(rollout, 'Normal', 'Second', 'x')
    await settle()
    expect(cluster.created.map(event => event['reason'])).toEqual(['Second'])
  })
})

describe('flush', () => {
  test('writes what waits and takes no more', async () => {
    const {recorder, cluster, clock} = start()
    for (let n = 0; n < 55; n++) recorder.record(rollout, 'Normal', 'Many', `number ${n}`)
    const flushed = recorder.flush(5_000)
    recorder.record(rollout, 'Normal', 'Late', 'x')
    await clock.advance(4_000)
    expect(await flushed).toBe(true)
    expect(cluster.created).toHaveLength(55)
    expect(clock.timers).toBe(0)
  })

  test('gives up at its deadline', async () => {
    const {recorder, cluster, clock} = start()
    cluster.failures = Array.from({length: 4}, () => new ClusterError(0, 'Unreachable', 'down'))
    recorder.record(rollout, 'Normal', 'First', 'x')
    const flushed = recorder.flush(300)
    await clock.advance(300)
    expect(await flushed).toBe(false)
  })

  test('of an idle recorder is over at once', async () => {
    expect(await start().recorder.flush(1)).toBe(true)
  })
})
