// The real promtool on rules of the chart.
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {stringify} from 'yaml'

/** Unit tests of rules, as promtool reads them, without the file of the rules. */
export interface RuleTests {
  evaluation_interval: string
  tests: object[]
}

/** Lints the rules and runs their tests; returns the verdict. @throws Error with what promtool has to say */
export function promtool(rules: object, tests: RuleTests): string {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-rules-'))
  const run = (...args: string[]) => execFileSync('promtool', args, {cwd: folder, stdio: 'pipe'}).toString()
  try {
    writeFileSync(join(folder, 'rules.yaml'), stringify(rules))
    writeFileSync(join(folder, 'tests.yaml'), stringify({rule_files: ['rules.yaml'], ...tests}))
    run('check', 'rules', '--lint-fatal', 'rules.yaml')
    return run('test', 'rules', 'tests.yaml')
  } catch (error) {
    const {stdout = '', stderr = ''} = error as {stdout?: Buffer | string; stderr?: Buffer | string}
    throw new Error(`promtool: ${stdout}${stderr}`)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
