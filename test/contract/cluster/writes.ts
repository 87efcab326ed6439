// Plain writes, and the conditions under which they are refused.
import {describe, expect, test} from 'vitest'
import {type Bench, pathOf, refOf, refusal, type StartTarget, useBench} from './bench.ts'
import {configMap, deployment, service, unscheduledPod} from './objects.ts'

export function describeWrites(startTarget: StartTarget): void {
  describe('reads and plain writes', () => {
    definePlainWrites(useBench(startTarget, 'plain'))
  })
  describe('refused writes', () => {
    defineRefusedWrites(useBench(startTarget, 'refused'))
  })
  describe('invalid writes', () => {
    defineInvalidWrites(useBench(startTarget, 'invalid'))
  })
  describe('conditional writes', () => {
    defineConditionalWrites(useBench(startTarget, 'conditional'))
  })
  describe('patches', () => {
    definePatches(useBench(startTarget, 'patch'))
  })
}

function definePlainWrites(bench: () => Bench): void {
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

  test('what was created can be read and deleted once', async () => {
    const {client, namespace} = bench()
    const created = await client.create(configMap(namespace, 'one'))
    expect(created.metadata.uid).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(created.metadata).not.toHaveProperty('generation')
    expect(await client.get(refOf(created))).toEqual(created)
    expect(await client.delete(refOf(created), {})).toBe(true)
    expect(await client.delete(refOf(created), {})).toBe(false)
    expect(await client.get(refOf(created))).toBeUndefined()
  })

  test('a replacement keeps what the server owns and drops what it leaves out', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'replaced', {app: 'a'}))
    const path = pathOf(namespace, 'configmaps', 'replaced')
    const metadata = {name: 'replaced', namespace}
    const replaced = await send({method: 'PUT', path, body: {...created, metadata, data: {other: '1'}}})
    const {uid, creationTimestamp} = created.metadata
    expect(replaced).toMatchObject({data: {other: '1'}, metadata: {uid, creationTimestamp}})
    expect(replaced['data']).toEqual({other: '1'})
    expect(replaced.metadata).not.toHaveProperty('labels')
    expect(replaced.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion)
  })

  test('a write that changes nothing keeps the version', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'same'))
    const path = `${pathOf(namespace, 'configmaps', 'same')}?fieldManager=fairlead`
    const again = await send({method: 'PUT', path, body: created})
    expect(again.metadata.resourceVersion).toBe(created.metadata.resourceVersion)
    const patched = await client.mergePatch(refOf(created), {data: {key: 'value'}}, {fieldManager: 'fairlead'})
    expect(patched.metadata.resourceVersion).toBe(created.metadata.resourceVersion)
  })

  test('a name is made up from its beginning', async () => {
    const {namespace, send} = bench()
    const body = {apiVersion: 'v1', kind: 'ConfigMap', metadata: {generateName: 'made-'}}
    const path = pathOf(namespace, 'configmaps')
    const first = await send({method: 'POST', path, body})
    const second = await send({method: 'POST', path, body})
    expect(first.metadata.name).toMatch(/^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(first.metadata).toMatchObject({generateName: 'made-', namespace})
    expect(second.metadata.name).not.toBe(first.metadata.name)
  })

  test('a dry run answers and writes nothing', async () => {
    const {client, namespace, send} = bench()
    const path = `${pathOf(namespace, 'configmaps')}?dryRun=All`
    const answer = await send({method: 'POST', path, body: configMap(namespace, 'dry')})
    expect(answer.metadata).toMatchObject({name: 'dry', uid: expect.any(String)})
    expect(answer.metadata).not.toHaveProperty('resourceVersion')
    expect(await client.get(refOf(answer))).toBeUndefined()
    const kept = await client.create(configMap(namespace, 'kept'))
    await send({method: 'DELETE', path: `${pathOf(namespace, 'configmaps', 'kept')}?dryRun=All`})
    expect(await client.get(refOf(kept))).toEqual(kept)
  })
}

function defineRefusedWrites(bench: () => Bench): void {
  test('a name is taken once', async () => {
    const {client, namespace} = bench()
    await client.create(configMap(namespace, 'taken'))
    const again = await refusal(client.create(configMap(namespace, 'taken')))
    expect(again).toMatchObject({status: 409, reason: 'AlreadyExists', message: 'configmaps "taken" already exists'})
  })

  test('what is not there is not found, by resource and name', async () => {
    const {namespace, send} = bench()
    const get = (resource: string) => refusal(send({method: 'GET', path: pathOf(namespace, resource, 'absent')}))
    const notFound = {status: 404, reason: 'NotFound'}
    expect(await get('configmaps')).toMatchObject({...notFound, message: 'configmaps "absent" not found'})
    expect(await get('apps/v1/deployments')).toMatchObject({
      ...notFound,
      message: 'deployments.apps "absent" not found',
    })
    const message = 'the server could not find the requested resource'
    expect(await get('nonsense')).toMatchObject({...notFound, message})
    const merge = {contentType: 'application/merge-patch+json', body: {data: {}}}
    const patch = send({method: 'PATCH', path: pathOf(namespace, 'configmaps', 'absent'), ...merge})
    expect(await refusal(patch)).toMatchObject(notFound)
    const put = send({
      method: 'PUT',
      path: pathOf(namespace, 'apps/v1/deployments', 'absent'),
      body: deployment(namespace, 'absent'),
    })
    expect(await refusal(put)).toMatchObject(notFound)
  })

  test('nothing is created in a namespace that is not there', async () => {
    const {client} = bench()
    const refused = await refusal(client.create(configMap('contract-absent', 'homeless')))
    expect(refused).toMatchObject({status: 404, reason: 'NotFound', message: 'namespaces "contract-absent" not found'})
  })

  test('a body that does not fit its path is refused', async () => {
    const {namespace, send} = bench()
    const path = pathOf(namespace, 'configmaps')
    const post = (body: object) => refusal(send({method: 'POST', path, body}))
    expect(await post(configMap('default', 'elsewhere'))).toMatchObject({status: 400, reason: 'BadRequest'})
    expect(await post(service(namespace, 'other-kind'))).toMatchObject({status: 400, reason: 'BadRequest'})
    const versioned = {...configMap(namespace, 'versioned')}
    versioned.metadata = {...versioned.metadata, resourceVersion: '1'}
    expect((await post(versioned)).message).toMatch(/resourceVersion should not be set on objects to be created/)
    const put = send({method: 'PUT', path: `${path}/one`, body: configMap(namespace, 'two')})
    expect(await refusal(put)).toMatchObject({status: 400, reason: 'BadRequest'})
  })
}

function defineInvalidWrites(bench: () => Bench): void {
  test('what is not valid is refused with its fields', async () => {
    const {client, namespace} = bench()
    const invalid = {status: 422, reason: 'Invalid'}
    const named = await refusal(client.create(configMap(namespace, 'Not_A_Name')))
    expect(named).toMatchObject({...invalid, causes: [expect.stringMatching(/^metadata\.name/)]})
    const labelled = await refusal(client.create(configMap(namespace, 'labelled', {app: 'not valid'})))
    expect(labelled).toMatchObject({...invalid, causes: [expect.stringMatching(/^metadata\.labels/)]})
    const negative = await refusal(client.create(deployment(namespace, 'negative', -1)))
    expect(negative).toMatchObject({...invalid, causes: [expect.stringMatching(/^spec\.replicas/)]})
    const mismatched = deployment(namespace, 'mismatched')
    mismatched['spec'].selector.matchLabels = {app: 'other'}
    const causes = [expect.stringMatching(/^spec\.template\.metadata\.labels/)]
    expect(await refusal(client.create(mismatched))).toMatchObject({...invalid, causes})
    const unnamed = unscheduledPod(namespace, 'unnamed')
    unnamed['spec'].containers = []
    const containers = [expect.stringMatching(/^spec\.containers/)]
    expect(await refusal(client.create(unnamed))).toMatchObject({...invalid, causes: containers})
  })

  test('what never changes is refused by field', async () => {
    const {client, namespace} = bench()
    const created = await client.create(deployment(namespace, 'fixed', 0))
    const labels = {app: 'other'}
    const patch = {spec: {selector: {matchLabels: labels}, template: {metadata: {labels}}}}
    const refused = await refusal(client.mergePatch(refOf(created), patch, {fieldManager: 'contract'}))
    expect(refused).toMatchObject({status: 422, reason: 'Invalid', causes: [expect.stringMatching(/^spec\.selector/)]})
    const frozen = {...configMap(namespace, 'frozen'), immutable: true}
    await client.create(frozen)
    const change = client.mergePatch(refOf(frozen), {data: {key: 'new'}}, {fieldManager: 'contract'})
    expect(await refusal(change)).toMatchObject({status: 422, causes: [expect.stringMatching(/^data/)]})
  })
}

function defineConditionalWrites(bench: () => Bench): void {
  test('a deletion with another uid or version is refused', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'guarded'))
    const wrong = client.delete(refOf(created), {uid: '00000000-0000-0000-0000-000000000000'})
    await expect(wrong).rejects.toMatchObject({status: 409, reason: 'Conflict'})
    const path = pathOf(namespace, 'configmaps', 'guarded')
    const body = {preconditions: {resourceVersion: '1'}}
    expect(await refusal(send({method: 'DELETE', path, body}))).toMatchObject({status: 409, reason: 'Conflict'})
    expect(await client.delete(refOf(created), {uid: created.metadata.uid ?? '', propagation: 'Background'})).toBe(true)
  })

  test('a stale replacement is refused, and one of another object', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'stale'))
    const path = pathOf(namespace, 'configmaps', 'stale')
    await client.mergePatch(refOf(created), {data: {key: 'new'}}, {fieldManager: 'contract'})
    const refused = await refusal(send({method: 'PUT', path, body: created}))
    expect(refused).toMatchObject({status: 409, reason: 'Conflict'})
    expect(refused.message).toMatch(
      /^Operation cannot be fulfilled on configmaps "stale": the object has been modified/,
    )
    const {resourceVersion: _, ...metadata} = created.metadata
    const foreign = {...created, metadata: {...metadata, uid: '00000000-0000-0000-0000-000000000000'}}
    expect(await refusal(send({method: 'PUT', path, body: foreign}))).toMatchObject({status: 409, reason: 'Conflict'})
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
}

function definePatches(bench: () => Bench): void {
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
    const absent = [{op: 'remove' as const, path: '/data/absent'}]
    await expect(client.jsonPatch(ref, absent, options)).rejects.toMatchObject({status: 422})
  })

  test('a strategic merge patch merges containers by name, environment by name, and deletes', async () => {
    const {client, namespace, send} = bench()
    const base = deployment(namespace, 'strategic', 0)
    base['spec'].template.spec.containers[0].env = [
      {name: 'A', value: '1'},
      {name: 'B', value: '2'},
    ]
    await client.create(base)
    const contentType = 'application/strategic-merge-patch+json'
    const path = pathOf(namespace, 'apps/v1/deployments', 'strategic')
    const patch = (containers: object[]) =>
      send({method: 'PATCH', path, contentType, body: {spec: {template: {spec: {containers}}}}})
    const env = [
      {name: 'B', value: '3'},
      {name: 'A', $patch: 'delete'},
      {name: 'C', value: '4'},
    ]
    const merged = await patch([
      {name: 'app', image: 'example.com/app:2', env},
      {name: 'side', image: 'example.com/s:1'},
    ])
    const containers = merged['spec'].template.spec.containers
    const names = (items: {name: string}[]) => items.map(item => item.name).sort()
    expect(names(containers)).toEqual(['app', 'side'])
    const app = containers.find((item: {name: string}) => item.name === 'app')
    expect(app).toMatchObject({image: 'example.com/app:2', imagePullPolicy: 'IfNotPresent'})
    expect(app.env).toEqual(
      expect.arrayContaining([
        {name: 'B', value: '3'},
        {name: 'C', value: '4'},
      ]),
    )
    expect(app.env).toHaveLength(2)
    const without = await patch([{name: 'side', $patch: 'delete'}])
    expect(names(without['spec'].template.spec.containers)).toEqual(['app'])
    const replaced = await patch([{$patch: 'replace'}, {name: 'only', image: 'example.com/o:1'}])
    expect(names(replaced['spec'].template.spec.containers)).toEqual(['only'])
  })

  test('custom kinds take no strategic merge patch, and unknown formats are refused', async () => {
    const {namespace, send} = bench()
    const unsupported = {status: 415, reason: 'UnsupportedMediaType'}
    const contentType = 'application/strategic-merge-patch+json'
    const path = pathOf(namespace, 'fairlead.dev/v1alpha1/rollouts', 'absent')
    expect(await refusal(send({method: 'PATCH', path, contentType, body: {spec: {}}}))).toMatchObject(unsupported)
    const other = send({method: 'PATCH', path, contentType: 'application/json', body: {spec: {}}})
    expect(await refusal(other)).toMatchObject(unsupported)
  })
}
