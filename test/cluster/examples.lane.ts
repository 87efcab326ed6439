// The manifests in examples/ are taken by a real API server as they stand, down to the last field.
import {readdirSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, inject, test} from 'vitest'
import {kubectlFor} from './kubectl.ts'

const folder = fileURLToPath(new URL('../../examples', import.meta.url))

test.each(readdirSync(folder))('%s is valid', async file => {
  const kubectl = kubectlFor(inject('kubeconfig'), 'default')
  const said = await kubectl('apply', '--dry-run=server', '--validate=strict', '-f', join(folder, file))
  const kinds = said.trim().split('\n')
  expect(kinds.length).toBeGreaterThan(0)
  expect(kinds.filter(line => !line.endsWith('created (server dry run)'))).toEqual([])
})
