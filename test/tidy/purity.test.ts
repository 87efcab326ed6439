import {expect, test} from 'vitest'
import {said} from './planted.ts'
import {purityViolations} from './purity.ts'

test.each([
  ['async function a() {}', 'async function'],
  ['const a = async () => {}', 'async function'],
  ['const a = {async b() {}}', 'async function'],
  ['await 1', 'await'],
  ['const a = Promise.resolve(1)', 'Promise'],
  ['function a(): Promise<void> | undefined {return undefined}', 'Promise'],
  ['const a = Date.now()', 'Date.now'],
  ['const a = Date.now', 'Date.now'],
  ["const a = Date['now']()", 'Date.now'],
  ['const {now} = Date', 'Date.now'],
  ['const {random: roll} = Math', 'Math.random'],
  ['for await (const a of []) void a\nexport {}', 'await'],
  ['const a = new Date()', 'new Date() without a time'],
  ['const a = Date()', 'Date()'],
  ['const a = Math.random()', 'Math.random'],
  ['setTimeout(() => {}, 1)', 'setTimeout'],
  ['const a = {run: setInterval}', 'setInterval'],
  ['const a = process.env.PATH', 'process'],
  ['const a = globalThis.fetch', 'globalThis'],
  ['const a = performance.now()', 'performance'],
  ["const a = import('./b.ts')", 'import()'],
  ['console.log(1)', 'console'],
  ["import {readFileSync} from 'node:fs'", 'a pure room may not use node:fs (readFileSync)'],
  ["import {randomUUID} from 'node:crypto'", 'a pure room may not use node:crypto (randomUUID)'],
])('%s', (text, message) => {
  for (const path of ['crds/a.ts', 'analysis/a.ts', 'mesh/istio/a.ts', 'controller/core/phases/a.ts']) {
    const violations = said(purityViolations, {[path]: `\n${text}`})
    expect(violations.length).toBeGreaterThan(0)
    expect(violations[0]).toContain(`${path}:2 ${message}`)
  }
})

test('what is deterministic is allowed, and so is everything outside the pure rooms', () => {
  const pure = `
    import {createHash} from 'node:crypto'
    export const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    export const time = (text: string) => new Date(text).getTime() + Date.parse(text) + Math.max(1, 2)
    interface Step { process: string; fetch(): void }
    export const names = (step: Step) => ({process: step.process, fetch: step.fetch})`
  expect(said(purityViolations, {'controller/core/a.ts': pure})).toEqual([])
  const impure = 'export const now = async () => Date.now()'
  const outside = ['analysis/providers/prometheus/a.ts', 'controller/shell/a.ts', 'crds/a.test.ts', 'mesh/fixtures.ts']
  for (const path of outside) expect(said(purityViolations, {[path]: impure})).toEqual([])
})
