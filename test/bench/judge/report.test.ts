import {describe, expect, test} from 'vitest'
import {boundOfHarm, boundOfStep} from './bounds.ts'
import {document} from './document.ts'
import {shareInterval} from './measure.ts'
import {damagePicture, falseAlarmPicture} from './pictures.ts'
import {type Change, reactionOf} from './reaction.ts'
import type {Measured} from './report.ts'
import {scenarios} from './scenarios.ts'
import {measureAll} from './threads.ts'

const scenarioOf = (id: string) => {
  const found = scenarios.find(one => one.id === id)
  if (!found) throw new Error(`no scenario ${id}`)
  return found
}

test("Wilson's interval: check values", () => {
  expect(shareInterval(0, 5000)[1]).toBeCloseTo(0.000768, 6)
  expect(shareInterval(50, 100)).toEqual([expect.closeTo(0.4038, 4), expect.closeTo(0.5962, 4)])
  expect(shareInterval(100, 100)[1]).toBeCloseTo(1, 12)
})

describe("Wald's bound", () => {
  test.each([
    ['fault 100 %', 1],
    ['fault 20 %', 1.03],
    ['fault 5 %', 1.54],
    ['onset 60 min, 5 %', 1.54],
    ['release, 10/s, fault', 1.54],
    ['fault 5 % over 0 %', 1],
  ])('%s: failed requests', (id, expected) => expect(boundOfHarm(scenarioOf(id))).toBeCloseTo(expected, 2))

  test.each(['healthy 0.1 %', 'clusters, fault 5 %'])('%s: none', id =>
    expect(boundOfHarm(scenarioOf(id))).toBeUndefined(),
  )

  // ln((1 - .01) / .05) = 2.985682 over the divergence .0067382 of .1 % from 1 %, at 10 requests a second.
  test('seconds of a healthy step', () => expect(boundOfStep(scenarioOf('healthy 0.1 %'))).toBeCloseTo(44.31, 2))
})

describe('scenarios', () => {
  test('have names of their own', () => expect(new Set(scenarios.map(({id}) => id)).size).toBe(scenarios.length))

  test('are those that the judge is to be tried on', () => {
    const all = (pick: (one: (typeof scenarios)[number]) => unknown) => new Set(scenarios.map(pick))
    for (const share of [0.005, 0.01, 0.05, 0.2, 1]) expect(all(({conditions}) => conditions.canary)).toContain(share)
    for (const share of [0, 0.001, 0.003, 0.01, 0.02])
      expect(all(({conditions}) => conditions.primary)).toContain(share)
    for (const weight of [0.01, 0.05, 0.1, 0.25, 0.5, 0.75]) {
      expect(all(({conditions}) => conditions.weight)).toContain(weight)
    }
    for (const rate of [1, 10, 100, 1000]) expect(all(({conditions}) => conditions.rate)).toContain(rate)
    for (const skew of [undefined, 1, 5, -1, -5, 'random'])
      expect(all(({conditions}) => conditions.skew)).toContain(skew)
    for (const share of [0.2, 1]) {
      const shared = scenarios.filter(({conditions}) => conditions.incidents?.some(one => one.share === share))
      expect(new Set(shared.map(({conditions}) => conditions.skew))).toContain(5)
    }
    for (const seconds of [1800, 3600]) expect(all(({conditions}) => conditions.onset)).toContain(seconds)
    for (const slower of [1.1, 1.5, 2]) expect(all(({conditions}) => conditions.durations?.slower)).toContain(slower)
    for (const count of [1, 2]) expect(all(({plan}) => plan.checks?.length)).toContain(count)
    for (const holdback of [undefined, 0.25]) {
      expect(new Set(scenarios.flatMap(({plan}) => (plan.bake ? [plan.bake.holdback] : [])))).toContain(holdback)
    }
    expect(all(({conditions}) => conditions.cluster)).toContain(5)
    expect(all(({conditions}) => conditions.baseline)).toContain(1 / 11)
    expect(all(({plan}) => plan.preset)).toContain('lowTraffic')
    expect(all(({plan}) => plan.pollSeconds)).toEqual(new Set([15, 5]))
  })
})

describe('the report', () => {
  test('stands between the markers of the page, with every scenario and no figure missing', async () => {
    const [one, same] = await Promise.all([
      measureAll(scenarios, 2, 2, () => {}),
      measureAll(scenarios.slice(0, 3), 2, 1, () => {}),
    ])
    // Whoever draws them, the figures are the same.
    expect(one.slice(0, same.length)).toEqual(same)
    const measured: Measured = {
      runs: 2,
      figures: one,
      queries: [{rollouts: 1, perInterval: 4, atBegin: 4}],
      cpu: [{what: 'errors', milliseconds: 0.021}],
      reactions: [90, 150, 70],
      seconds: 1,
      machine: 'two cores',
    }
    const page = 'before\n<!-- measured by npm run bench:judge -->\nold\n<!-- end of what was measured -->\nafter'
    const text = document(page, measured)
    expect(text).toMatch(/^before\n[\s\S]*\nafter$/)
    expect(text).not.toMatch(/\nold\n|undefined|NaN|Infinity/)
    for (const {title} of scenarios) expect(text).toContain(`| ${title} |`)
    for (const block of text.split('\n\n').filter(part => part.startsWith('|'))) {
      const widths = block.split('\n').map(line => line.split('|').length)
      expect(new Set(widths).size).toBe(1)
    }
    expect(text).toContain('the controller takes 0.09 until the route is written')
    expect(damagePicture(one)).toContain('Kayenta')
    expect(falseAlarmPicture(one)).toContain('baseline, clusters')
    expect(() => document('a page', measured)).toThrow('docs/judge.md needs the lines')
  }, 60_000)
})

describe("the controller's reaction", () => {
  const grid = Date.parse('2026-01-01T00:00:10Z')
  const rollout = (phase: string, verdict: string): Change['object'] => ({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name: 'checkout'},
    status: {
      phase,
      canary: {slot: 'b'},
      checks: [{name: 'errors', verdict, evaluatedAt: new Date(grid).toISOString()}],
    },
  })
  const route = (...hosts: string[]): Change['object'] => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {name: 'checkout'},
    spec: {http: hosts.map(host => ({host: `checkout-${host}.shop.svc`}))},
  })

  test('is the time from the reading to the route without the canary', () => {
    const changes = [
      {at: grid - 5000, object: route('a')},
      {at: grid - 4000, object: route('a', 'b')},
      {at: grid + 400, object: rollout('Progressing', 'inconclusive')},
      {at: grid + 420, object: rollout('RollingBack', 'fail')},
      {at: grid + 425, object: route('a', 'b')},
      {at: grid + 450, object: route('a')},
    ]
    expect(reactionOf(changes, 333)).toBe(117)
  })

  test('is unknown where no check failed', () => {
    expect(reactionOf([{at: grid, object: rollout('RollingBack', 'pass')}], 333)).toBeUndefined()
    expect(reactionOf([{at: grid, object: rollout('Progressing', 'fail')}], 333)).toBeUndefined()
  })
})
