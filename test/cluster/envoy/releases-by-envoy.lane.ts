// Whole releases with nothing emulated but the kubelet: Envoy carries the traffic of real users by the HTTPRoute that the
// controller wrote, to real servers at the pods' addresses, and Prometheus scrapes the Envoy whose figures decide.
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import type {Weights} from '../../../crds/rollout-status.ts'
import {otherCrdPaths} from '../install-crds.ts'
import {part} from '../parts.ts'
import {image, name} from '../release/fixture.ts'
import {answeredBy, binomialBounds, confirmations, confirmedSpans, statusesOf, straggling} from './figures.ts'
import {envoyBinary, envoyGatewayCrds} from './gateway.ts'
import {runInNamespaces} from './namespaces.ts'
import type {ReleaseTimes, Report} from './report.ts'

const runner = fileURLToPath(new URL('runner.ts', import.meta.url))
const runMilliseconds = 400_000
/** A share may be outside its bounds in one of ten thousand cases though nothing is wrong. */
const outside = 1e-4
/** Shares that are off by so many percentage points must be outside them. */
const noticeable = 6
const seen: {report?: Report} = {}

function report(): Report {
  if (!seen.report) throw new Error('the run has not ended')
  return seen.report
}

/** History entries of the releases, oldest first. */
function releases() {
  return (statusesOf(report()).at(-1)?.history ?? []).toReversed()
}

/** The span in which the version of a release had a weight. */
function spanAt(times: ReleaseTimes, weight: number) {
  const found = confirmedSpans(report()).find(({weights, confirmedAt}) => {
    return confirmedAt > times.mergedAt && confirmedAt < times.endedAt && Object.values(weights).includes(weight)
  })
  if (!found) throw new Error(`weight ${weight} was never confirmed`)
  const slot = times === report().good ? ('b' as const) : ('a' as const)
  const count = answeredBy(found.requests, slot)
  return {...found, count, ...binomialBounds(found.requests.length, weight / 100, outside)}
}

function requestsOf(version: string) {
  return report().requests.filter(({answer}) => answer?.image === image(version))
}

/** What a route gives each slot, in percent, by its one rule that every request matches. */
function shares(route: KubeObject): Weights {
  const rules = route.spec?.rules as {matches: object[]; backendRefs: {name: string; weight: number}[]}[]
  const [rule, ...others] = rules.filter(({matches}) => matches.every(match => !('headers' in match)))
  expect(others).toEqual([])
  const refs = rule?.backendRefs ?? []
  const total = refs.reduce((sum, {weight}) => sum + weight, 0)
  const share = (slot: string) => (100 * (refs.find(({name: of}) => of === `${name}-${slot}`)?.weight ?? 0)) / total
  return {a: share('a'), b: share('b')}
}

beforeAll(async () => {
  // In the namespaces there is no way out to download anything that is missing.
  for (const needed of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) part(needed)
  for (const needed of ['kwok', 'helm', 'envoy-gateway'] as const) part(needed)
  otherCrdPaths()
  envoyGatewayCrds()
  envoyBinary()
  seen.report = await runInNamespaces<Report>(runner, runMilliseconds)
  process.stderr.write(`${summary()}\n`)
}, runMilliseconds + 60_000)

function summary(): string {
  const {requests, adoptionMilliseconds, good, bad, troubled} = report()
  const failed = requests.filter(({status}) => status !== 200).length
  const broken = requestsOf('4').filter(({status}) => status === 500).length
  const spans = confirmedSpans(report()).map(({weights, requests: sent, confirmedAt, until}) => {
    const {least, greatest} = binomialBounds(sent.length, weights.b / 100, outside)
    const seconds = ((until - confirmedAt) / 1000).toFixed(1)
    return `  a ${weights.a} b ${weights.b}: b got ${answeredBy(sent, 'b')} of ${sent.length}, bounds ${least} to ${greatest} (${seconds} s)`
  })
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`
  return [
    `${requests.length} requests, ${failed} failed, of which ${requestsOf('bad').length} by the bad version and ${broken} by the one that broke`,
    ...spans,
    `adoption ${seconds(adoptionMilliseconds)}, promotion ${seconds(good.endedAt - good.mergedAt)}, rollback ${seconds(bad.endedAt - bad.mergedAt)}, the troubled one ${seconds(troubled.endedAt - troubled.mergedAt)}`,
    `last request to a slot without weight: ${straggling(report())} ms after the decision`,
  ].join('\n')
}

describe('the real proxy', () => {
  test('is Envoy 1.40', () => {
    expect(report().envoy).toContain('/1.40.0/')
  })

  test('carried the load of the whole run', () => {
    const [first, last] = [report().requests[0], report().requests.at(-1)]
    const seconds = ((last?.sentAt ?? 0) - (first?.sentAt ?? 0)) / 1000
    expect(report().requests.length / seconds).toBeGreaterThan(100)
  })

  test('sent each request to the slot that it chose', () => {
    const wrong = report().requests.filter(({answer}) => answer && answer.slot !== answer.chosen)
    expect(wrong).toEqual([])
  })
})

describe('a good version', () => {
  test('is promoted step by step', () => {
    expect(releases()[0]).toMatchObject({image: image('2'), outcome: 'Promoted', weights: [5, 20, 50, 100]})
  })

  test('costs no request', () => {
    const {mergedAt} = report().bad
    const failed = report().requests.filter(({sentAt, status}) => sentAt < mergedAt && status !== 200)
    expect(failed).toEqual([])
  })

  test.each([5, 20, 50, 100])('gets its share at weight %i', weight => {
    const {count, least, greatest} = spanAt(report().good, weight)
    expect(count).toBeGreaterThanOrEqual(least)
    expect(count).toBeLessThanOrEqual(greatest)
  })

  test.each([5, 20, 50])('would not get away with another share at weight %i', weight => {
    const {requests, least, greatest} = spanAt(report().good, weight)
    const points = requests.length / 100
    expect(greatest).toBeLessThan((weight + noticeable) * points)
    expect(least).toBeGreaterThan((weight - noticeable) * points)
  })

  test('is judged by the requests that its users sent', () => {
    const [entry] = releases()
    const endedAt = Date.parse(entry?.endedAt ?? '')
    const until = (time: number) => requestsOf('2').filter(one => one.endedAt <= time).length
    // The last evaluation is an interval and a scrape old, and some more on a busy machine.
    expect(entry?.requests?.total).toBeGreaterThan(until(endedAt - 6000))
    expect(entry?.requests?.total).toBeLessThanOrEqual(until(endedAt))
    expect(entry?.requests?.failed).toBe(0)
  })
})

describe('a bad version', () => {
  test('is rolled back by the check at its first weight', () => {
    expect(releases()[1]).toMatchObject({
      image: image('bad'),
      outcome: 'RolledBack',
      reason: 'CheckFailed',
      weights: [5],
    })
  })

  test('alone fails requests: going back costs none', () => {
    const {mergedAt} = report().troubled
    const failed = report().requests.filter(({sentAt, status}) => sentAt < mergedAt && status !== 200)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.filter(({status, answer}) => status !== 500 || answer?.image !== image('bad'))).toEqual([])
  })

  test('reaches no more users than its share', () => {
    const {count, least, greatest} = spanAt(report().bad, 5)
    expect(count).toBeGreaterThanOrEqual(least)
    expect(count).toBeLessThanOrEqual(greatest)
  })

  test('is judged by the failures that its users saw', () => {
    const [, entry] = releases()
    expect(entry?.requests?.failed).toBe(entry?.requests?.total)
    expect(entry?.requests?.total).toBeGreaterThan(0)
    expect(entry?.requests?.total).toBeLessThanOrEqual(requestsOf('bad').length)
  })

  test('leaves the version before it with all of the traffic', () => {
    const [{endedAt}, {mergedAt}] = [report().bad, report().troubled]
    const after = report().requests.filter(
      ({sentAt, endedAt: answeredAt}) => sentAt >= endedAt && answeredAt < mergedAt,
    )
    expect(after.length).toBeGreaterThan(0)
    expect(after.filter(({answer}) => answer?.image !== image('2'))).toEqual([])
  })
})

describe('a version that is superseded while the controller is down', () => {
  test('gives way to the next one', () => {
    expect(releases()[2]).toMatchObject({image: image('3'), outcome: 'Superseded', weights: [50]})
    expect(releases()[3]).toMatchObject({image: image('4'), weights: [50, 100]})
  })

  test('costs no request: not by the crash, nor by refilling its slot', () => {
    const {mergedAt, brokenAt} = report().troubled
    const meanwhile = report().requests.filter(({sentAt, endedAt}) => sentAt >= mergedAt && endedAt < brokenAt)
    expect(new Set(meanwhile.map(({answer}) => answer?.image))).toEqual(new Set(['2', '3', '4'].map(image)))
    expect(meanwhile.filter(({status}) => status !== 200)).toEqual([])
  })
})

describe('a version that breaks during the bake', () => {
  test('is rolled back to the one before it, which is warm', () => {
    expect(releases()[3]).toMatchObject({image: image('4'), outcome: 'RolledBack', reason: 'CheckFailed'})
    expect(statusesOf(report()).at(-1)?.primary?.image).toBe(image('2'))
  })

  test('alone fails requests, and none after the rollback', () => {
    const {brokenAt, endedAt} = report().troubled
    const failed = report().requests.filter(({sentAt, status}) => sentAt >= brokenAt && status !== 200)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.filter(({status, answer}) => status !== 500 || answer?.image !== image('4'))).toEqual([])
    expect(failed.filter(({sentAt}) => sentAt >= endedAt)).toEqual([])
  })
})

describe('a weight that the status calls confirmed', () => {
  test('is carried by a route that the gateway accepted at that generation', () => {
    const found = confirmations(report())
    expect(found.map(({weights}) => weights.b)).toEqual([0, 5, 20, 50, 100, 95, 100, 50, 100, 50, 0, 100])
    for (const {weights, route} of found) {
      expect(shares(route)).toEqual(weights)
      const [parent] = route.status?.parents ?? []
      for (const type of ['Accepted', 'ResolvedRefs']) {
        expect(parent.conditions).toContainEqual(
          expect.objectContaining({type, status: 'True', observedGeneration: route.metadata.generation}),
        )
      }
    }
  })

  test('has been there for the settling time', () => {
    for (const {heldMilliseconds} of confirmations(report())) expect(heldMilliseconds).toBeGreaterThanOrEqual(2000)
  })

  test('of 0 means not one request', () => {
    const spans = confirmedSpans(report()).filter(({weights}) => weights.a === 0 || weights.b === 0)
    expect(spans.length).toBe(6)
    for (const {weights, requests} of spans) {
      expect(requests.length).toBeGreaterThan(100)
      expect(answeredBy(requests, weights.a === 0 ? 'a' : 'b')).toBe(0)
    }
  })
})
