// What the CustomResourceDefinition of Rollouts refuses by its rules, before any controller sees it.
import {expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {definitionOf, kinds} from '../../crds/resources.ts'
import {Store} from '../../playground/api/index.ts'

const sound = {
  targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
  traffic: {istio: {}},
  strategy: {canary: {stepWeight: 10}},
}

/** The message of the refusal; undefined where the Rollout is taken. */
function refusal(change: object): string | undefined {
  const store = new Store()
  for (const kind of kinds) store.create(structuredClone(definitionOf(kind)) as KubeObject)
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  const spec: JsonObject = {...sound, ...change}
  try {
    store.create({
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'Rollout',
      metadata: {name: 'checkout', namespace: 'shop'},
      spec,
    })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const checked = (threshold: object) => ({analysis: {checks: [{name: 'gate', threshold}]}})
const canary = (strategy: object) => ({strategy: {canary: strategy}})

test.each<[string, object]>([
  ['a sound one', {}],
  ['a gate on plaintext requests', checked({metric: 'plaintextRequests', max: 0})],
  ['a gate that waits', checked({metric: 'plaintextRequests', max: 0, noData: 'wait'})],
  ['another metric may pass without data', checked({metric: 'requestSuccessRate', min: 99, noData: 'pass'})],
  ['a large step', canary({stepWeight: 50})],
  ['a larger one with its end', canary({stepWeight: 60, maxWeight: 60})],
])('taken: %s', (_, change) => {
  expect(refusal(change)).toBeUndefined()
})

test.each<[string, object]>([
  ['a version that no request has reached', checked({metric: 'plaintextRequests', max: 0, noData: 'pass'})],
  ['stepWeight is above 50', canary({stepWeight: 60})],
  ['waypoint belongs to dataPlane ambient', {traffic: {istio: {waypoint: 'namespace'}}}],
  ['must not be below it', canary({stepWeight: 60, maxWeight: 50})],
])('refused: %s', (message, change) => {
  expect(refusal(change)).toContain(message)
})
