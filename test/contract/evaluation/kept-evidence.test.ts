// Whenever what is judged becomes another time, the evidence so far is in the status: nobody takes it in once more, for a
// weight that was not in force then. The core with the real evaluator, killed and not killed.
import {expect, test} from 'vitest'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {every, work} from './callers.ts'
import {metricsOf} from './judged-release.ts'
import {WholeRelease} from './whole-release.ts'

/** 90 requests a second to the primary and 2 to the canary, of which now and then one fails. */
function store(): MetricStore {
  const made = new MetricStore(4 * 3600_000)
  const sends = (at: number, arms: {a: {ok: number; failed: number}; b: {ok: number; failed: number}}) => {
    arms.a.ok += 90
    arms.b.ok += 2
    if (at % 50 === 0) arms.b.failed += 1
    if (at % 35 === 0) arms.a.failed += 1
  }
  work(made, 1200, [{instance: 'x', sends, scrape: every(5)}])
  return made
}
const metrics = metricsOf(store())
const checks = [{name: 'errors', compare: {metric: 'requestErrors'}}]
const analysis = {interval: '15s', window: '15s', inconclusiveDeadline: '20m', checks}

const evidenceOf = ({status: {release}}: WholeRelease) => ({...release?.evidence, requests: release?.requests})

/** Seconds from what happens; of what was not read by then nobody knows what it was. */
const kills = [-20, 1, 15, 45]

/** The evidence of a release to which something happens in the midst of a minute. */
async function evidenceAfter(
  spec: object,
  judged: (release: WholeRelease) => boolean,
  happens: (release: WholeRelease) => void,
  killed?: number,
) {
  const release = new WholeRelease(metrics, {analysis, ...spec})
  await release.until(() => release.status.phase === 'Healthy')
  release.cluster.deploy('app:2')
  await release.until(() => judged(release))
  const at = release.seconds + 50
  const events = [
    {at, act: () => happens(release)},
    ...(killed === undefined ? [] : [{at: at + killed, act: () => release.kill()}]),
    {at: at + 150, act: () => {}},
  ]
  for (const event of events.toSorted((left, right) => left.at - right.at)) {
    await release.until(() => release.seconds >= event.at)
    event.act()
  }
  return evidenceOf(release)
}

const steps = (...all: object[]) => ({strategy: {canary: {steps: all}}})
const fault = {service: 'payment', abort: 503}
const onStep = ({status}: WholeRelease) => status.release?.stepSince !== undefined
const baking = ({status}: WholeRelease) => status.phase === 'Baking'
const drift = (release: WholeRelease) => release.drift()
const pause = (release: WholeRelease) => release.edit({pause: true})
const bake = {duration: '1h'}

test.each([
  ['a drift of the route on a step', steps({weight: 10}, {weight: 50}), onStep, drift],
  [
    'a drift of the route beside a holdback',
    {...steps({weight: 10, checks: []}), bake: {...bake, holdback: 30}},
    baking,
    drift,
  ],
  ['a pause of a step with faults', steps({weight: 10, faults: [fault]}, {weight: 50}), onStep, pause],
] as const)('%s leaves the same numbers, whenever the controller is killed', async (_, spec, judged, happens) => {
  const whole = await evidenceAfter(spec, judged, happens)
  expect(whole.checks?.[0]?.proportions[0]?.canary.total).toBeGreaterThan(50)
  for (const killed of kills) {
    expect(await evidenceAfter(spec, judged, happens, killed), `killed after ${killed} s`).toEqual(whole)
  }
})
