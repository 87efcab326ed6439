// What a person types, against the real API server, with the oldest and the newest kubectl of this machine.
import {expect, inject, test} from 'vitest'
import {describeKubectlContract} from '../contract/cluster/kubectl.ts'
import {kubectls} from '../contract/cluster/kubectl-binaries.ts'

const [first, ...numbered] = kubectls()
const chosen = new Set([numbered[0] ?? first, numbered.at(-1) ?? first].filter(binary => binary !== undefined))

test('there is a kubectl to test with', () => {
  expect(chosen.size).toBeGreaterThan(0)
})

for (const binary of chosen) describeKubectlContract(binary, () => inject('kubeconfig'))
