import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {finalizer} from '../../crds/names.ts'
import {stamped} from '../core/diff.ts'
import type {Intent} from '../core/intents.ts'
import {type Cluster, ClusterError} from '../ports.ts'
import {carryOut} from './carry-out.ts'

const rollout: KubeObject = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'Rollout',
  metadata: {name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '7'},
}

function service(name: string): KubeObject {
  return {apiVersion: 'v1', kind: 'Service', metadata: {name, namespace: 'shop'}, spec: {selector: {app: name}}}
}

/** Carries intents out against recorded writes; a write whose text holds `refused` is refused. */
async function carried(
  intents: Intent[],
  live: KubeObject[],
  refused = 'nothing',
): Promise<{writes: string[]; failure: string | undefined}> {
  const writes: string[] = []
  const write = (text: string) => {
    if (text.includes(refused)) throw new ClusterError(422, 'Invalid', 'refused')
    writes.push(text)
  }
  const cluster = {
    apply: async (manifest: KubeObject) => write(`apply ${manifest.metadata.name}`),
    scale: async (ref: {name: string}, replicas: number) => write(`scale ${ref.name} ${replicas}`),
    delete: async (ref: {name: string}, options: {uid?: string}) => write(`delete ${ref.name} ${options.uid}`),
    mergePatch: async (_: unknown, patch: object) => write(JSON.stringify(patch)),
  } as unknown as Cluster
  const lookup = {
    get: (ref: {kind: string; name: string}) =>
      live.find(one => one.kind === ref.kind && one.metadata.name === ref.name),
    list: () => live,
    meshObjects: () => [],
    missing: () => false,
    forbidden: () => undefined,
    reached: () => true,
  }
  const {failure} = await carryOut(intents, rollout, cluster, lookup)
  return {writes, failure: failure && `${failure.object}: ${failure.error.status}`}
}

const apply = (name: string): Intent => ({kind: 'apply', manifest: service(name)})

test('intents are sent in their order, and those that hold already are not', async () => {
  const {writes} = await carried(
    [{kind: 'finalizer', present: true}, apply('held'), apply('new')],
    [stamped(service('held'))],
  )
  expect(writes).toEqual([JSON.stringify({metadata: {finalizers: [finalizer], resourceVersion: '7'}}), 'apply new'])
})

test('an object that somebody changed is applied again', async () => {
  const drifted = {...stamped(service('web')), spec: {selector: {app: 'other'}}}
  expect((await carried([apply('web')], [drifted])).writes).toEqual(['apply web'])
})

test('the first refusal ends the pass: what comes later relies on it', async () => {
  expect(await carried([apply('one'), apply('bad'), apply('three')], [], 'bad')).toEqual({
    writes: ['apply one'],
    failure: 'Service shop/bad: 422',
  })
})

test('a dispensable one that is refused does not, and the first refusal is told', async () => {
  const intents = [{...apply('bad-one'), dispensable: true as const}, apply('two'), apply('bad-three'), apply('four')]
  expect(await carried(intents, [], 'bad')).toEqual({writes: ['apply two'], failure: 'Service shop/bad-one: 422'})
})

test('scale and delete act on what is there, and a delete only on the very object', async () => {
  const ref = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web-a'}
  const live: KubeObject = {...ref, metadata: {name: 'web-a', namespace: 'shop', uid: 'x'}, spec: {replicas: 2}}
  const scale = (replicas: number): Intent => ({kind: 'scale', ref, replicas})
  const remove = (uid: string): Intent => ({kind: 'delete', ref, uid})
  expect((await carried([scale(2), scale(3), remove('another'), remove('x')], [live])).writes).toEqual([
    'scale web-a 3',
    'delete web-a x',
  ])
  expect((await carried([scale(3), remove('x')], [])).writes).toEqual([])
})
