// What the judge is worth: Monte Carlo of whole decisions, for Fairlead and for what people use today. It writes
// docs/judge.md and its pictures; `--quick` takes a few hundred runs and writes nothing; `--runs <number>` sets them;
// `--only <regular expression>` prints the figures of the scenarios with such names, and nothing else.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {cpus} from 'node:os'
import {join} from 'node:path'
import {measureCpu} from './judge/cpu.ts'
import {body, document} from './judge/document.ts'
import {Measurement} from './judge/measure.ts'
import {damagePicture, falseAlarmPicture} from './judge/pictures.ts'
import {countQueries, type QueriesRow} from './judge/queries.ts'
import {measureReactions} from './judge/reaction.ts'
import type {Measured} from './judge/report.ts'
import {scenarios} from './judge/scenarios.ts'
import {measureAll} from './judge/threads.ts'

const option = (name: string) =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined
const quick = process.argv.includes('--quick')
const runs = Number(option('--runs')) || (quick ? 200 : 5000)
const root = join(import.meta.dirname, '../..')

async function measure(): Promise<Measured> {
  const start = Date.now()
  // Before the threads begin: what follows is about time.
  const cpu = measureCpu()
  const reactions = await measureReactions(quick ? 2 : 10)
  const queries: QueriesRow[] = []
  for (const rollouts of quick ? [1, 100] : [1, 100, 1000]) queries.push(await countQueries(rollouts))
  const figures = await measureAll(scenarios, runs, cpus().length, (scenario, done) =>
    process.stderr.write(`${done}/${scenarios.length} ${scenario}\n`),
  )
  const seconds = Math.round((Date.now() - start) / 1000)
  return {
    runs,
    figures,
    queries,
    cpu,
    reactions,
    seconds,
    machine: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`,
  }
}

function write(measured: Measured): void {
  mkdirSync(join(root, 'docs/judge'), {recursive: true})
  writeFileSync(join(root, 'docs/judge/damage.svg'), damagePicture(measured.figures))
  writeFileSync(join(root, 'docs/judge/false-rollbacks.svg'), falseAlarmPicture(measured.figures))
  const file = join(root, 'docs/judge.md')
  writeFileSync(file, document(readFileSync(file, 'utf8'), measured))
}

const only = option('--only')
if (only !== undefined) {
  const measurement = new Measurement(runs)
  for (const scenario of scenarios.filter(({id}) => new RegExp(only).test(id))) {
    for (const figures of measurement.of(scenario)) process.stdout.write(`${JSON.stringify(figures)}\n`)
  }
} else {
  const measured = await measure()
  process.stdout.write(`${body(measured)}\n`)
  if (!quick) write(measured)
}
