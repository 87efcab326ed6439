// What the CustomResourceDefinition of Rollouts refuses by its rules, before any controller sees it.
import {expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {definitionOf, kinds} from '../../crds/resources.ts'
import {Store} from '../../playground/api/index.ts'
import {abandoning, harmless, serving, sound, source, template} from './admission-cases.ts'

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
const serviceRefs = {a: 'blue', b: 'green', serve: 'a'}
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

/** A Rollout that is stored, and what an update of its spec is answered. @param serves whether a slot has been chosen */
function stored(first: object, serves = false) {
  const store = new Store()
  for (const kind of kinds) store.create(structuredClone(definitionOf(kind)) as KubeObject)
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  const rollout = (spec: object, metadata: object = {}): KubeObject => ({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name: 'checkout', namespace: 'shop', ...metadata},
    spec: JSON.parse(JSON.stringify({...sound, ...spec})),
  })
  let current = store.create(rollout(first))
  if (serves) current = store.updateStatus({...current, status: serving})
  return (spec: object) => () => {
    const {resourceVersion = ''} = current.metadata
    current = store.update(rollout(spec, {resourceVersion}))
  }
}

test('what a Rollout releases stays what it is, but for the Service that serves', () => {
  const change = stored(source({serviceRefs}))
  expect(change(source({serviceRefs: {...serviceRefs, serve: 'b'}}))).not.toThrow()
  expect(change(source({serviceRefs: {...serviceRefs, b: 'red'}}))).toThrow('only serve')
  expect(change(source({template}))).toThrow('only serve')
})

test.each(abandoning)('%s cannot change once a slot serves: %j -> %j', (field, before, after) => {
  const update = stored(before, true)(after)
  expect(update).toThrow(field)
  expect(update).toThrow('delete the Rollout')
})

test.each(abandoning)('%s may change before anything was touched: %j -> %j', (_, before, after) => {
  expect(stored(before)(after)).not.toThrow()
})

test.each(harmless)('what may change at any time: %s', (_, before, after) => {
  expect(stored(before, true)(after)).not.toThrow()
})
