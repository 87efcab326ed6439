// Pure rooms decide; they can't wait, look at a clock, roll a die or reach the world.
import {isTestSupport, type SourceModule, type Violation} from './source-module.ts'
import {type AnyNode, isNode, nameOf, walk} from './walk.ts'

/** Path prefixes of the rooms whose functions depend on their arguments alone. */
const pureRooms = ['crds/', 'analysis/', 'mesh/', 'controller/core/']
const exceptions = ['analysis/providers/']

/** Hashing is deterministic; every other module of Node may do I/O. */
const pureNodeModules = ['node:crypto']
const pureCryptoNames = ['createHash']

/** Globals that wait, or read or change the world outside. */
const forbiddenGlobals = new Set([
  'Promise',
  'console',
  'crypto',
  'fetch',
  'globalThis',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
])

function isPure(path: string): boolean {
  if (isTestSupport(path) || exceptions.some(prefix => path.startsWith(prefix))) return false
  return pureRooms.some(prefix => path.startsWith(prefix))
}

export function purityViolations(modules: readonly SourceModule[]): Violation[] {
  return modules.filter(module => isPure(module.path)).flatMap(impurities)
}

function impurities({path, program, imports, lineAt}: SourceModule): Violation[] {
  const violations: Violation[] = []
  for (const {target, names, line} of imports) {
    if (!target.startsWith('node:')) continue
    const allowed = pureNodeModules.includes(target) && names.every(name => pureCryptoNames.includes(name))
    if (!allowed) violations.push({path, line, message: `a pure room may not use ${target} (${names.join(', ')})`})
  }
  walk(program, (node, ancestors) => {
    const what = impurityOf(node, ancestors.at(-1))
    if (what !== undefined) violations.push({path, line: lineAt(node.start), message: `${what} in a pure room`})
  })
  return violations
}

function impurityOf(node: AnyNode, parent: AnyNode | undefined): string | undefined {
  if ('async' in node && node.async === true) return 'async function'
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await)) return 'await'
  if (node.type === 'ImportExpression') return 'import()'
  if (node.type === 'NewExpression' && nameOf(node.callee) === 'Date' && node.arguments.length === 0)
    return 'new Date() without a time'
  if (node.type === 'CallExpression' && nameOf(node.callee) === 'Date') return 'Date()'
  if (node.type === 'MemberExpression') return impureMember(nameOf(node.object), keyOf(node.property))
  if (node.type === 'VariableDeclarator') return impureDestructuring(node.id, nameOf(node.init))
  const name = nameOf(node)
  if (name === undefined || !forbiddenGlobals.has(name)) return undefined
  return isReference(node, parent) ? name : undefined
}

/** `const {now} = Date` */
function impureDestructuring(pattern: unknown, object: string | undefined): string | undefined {
  if (!isNode(pattern) || pattern.type !== 'ObjectPattern') return undefined
  for (const property of pattern.properties) {
    const what = property.type === 'Property' ? impureMember(object, keyOf(property.key)) : undefined
    if (what !== undefined) return what
  }
  return undefined
}

/** Name of a field, as an identifier or in quotes. */
function keyOf(key: unknown): string | undefined {
  if (isNode(key) && key.type === 'Literal' && typeof key.value === 'string') return key.value
  return nameOf(key)
}

function impureMember(object: string | undefined, property: string | undefined): string | undefined {
  if (object === 'Date' && property === 'now') return 'Date.now'
  if (object === 'Math' && property === 'random') return 'Math.random'
  return undefined
}

/** Whether an identifier is a value or a type that is used, and no name of a field. */
function isReference(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent === undefined) return true
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed === true
  if (parent.type === 'Property') return parent.value === node || parent.computed === true
  return !['TSPropertySignature', 'TSMethodSignature', 'PropertyDefinition', 'MethodDefinition'].includes(parent.type)
}
