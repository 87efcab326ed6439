import {expect, test} from 'vitest'
import {phase} from '../../crds/rollout-status.ts'
import {Telemetry} from './telemetry.ts'

/** The samples, without comments. */
async function samples(telemetry: Telemetry): Promise<string[]> {
  return (await telemetry.render()).body.split('\n').filter(line => line !== '' && !line.startsWith('#'))
}

test('the phase is a state set: one for the current, zero for every other', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  telemetry.setRollout('shop', 'cart', 'Progressing', 20)
  telemetry.setRollout('shop', 'cart', 'RollingBack', 0)
  const lines = await samples(telemetry)
  const phases = lines.filter(line => line.startsWith('fairlead_rollout_phase{'))
  expect(phases).toHaveLength(phase.options.length)
  expect(phases.filter(line => line.endsWith(' 1'))).toEqual([
    'fairlead_rollout_phase{namespace="shop",rollout="cart",phase="RollingBack"} 1',
  ])
  expect(lines).toContain('fairlead_rollout_weight{namespace="shop",rollout="cart"} 0')
})

test('who is who among the slots: a release moves the roles, and leaves no series of before', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  const holds = (role: 'primary' | 'canary' | 'previous', slot: string) => {
    return {role, slot, revision: `r-${slot}`, workload: `cart-${slot}`}
  }
  telemetry.setSlots('shop', 'cart', [holds('primary', 'a'), holds('canary', 'b')])
  telemetry.setSlots('shop', 'cart', [holds('primary', 'b'), holds('previous', 'a')])
  const shown = async () => (await samples(telemetry)).filter(line => line.startsWith('fairlead_slot_info'))
  const series = (slot: string, role: string) =>
    `fairlead_slot_info{namespace="shop",rollout="cart",slot="${slot}",role="${role}",revision="r-${slot}",workload="cart-${slot}"} 1`
  expect((await shown()).map(line => line.replace(/\{.*\}/, ''))).toHaveLength(2)
  for (const [slot, role] of [
    ['b', 'primary'],
    ['a', 'previous'],
  ] as const) {
    const line = (await shown()).find(one => one.includes(`role="${role}"`)) ?? ''
    expect(line.split(/[{},]/).toSorted()).toEqual(series(slot, role).split(/[{},]/).toSorted())
  }
  telemetry.forget('shop', 'cart')
  expect(await shown()).toEqual([])
})

test('a controller that leads no longer shows no roles, and shows them again once it does', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  const show = (name: string, role: 'primary' | 'previous') => {
    telemetry.setRollout('shop', name, 'Healthy', 0)
    telemetry.setSlots('shop', name, [{role, slot: 'a', revision: 'r-1', workload: `${name}-a`}])
  }
  const ofRollouts = async () => (await samples(telemetry)).filter(line => /^fairlead_(rollout|slot)_/.test(line))
  telemetry.setLeader(true)
  for (const name of ['cart', 'checkout', 'gone']) show(name, 'primary')
  const before = await ofRollouts()
  // Another one leads now, and says so: two answers to the same question would break every join.
  telemetry.setLeader(false)
  expect(await ofRollouts()).toEqual([])
  show('cart', 'previous')
  telemetry.forget('shop', 'gone')
  expect(await ofRollouts()).toEqual([])
  telemetry.setLeader(true)
  const after = await ofRollouts()
  const rest = before
    .filter(line => !line.includes('"gone"'))
    .map(line => line.replace(/(cart.*)primary/, '$1previous'))
  expect(after.toSorted()).toEqual(rest.toSorted())
  expect(after.some(line => line.includes('role="previous"'))).toBe(true)
})

test('series go with their Rollout, and only those', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  for (const name of ['cart', 'checkout']) {
    telemetry.setRollout('shop', name, 'Healthy', 0)
    telemetry.countRelease('shop', name, 'RolledBack', 'ChecksFailed')
    telemetry.countRelease('shop', name, 'Promoted', 'Promoted')
  }
  expect((await samples(telemetry)).filter(line => line.includes('"cart"'))).toHaveLength(phase.options.length + 4)
  telemetry.forget('shop', 'cart')
  telemetry.forget('shop', 'never-seen')
  const lines = await samples(telemetry)
  expect(lines.filter(line => line.includes('"cart"'))).toEqual([])
  expect(lines.filter(line => line.includes('"checkout"'))).toHaveLength(phase.options.length + 4)
  const labels = '{namespace="shop",rollout="checkout"'
  expect(lines).toContain(`fairlead_releases_total${labels},outcome="Promoted",reason="Promoted"} 1`)
  expect(lines).toContain(`fairlead_rollbacks_total${labels},reason="ChecksFailed"} 1`)
  expect(lines.filter(line => line.startsWith('fairlead_rollbacks_total'))).toHaveLength(1)
})

test('the reasons of one Rollout are bounded, and all of them are forgotten', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  for (let n = 0; n < 1_000; n++) telemetry.countRelease('shop', 'cart', 'RolledBack', `Reason${n}`)
  const releases = (await samples(telemetry)).filter(line => line.startsWith('fairlead_releases_total'))
  expect(releases).toHaveLength(201)
  expect(releases.at(-1)).toMatch(/reason="Other"} 800$/)
  telemetry.forget('shop', 'cart')
  expect((await samples(telemetry)).filter(line => line.includes('"cart"'))).toEqual([])
})

test('passes, queues and API requests are counted', async () => {
  const telemetry = new Telemetry({processMetrics: false})
  const hooks = telemetry.queueHooks('rollout')
  hooks.depth(3)
  hooks.waited(0.2)
  hooks.worked(2)
  telemetry.observePhase('Baking', 400)
  telemetry.countReconcileError('rollout', 'transient')
  telemetry.countApiRequest('list', '200')
  const lines = await samples(telemetry)
  for (const line of [
    'fairlead_queue_depth{queue="rollout"} 3',
    'fairlead_queue_wait_seconds_bucket{le="0.1",queue="rollout"} 0',
    'fairlead_queue_wait_seconds_bucket{le="0.5",queue="rollout"} 1',
    'fairlead_reconcile_seconds_sum{controller="rollout"} 2',
    'fairlead_phase_seconds_bucket{le="300",phase="Baking"} 0',
    'fairlead_phase_seconds_bucket{le="600",phase="Baking"} 1',
    'fairlead_reconcile_errors_total{controller="rollout",class="transient"} 1',
    'fairlead_api_requests_total{verb="list",code="200"} 1',
  ]) {
    expect(lines).toContain(line)
  }
})

test('two instances share nothing, and process metrics are a choice', async () => {
  const [first, second] = [new Telemetry({processMetrics: true}), new Telemetry({processMetrics: false})]
  first.countApiRequest('get', '200')
  expect(await samples(second)).toEqual(['fairlead_leader 0'])
  const {body, contentType} = await first.render()
  expect(body).toContain('process_resident_memory_bytes')
  expect(contentType).toMatch(/^text\/plain/)
})
