// The order of writes: after every prefix of them, with a controller that dies there, no proxy's request is without a pod, and
// none meets a safeguard or a fault beyond the share that was agreed, however late the proxy hears of anything within the
// settling time. `npm run test:order` plays every prefix, and beside the real meshes.
import {describe, expect, test} from 'vitest'
import {annotations, labels} from '../../crds/names.ts'
import {pass, runUntil} from './driver.ts'
import {ModelCluster} from './model-cluster.ts'
import {Proxies} from './proxies.ts'
import {places, play, type StoryName, someOf, stories} from './stories.ts'
import {settings} from './usual-settings.ts'

const stepMilliseconds = 250

/** Of these the controller dies before every write; of the others before one in so many. */
const whole: readonly string[] = ['canary: a good release', 'blue/green with a rate limit: a revert in the bake']
const stride = 37

describe.each([...places.model.strategies])('%s', strategy => {
  test.each(Object.keys(stories) as StoryName[])('%s: each request finds a pod that is there for it', story => {
    const undisturbed = play('model', strategy, story)
    expect(undisturbed).toMatchObject({ended: true, unserved: []})
    expect(undisturbed.writes).toBeGreaterThan(20)
    const every = whole.includes(`${strategy}: ${story}`) ? 1 : stride
    for (const prefix of someOf(undisturbed.writes, every, strategy, story)) {
      expect({prefix, ...play('model', strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
    }
  })
})

test.each([false, true])(
  'a rollback to a primary that had lost its pods waits until they are known (restarts: %s)',
  restarts => {
    const cluster = new ModelCluster(settings, image => (image === 'app:2' ? 'noData' : 'pass'))
    const until = (holds: () => boolean) =>
      expect(runUntil(cluster, holds, 60_000), `${cluster.status.message}`).toBe(true)
    until(() => cluster.status.phase === 'Healthy')
    cluster.deploy('app:2')
    until(() => cluster.status.canaryWeight === 10)
    for (const pod of cluster.pods) if (pod.workload === 'checkout-a') pod.goneAt = cluster.now
    cluster.deploy('app:1')
    const back = () => cluster.readyWith({[labels.slot]: 'a'}).length > 0
    until(() => cluster.status.phase === 'RollingBack')
    expect(cluster.status.traffic?.wanted).toEqual({a: 90, b: 10})
    until(back)
    const since = cluster.now
    let passes = 0
    // A controller that dies before every other write of its status or of an object.
    const crash = () => restarts && passes++ % 2 === 0
    expect(runUntil(cluster, () => cluster.find('Route', 'checkout')?.spec.a === 100, 60_000, {crash})).toBe(true)
    expect(cluster.now - since).toBeGreaterThanOrEqual(settings.settlingMilliseconds)
    until(() => cluster.status.phase === 'Healthy')
  },
)

test.each([
  ['pods ready', 20_000],
  ['settling', 1000],
  ['waiting for the mesh', 1000],
  ['draining', 1000],
])('a status that is lost in an adoption (%s) leaves the target its pods until nobody needs them', (when, start) => {
  const cluster = new ModelCluster({...settings, startMilliseconds: start}, () => 'pass')
  const proxies = new Proxies(cluster, settings.settlingMilliseconds)
  let lost = false
  for (let step = 0; step < 300; step++) {
    pass(cluster)
    if (!lost && cluster.status.message?.includes(when)) {
      lost = true
      cluster.status = {}
    }
    cluster.advance(stepMilliseconds)
    proxies.look()
  }
  expect([lost, cluster.status.phase, cluster.dropped, proxies.unserved]).toEqual([true, 'Healthy', 0, []])
})

test('nor does a lost status send anything to a primary without pods', () => {
  const cluster = new ModelCluster(settings, image => (image === 'app:2' ? 'noData' : 'pass'))
  expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
  cluster.deploy('app:2')
  expect(runUntil(cluster, () => cluster.status.canaryWeight === 10, 60_000)).toBe(true)
  for (const pod of cluster.pods) if (pod.workload === 'checkout-a') pod.goneAt = cluster.now
  cluster.advance(stepMilliseconds)
  cluster.status = {}
  pass(cluster)
  expect(cluster.status).toMatchObject({phase: 'RollingBack', traffic: {wanted: {a: 90, b: 10}}})
  expect(runUntil(cluster, () => cluster.status.traffic?.wanted.a === 100, 60_000)).toBe(true)
  expect(cluster.readyWith({[labels.slot]: 'a'})).toHaveLength(3)
})

test('a rise to pods that have come and gone meanwhile waits until they are known again', () => {
  const spec = {strategy: {blueGreen: {pause: {}}}}
  const cluster = new ModelCluster({...settings, spec}, () => 'pass')
  const until = (holds: () => boolean) =>
    expect(runUntil(cluster, holds, 60_000), `${cluster.status.message}`).toBe(true)
  until(() => cluster.status.phase === 'Healthy')
  cluster.deploy('app:2')
  until(() => cluster.status.release?.paused !== undefined)
  expect(cluster.status.readySince).toMatchObject({slot: 'b', pods: 3})
  const [pod] = cluster.pods.filter(({workload}) => workload === 'checkout-b')
  if (pod) pod.goneAt = cluster.now
  until(() => cluster.readyWith({[labels.slot]: 'b'}).length === 2)
  until(() => cluster.readyWith({[labels.slot]: 'b'}).length === 3)
  const since = cluster.now
  cluster.annotate(annotations.skipStep, cluster.status.canary?.revision ?? '')
  until(() => cluster.status.traffic?.wanted.b === 100)
  expect(cluster.now - since).toBeGreaterThanOrEqual(settings.settlingMilliseconds)
})
