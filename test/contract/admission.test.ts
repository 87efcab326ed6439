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
      // As a client sends it: what is undefined isn't there.
      spec: JSON.parse(JSON.stringify(spec)),
    })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const {targetRef} = sound
const template = {
  metadata: {labels: {app: 'x'}},
  spec: {containers: [{name: 'app', image: 'x:1', ports: [{containerPort: 1}]}]},
}
const serviceRefs = {a: 'blue', b: 'green', serve: 'a'}
/** Instead of the target. */
const source = (other: object) => ({targetRef: undefined, ...other})

const checked = (threshold: object) => ({analysis: {checks: [{name: 'gate', threshold}]}})
const canary = (strategy: object) => ({strategy: {canary: strategy}})
const abTest = (...match: object[]) => ({strategy: {abTest: {match}}})

test.each<[string, object]>([
  ['a sound one', {}],
  ['a gate on plaintext requests', checked({metric: 'plaintextRequests', max: 0})],
  ['a gate that waits', checked({metric: 'plaintextRequests', max: 0, noData: 'wait'})],
  ['another metric may pass without data', checked({metric: 'requestSuccessRate', min: 99, noData: 'pass'})],
  ['a large step', canary({stepWeight: 50})],
  ['a larger one with its end', canary({stepWeight: 60, maxWeight: 60})],
  ['a DaemonSet', {targetRef: {...targetRef, kind: 'DaemonSet'}}],
  ['a template with pods', source({template, replicas: 3})],
  ['two Services', source({serviceRefs})],
  ['an A/B by callers', abTest({source: {labels: {team: 'insiders'}}}, {source: {namespace: 'insiders'}})],
])('taken: %s', (_, change) => {
  expect(refusal(change)).toBeUndefined()
})

test.each<[string, object]>([
  ['a version that no request has reached', checked({metric: 'plaintextRequests', max: 0, noData: 'pass'})],
  ['stepWeight is above 50', canary({stepWeight: 60})],
  ['waypoint belongs to dataPlane ambient', {traffic: {istio: {waypoint: 'namespace'}}}],
  ['must not be below it', canary({stepWeight: 60, maxWeight: 50})],
  ['set exactly one of targetRef, template and serviceRefs', {template}],
  ['set exactly one of targetRef, template and serviceRefs', source({})],
  ['a DaemonSet has a pod on every node', {targetRef: {...targetRef, kind: 'DaemonSet'}, replicas: 3}],
  ['pods behind serviceRefs are not scaled', source({serviceRefs, replicas: 3})],
  ['a and b must be two Services', source({serviceRefs: {...serviceRefs, b: 'blue'}})],
  ['spec.template.spec.containers', source({template: {...template, spec: {}}})],
  ['spec.template.spec.containers[0].image', source({template: {...template, spec: {containers: [{name: 'x'}]}}})],
  ['spec.targetRef.kind', {targetRef: {...targetRef, kind: 'StatefulSet'}}],
  ['set at least one of headers, cookies, queryParams and source', abTest({})],
  ['set at least one of labels, namespace and region', abTest({source: {}})],
  ['set at least one of labels, namespace and region', canary({stepWeight: 10, match: [{source: {}}]})],
  ['labels without an entry are those of every caller', abTest({source: {labels: {}}})],
  ['spec.strategy.abTest.match[0].headers', abTest({headers: []})],
  ['spec.strategy.abTest.match[0].cookies', abTest({cookies: []})],
  ['spec.strategy.abTest.match[0].queryParams', abTest({queryParams: []})],
])('refused: %s', (message, change) => {
  expect(refusal(change)).toContain(message)
})

test('what a Rollout releases stays what it is, but for the Service that serves', () => {
  const store = new Store()
  for (const kind of kinds) store.create(structuredClone(definitionOf(kind)) as KubeObject)
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  const rollout = (spec: object): KubeObject => ({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name: 'checkout', namespace: 'shop'},
    spec: JSON.parse(JSON.stringify({...sound, targetRef: undefined, ...spec})),
  })
  let {resourceVersion} = store.create(rollout({serviceRefs})).metadata
  const change = (spec: object) => () => {
    const next = rollout(spec)
    const {metadata} = store.update({
      ...next,
      metadata: {...next.metadata, ...(resourceVersion ? {resourceVersion} : {})},
    })
    resourceVersion = metadata.resourceVersion
  }
  expect(change({serviceRefs: {...serviceRefs, serve: 'b'}})).not.toThrow()
  expect(change({serviceRefs: {...serviceRefs, b: 'red'}})).toThrow('only serve')
  expect(change({template})).toThrow('only serve')
})
