import {afterEach, describe, expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {ClusterError} from '../ports.ts'
import {systemClock} from './clock.ts'
import {HttpTransport} from './http-transport.ts'
import {KubeClient, type WatchEvent} from './kube-client.ts'
import {
  configMap,
  discoveryReply,
  plainConnection,
  type ScriptedReply,
  type ScriptedRequest,
  type ScriptedServer,
  startScriptedServer,
  statusBody,
} from './test-support.ts'

const cleanups: (() => Promise<void>)[] = []
const deployment = {apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'cart'}
const configMaps = {apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop'}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(
  script: (request: ScriptedRequest) => ScriptedReply | undefined,
): Promise<{client: KubeClient; server: ScriptedServer; asked: () => ScriptedRequest[]}> {
  const server = await startScriptedServer(request => script(request) ?? discoveryReply(request.path))
  const transport = new HttpTransport({connection: plainConnection(server.url), clock: systemClock()})
  cleanups.push(
    () => server.close(),
    () => transport.close(),
  )
  const asked = () => server.requests.filter(request => !/^\/(api\/v1|apis\/apps\/v1)$/.test(request.path))
  return {client: new KubeClient(transport), server, asked}
}

function anyObject(): ScriptedReply {
  return {body: {apiVersion: 'v1', kind: 'Anything', metadata: {name: 'x'}, future: {field: [1]}}}
}

function unlessDiscovery(request: ScriptedRequest, reply: ScriptedReply): ScriptedReply | undefined {
  return discoveryReply(request.path) === undefined ? reply : undefined
}

describe('discovery', () => {
  test('is asked once per group-version, however many ask at the same time', async () => {
    const {client, server} = await start(() => undefined)
    const kinds = ['ConfigMap', 'Namespace', 'Event', 'ConfigMap']
    const resources = await Promise.all(kinds.map(kind => client.resourceOf('v1', kind)))
    expect(resources.map(resource => resource.plural)).toEqual(['configmaps', 'namespaces', 'events', 'configmaps'])
    await client.resourceOf('v1', 'ConfigMap')
    expect(server.requests).toHaveLength(1)
  })

  test('gives scope, verbs and subresources; a Scale is no kind of its own', async () => {
    const {client} = await start(() => undefined)
    const found = await client.resourceOf('apps/v1', 'Deployment')
    expect(found).toMatchObject({plural: 'deployments', namespaced: true, subresources: ['status', 'scale']})
    expect(found.verbs).toContain('watch')
    expect(await client.scopeOf('v1', 'Namespace')).toBe('Cluster')
    expect(await client.scopeOf('v1', 'ConfigMap')).toBe('Namespaced')
    await expect(client.resourceOf('apps/v1', 'Scale')).rejects.toMatchObject({status: 404, reason: 'KindNotFound'})
  })

  test('is asked again for a kind that is not known, so that a new CRD is found', async () => {
    let installed = false
    const resources = [{name: 'virtualservices', kind: 'VirtualService', namespaced: true, verbs: ['get']}]
    const {client} = await start(request => {
      return installed && request.path === '/apis/networking.istio.io/v1' ? {body: {resources}} : undefined
    })
    const virtualService = {apiVersion: 'networking.istio.io/v1', kind: 'VirtualService'}
    expect(await client.scopeOf(virtualService.apiVersion, virtualService.kind)).toBeUndefined()
    expect(await client.get({...virtualService, namespace: 'shop', name: 'x'})).toBeUndefined()
    expect(await client.delete({...virtualService, namespace: 'shop', name: 'x'}, {})).toBe(false)
    await expect(client.list(virtualService)).rejects.toMatchObject({status: 404, reason: 'KindNotFound'})
    installed = true
    expect(await client.scopeOf(virtualService.apiVersion, virtualService.kind)).toBe('Namespaced')
  })

  test('is asked again once a path that it gave is gone, as when a CRD was replaced', async () => {
    let plural = 'canaries'
    const {client} = await start(({path}) => {
      if (path === '/apis/x.dev/v1') return {body: {resources: [{name: plural, kind: 'Canary', namespaced: false}]}}
      return path === `/apis/x.dev/v1/${plural}` ? {body: {metadata: {resourceVersion: '1'}, items: []}} : undefined
    })
    const query = {apiVersion: 'x.dev/v1', kind: 'Canary'}
    expect(await client.list(query)).toEqual([])
    plural = 'newcanaries'
    await expect(client.list(query)).rejects.toMatchObject({status: 404})
    expect(await client.list(query)).toEqual([])
  })

  test('that fails is not remembered as an empty answer', async () => {
    let down = true
    const {client} = await start(() => (down ? {status: 503, body: 'starting'} : undefined))
    await expect(client.scopeOf('v1', 'ConfigMap')).rejects.toMatchObject({status: 503})
    down = false
    expect(await client.scopeOf('v1', 'ConfigMap')).toBe('Namespaced')
  })
})

describe('reads', () => {
  test('give the raw object, unknown fields included', async () => {
    const {client, asked} = await start(request => unlessDiscovery(request, anyObject()))
    expect(await client.get(deployment)).toMatchObject({future: {field: [1]}})
    expect(asked()[0]).toMatchObject({method: 'GET', path: '/apis/apps/v1/namespaces/shop/deployments/cart'})
  })

  test('of what is not there are undefined; other refusals are thrown', async () => {
    const refuse = statusBody(403, 'Forbidden', 'not allowed')
    const {client} = await start(request =>
      request.path.endsWith('/secret') ? {status: 403, body: refuse} : undefined,
    )
    expect(await client.get(deployment)).toBeUndefined()
    await expect(client.get({...deployment, name: 'secret'})).rejects.toMatchObject({status: 403, reason: 'Forbidden'})
  })

  test('need a name, and a namespace where the kind lives in one', async () => {
    const {client, asked} = await start(() => undefined)
    await expect(client.get({...deployment, name: ''})).rejects.toThrow('metadata.name of a Deployment is missing')
    const {namespace: _, ...without} = deployment
    await expect(client.get(without)).rejects.toThrow('metadata.namespace of Deployment cart is missing')
    const loose = {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'x'}}
    await expect(client.create(loose)).rejects.toThrow('metadata.namespace of ConfigMap x is missing')
    expect(asked()).toEqual([])
  })

  test('that are no JSON object are an error, not an object', async () => {
    const {client} = await start(request => unlessDiscovery(request, {body: '<html>proxy</html>'}))
    await expect(client.get(deployment)).rejects.toMatchObject({status: 0, reason: 'BadAnswer'})
  })
})

describe('lists', () => {
  test('read every page and give each item its kind', async () => {
    const {client, asked} = await start(({path, query}) => {
      if (path !== '/api/v1/namespaces/shop/configmaps') return undefined
      const {kind: _, apiVersion: __, ...item} = configMap(query.get('continue') ?? 'first', '5')
      const next = {null: 'second', second: 'third', third: ''}[String(query.get('continue'))]
      return {body: {kind: 'ConfigMapList', metadata: {resourceVersion: '9', continue: next}, items: [item]}}
    })
    const {items, resourceVersion} = await client.listVersioned({...configMaps, labelSelector: 'a=b,c'})
    expect(items.map(item => [item.apiVersion, item.kind, item.metadata.name])).toEqual([
      ['v1', 'ConfigMap', 'first'],
      ['v1', 'ConfigMap', 'second'],
      ['v1', 'ConfigMap', 'third'],
    ])
    expect(resourceVersion).toBe('9')
    expect(asked().map(({query}) => [query.get('limit'), query.get('labelSelector')])).toEqual(
      Array.from({length: 3}, () => ['500', 'a=b,c']),
    )
  })

  test('begin anew when the continue token expired, a bounded number of times', async () => {
    const expired = {status: 410, body: statusBody(410, 'Expired', 'too old')}
    let lists = 0
    const {client} = await start(({path, query}) => {
      if (!path.endsWith('/configmaps')) return undefined
      if (query.has('continue')) return lists < 3 ? expired : {body: {metadata: {resourceVersion: '7'}, items: []}}
      lists += 1
      return {body: {metadata: {continue: 'more'}, items: [configMap(`from-${lists}`, '1')]}}
    })
    expect((await client.list(configMaps)).map(item => item.metadata.name)).toEqual(['from-3'])
    lists = Number.NEGATIVE_INFINITY
    await expect(client.list(configMaps)).rejects.toMatchObject({status: 410})
  })

  test('of one object ask for that one', async () => {
    const {client, asked} = await start(request =>
      unlessDiscovery(request, {body: {metadata: {resourceVersion: '1'}, items: []}}),
    )
    await client.listVersioned({...configMaps, name: 'a'})
    expect(asked()[0]?.query.get('fieldSelector')).toBe('metadata.name=a')
  })

  test('of metadata alone ask for it and strip what comes anyway', async () => {
    const {client, asked} = await start(({path}) => {
      const items = [{...configMap('a', '1', {data: {big: 'x'}}), kind: 'PartialObjectMetadata'}]
      return path.endsWith('/configmaps') ? {body: {metadata: {resourceVersion: '1'}, items}} : undefined
    })
    const {items} = await client.listVersioned({...configMaps, metadataOnly: true})
    expect(items).toEqual([{apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap('a', '1').metadata}])
    expect(asked()[0]?.headers.accept).toMatch(/^application\/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io/)
  })
})

describe('writes', () => {
  const manifest: KubeObject = {apiVersion: 'apps/v1', kind: 'Deployment', metadata: {namespace: 'shop', name: 'cart'}}
  const path = '/apis/apps/v1/namespaces/shop/deployments'

  async function requestOf(write: (client: KubeClient) => Promise<unknown>) {
    const {client, asked} = await start(request => unlessDiscovery(request, anyObject()))
    await write(client)
    const [request] = asked()
    if (request === undefined) throw new Error('nothing was asked')
    const {method, path, query, headers, body} = request
    return {method, path, query: Object.fromEntries(query), type: headers['content-type'], body: JSON.parse(body)}
  }

  test('apply is strict and says whose fields they are', async () => {
    const request = await requestOf(client => client.apply(manifest, {fieldManager: 'me', force: true, dryRun: true}))
    expect(request).toEqual({
      method: 'PATCH',
      path: `${path}/cart`,
      query: {fieldManager: 'me', fieldValidation: 'Strict', force: 'true', dryRun: 'All'},
      type: 'application/apply-patch+yaml',
      body: manifest,
    })
  })

  test('create posts to the collection', async () => {
    const request = await requestOf(client => client.create(manifest))
    const query = {fieldManager: 'fairlead', fieldValidation: 'Strict'}
    expect(request).toMatchObject({method: 'POST', path, query, body: manifest})
  })

  test('status is put to its subresource', async () => {
    const request = await requestOf(client => client.updateStatus({...manifest, status: {phase: 'Healthy'}}))
    expect(request).toMatchObject({method: 'PUT', path: `${path}/cart/status`, body: {status: {phase: 'Healthy'}}})
  })

  test('scale and merge patches', async () => {
    const scale = await requestOf(client => client.scale(deployment, 0, {fieldManager: 'me'}))
    const type = 'application/merge-patch+json'
    expect(scale).toMatchObject({method: 'PATCH', path: `${path}/cart/scale`, type, body: {spec: {replicas: 0}}})
    expect(scale.query).toEqual({fieldManager: 'me'})
    const patch = {metadata: {resourceVersion: '3', annotations: {a: null}}}
    const merged = await requestOf(client => client.mergePatch(deployment, patch, {fieldManager: 'me'}))
    expect(merged).toMatchObject({method: 'PATCH', path: `${path}/cart`, type, body: patch})
  })

  test('JSON patches', async () => {
    const operations = [{op: 'remove' as const, path: '/metadata/finalizers/0'}]
    const request = await requestOf(client => client.jsonPatch(deployment, operations, {fieldManager: 'me'}))
    const type = 'application/json-patch+json'
    expect(request).toMatchObject({method: 'PATCH', path: `${path}/cart`, type, body: operations})
    expect(request.query).toMatchObject({fieldManager: 'me'})
  })

  test('delete carries its precondition and propagation', async () => {
    const request = await requestOf(async client => {
      expect(await client.delete(deployment, {uid: 'u1', propagation: 'Foreground'})).toBe(true)
    })
    const body = {kind: 'DeleteOptions', propagationPolicy: 'Foreground', preconditions: {uid: 'u1'}}
    expect(request).toMatchObject({method: 'DELETE', path: `${path}/cart`, body})
  })

  test('conflicts name the fields', async () => {
    const details = {causes: [{field: '.spec.replicas', message: 'conflict with "kubectl"'}]}
    const conflict = {status: 409, body: statusBody(409, 'Conflict', 'Apply failed with 1 conflict', details)}
    const {client} = await start(request => unlessDiscovery(request, conflict))
    const refused = client.apply(manifest, {fieldManager: 'me', force: false})
    await expect(refused).rejects.toMatchObject({status: 409, causes: ['.spec.replicas: conflict with "kubectl"']})
  })
})

describe('watches', () => {
  async function read(lines: string[], metadataOnly = false): Promise<{events: WatchEvent[]; error: unknown}> {
    const {client, asked} = await start(({query}) => {
      if (query.get('watch') !== 'true') return undefined
      return {stream: response => void sendPieces(response, lines)}
    })
    const events: WatchEvent[] = []
    const options = {resourceVersion: '7', signal: new AbortController().signal, timeoutSeconds: 300}
    let error: unknown
    try {
      for await (const event of client.watch({...configMaps, metadataOnly}, options)) events.push(event)
    } catch (thrown) {
      error = thrown
    }
    const query = {watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '7', timeoutSeconds: '300'}
    expect(Object.fromEntries(asked()[0]?.query ?? [])).toEqual(query)
    return {events, error}
  }

  async function sendPieces(response: {write(piece: Buffer): unknown; end(): void}, lines: string[]): Promise<void> {
    // Pieces of 7 bytes cut lines, names and characters in two.
    const bytes = Buffer.from(lines.join(''))
    for (let at = 0; at < bytes.length; at += 7) {
      response.write(bytes.subarray(at, at + 7))
      await new Promise(resolve => setImmediate(resolve))
    }
    response.end()
  }

  const line = (type: string, object: object) => `${JSON.stringify({type, object})}\n`
  const umlauts = configMap('a', '8', {data: {greeting: 'grüß Gott 👋'}})

  test('give events until the server hangs up, whatever the pieces', async () => {
    const bookmark = {kind: 'ConfigMap', apiVersion: 'v1', metadata: {resourceVersion: '12'}}
    const {events, error} = await read([
      line('ADDED', umlauts),
      '\n',
      line('BOOKMARK', bookmark),
      line('DELETED', umlauts),
    ])
    expect(error).toBeUndefined()
    expect(events.map(event => event.type)).toEqual(['ADDED', 'BOOKMARK', 'DELETED'])
    expect(events[0]?.object).toEqual(umlauts)
  })

  test('of metadata alone carry the kind and nothing else', async () => {
    const partial = {kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: umlauts.metadata}
    const {events} = await read([line('ADDED', partial)], true)
    expect(events[0]?.object).toEqual({apiVersion: 'v1', kind: 'ConfigMap', metadata: umlauts.metadata})
  })

  test.each([
    ['an ERROR event', [line('ERROR', statusBody(410, 'Expired', 'too old'))], {status: 410, reason: 'Expired'}],
    ['a line that is cut off', ['{"type":"ADDED","obj'], {status: 0, reason: 'BadAnswer'}],
    ['an unknown type', [line('MOVED', umlauts)], {status: 0, reason: 'BadAnswer'}],
    ['an event without an object', ['{"type":"ADDED"}\n', line('ADDED', umlauts)], {status: 0, reason: 'BadAnswer'}],
  ])('end with an error on %s', async (_, lines, expected) => {
    const {events, error} = await read(lines)
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(ClusterError)
    expect(error).toMatchObject(expected)
  })
})
