import {expect, test} from 'vitest'
import {importViolations} from './import-table.ts'
import {said} from './planted.ts'

function imported(path: string, target: string): string[] {
  return said(importViolations, {[path]: `\nimport {one} from '${target}'`})
}

test.each([
  ['crds/a.ts', '../mesh/types.ts', 'crds/ may not import mesh/types.ts'],
  ['crds/a.ts', 'yaml', 'crds/ may not import yaml'],
  ['analysis/a.ts', './providers/prometheus/index.ts', 'may not import analysis/providers/prometheus/index.ts'],
  ['analysis/a.ts', '../controller/ports.ts', 'may not import controller/ports.ts'],
  ['mesh/istio/a.ts', '../linkerd/b.ts', 'mesh/istio/ may not import mesh/linkerd/b.ts'],
  ['mesh/istio/a.ts', '../registry.ts', 'may not import mesh/registry.ts'],
  ['gitops/a.ts', '../controller/shell/log.ts', 'may not import controller/shell/log.ts'],
  ['controller/core/a.ts', '../shell/log.ts', 'may not import controller/shell/log.ts'],
  ['controller/core/phases/a.ts', '../../../mesh/registry.ts', 'may not import mesh/registry.ts'],
  ['controller/core/a.ts', '../ports.ts', 'controller/core/ may not import controller/ports.ts'],
  ['controller/core/a.ts', '../../mesh/types.ts', 'controller/core/ may not import mesh/types.ts'],
  ['controller/core/a.ts', 'node:fs', 'controller/core/ may not import node:fs'],
  ['controller/shell/a.ts', '../../playground/api/index.ts', 'may not import playground/api/index.ts'],
  ['playground/a.ts', '../controller/core/decide.ts', 'may not import controller/core/decide.ts'],
  ['playground/a.ts', '../cli/demo.ts', 'may not import cli/demo.ts'],
  ['cli/a.ts', '../gitops/test-support/fake.ts', 'may not import gitops/test-support/fake.ts'],
  ['controller/shell/a.ts', './test-support.ts', 'may not import controller/shell/test-support.ts'],
  ['controller/shell/a.ts', 'nock', 'may not import nock'],
  ['test/a.test.ts', '../gitops/sync.test.ts', 'may not import gitops/sync.test.ts'],
])('%s may not import %s', (path, target, message) => {
  const [violation, ...more] = imported(path, target)
  expect(violation).toContain(`${path}:2 `)
  expect(violation).toContain(message)
  expect(more).toEqual([])
})

test.each([
  ['crds/a.ts', 'zod'],
  ['analysis/providers/prometheus/a.ts', '../../../controller/ports.ts'],
  ['mesh/registry.ts', './istio/index.ts'],
  ['controller/core/phases/a.ts', '../../../analysis/verdict.ts'],
  ['controller/shell/a.ts', '../../analysis/providers/prometheus/index.ts'],
  ['controller/shell/a.test.ts', './test-support.ts'],
  ['analysis/a.test.ts', 'fast-check'],
  ['cli/a.ts', '../playground/demo/scenario.ts'],
])('%s may import %s', (path, target) => {
  expect(imported(path, target)).toEqual([])
})

test('the core may take types of the ports and of the meshes, and nothing that runs', () => {
  const texts = {
    'controller/core/a.ts': "import type {a} from '../ports.ts'\nimport {type b} from '../../mesh/types.ts'",
    'controller/core/b.ts': "type A = import('../ports.ts').A",
    'controller/core/c.ts': "\nimport {type a, b} from '../ports.ts'\nimport '../ports.ts'",
    'controller/core/d.ts': "import type {a} from '../shell/log.ts'",
  }
  expect(said(importViolations, texts)).toEqual([
    'controller/core/c.ts:2 controller/core/ may not import controller/ports.ts',
    'controller/core/c.ts:3 controller/core/ may not import controller/ports.ts',
    'controller/core/d.ts:1 controller/core/ may not import controller/shell/log.ts',
  ])
})

test('a type in place counts as an import, and a computed path is allowed nowhere', () => {
  const texts = {
    'crds/a.ts': "\ntype A = import('../gitops/a.ts').A",
    'cli/a.ts': "const name = './b.ts'\nvoid import(name)",
  }
  expect(said(importViolations, texts)).toEqual([
    'crds/a.ts:2 crds/ may not import gitops/a.ts',
    'cli/a.ts:2 cli/ may not import (name)',
  ])
})

test('imports are seen in every form, and a file in no room is one', () => {
  const texts = {
    'crds/a.ts': "export {b} from '../gitops/b.ts'\nexport * from '../gitops/c.ts'\nvoid import('../gitops/d.ts')",
    'crds/b.ts': "import type {b} from '../gitops/b.ts'\nimport '../gitops/c.ts'\nimport * as d from '../gitops/d.ts'",
    'elsewhere/a.ts': '',
  }
  expect(said(importViolations, texts).map(text => text.split(' ')[0])).toEqual([
    'crds/a.ts:1',
    'crds/a.ts:2',
    'crds/a.ts:3',
    'crds/b.ts:1',
    'crds/b.ts:2',
    'crds/b.ts:3',
    'elsewhere/a.ts:1',
  ])
})
