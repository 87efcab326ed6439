import {describe, expect, test} from 'vitest'
import {type Api, createApi} from './api.ts'
import {deployment, widget, widgetDefinition} from './fixtures.ts'
import {openApiV2MediaType} from './openapi-v2.ts'
import type {ApiResponse} from './types.ts'

const namespaces = '/api/v1/namespaces'
const configMaps = '/api/v1/namespaces/shop/configmaps'
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

function newApi(): Api {
  const api = createApi({now: () => Date.UTC(2030, 0, 1)})
  api.store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  return api
}

function post(
  api: Api,
  path: string,
  body: string | object | Uint8Array,
  type = 'application/json',
  query = {},
): ApiResponse {
  const headers = {'content-type': type, 'user-agent': 'tool/1.2 (linux)'}
  return api.handle({method: 'POST', path, query, headers, body})
}

function read(api: Api, path: string, accept = 'application/json', query = {}): ApiResponse {
  return api.handle({method: 'GET', path, query, headers: {accept}})
}

function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}

// What kubectl 1.32 and later post: `k8s\0`, then runtime.Unknown with the type and the object.
function protobufOf(kind: string, object: Buffer): Buffer {
  const type = Buffer.concat([field(1, 'v1'), field(2, kind)])
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, object)])
}

describe('bodies', () => {
  test('YAML creates', () => {
    const yaml = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: yaml}\n'
    expect(post(newApi(), namespaces, yaml, 'application/yaml').body).toMatchObject({metadata: {name: 'yaml'}})
  })

  test('protobuf creates a namespace with its labels', () => {
    const label = field(11, Buffer.concat([field(1, 'team'), field(2, 'a')]))
    const body = protobufOf('Namespace', field(1, Buffer.concat([field(1, 'proto'), label])))
    const {status, body: created} = post(newApi(), namespaces, body, 'application/vnd.kubernetes.protobuf')
    expect(status).toBe(201)
    expect(created).toMatchObject({kind: 'Namespace', metadata: {name: 'proto', labels: {team: 'a'}}})
  })

  test('protobuf that is cut off is 400, of unknown kinds 415', () => {
    const type = 'application/vnd.kubernetes.protobuf'
    const whole = protobufOf('Namespace', field(1, field(1, 'proto')))
    expect(post(newApi(), namespaces, whole.subarray(0, -2), type).status).toBe(400)
    expect(post(newApi(), namespaces, protobufOf('Binding', Buffer.alloc(0)), type).status).toBe(415)
  })

  test.each(['text/plain', 'application/cbor', 'application/x-www-form-urlencoded'])('%s is 415', type => {
    const body = JSON.stringify({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'x'}})
    const refused = post(newApi(), namespaces, body, type)
    expect(refused.status).toBe(415)
    expect(refused.body).toMatchObject({reason: 'UnsupportedMediaType'})
  })

  test('a strategic patch of a custom resource is 415', () => {
    const api = newApi()
    api.store.create(widgetDefinition({type: 'object'}))
    api.store.create(widget({}))
    const path = '/apis/example.com/v1/namespaces/shop/widgets/w'
    const headers = {'content-type': 'application/strategic-merge-patch+json'}
    expect(api.handle({method: 'PATCH', path, headers, body: '{}'}).status).toBe(415)
  })
})

describe('options of writes', () => {
  const unknown = {...deployment('web'), extra: 1}
  const path = '/apis/apps/v1/namespaces/shop/deployments'

  test('Strict refuses undeclared fields in the words of the real server', () => {
    const {status, body} = post(newApi(), path, unknown, 'application/json', {fieldValidation: 'Strict'})
    expect(status).toBe(400)
    expect(body).toMatchObject({message: expect.stringContaining('strict decoding error: unknown field "extra"')})
  })

  test('Warn warns, Ignore is silent', () => {
    const warned = post(newApi(), path, unknown, 'application/json', {fieldValidation: 'Warn'})
    expect(warned.status).toBe(201)
    expect(warned.headers['warning']).toBe('299 - "unknown field \\"extra\\""')
    const ignored = post(newApi(), path, unknown, 'application/json', {fieldValidation: 'Ignore'})
    expect(ignored.headers).not.toHaveProperty('warning')
  })

  test('the user agent names the field manager', () => {
    expect(post(newApi(), path, deployment('web')).body).toMatchObject({
      metadata: {managedFields: [{manager: 'tool', operation: 'Update'}]},
    })
  })

  test('a dry run answers and stores nothing', () => {
    const api = newApi()
    expect(post(api, path, deployment('web'), 'application/json', {dryRun: 'All'}).status).toBe(201)
    expect(read(api, `${path}/web`).status).toBe(404)
    expect(post(api, path, deployment('web'), 'application/json', {dryRun: 'Some'}).status).toBe(400)
  })

  test('a delete heeds its preconditions', () => {
    const api = newApi()
    post(api, configMaps, {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a'}})
    const remove = (body: object) => api.handle({method: 'DELETE', path: `${configMaps}/a`, body})
    expect(remove({preconditions: {uid: 'another'}}).status).toBe(409)
    expect(remove({}).body).toMatchObject({kind: 'Status', status: 'Success'})
    expect(remove({}).status).toBe(404)
  })
})

describe('shapes', () => {
  test('one object and a list as tables', () => {
    const api = newApi()
    api.store.create(deployment('web'))
    for (const path of ['/apis/apps/v1/namespaces/shop/deployments', '/apis/apps/v1/deployments']) {
      expect(read(api, path, tableType).body).toMatchObject({
        kind: 'Table',
        rows: [{object: {metadata: {name: 'web'}}}],
      })
    }
    const single = read(api, '/apis/apps/v1/namespaces/shop/deployments/web', tableType).body
    expect(single).toMatchObject({kind: 'Table', rows: [{cells: expect.arrayContaining(['web'])}]})
  })

  test('metadata alone', () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    const {body} = read(newApi(), namespaces, accept)
    expect(body).toMatchObject({kind: 'PartialObjectMetadataList'})
    expect((body as {items: object[]}).items[0]).not.toHaveProperty('status')
  })

  test('selectors narrow, unknown field labels are refused', () => {
    const api = newApi()
    const named = read(api, namespaces, undefined, {fieldSelector: 'metadata.name=shop'}).body
    expect((named as {items: object[]}).items).toHaveLength(1)
    expect(read(api, namespaces, undefined, {fieldSelector: 'spec.nonsense=1'}).status).toBe(400)
  })
})

describe('what the API says of itself', () => {
  test.each(['v2', 'v2beta1'])('aggregated discovery %s', version => {
    const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
    const {headers, body} = read(newApi(), '/apis', accept)
    expect(headers['content-type']).toBe(accept)
    expect(body).toMatchObject({apiVersion: `apidiscovery.k8s.io/${version}`})
  })

  test('plain discovery names short names and subresources', () => {
    const {body} = read(newApi(), '/apis/apps/v1')
    const {resources} = body as {resources: {name: string}[]}
    expect(resources).toContainEqual(expect.objectContaining({name: 'deployments', shortNames: ['deploy']}))
    expect(resources).toContainEqual(expect.objectContaining({name: 'deployments/scale', kind: 'Scale'}))
    expect(read(newApi(), '/apis/none/v1').status).toBe(404)
  })

  test('an OpenAPI document has kinds and the parameters of patches; its address changes with it', () => {
    const api = newApi()
    const address = (key: string) =>
      (read(api, '/openapi/v3').body as {paths: Record<string, {serverRelativeURL: string}>}).paths[key]
        ?.serverRelativeURL
    api.store.create(widgetDefinition({type: 'object'}))
    const before = address('apis/example.com/v1')
    const text = JSON.stringify(read(api, '/openapi/v3/apis/example.com/v1').body)
    for (const part of ['"kind":"Widget"', '"name":"dryRun"', '"name":"fieldValidation"']) expect(text).toContain(part)
    const changed = widgetDefinition({type: 'object', properties: {size: {type: 'integer'}}})
    const patch = {spec: changed['spec']}
    api.store.patch('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.com', 'merge', patch)
    expect(before).toMatch(/^\/openapi\/v3\/apis\/example.com\/v1\?hash=/)
    expect(address('apis/example.com/v1')).not.toBe(before)
  })

  test('OpenAPI v2 exists in protobuf only', () => {
    expect(read(newApi(), '/openapi/v2', openApiV2MediaType).status).toBe(200)
    expect(read(newApi(), '/openapi/v2').status).toBe(404)
  })
})
