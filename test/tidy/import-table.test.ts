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
  ['controller/core/phases/a.ts', '../../../mesh/types.ts'],
  ['controller/shell/a.ts', '../../analysis/providers/prometheus/index.ts'],
  ['controller/shell/a.test.ts', './test-support.ts'],
  ['analysis/a.test.ts', 'fast-check'],
  ['cli/a.ts', '../playground/demo/scenario.ts'],
])('%s may import %s', (path, target) => {
  expect(imported(path, target)).toEqual([])
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
