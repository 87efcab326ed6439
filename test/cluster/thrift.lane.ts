// What a Rollout costs the API server, counted in its audit log: nothing while idle, and a bounded number of requests and
// writes for a release.
import {afterAll, beforeAll, describe, expect, inject, test} from 'vitest'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {type Request, requestsOf, tally} from '../bench/scale/audit.ts'
import {releaseSpec} from '../bench/scale/fleet.ts'
import {release} from './chart.ts'
import {openAdopted, openSite, type Site} from './release/bench.ts'
import {image, name} from './release/fixture.ts'

const idleSeconds = 60
const patienceMilliseconds = 240_000
const maximumRequests = 45
/** Beside events; one of them is the time since when the canary's pods are ready. */
const maximumWrites = 28
/** One for each step, and three for each release. */
const maximumEvents = 8
const maximumStatusBytes = 64 * 1024

let site: Site

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => site.close())

function seconds(count: number): Promise<unknown> {
  return new Promise(resolve => setTimeout(resolve, count * 1000))
}

/** Requests of the controller of one namespace since a moment. */
function since(namespace: string, from: number): Request[] {
  const user = `system:serviceaccount:${namespace}:${release}`
  return requestsOf(inject('auditFile'), user, from, Date.now())
}

describe.concurrent('thrift', () => {
  test('an idle Rollout costs no request', async () => {
    const bench = await openAdopted(site, 'thrift-idle')
    // What an adoption leaves to do: the parking of the target, and a status that could wait.
    await seconds(20)
    const from = Date.now()
    await seconds(idleSeconds)
    const {requests, kinds} = tally(since('thrift-idle', from))
    expect({requests, kinds}).toEqual({requests: 0, kinds: []})
    expect(tally(since('thrift-idle', 0)).writes).toBeGreaterThan(0)
    expect(await bench.close()).toEqual([])
  })

  test(
    'a release of five steps costs few requests, and no status is written twice',
    async () => {
      const namespace = 'thrift-release'
      const bench = await openAdopted(site, namespace, {rollout: releaseSpec, target: {replicas: 1}})
      await seconds(20)
      const from = Date.now()
      const before = statuses(namespace).length
      await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
      const healthy = (status: RolloutStatus) => status.phase === 'Healthy' && status.primary?.image === image('2')
      await bench.until('2 as primary', healthy, patienceMilliseconds)
      await seconds(15)
      const requests = since(namespace, from)
      const counted = tally(requests)
      expect(counted.writes - counted.events).toBeLessThanOrEqual(maximumWrites)
      expect(counted.events).toBeLessThanOrEqual(maximumEvents)
      expect(counted.requests).toBeLessThanOrEqual(maximumRequests)
      // A write that changes nothing gets no new version, and so no event.
      const written = requests.filter(({resource, verb}) => resource === 'rollouts/status' && verb === 'update')
      const seen = statuses(namespace).slice(before)
      expect(written.length).toBe(seen.length)
      expect(new Set(seen).size).toBe(seen.length)
      expect(Math.max(...seen.map(status => Buffer.byteLength(status)))).toBeLessThan(maximumStatusBytes)
      expect(await bench.close()).toEqual([])
    },
    patienceMilliseconds,
  )
})

/** Every status of the namespace's Rollout so far, as JSON. */
function statuses(namespace: string): string[] {
  return site.history
    .changes(namespace)
    .filter(({object}) => object.kind === 'Rollout')
    .map(({object}) => JSON.stringify(object.status ?? {}))
}
