// A file or function that outgrows these hides a concept that is missing.
import type {SourceModule, Violation} from './source-module.ts'
import {nameOf, walk} from './walk.ts'

const maximumFileLines = 400
const maximumFunctionLines = 70

const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function sizeViolations(modules: readonly SourceModule[]): Violation[] {
  return modules.flatMap(module => {
    const {path, text, program, lineAt} = module
    const violations: Violation[] = []
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lines > maximumFileLines)
      violations.push({path, line: 1, message: `file has ${lines} lines, at most ${maximumFileLines} are allowed`})
    walk(program, node => {
      if (!functions.has(node.type)) return
      const line = lineAt(node.start)
      const length = lineAt(node.end) - line + 1
      if (length <= maximumFunctionLines) return
      const name = nameOf((node as {id?: unknown}).id) ?? 'without a name'
      violations.push({path, line, message: `function ${name} has ${length} lines, at most ${maximumFunctionLines}`})
    })
    return violations
  })
}
