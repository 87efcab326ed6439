// The core on a cluster of plain data, under a seed: crashes between any two writes, conflicts, and people who merge,
// revert, reconfigure and edit the route. First safety, with all of that; then liveness, without it.
import {expect, test} from 'vitest'
import {pass, runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings, type Oracle, templateOf} from './model-cluster.ts'
import {seeded} from './random.ts'

const oracle: Oracle = image => (image.includes('bad') ? 'fail' : 'pass')
const settings = {
  startMilliseconds: 2000,
  terminationMilliseconds: 3000,
  propagationMilliseconds: 500,
  settlingMilliseconds: 1000,
}

const withBaseline = {
  interval: '5s',
  window: '5s',
  baseline: true,
  checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}],
}
const heldBack = {...settings, spec: {bake: {duration: '20s', holdback: 30}}}

/** One history under a seed; throws with the seed when a law is broken. */
function history(seed: number, faultMilliseconds: number): void {
  const random = seeded(seed)
  // Every other one keeps a share on the old version during the bake.
  const cluster = new ModelCluster(seed % 2 === 0 ? settings : heldBack, oracle)
  const crash = () => random() < 0.15
  const conflict = () => random() < 0.1
  let number = 1
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 120_000, {crash, conflict})
  const end = cluster.now + faultMilliseconds
  while (cluster.now < end) {
    const chance = random()
    if (chance < 0.02) cluster.deploy(`app:${++number}`)
    else if (chance < 0.04) cluster.deploy(`app:bad-${++number}`)
    else if (chance < 0.05) cluster.deploy('app:1')
    else if (chance < 0.06) cluster.configure({colour: `c${Math.floor(random() * 3)}`})
    else if (chance < 0.07) editRoute(cluster, random)
    pass(cluster, {crash, conflict})
    check(cluster, seed)
    cluster.advance(500)
  }
  cluster.deploy('app:final')
  const healthy = () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:final'
  const settled = runUntil(
    cluster,
    () => {
      check(cluster, seed)
      return healthy()
    },
    300_000,
  )
  expect(settled, `seed ${seed}: stuck in ${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
  expect(cluster.dropped, `seed ${seed}: dropped`).toBe(0)
}

function editRoute(cluster: ModelCluster, random: () => number): void {
  const route = cluster.find('Route', 'checkout')
  const primary = cluster.status.primary
  // An edit towards the empty slot would drop requests by the editor's hand, not by ours: towards the primary it is harmless.
  if (route && primary && random() < 0.5)
    cluster.put({...route, spec: {a: primary.slot === 'a' ? 100 : 0, b: primary.slot === 'b' ? 100 : 0}})
}

function check(cluster: ModelCluster, seed: number): void {
  const {status} = cluster
  const wanted = status.traffic?.wanted
  expect(status.conditions?.find(one => one.reason === 'InvariantBroken')?.message, `seed ${seed}`).toBeUndefined()
  if (wanted) expect(wanted.a + wanted.b, `seed ${seed}`).toBe(100)
  expect(status.primary?.image ?? '', `seed ${seed}: primary`).not.toContain('bad')
  expect(JSON.stringify(status).length, `seed ${seed}: size of the status`).toBeLessThan(65_536)
}

test('histories with crashes, conflicts and drift drop nothing, never promote a bad version, and settle', () => {
  for (let seed = 1; seed <= 60; seed++) history(seed, 120_000)
})

test.each([
  ['', settings],
  [' with a holdback', heldBack],
  [' with a baseline', {...settings, spec: {analysis: withBaseline}}],
  [' of a DaemonSet', {...settings, targetKind: 'DaemonSet' as const}],
  [' of a template', {...settings, spec: {targetRef: undefined, template: templateOf('app:1'), replicas: 3}}],
])('a run%s that is killed at any write of a release ends as one that was not', (_, model) => {
  const undisturbed = releaseKilledAt(Number.POSITIVE_INFINITY, model)
  expect(undisturbed.outcomes).toEqual(['RolledBack', 'Promoted'])
  const writes = undisturbed.writes
  expect(writes).toBeGreaterThan(20)
  for (let kill = 0; kill < writes; kill++) {
    const {outcomes, dropped, image} = releaseKilledAt(kill, model)
    expect({kill, outcomes, dropped, image}).toEqual({kill, outcomes: undisturbed.outcomes, dropped: 0, image: 'app:2'})
  }
})

/** A good release and a bad one; the controller is killed once, before the given write, and starts again 2 s later. */
function releaseKilledAt(
  kill: number,
  model: ModelSettings,
): {
  outcomes: string[]
  dropped: number
  writes: number
  image: string | undefined
} {
  const cluster = new ModelCluster(model, oracle)
  let asked = 0
  const crash = () => asked++ === kill
  runUntil(cluster, () => cluster.status.phase === 'Healthy', 60_000, {crash})
  // Before a template was ever run there is nothing that could serve.
  if (cluster.rollout.spec.template) cluster.dropped = 0
  cluster.deploy('app:2')
  runUntil(cluster, () => cluster.status.phase === 'Healthy' && cluster.status.primary?.image === 'app:2', 180_000, {
    crash,
  })
  cluster.deploy('app:bad')
  runUntil(cluster, () => cluster.status.phase === 'Failed', 180_000, {crash})
  cluster.advance(10_000)
  const outcomes = (cluster.status.history ?? []).map(entry => entry.outcome)
  return {outcomes, dropped: cluster.dropped, writes: asked, image: cluster.status.primary?.image}
}
