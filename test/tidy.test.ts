// The rules that a reviewer would otherwise have to remember, over the whole repository. Each is shown to fail on a
// planted violation in test/tidy/*.test.ts.
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, test} from 'vitest'
import * as form from './tidy/form.ts'
import {importViolations} from './tidy/import-table.ts'
import {leakViolations} from './tidy/leaks.ts'
import {purityViolations} from './tidy/purity.ts'
import {deadExportViolations, deadFileViolations} from './tidy/reachability.ts'
import {sizeViolations} from './tidy/sizes.ts'
import {filesBelow, isTest, loadModules, type Violation} from './tidy/source-module.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = loadModules(root)

function lines(violations: readonly Violation[]): string[] {
  return violations.map(({path, line, message}) => `${path}:${line}: ${message}`)
}

test('the rules see the whole repository', () => {
  const paths = modules.map(({path}) => path)
  expect(paths.length).toBeGreaterThan(200)
  expect(paths.filter(isTest).length).toBeGreaterThan(50)
  expect(paths.filter(path => path.startsWith('controller/core/')).length).toBeGreaterThan(30)
  expect(modules.reduce((sum, {imports}) => sum + imports.filter(({local}) => local).length, 0)).toBeGreaterThan(600)
})

test('every relative import leads to a file', () => {
  const paths = new Set(modules.map(({path}) => path))
  const lost = modules.flatMap(({path, imports}) =>
    imports
      .filter(({target, local}) => local && !paths.has(target))
      .map(({target, line}) => `${path}:${line}: ${target} does not exist`),
  )
  expect(lost).toEqual([])
})

test.each([
  ['rooms import what the table allows', importViolations],
  ['files and functions have a size that one can read', sizeViolations],
  ['pure rooms are pure', purityViolations],
  ['no module holds state', form.stateViolations],
  ['files have kebab-case names', form.nameViolations],
  ['exports have names', form.defaultExportViolations],
  ['tests lie beside the code', form.testPlaceViolations],
  ['no file is dead', deadFileViolations],
  ['no export is dead', deadExportViolations],
])('%s', (_, rule) => {
  expect(lines(rule(modules))).toEqual([])
})

test('no file holds a secret, a machine path or a download host', () => {
  const files = filesBelow(root)
  expect(files.length).toBeGreaterThan(220)
  expect(files).toContain('.ci/run')
  expect(lines(files.flatMap(path => leakViolations(path, readFileSync(join(root, path), 'utf8'))))).toEqual([])
})
