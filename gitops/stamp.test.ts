import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../crds/meta.ts'
import {inApplyOrder} from './identity.ts'
import {mayPrune, mergeInventories, planPrune} from './inventory.ts'
import {manifestFor, matches} from './live.ts'
import {claimsOf, declaredScope, refuseSameObject, stamp, withNamespace} from './stamp.ts'
import {failedForGood, passIntervalMilliseconds, withVerdict} from './status.ts'

const commit = {hash: 'c0ffee', author: 'Ada <a@example.com>', subject: 'Words', time: '2026-01-01T00:00:00Z'}
const options = {gitSync: 'shop/apps', commit}

function object(kind: string, name: string, rest: Partial<KubeObject> = {}): KubeObject {
  const apiVersion = rest.apiVersion ?? 'v1'
  return {...rest, apiVersion, kind, metadata: {name, namespace: 'shop', ...rest.metadata}}
}

function rollout(spec: object): KubeObject {
  return object('Rollout', 'r', {apiVersion: 'fairlead.dev/v1alpha1', spec})
}

describe('namespaces', () => {
  test('are filled in for namespaced kinds only', () => {
    const bare = {apiVersion: 'v1', kind: 'X', metadata: {name: 'a'}}
    expect(withNamespace(bare, 'Namespaced', 'shop').metadata).toEqual({name: 'a', namespace: 'shop'})
    expect(withNamespace(object('X', 'a'), 'Namespaced', 'other').metadata.namespace).toBe('shop')
    expect(withNamespace(object('X', 'a'), 'Cluster', 'other').metadata).toEqual({name: 'a'})
  })

  test('can make two manifests one object, across versions', () => {
    const sources = ['apps/v1', 'apps/v1beta1'].map(apiVersion => ({
      object: object('X', 'a', {apiVersion}),
      source: apiVersion,
    }))
    expect(() => refuseSameObject(sources)).toThrow('apps/v1beta1: X shop/a is already in apps/v1: remove one of them')
  })

  test('of a custom resource come from a definition in the same commit', () => {
    const spec = {group: 'example.com', scope: 'Cluster', names: {kind: 'Toy'}}
    const sources = [{object: object('CustomResourceDefinition', 'x', {spec}), source: 'a'}]
    expect(declaredScope(sources, 'example.com/v1', 'Toy')).toBe('Cluster')
    expect(declaredScope(sources, 'example.org/v1', 'Toy')).toBeUndefined()
  })
})

describe('the claims of Rollouts', () => {
  const claims = claimsOf([
    rollout({targetRef: {name: 'web'}}),
    rollout({targetRef: {name: 'api'}, service: {name: 'gate', selector: 'shared'}}),
  ])

  test('name targets and apex Services, but no shared one', () => {
    expect([...claims.targets]).toEqual(['shop/web', 'shop/api'])
    expect([...claims.apexServices]).toEqual(['shop/web'])
  })

  test('move replicas and selector, and nothing else', () => {
    const target = object('Deployment', 'web', {apiVersion: 'apps/v1', spec: {replicas: 0, template: {}}})
    const stamped = stamp({object: target, source: 'a'}, claims, options)
    expect(stamped.manifest.spec).toEqual({template: {}})
    expect(stamped.manifest.metadata.annotations?.['fairlead.dev/replicas']).toBe('0')
    const apex = object('Service', 'web', {spec: {selector: {a: 'b'}, ports: []}})
    expect(stamp({object: apex, source: 'a'}, claims, options).manifest.spec).toEqual({ports: []})
    const other = object('Deployment', 'web2', {apiVersion: 'apps/v1', spec: {replicas: 2}})
    expect(stamp({object: other, source: 'a'}, claims, options).manifest.spec).toEqual({replicas: 2})
    const elsewhere = {...target, metadata: {name: 'web', namespace: 'test'}}
    expect(stamp({object: elsewhere, source: 'a'}, claims, options).manifest.spec).toHaveProperty('replicas')
  })

  test('leave the live value while the GitSync alone owns it, on condition that nothing changes', () => {
    const target = object('Deployment', 'web', {apiVersion: 'apps/v1', spec: {replicas: 3}})
    const prepared = stamp({object: target, source: 'a'}, claims, options)
    const owner = (manager: string) => ({manager, fieldsV1: {'f:spec': {'f:replicas': {}}}})
    const live = (...managers: string[]): KubeObject =>
      object('Deployment', 'web', {
        spec: {replicas: 5},
        metadata: {name: 'web', resourceVersion: '7', managedFields: managers.map(owner)},
      })
    const kept = manifestFor(prepared, live('fairlead-gitsync'))
    expect([kept.spec.replicas, kept.metadata.resourceVersion]).toEqual([5, '7'])
    expect(manifestFor(prepared, live('fairlead-gitsync', 'fairlead')).spec).toEqual({})
    expect(manifestFor(prepared, live('kubectl')).spec).toEqual({})
    expect(manifestFor(prepared, undefined).spec).toEqual({})
  })
})

describe('comparison', () => {
  const live = object('X', 'a', {
    spec: {list: [{name: 'x', added: 1}], text: 'y', more: {}},
    metadata: {name: 'a', annotations: {k: 'v'}},
  })

  test.each<[boolean, object]>([
    [true, {text: 'y'}],
    [true, {list: [{name: 'x'}]}],
    [true, {absent: null}],
    [false, {text: 'z'}],
    [false, {list: []}],
    [false, {list: [{name: 'x'}, {name: 'y'}]}],
    [false, {text: {y: 1}}],
    [false, {more: []}],
    [false, {absent: 0}],
  ])('answers %s for %j', (expected, spec) => {
    expect(matches(live, object('X', 'a', {spec}))).toBe(expected)
  })

  test('sees an annotation of ours that has to go', () => {
    const annotated = object('X', 'a', {metadata: {name: 'a', annotations: {'fairlead.dev/replicas': '3'}}})
    expect(matches(annotated, object('X', 'a'))).toBe(false)
  })
})

describe('inventory', () => {
  const entry = (kind: string, name: string, apiVersion = 'v1') => ({apiVersion, kind, namespace: 'shop', name})

  test('tells what goes, dependants first, and keeps what only changed its version', () => {
    const before = [
      entry('Namespace', 'n'),
      entry('Service', 's'),
      entry('Deployment', 'd', 'apps/v1'),
      entry('X', 'x', 'a.b/v1'),
      entry('Rollout', 'r', 'fairlead.dev/v1alpha1'),
    ]
    const plan = planPrune(before, [entry('X', 'x', 'a.b/v2')], '.')
    expect(plan.kind === 'prune' && plan.entries.map(({name}) => name)).toEqual(['r', 'd', 's', 'n'])
    expect(mergeInventories(before, [entry('X', 'x', 'a.b/v2')]).map(({apiVersion}) => apiVersion)).toContain('a.b/v2')
  })

  test('is never emptied by an empty path', () => {
    expect(planPrune([entry('X', 'x')], [], 'a')).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('spec.path "a"'),
    })
    expect(planPrune([], [], 'a')).toEqual({kind: 'prune', entries: []})
  })

  test('protects what others stamped, what nobody stamped, and what a user marked', () => {
    const live = (annotations: Record<string, string>) => object('X', 'x', {metadata: {name: 'x', annotations}})
    expect(mayPrune(live({'fairlead.dev/git-sync': 'shop/apps'}), 'shop/apps')).toBe(true)
    expect(mayPrune(live({'fairlead.dev/git-sync': 'shop/other'}), 'shop/apps')).toBe(false)
    expect(mayPrune(live({}), 'shop/apps')).toBe(false)
    expect(mayPrune(live({'fairlead.dev/git-sync': 'shop/apps', 'fairlead.dev/prune': 'disabled'}), 'shop/apps')).toBe(
      false,
    )
  })

  test('is applied in the order of need; equals stay in place', () => {
    const kinds = [
      'x/Other',
      'fairlead.dev/Rollout',
      'apps/Deployment',
      '/Service',
      '/Secret',
      '/ConfigMap',
      '/ServiceAccount',
      'apiextensions.k8s.io/CustomResourceDefinition',
      '/Namespace',
    ]
    const items = kinds.map(name => ({
      apiVersion: name.startsWith('/') ? 'v1' : `${name.split('/')[0]}/v1`,
      kind: name.split('/')[1] ?? '',
    }))
    const ordered = inApplyOrder(items, item => item).map(({kind}) => kind)
    expect(ordered).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'ServiceAccount',
      'Secret',
      'ConfigMap',
      'Service',
      'Deployment',
      'Rollout',
      'Other',
    ])
  })
})

describe('status', () => {
  const first = '2026-01-01T00:00:00Z'
  const failed = withVerdict({}, {ready: 'False', reason: 'ApplyFailed', message: 'm'}, 1, first)

  test('moves a transition time only when a status flips', () => {
    const again = withVerdict(failed, {ready: 'False', reason: 'Unreachable', message: 'n'}, 1, '2026-01-01T00:01:00Z')
    expect(again.conditions?.map(({lastTransitionTime}) => lastTransitionTime)).toEqual([first, first, first])
    const healed = withVerdict(again, {ready: 'True', reason: 'Applied', message: 'o'}, 1, '2026-01-01T00:02:00Z')
    expect(healed.conditions?.map(({type, status}) => `${type}=${status}`)).toEqual([
      'Ready=True',
      'Reconciling=False',
      'Stalled=False',
    ])
    expect(healed.conditions?.[0]?.lastTransitionTime).toBe('2026-01-01T00:02:00Z')
  })

  test('tells failures that only the user can end from those that pass', () => {
    const stalled = withVerdict({}, {ready: 'False', reason: 'InvalidManifest', message: 'm'}, 1, first)
    expect(stalled.conditions?.map(({status}) => status)).toEqual(['False', 'False', 'True'])
    expect([failedForGood(stalled), failedForGood(failed)]).toEqual([true, false])
  })

  test.each([
    [0, 5_000],
    [4_000, 5_000],
    [20_000, 20_000],
    [3_600_000, 600_000],
  ])('after %d ms of failing waits %d ms', (lasted, wait) => {
    expect(passIntervalMilliseconds(failed, Date.parse(first) + lasted, 1)).toBe(wait)
  })
})
