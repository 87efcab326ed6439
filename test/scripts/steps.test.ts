import {expect, test} from 'vitest'
import {runStep} from '../../scripts/steps.ts'

function node(code: string): {name: string; program: string; args: string[]} {
  return {name: 'planted', program: 'node', args: ['-e', code]}
}

test('a step passes only with exit status 0, and keeps what it printed on both streams', async () => {
  const passed = await runStep(node("console.log('out'); console.error('err')"))
  expect(passed).toMatchObject({name: 'planted', ok: true})
  expect(passed.output).toMatch(/out\nerr/)
  expect(await runStep(node('process.exit(3)'))).toMatchObject({ok: false, output: expect.stringContaining('status 3')})
})

test('a step that hangs is ended and has failed', async () => {
  const hung = await runStep(node('setInterval(() => {}, 1000)'), 200)
  expect(hung).toMatchObject({ok: false, output: expect.stringContaining('ended after 0.2 s')})
})

test('a step whose program is missing has failed', async () => {
  const missing = await runStep({name: 'planted', program: 'no-such-program', args: []})
  expect(missing).toMatchObject({ok: false, output: expect.stringContaining('no-such-program cannot be run')})
})
