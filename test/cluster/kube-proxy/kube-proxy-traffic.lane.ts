// Releases without a mesh through the real kube-proxy: whoever calls the Service by its address gets an answer of a version
// that is to have requests, from before the Rollout is there until after it is gone.
import {fileURLToPath} from 'node:url'
import {beforeAll, describe, expect, test} from 'vitest'
import {answeredBy, binomialBounds, confirmedSpans} from '../envoy/figures.ts'
import {runInNamespaces} from '../envoy/namespaces.ts'
import {otherCrdPaths} from '../install-crds.ts'
import {part} from '../parts.ts'
import {image} from '../release/fixture.ts'
import type {Chapter, Report} from './report.ts'

const runner = fileURLToPath(new URL('runner.ts', import.meta.url))
const runMilliseconds = 400_000
/** A share may be outside its bounds in one of ten thousand cases though nothing is wrong. */
const outside = 1e-4
const seen: {report?: Report} = {}

beforeAll(async () => {
  // In the namespaces there is no way out to download anything that is missing.
  for (const needed of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) part(needed)
  for (const needed of ['kwok', 'helm', 'kube-proxy'] as const) part(needed)
  otherCrdPaths()
  seen.report = await runInNamespaces<Report>(runner, runMilliseconds)
}, runMilliseconds + 60_000)

function report(): Report {
  if (!seen.report) throw new Error('the run has not ended')
  return seen.report
}

function requestsIn({from, to}: Chapter) {
  const requests = report().requests.filter(({sentAt}) => sentAt >= from && sentAt < to)
  expect(requests.length).toBeGreaterThan(100)
  return requests
}

/** Versions that answered, in the order of their first answer; every request has to have one. */
function versionsIn(chapter: Chapter): string[] {
  const requests = requestsIn(chapter)
  expect(requests.filter(({status}) => status !== 200)).toEqual([])
  return [...new Set(requests.map(({answer}) => answer?.image ?? ''))]
}

test('is the real kube-proxy, with nftables', () => {
  expect(report().proxy).toBe('Using nftables Proxier')
})

test('adoption costs no request: the target serves until its slot does', () => {
  const {adoption} = report()
  expect(versionsIn(adoption)).toEqual([image('1')])
  expect([...new Set(requestsIn(adoption).map(({answer}) => answer?.slot))]).toEqual(['', 'a'])
})

describe('a canary', () => {
  test('costs no request, and ends with all of them', () => {
    expect(versionsIn(report().canary)).toEqual([image('1'), image('2')])
    expect(
      new Set(
        requestsIn(report().canary)
          .slice(-50)
          .map(({answer}) => answer?.image),
      ),
    ).toEqual(new Set([image('2')]))
  })

  test('gets the share of its pods, of connections: one of five', () => {
    const spans = confirmedSpans(report()).filter(({weights}) => weights.b === 20)
    const [span] = spans.filter(({confirmedAt}) => confirmedAt < report().canary.to)
    const requests = span?.requests ?? []
    expect(requests.length).toBeGreaterThan(200)
    const {least, greatest} = binomialBounds(requests.length, 0.2, outside)
    expect(answeredBy(requests, 'b')).toBeGreaterThanOrEqual(least)
    expect(answeredBy(requests, 'b')).toBeLessThanOrEqual(greatest)
  })

  test('that is given up costs no request, and gets none any more', () => {
    const {aborted} = report()
    expect(versionsIn(aborted)).toEqual([image('2'), image('3')])
    expect(
      new Set(
        requestsIn(aborted)
          .slice(-50)
          .map(({answer}) => answer?.image),
      ),
    ).toEqual(new Set([image('2')]))
  })
})

describe('blue/green', () => {
  /** Versions in the order of the requests, where they change. */
  function turns(chapter: Chapter): string[] {
    const versions = requestsIn(chapter).map(({answer}) => answer?.image ?? '')
    return versions.filter((version, index) => version !== versions[index - 1])
  }

  test('all connections move at once, and none is lost', () => {
    expect(versionsIn(report().blueGreen)).toEqual([image('2'), image('4')])
    expect(turns(report().blueGreen)).toEqual([image('2'), image('4')])
  })

  test('and back', () => {
    expect(versionsIn(report().switchedBack)).toEqual([image('4'), image('5')])
    expect(turns(report().switchedBack)).toEqual([image('4'), image('5'), image('4')])
  })
})

test('a Rollout that is deleted leaves the target to serve, without a request lost', () => {
  const {deletion, selector} = report()
  expect(versionsIn(deletion)).toEqual([image('4')])
  const slots = requestsIn(deletion).map(({answer}) => answer?.slot)
  expect(new Set(slots.slice(-50))).toEqual(new Set(['']))
  expect(JSON.parse(selector)).toEqual({app: 'checkout'})
})
