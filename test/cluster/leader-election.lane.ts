// Two controllers as processes, on a real Lease: one acts, and the other one takes over when the first goes, crashes or
// freezes. What each wrote is read off the API server's audit log.
import {afterAll, beforeAll, expect, test} from 'vitest'
import {auditEvents} from './audit.ts'
import {type ControlPlane, startControlPlane} from './control-plane.ts'
import {type Controller, startController} from './controller.ts'
import {installCrds} from './install-crds.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'
import {startPrometheus} from './prometheus/server.ts'
import {image, name, rollout, service, settings, target} from './release/fixture.ts'
import {startMeshExporter} from './release/mesh-exporter.ts'

const namespace = 'leader'
/** Half a second for the hand-over, and what a loaded machine adds. */
const leaseMilliseconds = 15_000
/** By far less than the lease, which a leader that stops gives back. */
const handOverMilliseconds = leaseMilliseconds / 3

let plane: ControlPlane
let kubectl: Kubectl
let close: () => Promise<void>
let prometheus: string

beforeAll(async () => {
  plane = await startControlPlane({audit: true})
  installCrds(plane.kubeconfig)
  kubectl = kubectlFor(plane.kubeconfig, namespace)
  const exporter = await startMeshExporter()
  const server = await startPrometheus({targets: [exporter.target], scrapeIntervalMilliseconds: 500})
  prometheus = server.address
  for (const slot of ['a', 'b']) {
    exporter.set(namespace, `${name}-${slot}`, {requestsPerSecond: 50, failureShare: 0})
  }
  await kubectl('create', 'namespace', namespace)
  await kubectl.stdin([settings('one'), service(), target()], 'create', '-f', '-')
  await kubectl.stdin(rollout(), 'create', '-f', '-')
  close = async () => {
    await server.stop()
    await exporter.close()
    await plane.stop()
  }
})

afterAll(async () => close())

/** A controller under a user of its own, so that the audit log tells who wrote. */
function start(user: string): Promise<Controller> {
  return startController({
    kubeconfig: plane.kubeconfigFor(user, ['system:masters']),
    prometheus,
    flags: ['--leader-election', 'on', '--leader-election-namespace', namespace],
  })
}

interface Write {
  user: string
  at: number
  resource: string
  code: number
}

/** Successful writes of controllers; to Leases and Events alone where asked. */
function writes(): Write[] {
  return auditEvents(plane.auditFile, 'fairlead-*')
    .filter(event => !['get', 'list', 'watch'].includes(event.verb))
    .map(event => ({
      user: event.user.username,
      at: Date.parse(event.stageTimestamp),
      resource: event.objectRef.resource,
      code: event.responseStatus?.code ?? 0,
    }))
}

const acts = (user: string) => writes().filter(one => one.user === user && one.resource !== 'leases' && one.code < 300)

async function until(what: string, holds: () => boolean | Promise<boolean>, milliseconds = 60_000): Promise<number> {
  const startedAt = performance.now()
  while (!(await holds())) {
    if (performance.now() - startedAt > milliseconds) throw new Error(`no ${what} within ${milliseconds} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return performance.now() - startedAt
}

const leads = (controller: Controller) => controller.log().split('"msg":"leading"').length - 1
const ready = async (controller: Controller) =>
  (await fetch(`http://127.0.0.1:${controller.port}/readyz`).catch(() => undefined))?.ok === true
const phase = () => kubectl('get', 'rollout', name, '-o', 'jsonpath={.status.phase}')

async function release(version: string): Promise<void> {
  await kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
  await until(`${version} as primary`, async () => {
    const text = await kubectl('get', 'rollout', name, '-o', 'jsonpath={.status.phase} {.status.primary.image}')
    return text === `Healthy ${image(version)}`
  })
}

/** Nobody may have acted between two acts of somebody else, but for the one hand-over. */
function turns(): string[] {
  const order = writes().filter(one => one.resource !== 'leases' && one.resource !== 'events' && one.code < 300)
  return order
    .toSorted((left, right) => left.at - right.at)
    .flatMap(({user}, index, all) => (all[index - 1]?.user === user ? [] : [user]))
}

test('one acts, and hands over on SIGTERM, after a crash, and when it was frozen', async () => {
  const first = await start('fairlead-1')
  await until('the first leader', () => leads(first) === 1)
  const second = await start('fairlead-2')
  await until('readiness of both', async () => (await ready(first)) && (await ready(second)))
  await until('adoption', async () => (await phase()) === 'Healthy')
  expect(acts('fairlead-2')).toEqual([])

  // As a rolling update does it: SIGTERM, and the other one goes on.
  const stopped = first.stop('SIGTERM')
  const handOver = await until('hand-over', () => leads(second) === 1, 60_000)
  await stopped
  expect(handOver).toBeLessThan(handOverMilliseconds)
  await release('2')

  // A crash: the lease has to run out.
  const third = await start('fairlead-3')
  await until('readiness of the third', () => ready(third))
  const crashed = second.stop('SIGKILL')
  const takeOver = await until('take-over', () => leads(third) === 1, 60_000)
  await crashed
  expect(takeOver).toBeLessThan(2 * leaseMilliseconds)
  await release('3')

  // A frozen leader: it wakes with everything that it had in mind, and must not write any of it.
  const fourth = await start('fairlead-4')
  await until('readiness of the fourth', () => ready(fourth))
  await kubectl('set', 'image', `deployment/${name}`, `app=${image('4')}`)
  await until('a release', async () => (await phase()) === 'Progressing')
  third.process.signal('SIGSTOP')
  await until('take-over', () => leads(fourth) === 1, 60_000)
  const frozen = acts('fairlead-3').length
  third.process.signal('SIGCONT')
  await until('the end of the release', async () => (await phase()) === 'Healthy')
  await new Promise(resolve => setTimeout(resolve, 3000))
  expect(acts('fairlead-3').length).toBe(frozen)
  expect(third.log()).toContain('no longer leading')
  expect(turns()).toEqual(['fairlead-1', 'fairlead-2', 'fairlead-3', 'fairlead-4'])
  await Promise.all([third.stop(), fourth.stop()])
}, 180_000)
