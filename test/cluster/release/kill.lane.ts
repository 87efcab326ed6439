// SIGKILL after every single write of an adoption, a promoted release, a rolled back one and a deletion: the API server has
// the write, and the controller that sent it never hears of it. Each run has a namespace and a controller of its own.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {type ApiProxy, type ApiRequest, startApiProxy} from '../api-proxy.ts'
import {type Bench, openBench, openSite, type Site} from './bench.ts'
import {image, name} from './fixture.ts'

let site: Site
let folder: string

beforeAll(async () => {
  site = await openSite()
  folder = mkdtempSync(join(tmpdir(), 'fairlead-kill-'))
})

afterAll(async () => {
  await site.close()
  rmSync(folder, {recursive: true, force: true})
})

/** A part of a Rollout's life, in which the controller is killed. */
interface Chapter {
  name: string
  /** What protects others from its canary, laid over the Rollout's spec. */
  safeguards?: object
  /** How many writes it is known to take at least; the run without a kill says how many there are. */
  leastWrites: number
  /** Brings everything to where the chapter begins. */
  prologue(bench: Bench): Promise<unknown>
  /** Begins it and waits for its end. */
  play(bench: Bench): Promise<unknown>
  expect(bench: Bench): Promise<void>
}

async function setImage(bench: Bench, version: string): Promise<void> {
  await bench.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

const healthy = (bench: Bench, version: string) =>
  bench.until(
    `${version} as primary`,
    ({phase, primary}) => phase === 'Healthy' && primary?.image === image(version),
    90_000,
  )

const safeguards = {rateLimit: {requests: 100}, circuitBreaker: {consecutiveErrors: 3}}

/** The end of a release is written first, and what it leaves behind goes after that. */
const clearingMilliseconds = 60_000

/** Whatever protected others from the canary is gone with the release. */
async function expectUnguarded(bench: Bench): Promise<void> {
  await bench.untilTrue('DestinationRules without limits', () =>
    ['a', 'b'].every(slot => bench.object('DestinationRule', `${name}-${slot}`)?.spec?.trafficPolicy === undefined),
  )
  const startedAt = performance.now()
  const left = async () => (await bench.kubectl('get', 'envoyfilters', '-o', 'name')).trim()
  while ((await left()) !== '' && performance.now() - startedAt < clearingMilliseconds)
    await new Promise(resolve => setTimeout(resolve, 200))
  expect(await left()).toBe('')
}

const outcomes = (bench: Bench) => (bench.status().history ?? []).map(({outcome}) => outcome)

const chapters: readonly Chapter[] = [
  {
    name: 'adoption',
    leastWrites: 8,
    prologue: async () => undefined,
    play: bench => healthy(bench, '1'),
    async expect(bench) {
      await bench.untilTrue('a parked target', () => bench.object('Deployment', name)?.spec?.replicas === 0)
      expect(bench.object('Deployment', `${name}-a`)?.spec?.replicas).toBe(2)
    },
  },
  {
    name: 'promotion',
    safeguards,
    leastWrites: 14,
    prologue: bench => healthy(bench, '1'),
    async play(bench) {
      await setImage(bench, '2')
      await healthy(bench, '2')
    },
    async expect(bench) {
      expect(outcomes(bench)).toEqual(['Promoted'])
      await expectUnguarded(bench)
      await bench.untilTrue('an empty slot', () => bench.object('Deployment', `${name}-a`)?.spec?.replicas === 0)
    },
  },
  {
    name: 'rollback',
    safeguards,
    leastWrites: 10,
    prologue: async bench => {
      bench.traffic('b', 0.5)
      await healthy(bench, '1')
    },
    async play(bench) {
      await setImage(bench, '2')
      await bench.until('a rollback', status => status.phase === 'Failed', 90_000)
    },
    async expect(bench) {
      expect(outcomes(bench)).toEqual(['RolledBack'])
      expect(bench.status().primary?.image).toBe(image('1'))
      await expectUnguarded(bench)
      await bench.untilTrue('an empty slot', () => bench.object('Deployment', `${name}-b`)?.spec?.replicas === 0)
    },
  },
  {
    name: 'deletion',
    leastWrites: 6,
    prologue: bench => healthy(bench, '1'),
    async play(bench) {
      await bench.kubectl('delete', 'rollout', name, '--wait=false')
      await bench.untilTrue('the Rollout to go', () => bench.rollout() === undefined, 90_000)
    },
    async expect(bench) {
      expect(bench.object('Deployment', name)?.spec?.replicas).toBe(2)
      const kinds = 'deployments,services,configmaps,controllerrevisions,virtualservices,destinationrules,envoyfilters'
      expect((await bench.kubectl('get', kinds, '-l', 'fairlead.dev/rollout', '-o', 'name')).trim()).toBe('')
    },
  },
]

interface Run {
  writes: ApiRequest[]
  killedAfter: ApiRequest | undefined
}

/** Plays a chapter, with a kill after its write number `killAt`; 0 kills nobody. */
async function run(chapter: Chapter, killAt: number): Promise<Run> {
  const namespace = `kill-${chapter.name}-${killAt}`
  const result: Run = {writes: [], killedAfter: undefined}
  let counting = false
  let bench: Bench | undefined
  let restarted: Promise<void> | undefined
  const kubeconfig = join(folder, namespace)
  const proxy = await startProxy(kubeconfig, request => {
    if (!counting) return 'answer'
    result.writes.push(request)
    if (result.writes.length !== killAt || bench === undefined) return 'answer'
    result.killedAfter = request
    restarted = bench.restart('SIGKILL')
    return 'cut'
  })
  try {
    bench = await openBench(site, namespace, {
      controllerKubeconfig: kubeconfig,
      startController: false,
      ...(chapter.safeguards ? {rollout: {safeguards: chapter.safeguards}} : {}),
    })
    counting = chapter.name === 'adoption'
    await bench.start()
    await chapter.prologue(bench)
    counting = true
    await chapter.play(bench)
    await chapter.expect(bench)
    return result
  } finally {
    await restarted
    expect(await bench?.close()).toEqual([])
    await proxy.close()
  }
}

function startProxy(kubeconfig: string, onWrite: (request: ApiRequest) => 'answer' | 'cut'): Promise<ApiProxy> {
  const admin = JSON.parse(readFileSync(site.kubeconfig, 'utf8')) as {
    clusters: [{cluster: {server: string; 'certificate-authority': string}}]
    users: [{user: {'client-certificate': string; 'client-key': string}}]
  }
  const [{cluster}] = admin.clusters
  const [{user}] = admin.users
  return startApiProxy({
    url: cluster.server,
    authority: cluster['certificate-authority'],
    certificate: user['client-certificate'],
    key: user['client-key'],
    kubeconfig,
    onWrite,
  })
}

/** Controllers that run at once: they wait more than they compute. */
const together = 12
const longestMilliseconds = 600_000
/** A chapter that takes more writes than this has a fault of its own. */
const mostWrites = 40

for (const chapter of chapters) {
  test(
    `${chapter.name}: ends the same, whichever write the controller dies after`,
    async () => {
      const {writes} = await run(chapter, 0)
      expect(writes.length).toBeGreaterThanOrEqual(chapter.leastWrites)
      expect(writes.length).toBeLessThanOrEqual(mostWrites)
      const filters = writes.filter(({path}) => path.includes('/envoyfilters/')).map(({method}) => method)
      expect([...new Set(filters)].toSorted()).toEqual(chapter.safeguards ? ['DELETE', 'PATCH'] : [])
      const points = writes.map((_, index) => index + 1)
      const failures: string[] = []
      let kills = 0
      const work = async () => {
        for (let point = points.shift(); point !== undefined; point = points.shift()) {
          try {
            const {killedAfter} = await run(chapter, point)
            if (killedAfter !== undefined) kills++
          } catch (error) {
            failures.push(`killed after write ${point}: ${(error as Error).message}`)
          }
        }
      }
      await Promise.all(Array.from({length: together}, work))
      expect(failures).toEqual([])
      // Whether a pass sees two changes at once differs from run to run, and so does the number of writes, a little.
      expect(kills).toBeGreaterThanOrEqual(writes.length - 2)
    },
    longestMilliseconds,
  )
}
