// Runs one of the slower lanes (test/lanes/<name>.lane.ts, all of a folder test/lanes/<name>, or all of test/cluster with
// real parts) and closes with the line that .ci/run adds up.
import {spawnSync} from 'node:child_process'
import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {closingLines, countsIn, reportVariable} from './test-report.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const [name, ...files] = process.argv.slice(2)
const cluster = name === 'cluster'
const folder = mkdtempSync(join(tmpdir(), 'fairlead-lane-'))
const report = join(folder, 'report.json')
const config = cluster ? 'vitest.cluster.config.ts' : 'vitest.lanes.config.ts'
const args = ['run', '--config', config, ...(cluster ? files : laneFiles())]
const env = {...process.env, [reportVariable]: report}
const {status} = spawnSync('vitest', args, {cwd: root, stdio: 'inherit', env})

/** A folder's files only compute: there are two of them at a time, for two cores. */
function laneFiles(): string[] {
  const folderOfLane = `test/lanes/${name}`
  if (!existsSync(join(root, folderOfLane))) return [`${folderOfLane}.lane.ts`]
  return ['--fileParallelism', '--maxWorkers=2', `${folderOfLane}/`]
}

const counts = countsIn(report, status === 0)
rmSync(folder, {recursive: true, force: true})
process.stdout.write(closingLines(counts))
process.exitCode = counts.failed > 0 ? 1 : 0
