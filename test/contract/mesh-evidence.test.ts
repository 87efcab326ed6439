// Every cell of docs/meshes.md stands on a test that exists.
import {readFileSync} from 'node:fs'
import {parseSync} from 'oxc-parser'
import {describe, expect, test} from 'vitest'
import {meshes} from '../../mesh/registry.ts'
import {features} from '../../mesh/types.ts'
import {type Evidence, evidence, type MeshName, type Row} from '../../scripts/meshes/evidence.ts'
import {supportOf} from '../../scripts/meshes/page.ts'
import {type AnyNode, isNode, nameOf, walk} from '../tidy/walk.ts'

const rows: readonly Row[] = ['canary', 'blueGreen', 'abTest', ...features]
const cells = (Object.keys(meshes) as MeshName[]).flatMap(mesh =>
  rows.map(row => ({mesh, row, works: supportOf(mesh, row).works, shown: evidence[mesh][row]})),
)
const shown = cells.flatMap(({mesh, row, shown: one}) => (one ? [{mesh, row, ...one}] : []))

/** What a file says that is about a mesh. */
const words: Readonly<Record<MeshName, RegExp>> = {
  istio: /istio/i,
  gatewayAPI: /gateway/i,
  linkerd: /linkerd/i,
  none: /without a mesh/,
}

/** Modifiers of a test or a group that keep it from running, or turn its meaning round. */
const unshown: readonly string[] = ['skip', 'skipIf', 'runIf', 'todo', 'fails']

/** What a call is of, with its modifiers: `test`, `describe`, also by way of `test.each(...)`. */
function wordsOf(callee: unknown): string[] {
  if (!isNode(callee)) return []
  const name = nameOf(callee)
  if (name !== undefined) return [name]
  if (callee.type === 'CallExpression') return wordsOf(callee.callee)
  return [...wordsOf(callee.object), nameOf(callee.property) ?? '']
}

/** The name that a call gives to a test or a group, and whether it runs; undefined for any other call. */
function titleOf(node: AnyNode): {kind: string; title: string; runs: boolean} | undefined {
  if (node.type !== 'CallExpression') return undefined
  const [kind = '', ...modifiers] = wordsOf(node.callee)
  const [first] = node.arguments as AnyNode[]
  if (!['test', 'it', 'describe'].includes(kind) || typeof first?.value !== 'string') return undefined
  return {kind, title: first.value, runs: !modifiers.some(one => unshown.includes(one))}
}

/** Full names of the tests of a source that run. */
function testsIn(file: string, source: string): string[] {
  const names: string[] = []
  walk(parseSync(file, source).program, (node, ancestors) => {
    const own = titleOf(node)
    if (own === undefined || own.kind === 'describe') return
    const groups = ancestors.map(one => titleOf(one)).filter(one => one !== undefined)
    if ([own, ...groups].every(({runs}) => runs)) names.push([...groups, own].map(({title}) => title).join(' > '))
  })
  return names
}

function testsOf(file: string): string[] {
  return testsIn(file, readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
}

describe('docs/meshes.md', () => {
  test.each(cells)('$mesh, $row: works $works, and a test shows it if so', ({works, shown: one}) => {
    expect(one !== undefined).toBe(works)
  })

  test.each(shown)('$mesh, $row: $file has the test "$test"', ({file, test: name}: Evidence) => {
    expect(testsOf(file)).toContain(name)
  })

  test.each(shown)('$mesh, $row: $file is about that mesh', ({mesh, file}) => {
    expect(`${file} ${readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')}`).toMatch(words[mesh])
  })

  test('a name that no test has is found out', () => {
    expect(testsOf('test/contract/mesh-evidence.test.ts')).not.toContain('docs/meshes.md > nothing')
    expect(testsOf('test/contract/mesh-evidence.test.ts')).toContain(
      'docs/meshes.md > a name that no test has is found out',
    )
  })

  test.each([
    ["test('shown', () => {})", ['shown']],
    ["describe.concurrent('group', () => { test.each([1])('shown %s', () => {}) })", ['group > shown %s']],
    ["test.skip('shown', () => {})", []],
    ["test.todo('shown')", []],
    ["test.skipIf(true)('shown', () => {})", []],
    ["it.each([1]).fails('shown', () => {})", []],
    ["describe.skip('group', () => { test('shown', () => {}) })", []],
    ["describe.runIf(false)('group', () => { describe('inner', () => { test('shown', () => {}) }) })", []],
  ])('a test counts that runs: %s', (source, names) => {
    expect(testsIn('source.ts', source)).toEqual(names)
  })
})
