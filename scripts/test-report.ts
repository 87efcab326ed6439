// Reads vitest's JSON report: how many tests passed and failed, with everything that is wrong counted as a failure.
import {z} from 'zod'

const testReport = z.object({
  numPassedTests: z.int().min(0),
  numFailedTests: z.int().min(0),
  numPendingTests: z.int().min(0),
  numTodoTests: z.int().min(0),
  testResults: z.array(z.object({status: z.string(), assertionResults: z.array(z.object({status: z.string()}))})),
})

export interface Counts {
  passed: number
  failed: number
  /** What counted as failed beside failed tests, in words. */
  remarks: string[]
}

/**
 * Counts of a run.
 * @param text contents of the report, or undefined when vitest wrote none
 * @param exitedWell whether vitest's exit status was 0
 */
export function countsOf(text: string | undefined, exitedWell: boolean): Counts {
  if (text === undefined) return {passed: 0, failed: 1, remarks: ['vitest wrote no report']}
  const parsed = testReport.safeParse(readJson(text))
  if (!parsed.success) return {passed: 0, failed: 1, remarks: ["vitest's report cannot be read"]}
  const report = parsed.data
  const remarks: string[] = []
  let failed = report.numFailedTests
  const add = (count: number, remark: string) => {
    if (count === 0) return
    failed += count
    remarks.push(remark)
  }
  const broken = report.testResults.filter(
    file => file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed'),
  ).length
  const skipped = report.numPendingTests + report.numTodoTests
  add(broken, `${broken} test files failed outside their tests, such as on import`)
  add(skipped, `${skipped} tests were skipped: a test runs or is removed`)
  if (report.numPassedTests + report.numFailedTests === 0) add(1, 'no test ran')
  if (!exitedWell && failed === 0) add(1, 'vitest failed although every test passed, such as on an unhandled error')
  return {passed: report.numPassedTests, failed, remarks}
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
