// What the judge is worth: Monte Carlo of whole decisions, for Fairlead and for what people use today. It writes
// docs/judge.md and its pictures; `--quick` takes a few hundred runs and writes nothing; `--runs <number>` sets them.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {cpus} from 'node:os'
import {join} from 'node:path'
import {Worker} from 'node:worker_threads'
import {emptyEvidence, judgePoll} from '../../analysis/compare/judge.ts'
import {document} from './judge/document.ts'
import {settingsFor} from './judge/fairlead.ts'
import type {Figures} from './judge/measure.ts'
import {damagePicture, falseAlarmPicture} from './judge/pictures.ts'
import {countQueries, type QueriesRow} from './judge/queries.ts'
import {type Measured, tables} from './judge/report.ts'
import {scenarios} from './judge/scenarios.ts'

const quick = process.argv.includes('--quick')
const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]) || (quick ? 200 : 5000)
const root = join(import.meta.dirname, '../..')

/** Measures all scenarios on a thread per core. */
async function measureAll(): Promise<Figures[]> {
  const threads = Math.max(1, cpus().length)
  const shares = Array.from({length: threads}, (_, thread) =>
    scenarios.filter((_scenario, index) => index % threads === thread).map(({id}) => id),
  )
  let done = 0
  const found = await Promise.all(
    shares.map(
      names =>
        new Promise<Figures[]>((resolve, reject) => {
          const figures: Figures[] = []
          const worker = new Worker(new URL('./judge/worker.ts', import.meta.url), {workerData: {runs, names}})
          worker.on('message', (message: Figures[]) => {
            figures.push(...message)
            done++
            process.stderr.write(`${done}/${scenarios.length} ${message[0]?.scenario ?? ''}\n`)
          })
          worker.on('error', reject)
          worker.on('exit', () => resolve(figures))
        }),
    ),
  )
  return found.flat()
}

/** CPU milliseconds of one check in one poll, at ordinary counts. */
function cpuOf(check: object, arm: (total: number) => object): number {
  const settings = settingsFor('standard', check)
  let evidence = emptyEvidence(settings)
  const polls = 3000
  const before = process.cpuUsage()
  for (let poll = 0; poll < polls; poll++) {
    const counts = {canary: {failed: 1, total: 150, ...arm(150)}, primary: {failed: 9, total: 1350, ...arm(1350)}}
    evidence = judgePoll(settings, evidence, {
      at: poll * 15_000,
      milliseconds: 15_000,
      separateScrapes: false,
      counts: true,
      ...counts,
    }).evidence
  }
  return process.cpuUsage(before).user / 1000 / polls
}

const bounds = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]
const durations = (total: number) => ({
  durations: {bounds, counts: bounds.map(bound => Math.round(total * Math.min(1, bound / 510))), total},
})

const start = Date.now()
const queries: QueriesRow[] = []
for (const rollouts of quick ? [1, 100] : [1, 100, 1000]) queries.push(await countQueries(rollouts))
const figures = await measureAll()
const measured: Measured = {
  runs,
  figures,
  queries,
  cpu: {
    errors: cpuOf({metric: 'requestErrors'}, () => ({})),
    latency: cpuOf({metric: 'requestDuration', slowerThan: '500ms'}, durations),
  },
  seconds: Math.round((Date.now() - start) / 1000),
  machine: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`,
}
const {targets, errors, compared, latency, releases, queries: asked} = tables(measured)
process.stdout.write(`${[targets, compared, errors, latency, releases, asked].join('\n\n')}\n`)
process.stdout.write(
  `CPU per check and poll: errors ${measured.cpu.errors.toFixed(3)} ms, latency ${measured.cpu.latency.toFixed(3)} ms\n`,
)
if (!quick) {
  mkdirSync(join(root, 'docs/judge'), {recursive: true})
  writeFileSync(join(root, 'docs/judge/damage.svg'), damagePicture(figures))
  writeFileSync(join(root, 'docs/judge/false-rollbacks.svg'), falseAlarmPicture(figures))
  const file = join(root, 'docs/judge.md')
  writeFileSync(file, document(readFileSync(file, 'utf8'), measured))
}
