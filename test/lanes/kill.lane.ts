// The demo's three releases while the controller is killed (SIGKILL) again and again, at moments that a seed chooses, and
// started again: each release must end as it would have, and no request may be dropped.
import {afterAll, beforeAll, expect, test} from 'vitest'
import {type DemoEnvironment, startEnvironment} from '../../playground/demo/environment.ts'
import {firstVersion, merges, release, untilStatus} from '../../playground/demo/scenario.ts'
import type {Traffic} from '../../playground/demo/traffic.ts'
import {seeded} from '../simulation/random.ts'

const seed = 20_261_123
/** Between two kills: long enough that a started controller does something, short enough to hit every phase. */
const shortestMilliseconds = 1500
const longestMilliseconds = 4000

let environment: DemoEnvironment
let traffic: Traffic
let kills = 0
let stopped = false
let killer: Promise<void>

beforeAll(async () => {
  environment = await startEnvironment(firstVersion, {mesh: 'istio', strategy: 'canary'})
  const random = seeded(seed)
  killer = (async () => {
    while (!stopped) {
      const delay = shortestMilliseconds + random() * (longestMilliseconds - shortestMilliseconds)
      await new Promise(resolve => setTimeout(resolve, delay))
      if (stopped) return
      await environment.controller.kill()
      environment.controller.start()
      kills++
    }
  })()
  await untilStatus(environment, 'adoption', status => status.phase === 'Healthy', 90_000)
  traffic = environment.traffic()
}, 120_000)

afterAll(async () => {
  stopped = true
  await killer
  await traffic.stop()
  await environment.close()
}, 60_000)

for (const merge of merges) {
  test(`${merge.subject}: ${merge.expected}, whatever is killed`, async () => {
    const {report, counted, expected} = await release(environment, traffic, merge)
    expect({outcome: report.outcome, alerts: report.alerts.length > 0, dropped: counted.dropped}).toEqual({
      outcome: merge.expected,
      alerts: merge.expected === 'RolledBack',
      dropped: 0,
    })
    expect(expected).toBe(true)
  }, 120_000)
}

test('the controller really was killed, many times', () => {
  expect(kills).toBeGreaterThan(10)
})
