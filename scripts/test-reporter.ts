// A vitest reporter that writes what a run came to for the scripts that count, into the file that an environment variable
// names: how many tests passed and were skipped, and one line for every failure, hooks and whole files among them.
import {writeFileSync} from 'node:fs'
import type {SerializedError} from 'vitest'
import type {Reporter, TestCase, TestModule, TestSuite} from 'vitest/node'
import {reportVariable, type TestReport} from './test-report.ts'

/** Of a message; an assertion's first lines say what was expected. */
const messageLines = 6
const messageCharacters = 600

export class TestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[reportVariable]
    if (file !== undefined) writeFileSync(file, JSON.stringify(reportOf(modules, unhandled)))
  }
}

function reportOf(modules: readonly TestModule[], unhandled: readonly SerializedError[]): TestReport {
  const count = (state: 'passed' | 'skipped') =>
    modules.reduce((sum, {children}) => sum + [...children.allTests(state)].length, 0)
  const failures = modules.flatMap(module => [
    ...linesOf(module.relativeModuleId, module.errors()),
    ...[...module.children.allSuites()].flatMap(suite => linesOf(nameOf(suite), suite.errors())),
    ...[...module.children.allTests('failed')].flatMap(test =>
      linesOf(nameOf(test), test.result().errors ?? []).slice(0, 1),
    ),
  ])
  return {
    passed: count('passed'),
    skipped: count('skipped'),
    failures: [...failures, ...linesOf('outside of every test', unhandled)],
  }
}

function nameOf(one: TestCase | TestSuite): string {
  return `${one.module.relativeModuleId} > ${one.fullName}`
}

/** Whatever was thrown; what is no error may have no message. */
function linesOf(name: string, errors: readonly {message?: unknown}[]): string[] {
  return errors.map(({message = 'no message'}) => {
    const said = String(message)
      .split('\n', messageLines)
      .map(line => line.trim())
    return `${name}: ${said.filter(line => line !== '').join(' | ')}`.slice(0, messageCharacters)
  })
}
