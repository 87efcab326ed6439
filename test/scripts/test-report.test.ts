import {expect, test} from 'vitest'
import {countsOf} from '../../scripts/test-report.ts'

interface ReportedFile {
  status: string
  assertionResults: {status: string}[]
}

function report(passed: number, failed: number, testResults: ReportedFile[] = [], skipped = 0): string {
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults,
  })
}

test.each<[string, string | undefined, boolean, number, number, RegExp | undefined]>([
  ['all passed', report(3, 0), true, 3, 0, undefined],
  ['one failed', report(2, 1, [{status: 'failed', assertionResults: [{status: 'failed'}]}]), false, 2, 1, undefined],
  ['a file that cannot be imported', report(2, 0, [{status: 'failed', assertionResults: []}]), false, 2, 1, /outside/],
  ['a skipped test', report(2, 0, [], 1), true, 2, 1, /skipped/],
  ['no test at all', report(0, 0), true, 0, 1, /no test ran/],
  ['an unhandled error', report(2, 0), false, 2, 1, /every test passed/],
  ['no report', undefined, false, 0, 1, /no report/],
  ['half a report', '{"numPassedTests": 3', true, 0, 1, /cannot be read/],
  ['another report', '{"numPassedTests": 3}', true, 0, 1, /cannot be read/],
])('%s', (_, text, exitedWell, passed, failed, remark) => {
  const counts = countsOf(text, exitedWell)
  expect([counts.passed, counts.failed]).toEqual([passed, failed])
  if (remark === undefined) expect(counts.remarks).toEqual([])
  else expect(counts.remarks.join()).toMatch(remark)
})
