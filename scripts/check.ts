// What `npm run check` runs: the static checks. The last line is "N passed, N failed".
import {report, runStaticSteps} from './steps.ts'

const results = await runStaticSteps()
for (const result of results) report(result)
const failed = results.filter(result => !result.ok).length
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
