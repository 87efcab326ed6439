// Server-side apply: who owns which field, and what follows from that.
import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type Bench, pathOf, refOf, refusal, type StartTarget, useBench} from './bench.ts'
import {configMap, deployment, service} from './objects.ts'
import {useWidgets} from './widgets.ts'

export function describeApply(startTarget: StartTarget): void {
  describe('server-side apply', () => {
    defineApply(useBench(startTarget, 'apply'))
  })
  describe('refused applies', () => {
    defineRefusedApplies(useBench(startTarget, 'refused-apply'))
  })
  describe('ownership of fields', () => {
    defineOwnership(useBench(startTarget, 'ownership'))
  })
  describe('apply to lists', () => {
    defineLists(useBench(startTarget, 'apply-lists'))
  })
}

const as = (fieldManager: string, force = false) => ({fieldManager, force})

/** The fields of one manager, without the time. */
function ownedBy(object: KubeObject, manager: string) {
  const entry = object.metadata.managedFields?.find(item => item.manager === manager)
  if (entry === undefined) return undefined
  const {time: _, ...rest} = entry
  return rest
}

function defineApply(bench: () => Bench): void {
  test('an apply creates, owns its fields and changes nothing the second time', async () => {
    const {client, namespace} = bench()
    const manifest = service(namespace, 'owned')
    const first = await client.apply(manifest, as('contract'))
    const second = await client.apply(manifest, as('contract'))
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    expect(second.metadata.managedFields).toEqual(first.metadata.managedFields)
    const port = {'.': {}, 'f:name': {}, 'f:port': {}}
    expect(ownedBy(first, 'contract')).toEqual({
      manager: 'contract',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:spec': {'f:ports': {'k:{"port":80,"protocol":"TCP"}': port}, 'f:selector': {}},
      },
    })
  })

  test('an apply that says nothing gives up what the manager owned, and the object stays', async () => {
    const {client, namespace} = bench()
    const manifest = service(namespace, 'given-up')
    await client.apply(manifest, as('user'))
    const {spec: _spec, ...bare} = manifest
    const marks = {labels: {...manifest.metadata.labels, mark: 'ours'}, annotations: {stamp: 'ours'}}
    const marked = await client.apply({...bare, metadata: {...manifest.metadata, ...marks}}, as('contract'))
    expect(marked.metadata).toMatchObject({labels: {mark: 'ours'}, annotations: {stamp: 'ours'}})
    const left = await client.apply(bare, as('contract'))
    expect([left.metadata.labels?.['mark'], left.metadata.annotations?.['stamp']]).toEqual([undefined, undefined])
    expect(left.spec?.selector).toEqual(marked.spec?.selector)
  })

  test('an unknown field is refused, not dropped', async () => {
    const {client, namespace} = bench()
    const manifest = deployment(namespace, 'strict')
    manifest['spec'].replicaz = 3
    const refused = client.apply(manifest, as('contract', true))
    await expect(refused).rejects.toMatchObject({message: expect.stringContaining('replicaz')})
    expect(await client.get(refOf(manifest))).toBeUndefined()
  })

  test('a dry run answers and writes nothing', async () => {
    const {client, namespace} = bench()
    const manifest = deployment(namespace, 'dry', 2)
    const answer = await client.apply(manifest, {...as('contract'), dryRun: true})
    expect(answer.spec).toMatchObject({replicas: 2})
    expect(await client.get(refOf(manifest))).toBeUndefined()
  })
}

function defineRefusedApplies(bench: () => Bench): void {
  test('an apply needs a manager, and a body of the kind of its path', async () => {
    const {namespace, send} = bench()
    const contentType = 'application/apply-patch+yaml'
    const path = pathOf(namespace, 'configmaps', 'kind')
    const unnamed = await refusal(send({method: 'PATCH', path, contentType, body: configMap(namespace, 'kind')}))
    expect(unnamed).toMatchObject({message: expect.stringMatching(/fieldManager/)})
    const manager = `${path}?fieldManager=contract`
    const wrong = await refusal(send({method: 'PATCH', path: manager, contentType, body: service(namespace, 'kind')}))
    expect(wrong).toMatchObject({status: 400, reason: 'BadRequest'})
    const named = await refusal(
      send({method: 'PATCH', path: manager, contentType, body: configMap(namespace, 'another')}),
    )
    expect(named).toMatchObject({status: 400, reason: 'BadRequest'})
  })

  test('managed fields of the manifest itself are refused', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'managed'))
    expect(await refusal(client.apply(created, as('contract', true)))).toMatchObject({
      status: 400,
      message: expect.stringContaining('managedFields must be nil'),
    })
  })

  test('a stale version in the manifest is a conflict', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'versioned'))
    const manifest = configMap(namespace, 'versioned')
    const {resourceVersion = ''} = created.metadata
    manifest.metadata = {...manifest.metadata, resourceVersion}
    manifest['data'] = {key: 'value', more: '1'}
    await client.apply(manifest, as('contract', true))
    manifest['data'] = {key: 'value', more: '2'}
    expect(await refusal(client.apply(manifest, as('contract', true)))).toMatchObject({status: 409, reason: 'Conflict'})
  })
}

function defineOwnership(bench: () => Bench): void {
  test('a conflict names the field and the manager; force takes it over', async () => {
    const {client, namespace} = bench()
    await client.apply(deployment(namespace, 'contested', 2), as('first'))
    const other = deployment(namespace, 'contested', 5)
    const error = await refusal(client.apply(other, as('second')))
    expect(error).toMatchObject({status: 409, reason: 'Conflict'})
    expect(error.message).toMatch(/^Apply failed with 1 conflict: conflict with "first"/)
    const causes = (error as unknown as {causes: string[]}).causes
    expect(causes).toEqual([expect.stringMatching(/^\.spec\.replicas: conflict with "first"/)])
    const forced = await client.apply(other, as('second', true))
    expect(forced.spec).toMatchObject({replicas: 5})
    expect(ownedBy(forced, 'first')?.fieldsV1?.['f:spec']).not.toHaveProperty('f:replicas')
    expect(ownedBy(forced, 'second')?.fieldsV1?.['f:spec']).toHaveProperty('f:replicas')
  })

  test('two managers own what both apply, and it goes when neither does', async () => {
    const {client, namespace} = bench()
    const metadata = {name: 'shared', namespace}
    const manifest = (data: object): KubeObject => ({apiVersion: 'v1', kind: 'ConfigMap', metadata, data})
    await client.apply(manifest({shared: '1', mine: '1'}), as('first'))
    await client.apply(manifest({shared: '1'}), as('second'))
    const left = await client.apply(manifest({mine: '1'}), as('first'))
    expect(left['data']).toEqual({shared: '1', mine: '1'})
    const gone = await client.apply(manifest({}), as('second'))
    expect(gone['data']).toEqual({mine: '1'})
  })

  test('what was written by an update and then left out by an applier stays', async () => {
    const {client, namespace} = bench()
    const manifest = (data: object) => ({...configMap(namespace, 'kept'), data}) as KubeObject
    await client.apply(manifest({a: '1', b: '1'}), as('contract'))
    await client.mergePatch(refOf(manifest({})), {data: {b: '2', c: '1'}}, {fieldManager: 'editor'})
    const conflicting = await refusal(client.apply(manifest({a: '1', b: '1'}), as('contract')))
    expect(conflicting).toMatchObject({status: 409, message: expect.stringContaining('conflict with "editor"')})
    const applied = await client.apply(manifest({a: '1'}), as('contract'))
    expect(applied['data']).toEqual({a: '1', b: '2', c: '1'})
    const managers = applied.metadata.managedFields?.map(({manager, operation}) => `${manager} ${operation}`)
    expect(managers?.sort()).toEqual(['contract Apply', 'editor Update'])
  })

  test('fields of an update and of a subresource are told apart', async () => {
    const {client, namespace} = bench()
    const created = await client.create(deployment(namespace, 'parts', 0))
    await client.scale(refOf(created), 1, {fieldManager: 'scaler'})
    const scaled = await client.get(refOf(created))
    expect(scaled && ownedBy(scaled, 'scaler')).toEqual({
      manager: 'scaler',
      operation: 'Update',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: {'f:spec': {'f:replicas': {}}},
      subresource: 'scale',
    })
    await client.scale(refOf(created), 0, {fieldManager: 'scaler'})
  })
}

function defineLists(bench: () => Bench): void {
  const widgets = useWidgets(bench)

  test('a set is owned by item, an atomic list as a whole, a map by key', async () => {
    const {client} = bench()
    const {widget} = widgets()
    const first = {size: 1, set: ['a'], atomic: ['a'], ports: [{name: 'http', port: 80}]}
    await client.apply(widget('lists', first), as('first'))
    const second = {size: 1, set: ['b'], ports: [{name: 'admin', port: 81}]}
    const merged = await client.apply(widget('lists', second), as('second'))
    expect(merged['spec'].set.toSorted()).toEqual(['a', 'b'])
    expect(merged['spec'].ports.map((port: {name: string}) => port.name).toSorted()).toEqual(['admin', 'http'])
    expect(ownedBy(merged, 'second')?.fieldsV1).toEqual({
      'f:spec': {
        'f:ports': {'k:{"name":"admin"}': {'.': {}, 'f:name': {}, 'f:port': {}}},
        'f:set': {'v:"b"': {}},
        'f:size': {},
      },
    })
    const contested = await refusal(client.apply(widget('lists', {size: 1, atomic: ['b']}), as('second')))
    expect(contested).toMatchObject({status: 409, causes: [expect.stringMatching(/^\.spec\.atomic/)]})
  })

  test('items that their manager leaves out go, the others stay', async () => {
    const {client} = bench()
    const {widget} = widgets()
    await client.apply(widget('left', {size: 1, set: ['a', 'b'], ports: [{name: 'http', port: 80}]}), as('first'))
    await client.apply(widget('left', {size: 1, set: ['b', 'c'], ports: [{name: 'admin', port: 81}]}), as('second'))
    const left = await client.apply(widget('left', {size: 1}), as('first'))
    expect(left['spec'].set.toSorted()).toEqual(['b', 'c'])
    expect(left['spec'].ports).toEqual([{name: 'admin', port: 81, protocol: 'TCP'}])
  })

  test('the same item twice is refused', async () => {
    const {client} = bench()
    const {widget} = widgets()
    const ports = [
      {name: 'http', port: 80},
      {name: 'http', port: 81},
    ]
    expect(await refusal(client.create(widget('twice', {size: 1, ports})))).toMatchObject({
      status: 422,
      causes: [expect.stringMatching(/^spec\.ports\[1\]: Duplicate value/)],
    })
    expect(await refusal(client.create(widget('twice', {size: 1, set: ['a', 'a']})))).toMatchObject({
      status: 422,
      causes: [expect.stringMatching(/^spec\.set\[1\]: Duplicate value/)],
    })
  })
}
