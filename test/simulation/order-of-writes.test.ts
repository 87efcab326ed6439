// The order of writes: after every prefix of them, with a controller that dies there, no proxy's request is without a pod,
// however far behind the proxy is within the settling time.
import {describe, expect, test} from 'vitest'
import {labels} from '../../crds/names.ts'
import {pass} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {Proxies} from './proxies.ts'

const settings = {
  startMilliseconds: 1000,
  terminationMilliseconds: 2000,
  propagationMilliseconds: 250,
  settlingMilliseconds: 1000,
}
const stepMilliseconds = 250
/** For so long nobody writes after the controller has died. */
const deadMilliseconds = 8000
const limitMilliseconds = 240_000

const matches = [{headers: [{name: 'x-group', exact: 'insiders'}]}]
const strategies = {
  canary: {canary: {steps: [{weight: 20}, {weight: 50}]}},
  'canary, copies first, then sticky users': {canary: {steps: [{weight: 0, mirror: 50}, {weight: 30}], sticky: {}}},
  'canary with matches': {canary: {steps: [{weight: 0}, {weight: 20}], match: matches}},
  'A/B': {abTest: {match: matches, weight: 10, duration: '10s'}},
  'blue/green': {blueGreen: {}},
}

/** What happens after the adoption; each ends with nothing under way. */
const stories: Record<string, {oracle: Oracle; tell(cluster: ModelCluster): void}> = {
  'a good release': {oracle: () => 'pass', tell: cluster => cluster.deploy('app:2')},
  'a bad release': {oracle: image => (image === 'app:2' ? 'fail' : 'pass'), tell: cluster => cluster.deploy('app:2')},
  'a deletion': {oracle: () => 'pass', tell: remove},
}

function remove(cluster: ModelCluster): void {
  const {rollout} = cluster
  cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2023-11-14T22:13:20Z'}}
}

interface Played {
  writes: number
  ended: boolean
  unserved: string[]
}

/** Plays a story to its end. @param dies before which write of the controller, counted from 1; never when absent */
function play(strategy: object, story: string, dies?: number): Played {
  const {oracle, tell} = stories[story] ?? {oracle: () => 'pass', tell: () => undefined}
  const cluster = new ModelCluster({...settings, spec: {strategy}}, oracle)
  const proxies = new Proxies(cluster, settings.settlingMilliseconds)
  let [writes, told] = [0, false]
  const rest = (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= stepMilliseconds) {
      cluster.advance(stepMilliseconds)
      proxies.look()
    }
  }
  const crash = () => {
    proxies.look()
    writes++
    return writes === dies
  }
  const end = cluster.now + limitMilliseconds
  while (cluster.now < end) {
    pass(cluster, {crash})
    proxies.look()
    if (writes === dies) {
      dies = 0
      rest(deadMilliseconds)
    }
    if (told && isOver(cluster)) break
    if (!told && cluster.status.phase === 'Healthy') {
      tell(cluster)
      told = true
      rest(3000)
    }
    rest(stepMilliseconds)
  }
  rest(settings.settlingMilliseconds * 2)
  return {writes, ended: told && isOver(cluster), unserved: proxies.unserved}
}

function isOver({gone, status}: ModelCluster): boolean {
  return gone || ((status.phase === 'Healthy' || status.phase === 'Failed') && (status.history ?? []).length > 0)
}

describe.each(Object.entries(strategies))('%s', (_, strategy) => {
  test.each(Object.keys(stories))('%s: after every prefix of the writes each request finds a pod', story => {
    const whole = play(strategy, story)
    expect(whole).toMatchObject({ended: true, unserved: []})
    expect(whole.writes).toBeGreaterThan(20)
    for (let prefix = 1; prefix <= whole.writes; prefix++) {
      expect({prefix, ...play(strategy, story, prefix)}).toMatchObject({ended: true, unserved: []})
    }
  })
})

describe('the model of the proxies finds', () => {
  /** A cluster at rest after its adoption, and what breaks it. */
  function after(harm: (cluster: ModelCluster) => void): string[] {
    const cluster = new ModelCluster(settings, () => 'pass')
    const proxies = new Proxies(cluster, settings.settlingMilliseconds)
    const step = () => {
      cluster.advance(stepMilliseconds)
      proxies.look()
    }
    for (let passes = 0; cluster.status.phase !== 'Healthy' && passes < 200; passes++) {
      pass(cluster)
      step()
    }
    expect(proxies.unserved).toEqual([])
    harm(cluster)
    for (let steps = 0; steps < 12; steps++) step()
    return proxies.unserved
  }
  const routeTo = (cluster: ModelCluster, spec: object) => {
    const route = cluster.find('Route', 'checkout')
    if (route) cluster.put({...route, spec})
  }
  const scale = (cluster: ModelCluster, name: string, replicas: number) => {
    const object = cluster.find('Deployment', name)
    if (object) cluster.put({...object, spec: {...object.spec, replicas}})
  }

  test('a route before the pods', () => {
    expect(after(cluster => routeTo(cluster, {a: 90, b: 10}))).toHaveLength(1)
  })

  test('matched requests before the pods', () => {
    const apart = {slot: 'b', matched: true}
    expect(after(cluster => routeTo(cluster, {a: 100, b: 0, apart}))).toHaveLength(1)
  })

  test('a slot that is emptied while an older route may still lead to it', () => {
    const found = after(cluster => {
      scale(cluster, 'checkout', 3)
      for (let steps = 0; steps < 8; steps++) cluster.advance(stepMilliseconds)
      const service = cluster.find('Service', 'checkout')
      if (service) cluster.put({...service, spec: {...service.spec, selector: {app: 'checkout'}}})
      cluster.objects.delete('Route/checkout')
      for (const pod of cluster.pods) if (pod.object.metadata.labels?.[labels.slot]) pod.goneAt = cluster.now
      scale(cluster, 'checkout-a', 0)
    })
    expect(found).toContain('the route names slot a, and none of its pods is there')
  })

  test('a destination that goes before the route', () => {
    expect(after(cluster => cluster.objects.delete('Destination/checkout-a'))).toEqual([
      'the route names slot a, which the proxy does not know',
    ])
  })

  test('an apex Service that selects nobody', () => {
    const found = after(cluster => {
      const service = cluster.find('Service', 'checkout')
      if (service) cluster.put({...service, spec: {...service.spec, selector: {app: 'nobody'}}})
    })
    expect(found).toEqual(['none of the pods that the apex Service selects is there'])
  })
})
