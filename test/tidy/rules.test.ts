import {describe, expect, test} from 'vitest'
import * as form from './form.ts'
import {leakViolations} from './leaks.ts'
import {said} from './planted.ts'
import {deadExportViolations, deadFileViolations} from './reachability.ts'
import {sizeViolations} from './sizes.ts'
import {parseModule} from './source-module.ts'

test('a file that is no TypeScript is an error', () => {
  expect(() => parseModule('crds/a.ts', 'const = 1')).toThrow(/crds\/a\.ts/)
})

describe('sizes', () => {
  const statements = (count: number) => 'void 0\n'.repeat(count)

  test('a file of 401 lines, not one of 400', () => {
    expect(said(sizeViolations, {'a.ts': statements(401)})).toEqual([
      'a.ts:1 file has 401 lines, at most 400 are allowed',
    ])
    expect(said(sizeViolations, {'a.ts': statements(400)})).toEqual([])
  })

  test.each(['function run() {', 'const run = () => {', 'class A {run() {', "test('a', () => {"])('%s', head => {
    const tail = head.startsWith('class') ? '}}' : head.startsWith('test') ? '})' : '}'
    expect(said(sizeViolations, {'a.ts': `\n${head}\n${statements(69)}${tail}`})).toHaveLength(1)
    expect(said(sizeViolations, {'a.ts': `\n${head}\n${statements(68)}${tail}`})).toEqual([])
  })
})

describe('state', () => {
  test.each([
    'let count = 0',
    'export let count = 0',
    'var count = 0',
    'const seen = new Map()\nfunction a() { seen.set(1, 2) }',
    'export const seen = new Set()\nconst a = () => seen.add(1)',
    'const queue: string[] = []\nfunction a() { if (queue) { queue.push(1) } }',
    'const cache = {}\nfunction a() { cache.b = 1 }',
    'const cache = {}\nfunction a() { delete cache.b }',
    'const counts = {a: 0}\nfunction a() { counts.a++ }',
  ])('%s', text => {
    expect(said(form.stateViolations, {'crds/a.ts': text})).toHaveLength(1)
  })

  test('constants, locals that hide them, programs and tests', () => {
    const texts = {
      'crds/a.ts': 'const table = new Map([[1, 2]])\nexport function a() { return table.get(1) }',
      'crds/b.ts': 'const seen = new Set()\nexport function a() { const seen = new Set(); seen.add(1) }',
      'crds/c.ts': 'const seen = [1]\nexport function a(seen: number[]) { seen.push(1) }',
      'scripts/a.ts': 'let failed = 0',
      'crds/a.test.ts': 'let server',
    }
    expect(said(form.stateViolations, texts)).toEqual([])
  })
})

test('names, default exports and the place of tests', () => {
  expect(
    said(form.nameViolations, {'crds/gitSync.ts': '', 'crds/git_sync.ts': '', 'crds/git-sync.test.ts': ''}),
  ).toEqual([
    'crds/gitSync.ts:1 the name of a file is written in kebab-case',
    'crds/git_sync.ts:1 the name of a file is written in kebab-case',
  ])
  const defaults = {
    'crds/a.ts': 'export default 1',
    'crds/b.ts': 'const a = 1\nexport {a as default}',
    'a.config.ts': 'export default 1',
  }
  expect(said(form.defaultExportViolations, defaults)).toEqual([
    'crds/a.ts:1 a default export: give it a name',
    'crds/b.ts:2 a default export: give it a name',
  ])
  const tests = {'crds/a.ts': '', 'crds/a.test.ts': '', 'crds/tests/a.test.ts': '', 'test/e2e/a.test.ts': ''}
  expect(said(form.testPlaceViolations, tests)).toEqual([
    'crds/tests/a.test.ts:1 a test lies beside the code that it tests, or below test/',
  ])
})

test('a file that only its own test, or another dead file, imports is dead', () => {
  const texts = {
    'cli/main.ts': "import {used} from '../crds/used.ts'",
    'crds/used.ts': "export {lazy} from './lazy.ts'",
    'crds/lazy.ts': '',
    'crds/dead.ts': "import './deader.ts'",
    'crds/deader.ts': '',
    'crds/dead.test.ts': "import './dead.ts'\nimport './fixtures.ts'",
    'crds/fixtures.ts': '',
    'crds/test-support/unused.ts': '',
    'crds/simulated.ts': '',
    'test/simulation.test.ts': "import '../crds/simulated.ts'",
  }
  expect(said(deadFileViolations, texts).map(text => text.split(':')[0])).toEqual([
    'crds/dead.ts',
    'crds/deader.ts',
    'crds/test-support/unused.ts',
  ])
})

test('an export that nothing, or only its own test, uses is dead', () => {
  const texts = {
    'cli/main.ts': "import {used} from '../crds/a.ts'\nimport * as b from '../crds/b.ts'",
    'crds/a.ts': `export function used(options: Options) { return inner(options) }
export function inner(options: unknown) { return options }
export interface Options {}
export interface Unused {}
export const onlyTested = 1
export const unused = 2`,
    'crds/a.test.ts': "import {inner, onlyTested} from './a.ts'",
    'crds/b.ts': 'export const anything = 1',
  }
  expect(said(deadExportViolations, texts)).toEqual([
    'crds/a.ts:4 nothing imports `Unused`',
    'crds/a.ts:5 nothing but its test imports `onlyTested`',
    'crds/a.ts:6 nothing imports `unused`',
  ])
})

describe('leaks', () => {
  // Put together here, so that this file holds none itself.
  const path = (...parts: string[]) => ['', ...parts, ''].join('/')
  const dashes = '-'.repeat(5)

  test.each([
    ['a path of one machine', `see ${path('work', 'main')}`],
    ['a path of one machine', `'${path('root', '.kube')}config'`],
    ['a path of one machine', path('home', 'alice', 'src')],
    ['a path of one machine', `in ${path('home', 'alice').slice(0, -1)}`],
    ['the address of a package registry or download host', `https://${'registry'}.npmjs.org/zod`],
    ['the address of a package registry or download host', `https://${'proxy'}.golang.org`],
    ['the address of a package registry or download host', `https://github.com/a/b/${'releases'}/download/v1/c`],
    ['the address of a package registry or download host', `//${'registry'}.npmjs.org/:_authToken=x`],
    ['a private key', `"${dashes}BEGIN PRIVATE KEY${dashes}\\n${'MIIEabcd'.repeat(4)}"`],
    ['a private key', `${dashes}BEGIN EC PRIVATE KEY${dashes}\n${'MIIEabcd'.repeat(4)}`],
    ['a token', `gh${'p_'}${'a1'.repeat(18)}`],
  ])('%s', (what, text) => {
    expect(leakViolations('a.md', `first line\n${text}`)).toEqual([{path: 'a.md', line: 2, message: `holds ${what}`}])
  })

  test('a lock file that names addresses', () => {
    const resolved = '"resolved": "https://mirror.example.com/zod.tgz"'
    expect(leakViolations('package-lock.json', resolved)).toHaveLength(1)
    expect(leakViolations('docs/a.md', resolved)).toEqual([])
    expect(leakViolations('package-lock.json', '"version": "4.6.7"')).toEqual([])
  })

  test('paths of containers, relative paths and other addresses', () => {
    const text = `./work/a ~/work/ \${x}/root/a https://github.com/a/b ${path('etc', 'home')} ${dashes}BEGIN PRIVATE KEY${dashes}`
    expect(leakViolations('a.md', text)).toEqual([])
  })
})
