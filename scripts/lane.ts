// Runs one of the slower lanes (test/lanes/<name>.lane.ts, all of a folder test/lanes/<name>, or all of test/cluster with
// real parts) and closes with the line that .ci/run adds up.
import {spawnSync} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [name, ...files] = process.argv.slice(2)
const cluster = name === 'cluster'
const folder = mkdtempSync(join(tmpdir(), 'fairlead-lane-'))
const report = join(folder, 'report.json')
const args = [
  'run',
  '--config',
  cluster ? 'vitest.cluster.config.ts' : 'vitest.lanes.config.ts',
  '--reporter=verbose',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...(cluster ? files : laneFiles()),
]
spawnSync('vitest', args, {cwd: root, stdio: 'inherit'})

/** A folder's files only compute: there are two of them at a time, for two cores. */
function laneFiles(): string[] {
  const folderOfLane = `test/lanes/${name}`
  if (!existsSync(join(root, folderOfLane))) return [`${folderOfLane}.lane.ts`]
  return ['--fileParallelism', '--maxWorkers=2', `${folderOfLane}/`]
}

let passed = 0
let failed = 0
try {
  const counts = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    success: boolean
  }
  passed = counts.numPassedTests
  failed = counts.numFailedTests + (counts.success || counts.numFailedTests > 0 ? 0 : 1)
} catch {
  failed = 1
}
rmSync(folder, {recursive: true, force: true})
// A lane that ran no test has failed.
if (passed + failed === 0) failed = 1
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0
