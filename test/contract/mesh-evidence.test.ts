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

/** What a call is of: `test`, `describe`, also by way of `test.each(...)`. */
function rootOf(callee: unknown): string | undefined {
  if (!isNode(callee)) return undefined
  return nameOf(callee) ?? rootOf(callee.type === 'CallExpression' ? callee.callee : callee.object)
}

/** The name that a call gives to a test or a group; undefined for any other call. */
function titleOf(node: AnyNode): {kind: string; title: string} | undefined {
  if (node.type !== 'CallExpression') return undefined
  const kind = rootOf(node.callee)
  const [first] = node.arguments as AnyNode[]
  if ((kind !== 'test' && kind !== 'it' && kind !== 'describe') || typeof first?.value !== 'string') return undefined
  return {kind, title: first.value}
}

/** Full names of the tests of a file. */
function testsOf(file: string): string[] {
  const names: string[] = []
  walk(parseSync(file, readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).program, (node, ancestors) => {
    const own = titleOf(node)
    if (own === undefined || own.kind === 'describe') return
    const groups = ancestors.flatMap(one => titleOf(one)?.title ?? [])
    names.push([...groups, own.title].join(' > '))
  })
  return names
}

describe('docs/meshes.md', () => {
  test.each(cells)('$mesh, $row: works $works, and a test shows it if so', ({works, shown: one}) => {
    expect(one !== undefined).toBe(works)
  })

  test.each(shown)('$mesh, $row: $file has the test "$test"', ({file, test: name}: Evidence) => {
    expect(testsOf(file)).toContain(name)
  })

  test('a name that no test has is found out', () => {
    expect(testsOf('test/contract/mesh-evidence.test.ts')).not.toContain('docs/meshes.md > nothing')
    expect(testsOf('test/contract/mesh-evidence.test.ts')).toContain(
      'docs/meshes.md > a name that no test has is found out',
    )
  })
})
