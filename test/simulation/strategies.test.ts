// Every strategy on the model cluster: what goes where, in which order, and that nothing is left behind.
import {describe, expect, test} from 'vitest'
import type {Split} from '../../crds/rollout-status.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

const insiders = [{headers: [{name: 'x-group', exact: 'insiders'}]}]

interface Play {
  cluster: ModelCluster
  /** Wishes for the traffic that came into force, in order. */
  splits: Split[]
}

/** Adopts, releases app:2 and runs until the phase. */
function released(strategy: object, until: string, more: object = {}, oracle: Oracle = () => 'pass'): Play {
  const cluster = new ModelCluster({...settings, spec: {strategy, ...more}}, oracle)
  expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
  cluster.deploy('app:2')
  const splits: Split[] = []
  const note = () => {
    const {confirmed} = cluster.status.traffic ?? {}
    if (confirmed && JSON.stringify(confirmed) !== JSON.stringify(splits.at(-1))) splits.push(confirmed)
  }
  const reached = runUntil(cluster, () => cluster.status.phase === until, 300_000, {}, note)
  expect(reached, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
  note()
  return {cluster, splits}
}

/** The bad version fails as soon as it is judged. */
const failing: Oracle = image => (image === 'app:2' ? 'fail' : 'pass')

describe('canary', () => {
  test('generated steps end at maxWeight', () => {
    const {splits} = released({canary: {stepWeight: 20, maxWeight: 50}}, 'Baking')
    expect(splits.map(split => split.b)).toEqual([0, 20, 40, 50, 100])
  })

  test('matched requests and sticky users get it from the first step on, and everything is plain after the promotion', () => {
    const {cluster, splits} = released(
      {canary: {steps: [{weight: 0}, {weight: 20}], match: insiders, sticky: {}}},
      'Baking',
    )
    const session = cluster.status.primary?.revision
    const apart = {slot: 'b', matched: true, session}
    expect(splits).toEqual([
      {a: 100, b: 0},
      {a: 100, b: 0, apart},
      {a: 80, b: 20, apart},
      {a: 0, b: 100},
    ])
  })

  test('users stay where they are while the previous version keeps a share in the bake', () => {
    const {splits} = released({canary: {steps: [{weight: 20}], sticky: {}}}, 'Baking', {bake: {holdback: 10}})
    expect(splits.at(-1)).toMatchObject({a: 10, b: 90, apart: {slot: 'b', session: expect.any(String)}})
  })

  test('copies come before the first real request', () => {
    const {splits} = released({canary: {steps: [{weight: 0, mirror: 50}, {weight: 20}]}}, 'Baking')
    expect(splits.map(split => [split.b, split.apart?.mirrorPercent])).toEqual([
      [0, undefined],
      [0, 50],
      [20, undefined],
      [100, undefined],
    ])
  })

  test('copies come before the requests that match, too', () => {
    const steps = [{weight: 0}, {weight: 0, mirror: 50}, {weight: 0}, {weight: 20}]
    const {splits} = released({canary: {steps, match: insiders, sticky: {}}}, 'Baking')
    expect(splits.map(({b, apart}) => [b, apart?.mirrorPercent, apart?.matched, apart?.session !== undefined])).toEqual(
      [
        [0, undefined, undefined, false],
        [0, 50, undefined, false],
        [0, undefined, true, true],
        [20, undefined, true, true],
        [100, undefined, undefined, false],
      ],
    )
  })

  test('with a match, too, what fails on copies alone is rolled back before a user meets it', () => {
    const steps = [{weight: 0, mirror: 50}, {weight: 20}]
    const {cluster, splits} = released({canary: {steps, match: insiders}}, 'Failed', {}, failing)
    expect(splits.some(({apart}) => apart?.matched)).toBe(false)
    expect(cluster.served['app:2']).toBeUndefined()
  })

  test('what fails on copies alone is rolled back before a user meets it', () => {
    const {cluster} = released({canary: {steps: [{weight: 0, mirror: 50}, {weight: 20}]}}, 'Failed', {}, failing)
    expect(cluster.served['app:2']).toBeUndefined()
  })
})

describe('what a step brings along', () => {
  test('faults are there on their step alone, and are gone after it and after a rollback', () => {
    const steps = [{weight: 10}, {weight: 10, faults: [{service: 'payment', abort: 503}]}, {weight: 50}]
    const faults: boolean[] = []
    for (const [until, oracle] of [
      ['Baking', () => 'pass'],
      ['Failed', failing],
    ] as [string, Oracle][]) {
      const {cluster, splits} = released({canary: {steps}}, until, {}, oracle)
      expect(cluster.find('Fault', 'payment')).toBeUndefined()
      faults.push(splits.some(split => split.apart?.faults))
    }
    expect(faults).toEqual([true, false])
  })

  test('a rollback out of the faults takes them away', () => {
    const steps = [{weight: 10, faults: [{service: 'payment', delay: '2s'}]}, {weight: 50}]
    let seen = false
    const cluster = new ModelCluster({...settings, spec: {strategy: {canary: {steps}}}}, failing)
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    cluster.deploy('app:2')
    const look = () => {
      seen ||= cluster.find('Fault', 'payment') !== undefined
    }
    expect(runUntil(cluster, () => cluster.status.phase === 'Failed', 120_000, {}, look)).toBe(true)
    expect([seen, cluster.find('Fault', 'payment')]).toEqual([true, undefined])
  })

  test('safeguards hold for its slot until the promotion', () => {
    const safeguards = {rateLimit: {requests: 50}}
    const {cluster} = released({canary: {steps: [{weight: 10}, {weight: 50}]}}, 'Progressing', {safeguards})
    const limited = () => ['a', 'b'].filter(slot => cluster.find('Destination', `checkout-${slot}`)?.spec.safeguards)
    expect(limited()).toEqual(['b'])
    expect(runUntil(cluster, () => cluster.status.canaryWeight === 100, 120_000)).toBe(true)
    expect(limited()).toEqual([])
  })

  test('a step may ask for more pods than its weight, and for fewer checks', () => {
    const strategy = {canary: {steps: [{weight: 10, pods: 100, checks: []}, {weight: 50}]}}
    const {cluster} = released(strategy, 'Progressing', {}, () => 'noData')
    expect(cluster.find('Deployment', 'checkout-b')?.spec.replicas).toBe(3)
    expect(runUntil(cluster, () => cluster.status.release?.stepIndex === 1, 30_000)).toBe(true)
    // On the second step all checks count, and without data nothing moves.
    expect(runUntil(cluster, () => cluster.status.phase === 'Promoting', 60_000)).toBe(false)
  })
})

describe('A/B', () => {
  test('the new version gets the matched requests, and a share of the others, for the time of the test', () => {
    const {cluster, splits} = released({abTest: {match: insiders, weight: 5, duration: '1m'}}, 'Baking')
    expect(splits).toEqual([
      {a: 100, b: 0},
      {a: 95, b: 5, apart: {slot: 'b', matched: true}},
      {a: 0, b: 100},
    ])
    expect(cluster.status.history ?? []).toEqual([])
    expect(cluster.dropped).toBe(0)
  })

  test('it has all of its pods before anybody is sent to it, since nobody knows how many will be', () => {
    const {cluster} = released({abTest: {match: insiders}}, 'Progressing')
    expect(runUntil(cluster, () => cluster.status.traffic?.wanted.apart !== undefined, 30_000)).toBe(true)
    expect(cluster.readyWith({'fairlead.dev/slot': 'b'})).toHaveLength(3)
  })

  test('a version that fails for the matched requests is rolled back, and nobody else has met it', () => {
    const {cluster} = released({abTest: {match: insiders}}, 'Failed', {}, failing)
    expect(cluster.served['app:2']).toBeUndefined()
    expect(cluster.status.traffic?.wanted).toEqual({a: 100, b: 0})
  })
})

describe('blue/green', () => {
  const preview = (cluster: ModelCluster, name = 'checkout-preview') =>
    cluster.find('Service', name)?.spec.selector['fairlead.dev/slot']

  test('the preview reaches the new version from when it is ready to the switch, else the primary: always somebody', () => {
    const seen = new Map<string, string>()
    let alone = 0
    const strategy = {blueGreen: {pause: {duration: '20s'}}}
    const cluster = new ModelCluster({...settings, spec: {strategy}}, () => 'pass')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    expect(preview(cluster)).toBe('a')
    cluster.deploy('app:2')
    const look = () => {
      const selector = cluster.find('Service', 'checkout-preview')?.spec.selector
      if (cluster.readyWith(selector).length === 0) alone++
      seen.set(cluster.status.phase ?? '', preview(cluster) ?? '')
    }
    expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 120_000, {}, look)).toBe(true)
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 120_000, {}, look)).toBe(true)
    expect(Object.fromEntries(seen)).toMatchObject({Preparing: 'a', Progressing: 'b', Promoting: 'b', Healthy: 'b'})
    expect(alone).toBe(0)
    expect([cluster.dropped, cluster.served['app:2']]).toEqual([0, expect.any(Number)])
  })

  test('it switches at once, with all pods, keeps the old version warm, and switches back', () => {
    let bad = false
    const oracle: Oracle = image => (bad && image === 'app:2' ? 'fail' : 'pass')
    const {cluster, splits} = released({blueGreen: {}}, 'Baking', {bake: {duration: '1m'}}, oracle)
    expect(splits.map(split => split.b)).toEqual([0, 100])
    expect(cluster.readyWith({'fairlead.dev/slot': 'a'})).toHaveLength(3)
    bad = true
    expect(runUntil(cluster, () => cluster.status.phase === 'Failed', 60_000)).toBe(true)
    expect([preview(cluster), cluster.status.primary?.image, cluster.dropped]).toEqual(['a', 'app:1', 0])
  })

  test('a check that fails before the switch ends it, and no user has met the new version', () => {
    const {cluster} = released({blueGreen: {checks: ['success']}}, 'Failed', {}, failing)
    expect(cluster.served['app:2']).toBeUndefined()
  })

  test('without data a check before the switch holds it', () => {
    const {cluster} = released({blueGreen: {checks: ['success']}}, 'Progressing', {}, () => 'noData')
    expect(runUntil(cluster, () => cluster.status.phase === 'Promoting', 60_000)).toBe(false)
  })

  test('it waits to be told, and may be told by skip-step', () => {
    const {cluster} = released({blueGreen: {pause: {}}}, 'Progressing')
    expect(runUntil(cluster, () => cluster.status.release?.paused?.reason === 'StepPause', 30_000)).toBe(true)
    cluster.annotate('fairlead.dev/skip-step', cluster.status.canary?.revision ?? '')
    expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 60_000)).toBe(true)
  })

  test('the preview Service goes with the strategy, and with the Rollout', () => {
    const {cluster} = released({blueGreen: {previewService: 'green'}}, 'Baking')
    expect(preview(cluster, 'green')).toBe('b')
    const strategy = {canary: {stepWeight: 50}}
    cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, strategy}}
    expect(runUntil(cluster, () => cluster.find('Service', 'green') === undefined, 10_000)).toBe(true)
  })
})

const plain = {traffic: {none: {settlingTime: '1s'}}, replicas: 4}
const query = {name: 'success', threshold: {query: 'up', min: 1}}
const analysis = {interval: '5s', window: '5s', checks: [query]}

function selected(cluster: ModelCluster): Record<string, string> {
  return cluster.find('Service', 'checkout')?.spec.selector
}

describe('a release that is held', () => {
  test.each([
    ['before the switch', {blueGreen: {pause: {duration: '20s'}}}, '1/1'],
    [
      'on a second step of the same weight',
      {
        canary: {
          steps: [
            {weight: 10, checks: []},
            {weight: 10, pause: {duration: '20s'}},
          ],
        },
      },
      '2/2',
    ],
  ])('%s it stays as long as it is told, however long the traffic has been as it is', (_, strategy, last) => {
    const {cluster} = released(strategy, 'Preparing')
    expect(runUntil(cluster, () => cluster.status.step === last, 60_000)).toBe(true)
    const begun = cluster.now
    expect(runUntil(cluster, () => cluster.status.phase === 'Promoting', 120_000)).toBe(true)
    expect(cluster.now - begun).toBeGreaterThanOrEqual(20_000)
  })

  test('a deletion before the switch shows the new version to nobody, though it bears the labels of the old one', () => {
    const {cluster} = released({blueGreen: {pause: {}}}, 'Progressing')
    expect(runUntil(cluster, () => cluster.status.release?.paused !== undefined, 30_000)).toBe(true)
    const {metadata} = cluster.rollout
    cluster.rollout = {...cluster.rollout, metadata: {...metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
    expect(runUntil(cluster, () => cluster.gone, 120_000)).toBe(true)
    expect([cluster.dropped, cluster.served['app:2']]).toEqual([0, undefined])
  })
})

describe('without a mesh', () => {
  test('a canary: its share is that of its pods, and the Service selects both slots', () => {
    const strategy = {canary: {steps: [{weight: 0}, {weight: 5}, {weight: 34}, {weight: 50}]}}
    const cluster = new ModelCluster({...settings, spec: {strategy, analysis, ...plain}}, () => 'pass')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    expect(selected(cluster)).toEqual({app: 'checkout', 'fairlead.dev/rollout': 'checkout', 'fairlead.dev/slot': 'a'})
    cluster.deploy('app:2')
    const shares: [number, string, number][] = []
    const look = () => {
      const {confirmed} = cluster.status.traffic ?? {}
      const selector = selected(cluster)
      const pods = cluster.readyWith(selector)
      const canary = pods.filter(pod => pod.object.image === 'app:2').length
      const seen = [confirmed?.b ?? -1, selector['fairlead.dev/slot'] ?? 'both', canary / pods.length] as const
      const confirmedNow = JSON.stringify(confirmed) === JSON.stringify(cluster.status.traffic?.wanted)
      if (confirmedNow && seen[0] !== shares.at(-1)?.[0]) shares.push([...seen])
    }
    expect(runUntil(cluster, () => cluster.status.phase === 'Baking', 300_000, {}, look)).toBe(true)
    look()
    expect(shares).toEqual([
      [0, 'a', 0],
      [5, 'both', 0.2],
      [34, 'both', 2 / 6],
      [50, 'both', 0.5],
      [100, 'b', 1],
    ])
    expect([cluster.dropped, cluster.find('Route', 'checkout')]).toEqual([0, undefined])
  })

  test('the message says how many pods make the share', () => {
    const spec = {strategy: {canary: {steps: [{weight: 5}]}}, analysis, ...plain}
    const cluster = new ModelCluster({...settings, spec}, () => 'noData')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    cluster.deploy('app:2')
    expect(runUntil(cluster, () => (cluster.status.message ?? '').startsWith('Weight 5, 1 of 5 pods: '), 60_000)).toBe(
      true,
    )
  })

  test('a version that fails loses its endpoints before its pods', () => {
    const spec = {strategy: {canary: {steps: [{weight: 25}]}}, analysis, ...plain}
    const cluster = new ModelCluster({...settings, spec}, failing)
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    cluster.deploy('app:2')
    const pods: number[] = []
    const look = () => {
      if (cluster.status.phase === 'RollingBack' && selected(cluster)['fairlead.dev/slot'] === 'a')
        pods.push(cluster.readyWith({'fairlead.dev/slot': 'b'}).length)
    }
    expect(runUntil(cluster, () => cluster.status.phase === 'Failed', 120_000, {}, look)).toBe(true)
    expect(pods[0]).toBe(1)
    expect([cluster.dropped, selected(cluster)['fairlead.dev/slot']]).toEqual([0, 'a'])
  })
})

describe('the selector of a Service without a mesh', () => {
  test('a selector that somebody else moved is put back, and told of', () => {
    const spec = {strategy: {blueGreen: {}}, analysis, ...plain}
    const cluster = new ModelCluster({...settings, spec}, () => 'pass')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    const service = cluster.find('Service', 'checkout')
    if (!service) throw new Error('no Service')
    cluster.put({...service, spec: {...service.spec, selector: {app: 'checkout'}}})
    const reasons: string[] = []
    const repaired = () => selected(cluster)['fairlead.dev/slot'] === 'a'
    expect(runUntil(cluster, repaired, 10_000, {}, notes => reasons.push(...notes.map(one => one.reason)))).toBe(true)
    expect(reasons).toContain('RouteDrift')
  })

  test('a deletion in a release takes the new version away first, and is not held by it', () => {
    const spec = {strategy: {canary: {steps: [{weight: 25, pause: {}}]}}, analysis, ...plain}
    const cluster = new ModelCluster({...settings, spec}, () => 'pass')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    cluster.deploy('app:2')
    expect(runUntil(cluster, () => cluster.status.release?.paused !== undefined, 60_000)).toBe(true)
    const {metadata} = cluster.rollout
    cluster.rollout = {...cluster.rollout, metadata: {...metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
    const givenBack = () => selected(cluster)['fairlead.dev/slot'] === undefined
    expect(runUntil(cluster, () => selected(cluster)['fairlead.dev/slot'] === 'a', 5000)).toBe(true)
    expect(runUntil(cluster, givenBack, 60_000)).toBe(true)
    expect(cluster.readyWith({'fairlead.dev/slot': 'b'})).toEqual([])
    expect(runUntil(cluster, () => cluster.gone, 60_000)).toBe(true)
    expect(cluster.dropped).toBe(0)
  })

  test('its target gets the Service back when the Rollout goes', () => {
    const spec = {strategy: {blueGreen: {}}, analysis, ...plain}
    const cluster = new ModelCluster({...settings, spec}, () => 'pass')
    expect(runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000)).toBe(true)
    const {metadata} = cluster.rollout
    cluster.rollout = {...cluster.rollout, metadata: {...metadata, deletionTimestamp: '2026-01-01T00:00:00Z'}}
    expect(runUntil(cluster, () => cluster.gone, 120_000)).toBe(true)
    expect([cluster.dropped, selected(cluster)]).toEqual([0, {app: 'checkout'}])
  })
})
