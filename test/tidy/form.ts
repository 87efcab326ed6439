// Names, exports, places, and state that outlives a call.
import {dirname} from 'node:path'
import {isTest, type SourceModule, type Violation} from './source-module.ts'
import {type AnyNode, isNode, nameOf, walk} from './walk.ts'

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/

export function nameViolations(modules: readonly SourceModule[]): Violation[] {
  return modules
    .filter(({path}) => !kebabCase.test(path.slice(path.lastIndexOf('/') + 1)))
    .map(({path}) => ({path, line: 1, message: 'the name of a file is written in kebab-case'}))
}

export function defaultExportViolations(modules: readonly SourceModule[]): Violation[] {
  return modules
    .filter(({path}) => !path.endsWith('.config.ts'))
    .flatMap(({path, exports}) =>
      exports
        .filter(({name}) => name === 'default')
        .map(({line}) => ({path, line, message: 'a default export: give it a name'})),
    )
}

/** A test outside test/ lies beside what it tests. */
export function testPlaceViolations(modules: readonly SourceModule[]): Violation[] {
  const folders = new Set(modules.filter(({path}) => !isTest(path)).map(({path}) => dirname(path)))
  return modules
    .filter(({path}) => isTest(path) && !path.startsWith('test/') && !folders.has(dirname(path)))
    .map(({path}) => ({path, line: 1, message: 'a test lies beside the code that it tests, or below test/'}))
}

const containers = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array'])
const mutators = new Set([
  'add',
  'clear',
  'copyWithin',
  'delete',
  'fill',
  'pop',
  'push',
  'reverse',
  'set',
  'shift',
  'sort',
  'splice',
  'unshift',
])

/** Tests share one module graph, so nothing but a test or a program's first file may hold state at its top. */
export function stateViolations(modules: readonly SourceModule[]): Violation[] {
  return modules.filter(({path}) => !isTest(path) && !isProgram(path)).flatMap(stateOf)
}

/** The first file of a program runs once, and nobody imports it. */
export function isProgram(path: string): boolean {
  return path === 'cli/main.ts' || path.startsWith('scripts/') || path.endsWith('.config.ts')
}

function stateOf({path, program, lineAt}: SourceModule): Violation[] {
  const violations: Violation[] = []
  const held = new Set<string>()
  for (const declaration of topLevelVariables(program as AnyNode)) {
    if (declaration.kind !== 'const')
      violations.push({
        path,
        line: lineAt(declaration.start),
        message: `\`${declaration.kind}\` at the top of a module`,
      })
    for (const {id, init} of declaration.declarations) {
      const name = nameOf(id)
      if (name !== undefined && isContainer(init)) held.add(name)
    }
  }
  walk(program, (node, ancestors) => {
    const name = mutatedBy(node)
    if (name === undefined || !held.has(name) || !ancestors.some(isFunction)) return
    if (ancestors.some(ancestor => declares(ancestor, name))) return
    violations.push({path, line: lineAt(node.start), message: `changes \`${name}\`, which the whole module shares`})
  })
  return violations
}

type Variables = AnyNode & {type: 'VariableDeclaration'}

function topLevelVariables(program: AnyNode): Variables[] {
  return (program.body as AnyNode[])
    .map(statement => (statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement))
    .filter((node): node is Variables => isNode(node) && node.type === 'VariableDeclaration')
}

function isContainer(value: unknown): boolean {
  if (!isNode(value)) return false
  if (value.type === 'NewExpression') return containers.has(nameOf(value.callee) ?? '')
  return value.type === 'ArrayExpression' || value.type === 'ObjectExpression'
}

/** Name of the variable whose contents a node changes. */
function mutatedBy(node: AnyNode): string | undefined {
  if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'MemberExpression') {
    return mutators.has(nameOf(node.callee.property) ?? '') ? nameOf(node.callee.object) : undefined
  }
  const changed =
    node.type === 'AssignmentExpression'
      ? node.left
      : node.type === 'UpdateExpression' || (node.type === 'UnaryExpression' && node.operator === 'delete')
        ? node.argument
        : undefined
  return isNode(changed) && changed.type === 'MemberExpression' ? nameOf(changed.object) : undefined
}

function isFunction(node: AnyNode): boolean {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type)
}

/** Whether a function or block has a variable of its own by this name, which hides that of the module. */
function declares(node: AnyNode, name: string): boolean {
  if (isFunction(node)) return (node.params as AnyNode[]).some(parameter => mentions(parameter, name))
  if (node.type !== 'BlockStatement') return false
  return node.body.some(
    statement =>
      statement.type === 'VariableDeclaration' && statement.declarations.some(({id}) => mentions(id as AnyNode, name)),
  )
}

function mentions(pattern: AnyNode, name: string): boolean {
  let found = false
  walk(pattern, node => {
    found ||= nameOf(node) === name
  })
  return found
}
