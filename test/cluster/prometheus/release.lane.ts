// Prometheus goes away in the middle of a release and comes back: without data nothing moves, in neither direction.
import {afterAll, beforeAll, expect, test} from 'vitest'
import {type Bench, openAdopted, openSite, type Site} from '../release/bench.ts'
import {image, name} from '../release/fixture.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => site.close())

/** Longer than several analysis intervals, and than the window. */
const absenceMilliseconds = 8000

function setImage(bench: Bench, version: string): Promise<string> {
  return bench.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

const weighted = (bench: Bench) =>
  bench.until('weight on the canary', ({phase, canaryWeight}) => phase === 'Progressing' && canaryWeight === 10)

/** Waits until Prometheus is missed, and then for a while longer; the release stays where it is. */
async function missed(bench: Bench): Promise<void> {
  await bench.until('a result that tells of it', ({checks}) =>
    (checks ?? []).some(({reason}) => reason === 'Unreachable'),
  )
  await new Promise(resolve => setTimeout(resolve, absenceMilliseconds))
  const {phase, canaryWeight, releases, history} = bench.status()
  expect({phase, canaryWeight, releases, ended: history?.length ?? 0}).toEqual({
    phase: 'Progressing',
    canaryWeight: 10,
    releases: 1,
    ended: 0,
  })
}

test.each(['SIGTERM', 'SIGKILL'] as const)('a good version waits while Prometheus is away after %s', async signal => {
  const bench = await openAdopted(site, `absent-${signal.toLowerCase()}`)
  await setImage(bench, '2')
  await weighted(bench)
  await site.prometheus.halt(signal)
  await missed(bench)
  await site.prometheus.start()
  await bench.until('a promotion', ({phase, primary}) => phase === 'Healthy' && primary?.image === image('2'))
  expect(await bench.close()).toEqual([])
})

test('a bad version is rolled back once Prometheus is back', async () => {
  const bench = await openAdopted(site, 'absent-bad')
  bench.traffic('b', 0.5)
  await site.prometheus.halt('SIGKILL')
  await setImage(bench, 'bad')
  await weighted(bench)
  await missed(bench)
  await site.prometheus.start()
  const {history} = await bench.until('a rollback', ({phase}) => phase === 'Failed')
  expect(history?.[0]).toMatchObject({outcome: 'RolledBack', reason: 'CheckFailed'})
  expect(bench.status().primary?.image).toBe(image('1'))
  expect(await bench.close()).toEqual([])
})
