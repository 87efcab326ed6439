// One step of `npm test` or `npm run check`: a command of the project's own tools, its duration and its output.
import {spawn} from 'node:child_process'
import {closeSync, mkdtempSync, openSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A command; `program` is a binary of node_modules/.bin, among them `node`. */
export interface Step {
  name: string
  program: string
  args: readonly string[]
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>
}

export interface StepResult {
  name: string
  /** Exit status 0 within the time allowed. */
  ok: boolean
  durationMilliseconds: number
  output: string
}

/** Longest time that one step may take; all of `npm test` is to end within three minutes. */
const stepTimeoutMilliseconds = 170_000
/** The end of an output says what failed; a step that prints more than this is cut at its front. */
const outputCharacters = 100_000

const staticSteps: readonly Step[] = [
  {name: 'types', program: 'tsc', args: ['-p', 'tsconfig.json']},
  {name: 'lint', program: 'oxlint', args: ['--deny-warnings', '--format=unix']},
  {name: 'format', program: 'biome', args: ['ci', '--colors=off', '--reporter=summary', '.']},
  {name: 'generated files', program: 'node', args: ['scripts/generate.ts', '--check']},
]

/** Runs a step to its end. The output goes through a file: a grandchild that hangs can't keep a pipe open. */
export async function runStep(step: Step, timeoutMilliseconds = stepTimeoutMilliseconds): Promise<StepResult> {
  const startedAt = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-step-'))
  const file = join(folder, 'output')
  const descriptor = openSync(file, 'w')
  try {
    const end = await ended(step, descriptor, timeoutMilliseconds)
    return {
      name: step.name,
      ok: end === 'exit status 0',
      durationMilliseconds: performance.now() - startedAt,
      output: `${readFileSync(file, 'utf8').slice(-outputCharacters).trimEnd()}\n(${end})`,
    }
  } finally {
    closeSync(descriptor)
    rmSync(folder, {recursive: true, force: true})
  }
}

/** How the command ended, in words. Its `node` is ours, whatever else the machine has. */
function ended(step: Step, descriptor: number, timeoutMilliseconds: number): Promise<string> {
  const binaries = join(root, 'node_modules', '.bin')
  const program = join(binaries, step.program)
  const env = {...process.env, ...step.env, PATH: binaries + delimiter + (process.env.PATH ?? '')}
  return new Promise(resolve => {
    const child = spawn(program, step.args, {cwd: root, env, stdio: ['ignore', descriptor, descriptor]})
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMilliseconds)
    const settle = (end: string) => {
      clearTimeout(timer)
      resolve(late ? `ended after ${timeoutMilliseconds / 1000} s, the longest that a step may take` : end)
    }
    child.on('error', error => settle(`${step.program} cannot be run: ${error.message}`))
    child.on('exit', (code, signal) => settle(code === null ? `ended by ${signal}` : `exit status ${code}`))
  })
}

/** All static checks at once: together they take about as long as the slowest of them. */
export function runStaticSteps(): Promise<StepResult[]> {
  return Promise.all(staticSteps.map(step => runStep(step)))
}

/** Prints a step's line, and its output where it failed. */
export function report(result: StepResult): void {
  const seconds = (result.durationMilliseconds / 1000).toFixed(1)
  process.stdout.write(`${result.ok ? 'ok    ' : 'FAILED'} ${result.name} (${seconds} s)\n`)
  if (!result.ok) process.stdout.write(`${result.output}\n\n`)
}
