// The demo beside every mesh and with every strategy: what `npm run demo` alone does not show.
import {spawn} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from 'vitest'
import type {ReleaseReport} from '../../playground/demo/scenario.ts'
import {demoMeshes, demoStrategies} from '../../playground/demo/variants.ts'

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

interface Ended {
  status: number | null
  releases: ReleaseReport[]
  droppedByFairlead: number
}

function demo(mesh: string, strategy: string): Promise<Ended> {
  const child = spawn(process.execPath, [cli, 'demo', '--json', '--mesh', mesh, '--strategy', strategy], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', status =>
      resolve({status, ...(JSON.parse(out || '{"releases": []}') as Omit<Ended, 'status'>)}),
    )
  })
}

const expectedWeights = {canary: [10, 50, 100], 'blue-green': [0, 100], ab: [0, 100]}
const pairs = demoMeshes.flatMap(mesh => demoStrategies.map(strategy => ({mesh, strategy})))

/** Two run at a time, and each takes some 45 seconds alone. */
const longestMilliseconds = 300_000

describe.concurrent('the demo', () => {
  // The lane "demo" of .ci/run is the one that is missing here.
  test.each(pairs.filter(({mesh, strategy}) => `${mesh} ${strategy}` !== 'istio canary'))(
    '$mesh, $strategy: a good version is promoted, a bad one rolled back with an alert, the fix promoted, and nothing is dropped',
    async ({mesh, strategy}) => {
      const {status, releases, droppedByFairlead} = await demo(mesh, strategy)
      expect(releases.map(({outcome}) => outcome)).toEqual(['Promoted', 'RolledBack', 'Promoted'])
      expect(releases[0]?.weights).toEqual(expectedWeights[strategy])
      expect(releases[1]?.alerts.length).toBeGreaterThan(0)
      expect([releases[0]?.requests.failed, releases[2]?.requests.failed]).toEqual([0, 0])
      expect(droppedByFairlead).toBe(0)
      expect(status).toBe(0)
    },
    longestMilliseconds,
  )
})
