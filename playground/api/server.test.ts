import {get} from 'node:http'
import {afterEach, expect, test} from 'vitest'
import {createApi} from './api.ts'
import {configMap, deployment, refusalOf} from './fixtures.ts'
import {type ApiServer, startApiServer} from './server.ts'

const servers: ApiServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(): Promise<ApiServer> {
  const server = await startApiServer()
  servers.push(server)
  server.store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  return server
}

interface Line {
  type: string
  object: {kind: string; code?: number; metadata: {name?: string; annotations?: object}; rows?: {cells: unknown[]}[]}
}

/** The first lines of a watch. */
function watchLines(server: ApiServer, query: string, count: number, accept = 'application/json'): Promise<Line[]> {
  return new Promise((resolve, reject) => {
    let text = ''
    const url = `${server.url}/api/v1/namespaces/shop/configmaps?watch=true&timeoutSeconds=5&${query}`
    const request = get(url, {headers: {accept}}, response => {
      const finish = () => {
        const lines = text.split('\n').slice(0, -1)
        if (lines.length < count && !response.complete) return
        request.destroy()
        resolve(lines.slice(0, count).map(line => JSON.parse(line)))
      }
      response.on('data', chunk => {
        text += chunk
        finish()
      })
      response.on('end', finish)
    })
    request.on('error', reject)
  })
}

test('a watch goes on from a resource version', async () => {
  const server = await start()
  const {resourceVersion} = server.store.create(configMap('a', {})).metadata
  const lines = watchLines(server, `resourceVersion=${resourceVersion}`, 2)
  server.store.patch('configmaps', 'shop', 'a', 'merge', {data: {x: 'y'}})
  server.store.delete('configmaps', 'shop', 'a')
  expect((await lines).map(line => line.type)).toEqual(['MODIFIED', 'DELETED'])
})

test('a watch from a forgotten resource version is told 410', async () => {
  const server = await start()
  const {resourceVersion} = server.store.create(configMap('a', {})).metadata
  server.store.create(configMap('b', {}))
  server.store.compact()
  const [line] = await watchLines(server, `resourceVersion=${resourceVersion}`, 1)
  expect(line).toMatchObject({type: 'ERROR', object: {kind: 'Status', code: 410}})
})

test('initial events end with a bookmark', async () => {
  const server = await start()
  server.store.create(configMap('a', {}))
  const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const [added, bookmark] = await watchLines(server, query, 2)
  expect(added).toMatchObject({type: 'ADDED', object: {kind: 'ConfigMap', metadata: {name: 'a'}}})
  const annotations = {'k8s.io/initial-events-end': 'true'}
  expect(bookmark).toMatchObject({type: 'BOOKMARK', object: {kind: 'ConfigMap', metadata: {annotations}}})
})

test('a watch shows tables and metadata', async () => {
  const server = await start()
  server.store.create(configMap('a', {x: 'y'}))
  const [row] = await watchLines(server, '', 1, 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json')
  expect(row?.object.kind).toBe('Table')
  expect(row?.object.rows?.[0]?.cells.slice(0, 2)).toEqual(['a', 1])
  const [part] = await watchLines(server, '', 1, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')
  expect(part?.object).toMatchObject({kind: 'PartialObjectMetadata', metadata: {name: 'a'}})
  expect(part?.object).not.toHaveProperty('data')
})

test('a client that leaves is forgotten', async () => {
  const server = await start()
  server.store.create(configMap('a', {}))
  await watchLines(server, '', 1)
  await expect.poll(() => server.store.storage.subscriberCount).toBe(0)
})

test('a body that is too large is refused', async () => {
  const server = await start()
  const body = JSON.stringify(configMap('big', {x: 'x'.repeat(3 * 1024 * 1024)}))
  const headers = {'content-type': 'application/json'}
  const response = await fetch(`${server.url}/api/v1/namespaces/shop/configmaps`, {method: 'POST', headers, body})
  expect(response.status).toBe(413)
})

test('lists come in pages; a page from before a compaction is gone', () => {
  const api = createApi()
  api.store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  for (const name of ['a', 'b', 'c']) api.store.create(configMap(name, {}))
  const page = (query: Record<string, string>) => {
    const {status, body} = api.handle({
      method: 'GET',
      path: '/api/v1/namespaces/shop/configmaps',
      query: {limit: '2', ...query},
    })
    return {
      status,
      body: body as {items: {metadata: {name: string}}[]; metadata: {continue?: string; remainingItemCount?: number}},
    }
  }
  const {body} = page({})
  expect(body.items.map(item => item.metadata.name)).toEqual(['a', 'b'])
  expect(body.metadata.remainingItemCount).toBe(1)
  const token = body.metadata.continue ?? ''
  expect(page({continue: token}).body.items.map(item => item.metadata.name)).toEqual(['c'])
  api.store.create(configMap('d', {}))
  api.store.compact()
  expect(page({continue: token}).status).toBe(410)
})

test('requests in process: apply, scale, discovery, refusals', () => {
  const {store, handle} = createApi()
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  const path = '/apis/apps/v1/namespaces/shop/deployments/web'
  const applyType = {'content-type': 'application/apply-patch+yaml'}
  const body = JSON.stringify(deployment('web'))
  expect(handle({method: 'PATCH', path, headers: applyType, query: {fieldManager: 'x'}, body}).status).toBe(201)
  expect(handle({method: 'PATCH', path, headers: applyType, body}).status).toBe(400)
  expect(handle({method: 'PATCH', path, headers: {'content-type': 'application/apply-patch+cbor'}, body}).status).toBe(
    415,
  )
  const scale = handle({
    method: 'PATCH',
    path: `${path}/scale`,
    headers: {'content-type': 'application/merge-patch+json'},
    body: {spec: {replicas: 4}},
  })
  expect(scale.body).toMatchObject({kind: 'Scale', spec: {replicas: 4}})
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  expect(handle({method: 'GET', path: '/apis', headers: {accept}}).body).toMatchObject({kind: 'APIGroupDiscoveryList'})
  expect(handle({method: 'GET', path: '/openapi/v2'}).status).toBe(404)
  expect(handle({method: 'GET', path: '/nonsense'}).body).toMatchObject({kind: 'Status', code: 404})
  expect(refusalOf(() => store.target('nonsense')).status).toBe(404)
})
