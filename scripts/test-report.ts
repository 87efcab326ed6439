// Reads what test-reporter.ts wrote of a run: how many tests passed and failed, with everything that is wrong counted as a
// failure.
import {existsSync, readFileSync} from 'node:fs'
import {z} from 'zod'

/** Names the file for the report; without it none is written. */
export const reportVariable = 'FAIRLEAD_TEST_REPORT'

const testReport = z.object({
  passed: z.int().min(0),
  skipped: z.int().min(0),
  /** A line for each test, hook, or file that failed. */
  failures: z.array(z.string()),
})
export type TestReport = z.output<typeof testReport>

export interface Counts {
  passed: number
  failed: number
  /** What counted as failed, in words; more than one failure may share a line. */
  remarks: string[]
}

/**
 * Counts of a run.
 * @param file the report; vitest wrote none when it is not there
 * @param exitedWell whether vitest's exit status was 0
 */
export function countsIn(file: string, exitedWell: boolean): Counts {
  if (!existsSync(file)) return {passed: 0, failed: 1, remarks: ['vitest wrote no report']}
  const parsed = testReport.safeParse(readJson(readFileSync(file, 'utf8')))
  if (!parsed.success) return {passed: 0, failed: 1, remarks: ["vitest's report cannot be read"]}
  const {passed, skipped, failures} = parsed.data
  const remarks = [...failures]
  if (skipped > 0) remarks.push(`${skipped} tests were skipped: a test runs or is removed`)
  if (passed + failures.length === 0) remarks.push('no test ran')
  if (!exitedWell && remarks.length === 0) remarks.push('vitest failed although every test passed')
  return {passed, failed: remarks.length + Math.max(0, skipped - 1), remarks}
}

/** Says what failed, a line each, in the form that .ci/run repeats at its end, and then the sums. */
export function closingLines({passed, failed, remarks}: Counts): string {
  return [...remarks.map(remark => `FAILED ${remark}`), `${passed} passed, ${failed} failed`, ''].join('\n')
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
