// What Fairlead expects of an API server, through its own client and reflector. Today the emulator has to keep it;
// a real kube-apiserver is another entry of `targets`. Nothing here may depend on which of the two answers.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../controller/shell/clock.ts'
import {EventRecorder} from '../../controller/shell/event-recorder.ts'
import {HttpTransport} from '../../controller/shell/http-transport.ts'
import {KubeClient, type WatchQuery} from '../../controller/shell/kube-client.ts'
import type {Connection} from '../../controller/shell/kube-config.ts'
import {createLogger} from '../../controller/shell/log.ts'
import {Reflector} from '../../controller/shell/reflector.ts'
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {startApiServer} from '../../playground/api/index.ts'

/** An API server under test. */
interface Target {
  connection: Connection
  close(): Promise<void>
}

const targets: Record<string, () => Promise<Target>> = {
  async emulator() {
    const server = await startApiServer({port: 0})
    const connection = {
      baseUrl: server.url,
      namespace: 'default',
      tls: async () => ({}),
      headers: async () => ({}),
      invalidate() {},
    }
    return {connection, close: async () => server.close()}
  },
}

/** One target with a client and a namespace of its own. */
interface Bench {
  client: KubeClient
  namespace: string
  close(): Promise<void>
}

async function openBench(startTarget: () => Promise<Target>, purpose: string): Promise<Bench> {
  const target = await startTarget()
  const transport = new HttpTransport({connection: target.connection, clock: systemClock()})
  const client = new KubeClient(transport)
  const namespace = `contract-${purpose}-${Date.now().toString(36)}`
  await client.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  return {
    client,
    namespace,
    async close() {
      await client.delete({apiVersion: 'v1', kind: 'Namespace', name: namespace}, {})
      await transport.close()
      await target.close()
    },
  }
}

/** Gives each test of a `describe` the same bench. */
function useBench(startTarget: () => Promise<Target>, purpose: string): () => Bench {
  let bench: Bench | undefined
  beforeAll(async () => {
    bench = await openBench(startTarget, purpose)
  })
  afterAll(async () => bench?.close())
  return () => {
    if (bench === undefined) throw new Error('the target did not start')
    return bench
  }
}

async function until<T>(probe: () => T | undefined | false | Promise<T | undefined | false>, what: string): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`within 10 s there was no ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function configMap(namespace: string, name: string, labels: Record<string, string> = {}): KubeObject {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {namespace, name, labels}, data: {key: 'value'}}
}

function refOf(object: KubeObject): ObjectRef {
  const {apiVersion, kind, metadata} = object
  return {apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? ''}
}

function deployment(namespace: string, name: string, replicas?: number): KubeObject {
  const labels = {app: name}
  const template = {metadata: {labels}, spec: {containers: [{name: 'app', image: 'example.com/app:1'}]}}
  const spec = {selector: {matchLabels: labels}, template, ...(replicas === undefined ? {} : {replicas})}
  return {apiVersion: 'apps/v1', kind: 'Deployment', metadata: {namespace, name}, spec}
}

function widgetDefinition(group: string): KubeObject {
  const openAPIV3Schema = {
    type: 'object',
    properties: {
      spec: {type: 'object', properties: {size: {type: 'integer', minimum: 1}}},
      status: {type: 'object', properties: {phase: {type: 'string'}}},
    },
  }
  const served = {served: true, storage: true, schema: {openAPIV3Schema}, subresources: {status: {}}}
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: `widgets.${group}`},
    spec: {
      group,
      scope: 'Namespaced',
      names: {plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList'},
      versions: [{name: 'v1', ...served}],
    },
  }
}

describe.each(Object.entries(targets))('reads and plain writes: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'plain')

  test('kinds have a scope, unknown ones have none', async () => {
    const {client} = bench()
    expect(await client.scopeOf('v1', 'Namespace')).toBe('Cluster')
    expect(await client.scopeOf('apps/v1', 'Deployment')).toBe('Namespaced')
    expect(await client.scopeOf('v1', 'Nonsense')).toBeUndefined()
    expect(await client.scopeOf('nonsense.example.com/v1', 'Nonsense')).toBeUndefined()
    expect((await client.resourceOf('apps/v1', 'Deployment')).subresources).toEqual(
      expect.arrayContaining(['status', 'scale']),
    )
  })

  test('what was created can be read, listed by label and deleted once', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'one', {app: 'a', tier: 'x'}))
    await client.create(configMap(namespace, 'two', {app: 'b'}))
    expect(created.metadata.uid).toMatch(/./)
    expect(await client.get(refOf(created))).toEqual(created)
    const names = async (labelSelector: string) => {
      const items = await client.list({apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector})
      return items.map(item => item.metadata.name).sort()
    }
    expect(await names('app=a')).toEqual(['one'])
    expect(await names('app in (a,b)')).toEqual(['one', 'two'])
    expect(await names('app,!tier')).toEqual(['two'])
    expect(await client.delete(refOf(created), {})).toBe(true)
    expect(await client.delete(refOf(created), {})).toBe(false)
    expect(await client.get(refOf(created))).toBeUndefined()
  })

  test('items of a list carry their kind', async () => {
    const {client, namespace} = bench()
    const [item] = await client.list({apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: 'app=b'})
    expect(item).toMatchObject({apiVersion: 'v1', kind: 'ConfigMap', metadata: {namespace, name: 'two'}})
  })

  test('a name is taken once', async () => {
    const {client, namespace} = bench()
    await client.create(configMap(namespace, 'taken'))
    const again = client.create(configMap(namespace, 'taken'))
    await expect(again).rejects.toMatchObject({status: 409, reason: 'AlreadyExists'})
  })
})

describe.each(Object.entries(targets))('conditional writes: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'conditional')

  test('a deletion with another uid is refused', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'guarded'))
    const wrong = client.delete(refOf(created), {uid: '00000000-0000-0000-0000-000000000000'})
    await expect(wrong).rejects.toMatchObject({status: 409, reason: 'Conflict'})
    expect(await client.delete(refOf(created), {uid: created.metadata.uid ?? '', propagation: 'Background'})).toBe(true)
  })

  test('a merge patch with a stale resourceVersion is refused', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'patched'))
    const {resourceVersion = ''} = created.metadata
    const patch = {metadata: {resourceVersion}, data: {key: null, other: '1'}}
    const patched = await client.mergePatch(refOf(created), patch, {fieldManager: 'contract'})
    expect(patched['data']).toEqual({other: '1'})
    const stale = client.mergePatch(refOf(created), patch, {fieldManager: 'contract'})
    await expect(stale).rejects.toMatchObject({status: 409, reason: 'Conflict'})
  })

  test('a JSON patch is carried out as a whole or not at all', async () => {
    const {client, namespace} = bench()
    const ref = refOf(await client.create(configMap(namespace, 'json')))
    const add = {op: 'add' as const, path: '/data/added', value: 'x'}
    const options = {fieldManager: 'contract'}
    const failing = [add, {op: 'test' as const, path: '/data/key', value: 'other'}]
    await expect(client.jsonPatch(ref, failing, options)).rejects.toMatchObject({status: 422})
    expect((await client.get(ref))?.['data']).toEqual({key: 'value'})
    const passing = [{op: 'test' as const, path: '/data/key', value: 'value'}, add]
    expect((await client.jsonPatch(ref, passing, options))['data']).toEqual({key: 'value', added: 'x'})
  })
})

describe.each(Object.entries(targets))('workloads and server-side apply: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'apply')

  test('an apply creates, owns its fields and changes nothing the second time', async () => {
    const {client, namespace} = bench()
    const manifest = deployment(namespace, 'owned', 2)
    const first = await client.apply(manifest, {fieldManager: 'contract', force: false})
    expect(first.spec).toMatchObject({replicas: 2})
    const second = await client.apply(manifest, {fieldManager: 'contract', force: false})
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    const applied = first.metadata.managedFields?.find(entry => entry.operation === 'Apply')
    expect(applied).toMatchObject({manager: 'contract', fieldsV1: {'f:spec': {'f:replicas': {}}}})
  })

  test('a conflict names the field and the manager; force takes it over', async () => {
    const {client, namespace} = bench()
    await client.apply(deployment(namespace, 'contested', 2), {fieldManager: 'first', force: false})
    const other = deployment(namespace, 'contested', 5)
    const error = await client.apply(other, {fieldManager: 'second', force: false}).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({status: 409, reason: 'Conflict'})
    const causes = (error as {causes: string[]}).causes
    expect(causes).toEqual([expect.stringMatching(/^\.spec\.replicas: conflict with "first"/)])
    expect((await client.apply(other, {fieldManager: 'second', force: true})).spec).toMatchObject({replicas: 5})
  })

  test('an unknown field is refused, not dropped', async () => {
    const {client, namespace} = bench()
    const manifest = deployment(namespace, 'strict')
    manifest['spec'].replicaz = 3
    const refused = client.apply(manifest, {fieldManager: 'contract', force: true})
    await expect(refused).rejects.toMatchObject({message: expect.stringContaining('replicaz')})
    expect(await client.get(refOf(manifest))).toBeUndefined()
  })

  test('a dry run answers and writes nothing', async () => {
    const {client, namespace} = bench()
    const manifest = deployment(namespace, 'dry', 2)
    const answer = await client.apply(manifest, {fieldManager: 'contract', force: false, dryRun: true})
    expect(answer.spec).toMatchObject({replicas: 2})
    expect(await client.get(refOf(manifest))).toBeUndefined()
  })

  test('scale sets replicas alone and moves the generation', async () => {
    const {client, namespace} = bench()
    const created = await client.create(deployment(namespace, 'scaled', 3))
    await client.scale(refOf(created), 0, {fieldManager: 'contract'})
    const scaled = await client.get(refOf(created))
    expect(scaled?.['spec']).toEqual({...created['spec'], replicas: 0})
    expect(scaled?.metadata.generation).toBe((created.metadata.generation ?? 0) + 1)
    const absent = {...refOf(created), name: 'absent'}
    await expect(client.scale(absent, 1, {fieldManager: 'contract'})).rejects.toMatchObject({status: 404})
  })

  test('a status write leaves spec and generation alone, and a stale one is refused', async () => {
    const {client, namespace} = bench()
    const created = await client.create(deployment(namespace, 'status', 3))
    const status = {observedGeneration: 1, replicas: 2, readyReplicas: 1}
    const changed = {...created, spec: {...created['spec'], replicas: 9}, status}
    const written = await client.updateStatus(changed)
    expect(written).toMatchObject({spec: {replicas: 3}, status, metadata: {generation: created.metadata.generation}})
    await expect(client.updateStatus(changed)).rejects.toMatchObject({status: 409, reason: 'Conflict'})
  })
})

describe.each(Object.entries(targets))('custom resources: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'custom')

  test('a kind is known once its definition is there, and held to its schema', async () => {
    const {client, namespace} = bench()
    const group = `${namespace}.example.com`
    const definition = widgetDefinition(group)
    expect(await client.scopeOf(`${group}/v1`, 'Widget')).toBeUndefined()
    await client.create(definition)
    await until(async () => (await client.scopeOf(`${group}/v1`, 'Widget')) === 'Namespaced', 'kind Widget')
    const widget = {apiVersion: `${group}/v1`, kind: 'Widget', metadata: {namespace, name: 'w'}, spec: {size: 1}}
    const created = await client.create(widget)
    const invalid = client.create({...widget, metadata: {namespace, name: 'x'}, spec: {size: 0}})
    await expect(invalid).rejects.toMatchObject({status: 422, causes: [expect.stringContaining('spec.size')]})
    const unknown = client.updateStatus({...created, status: {phase: 'Healthy', weight: 5}})
    await expect(unknown).rejects.toMatchObject({message: expect.stringContaining('weight')})
    const written = await client.updateStatus({...created, status: {phase: 'Healthy'}})
    expect(written).toMatchObject({spec: {size: 1}, status: {phase: 'Healthy'}, metadata: {generation: 1}})
    await client.delete({apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name}, {})
  })

  test('a reflector finds a kind that is installed later', async () => {
    const {client, namespace} = bench()
    const group = `late.${namespace}.example.com`
    const reflector = follow(client, {apiVersion: `${group}/v1`, kind: 'Widget', namespace})
    expect(await reflector.synced).toBe('missing')
    const definition = widgetDefinition(group)
    await client.create(definition)
    await until(() => reflector.state === 'synced', 'synced reflector')
    const metadata = {namespace, name: 'w'}
    await client.create({apiVersion: `${group}/v1`, kind: 'Widget', metadata, spec: {size: 2}})
    await until(() => reflector.store.get(namespace, 'w'), 'Widget in the store')
    await reflector.stop()
    await client.delete({apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name}, {})
  })
})

function follow(client: KubeClient, query: WatchQuery): Reflector {
  const log = createLogger({level: 'silent'})
  const reflector = new Reflector({source: client, query, clock: systemClock(), random: systemRandom(), log})
  reflector.start()
  return reflector
}

describe.each(Object.entries(targets))('reflector and events: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'watch')

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
})

describe.each(Object.entries(targets))('events: %s', (_, startTarget) => {
  const bench = useBench(startTarget, 'events')

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
})
