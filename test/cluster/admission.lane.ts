// A real API server compiles the rules of a Rollout's definition, and refuses and takes the same changes as the emulator.
import {beforeAll, expect, inject, test} from 'vitest'
import {abandoning, harmless, serving, sound} from '../contract/admission-cases.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'

const namespace = 'admission'
let kubectl: Kubectl

beforeAll(async () => {
  kubectl = kubectlFor(inject('kubeconfig'), namespace)
  await kubectl('create', 'namespace', namespace)
})

/** What the API server says to a change of a Rollout of which a slot serves. */
async function answer(name: string, before: object, after: object): Promise<string> {
  const rollout = (spec: object) => ({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name},
    spec: {...sound, ...spec},
  })
  await kubectl.stdin(rollout(before), 'create', '-f', '-')
  const patch = JSON.stringify({status: serving})
  await kubectl('patch', 'rollout', name, '--subresource=status', '--type=merge', '-p', patch)
  return kubectl.stdin(rollout(after), 'replace', '-f', '-').catch(String)
}

const numbered = (name: string, cases: [string, object, object][]) =>
  cases.map(([what, before, after], index) => [`${name}-${index}`, what, before, after] as const)

test.concurrent.each(numbered('abandoning', abandoning))('%s: %s cannot change', async (name, field, before, after) => {
  const said = await answer(name, before, after)
  expect(said).toContain(field)
  expect(said).toContain('delete the Rollout')
})

test.concurrent.each(numbered('harmless', harmless))('%s: %s may change', async (name, _, before, after) => {
  expect(await answer(name, before, after)).toContain('replaced')
})
