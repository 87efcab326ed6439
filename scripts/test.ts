// What `npm test` runs: the static checks at once, then every vitest test. The last line is "N passed, N failed", where
// each static check counts as one test.
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {report, runStaticSteps, runStep} from './steps.ts'
import {type Counts, closingLines, countsIn, reportVariable} from './test-report.ts'

// One after the other: on two cores a type check beside them would slow tests that wait for real time.
const checks = await runStaticSteps()
for (const check of checks) report(check)
const tests = await runTests()
const passed = checks.filter(check => check.ok).length + tests.passed
const failed = checks.filter(check => !check.ok).length + tests.failed
process.stdout.write(closingLines({passed, failed, remarks: tests.remarks}))
process.exitCode = failed === 0 ? 0 : 1

async function runTests(): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-tests-'))
  const file = join(folder, 'report.json')
  try {
    const result = await runStep({name: 'tests', program: 'vitest', args: ['run'], env: {[reportVariable]: file}})
    const counts = countsIn(file, result.ok)
    const name = `tests: ${counts.passed} passed, ${counts.failed} failed`
    report({...result, ok: counts.failed === 0, name, output: failuresIn(result.output)})
    return counts
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

/** The part of vitest's output that tells of failures, so that a log which keeps only the beginning still has them. */
function failuresIn(output: string): string {
  const at = output.search(/\bFailed (Suites|Tests)\b/)
  return at < 0 ? output : output.slice(at)
}
