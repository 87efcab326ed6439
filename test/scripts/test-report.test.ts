import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, onTestFinished, test} from 'vitest'
import {closingLines, countsIn, reportVariable} from '../../scripts/test-report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-report-'))
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}))
  return folder
}

function report(passed: number, failures: string[] = [], skipped = 0): string {
  return JSON.stringify({passed, skipped, failures})
}

test.each<[string, string | undefined, boolean, number, number, RegExp | undefined]>([
  ['all passed', report(3), true, 3, 0, undefined],
  ['one failed', report(2, ['a > b: not so']), false, 2, 1, /^a > b: not so$/],
  ['skipped tests', report(2, [], 3), true, 2, 3, /3 tests were skipped/],
  ['a hook that failed, with the tests that it was for', report(2, ['a: no'], 3), false, 2, 4, /a: no.*skipped/],
  ['no test at all', report(0), true, 0, 1, /no test ran/],
  ['an exit status without a failure', report(2), false, 2, 1, /every test passed/],
  ['no report', undefined, false, 0, 1, /no report/],
  ['half a report', '{"passed": 3', true, 0, 1, /cannot be read/],
  ['another report', '{"numPassedTests": 3}', true, 0, 1, /cannot be read/],
])('%s', (_, text, exitedWell, passed, failed, remark) => {
  const file = join(ownFolder(), 'report.json')
  if (text !== undefined) writeFileSync(file, text)
  const counts = countsIn(file, exitedWell)
  expect([counts.passed, counts.failed]).toEqual([passed, failed])
  if (remark === undefined) expect(counts.remarks).toEqual([])
  else expect(counts.remarks.join()).toMatch(remark)
})

test('what failed stands once more before the sums', () => {
  expect(closingLines({passed: 2, failed: 1, remarks: ['a > b: not so']})).toBe(
    'FAILED a > b: not so\n2 passed, 1 failed\n',
  )
})

test('a run with every kind of failure, as vitest reports it', () => {
  const folder = ownFolder()
  const file = join(folder, 'report.json')
  const reporter = join(root, 'scripts', 'test-reporter.ts')
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import {TestReporter} from ${JSON.stringify(reporter)}
    export default {test: {globals: true, include: ['*.made.ts'], reporters: [new TestReporter()]}}`,
  )
  writeFileSync(
    join(folder, 'a.made.ts'),
    `describe('hooks', () => { beforeAll(() => { throw new Error('boom\\n at length') }); test('in', () => {}) })
    test('good', () => {})
    test('bad', () => expect(1, 'one').toBe(2))`,
  )
  writeFileSync(join(folder, 'b.made.ts'), "import './nothing.ts'")
  const env = {...process.env, [reportVariable]: file}
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  expect(() =>
    execFileSync(process.execPath, [vitest, 'run', '--root', folder], {env, cwd: folder, stdio: 'pipe'}),
  ).toThrow(/Command failed/)
  const {passed, failed, remarks} = countsIn(file, false)
  expect([passed, failed]).toEqual([1, 4])
  expect(remarks).toEqual([
    'a.made.ts > hooks: boom | at length',
    expect.stringMatching(/^a\.made\.ts > bad: one: expected 1 to be 2/),
    expect.stringMatching(/^b\.made\.ts: .*nothing\.ts/),
    '1 tests were skipped: a test runs or is removed',
  ])
})
