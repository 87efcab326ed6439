// Watches, reflectors and events.
import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../../controller/shell/clock.ts'
import {EventRecorder} from '../../../controller/shell/event-recorder.ts'
import {createLogger} from '../../../controller/shell/log.ts'
import {type Bench, follow, pathOf, type RawEvent, refOf, refusal, type StartTarget, until, useBench} from './bench.ts'
import {configMap} from './objects.ts'

export function describeWatches(startTarget: StartTarget): void {
  describe('reflectors', () => {
    defineReflectors(useBench(startTarget, 'reflector'))
  })
  describe('watches', () => {
    defineWatches(useBench(startTarget, 'watch'))
  })
  describe('shapes and ends of watches', () => {
    defineWatchShapes(useBench(startTarget, 'shapes'))
  })
  describe('events', () => {
    defineEvents(useBench(startTarget, 'events'))
  })
}

function defineReflectors(bench: () => Bench): void {
  test('it follows what was there and what comes, changes and goes', async () => {
    const {client, namespace} = bench()
    const before = await client.create(configMap(namespace, 'before', {follow: 'yes'}))
    const reflector = follow(client, {apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: 'follow=yes'})
    const changes: string[] = []
    reflector.onChange((key, old, current) => void changes.push(`${key} ${old ? 'was' : ''}>${current ? 'is' : ''}`))
    expect(await reflector.synced).toBe('synced')
    expect(reflector.store.get(namespace, 'before')).toMatchObject({kind: 'ConfigMap', data: {key: 'value'}})
    const options = {fieldManager: 'contract'}
    await client.create(configMap(namespace, 'other', {follow: 'no'}))
    await client.mergePatch(refOf(before), {data: {key: 'new'}}, options)
    await until(() => reflector.store.get(namespace, 'before')?.['data']?.key === 'new', 'change in the store')
    // What no longer matches the selector is gone for whoever follows by it.
    await client.mergePatch(refOf(before), {metadata: {labels: {follow: 'no'}}}, options)
    await until(() => reflector.store.get(namespace, 'before') === undefined, 'removal from the store')
    const other = {...refOf(before), name: 'other'}
    await client.mergePatch(other, {metadata: {labels: {follow: 'yes'}}}, options)
    await until(() => reflector.store.get(namespace, 'other'), 'addition to the store')
    await client.delete(other, {})
    await until(() => reflector.store.size === 0, 'empty store')
    const key = (name: string) => `${namespace}/${name}`
    const [first, second] = [key('before'), key('other')]
    expect(changes).toEqual([`${first} >is`, `${first} was>is`, `${first} was>`, `${second} >is`, `${second} was>`])
    await reflector.stop()
  })

  test('it may follow metadata alone', async () => {
    const {client, namespace} = bench()
    const query = {apiVersion: 'v1', kind: 'ConfigMap', namespace, metadataOnly: true}
    const first = await client.create(configMap(namespace, 'listed'))
    const reflector = follow(client, query)
    await reflector.synced
    const second = await client.create(configMap(namespace, 'watched'))
    await until(() => reflector.store.get(namespace, 'watched'), 'ConfigMap in the store')
    for (const {apiVersion, kind, metadata} of [first, second]) {
      const {uid, resourceVersion} = metadata
      const kept = reflector.store.get(namespace, metadata.name)
      expect(kept).toMatchObject({apiVersion, kind, metadata: {uid, resourceVersion}})
      expect(kept).not.toHaveProperty('data')
    }
    await reflector.stop()
  })

  test('a watch gives what came after the list, and nothing that was in it', async () => {
    const {client, namespace} = bench()
    const query = {apiVersion: 'v1', kind: 'ConfigMap', namespace}
    await client.create(configMap(namespace, 'in-the-list'))
    const {resourceVersion} = await client.listVersioned(query)
    const events = client.watch(query, {resourceVersion, signal: AbortSignal.timeout(5_000)})
    const next = events.next()
    await client.create(configMap(namespace, 'after-the-list'))
    expect((await next).value).toMatchObject({type: 'ADDED', object: {metadata: {name: 'after-the-list'}}})
    await events.return(undefined)
  })
}

const told = (events: RawEvent[]) => events.map(event => `${event.type} ${event.object.metadata.name ?? ''}`.trim())

function defineWatches(bench: () => Bench): void {
  test('what a watch tells: additions, changes, deletions in their last state', async () => {
    const {client, namespace, watch} = bench()
    const selector = 'labelSelector=watch%3Dplain'
    const {resourceVersion} = await client.listVersioned({apiVersion: 'v1', kind: 'ConfigMap', namespace})
    const object = configMap(namespace, 'told', {watch: 'plain'})
    await client.create(object)
    await client.mergePatch(refOf(object), {data: {key: 'new'}}, {fieldManager: 'contract'})
    await client.delete(refOf(object), {})
    const path = `${pathOf(namespace, 'configmaps')}?watch=true&${selector}&resourceVersion=${resourceVersion}`
    const events = await watch(path, seen => seen.length === 3)
    expect(told(events)).toEqual(['ADDED told', 'MODIFIED told', 'DELETED told'])
    expect(events[2]?.object).toMatchObject({kind: 'ConfigMap', apiVersion: 'v1', data: {key: 'new'}})
    const versions = events.map(event => Number(event.object.metadata.resourceVersion))
    expect(versions[2]).toBeGreaterThan(versions[1] ?? Number.NaN)
    expect(versions[1]).toBeGreaterThan(versions[0] ?? Number.NaN)
  })

  test('a watch without a version begins with what is there', async () => {
    const {client, namespace, watch} = bench()
    await client.create(configMap(namespace, 'there', {watch: 'start'}))
    const path = `${pathOf(namespace, 'configmaps')}?watch=true&labelSelector=watch%3Dstart`
    expect(told(await watch(path, seen => seen.length === 1))).toEqual(['ADDED there'])
    expect(told(await watch(`${path}&resourceVersion=0`, seen => seen.length === 1))).toEqual(['ADDED there'])
  })

  test('initial events end with a bookmark that says so', async () => {
    const {client, namespace, watch} = bench()
    for (const name of ['i1', 'i2']) await client.create(configMap(namespace, name, {watch: 'initial'}))
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const path = `${pathOf(namespace, 'configmaps')}?watch=true&labelSelector=watch%3Dinitial&${query}`
    const events = await watch(path, seen => seen.some(event => event.type === 'BOOKMARK'))
    expect(told(events)).toEqual(['ADDED i1', 'ADDED i2', 'BOOKMARK'])
    expect(events[2]?.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {annotations: {'k8s.io/initial-events-end': 'true'}, resourceVersion: expect.stringMatching(/^\d+$/)},
    })
  })

  test('initial events need a version match', async () => {
    const {namespace, watch} = bench()
    const path = `${pathOf(namespace, 'configmaps')}?watch=true&sendInitialEvents=true`
    const refused = await refusal(watch(path, () => false))
    expect(refused).toMatchObject({
      status: 422,
      reason: 'Invalid',
      message: expect.stringContaining('sendInitialEvents'),
    })
  })
}

function defineWatchShapes(bench: () => Bench): void {
  test('metadata alone, in a table, and of one object', async () => {
    const {client, namespace, watch} = bench()
    await client.create(configMap(namespace, 'shaped', {watch: 'shape'}))
    const path = `${pathOf(namespace, 'configmaps')}?watch=true&fieldSelector=metadata.name%3Dshaped`
    const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
    const [meta] = await watch(path, seen => seen.length === 1, partial)
    expect(meta).toMatchObject({type: 'ADDED', object: {kind: 'PartialObjectMetadata', metadata: {name: 'shaped'}}})
    expect(meta?.object).not.toHaveProperty('data')
    const [table] = await watch(path, seen => seen.length === 1, 'application/json;as=Table;v=v1;g=meta.k8s.io')
    expect(table).toMatchObject({
      type: 'ADDED',
      object: {kind: 'Table', rows: [{cells: ['shaped', 1, expect.anything()]}]},
    })
  })

  test('a version that was forgotten is told as an event, and to our client as 410', async () => {
    const {client, namespace, watch} = bench()
    const path = `${pathOf(namespace, 'fairlead.dev/v1alpha1/rollouts')}?watch=true&resourceVersion=1`
    const [event, ...others] = await watch(path, () => false)
    expect(others).toEqual([])
    expect(event).toMatchObject({type: 'ERROR', object: {kind: 'Status', reason: 'Expired', code: 410}})
    expect(event?.object['message']).toMatch(/^too old resource version: 1 \(\d+\)$/)
    const query = {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', namespace}
    const events = client.watch(query, {resourceVersion: '1', signal: AbortSignal.timeout(5_000)})
    expect(await refusal(events.next())).toMatchObject({status: 410, reason: 'Expired'})
  })

  test('a version that is none is refused, and a watch ends when its time is up', async () => {
    const {namespace, watch} = bench()
    const path = `${pathOf(namespace, 'configmaps')}?watch=true`
    expect(await refusal(watch(`${path}&resourceVersion=nonsense`, () => true))).toMatchObject({
      status: 500,
      message: expect.stringMatching(/^resourceVersion: Invalid value: "nonsense"/),
    })
    const nothing = '&labelSelector=watch%3Dnothing&timeoutSeconds=1'
    expect(await watch(`${path}${nothing}`, () => false)).toEqual([])
  })
}

function defineEvents(bench: () => Bench): void {
  test('events are accepted, and counted up', async () => {
    const {client, namespace} = bench()
    const log = createLogger({level: 'silent'})
    const clock = systemClock()
    const recorder = new EventRecorder({cluster: client, clock, random: systemRandom(), log, instance: 'contract'})
    const about = await client.create(configMap(namespace, 'eventful'))
    recorder.record(about, 'Warning', 'Contract', 'it happened')
    const events = async () => {
      const all = await client.list({apiVersion: 'v1', kind: 'Event', namespace})
      return all.filter(event => event['involvedObject']?.uid === about.metadata.uid)
    }
    await until(async () => (await events()).length === 1, 'event')
    recorder.record(about, 'Warning', 'Contract', 'it happened')
    expect(await recorder.flush(5_000)).toBe(true)
    const involvedObject = {kind: 'ConfigMap', namespace, name: 'eventful'}
    expect(await events()).toMatchObject([{count: 2, type: 'Warning', reason: 'Contract', involvedObject}])
  })

  test('events get a name and are found by what they are about', async () => {
    const {namespace, send} = bench()
    const involvedObject = {apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'subject'}
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {generateName: 'subject.'},
      involvedObject,
      ...{reason: 'Contract', message: 'it happened', type: 'Normal', source: {component: 'contract'}},
    }
    const created = await send({method: 'POST', path: pathOf(namespace, 'events'), body})
    expect(created.metadata.name).toMatch(/^subject\.[a-z0-9]{5}$/)
    const fieldSelector = 'involvedObject.name=subject,type=Normal,reason=Contract,source=contract'
    const search = new URLSearchParams({fieldSelector})
    const list = await send({method: 'GET', path: `${pathOf(namespace, 'events')}?${search}`})
    expect(list['items']).toMatchObject([{involvedObject, message: 'it happened'}])
    const renamed = await send({
      method: 'GET',
      path: pathOf(namespace, 'events.k8s.io/v1/events', created.metadata.name),
    })
    expect(renamed).toMatchObject({
      regarding: involvedObject,
      note: 'it happened',
      deprecatedSource: {component: 'contract'},
    })
  })
}
