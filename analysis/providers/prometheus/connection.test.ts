import {createHash, createHmac} from 'node:crypto'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import nock from 'nock'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {type HttpConfig, httpConfig} from '../../../crds/http-config.ts'
import {createPrometheusMetrics, HttpConfigError} from './index.ts'

const address = 'http://prometheus.test:9090'
const empty = {status: 'success', data: {resultType: 'vector', result: []}}
const request = {query: 'up', at: 1_700_000_000_000}

afterEach(() => nock.cleanAll())

let seen: {headers: Record<string, string>; body: string} | undefined
let server: Server
let loopback = ''

beforeAll(async () => {
  // A test file before this one, in the same worker, has switched the interceptors off.
  if (!nock.isActive()) nock.activate()
  nock.enableNetConnect('127.0.0.1')
  server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)])
      seen = {headers: Object.fromEntries(headers), body: Buffer.concat(chunks).toString('utf8')}
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(empty))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  loopback = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  nock.enableNetConnect()
  nock.restore()
  server.closeAllConnections()
  server.close()
})

/** Headers and body of the request that a configuration makes. */
async function sent(document: object): Promise<{headers: Record<string, string>; body: string}> {
  const config = httpConfig.parse(document)
  const answer = await createPrometheusMetrics({address: loopback, httpConfig: () => config}).query(request)
  expect(answer).toMatchObject({kind: 'vector'})
  if (!seen) throw new Error('nothing was sent')
  return seen
}

describe('credentials', () => {
  it('basic', async () => {
    const {headers} = await sent({basic_auth: {username: 'me', password: 'pä:ss'}})
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:pä:ss').toString('base64')}`)
  })

  it.each([
    [{credentials: 'token'}, 'Bearer token'],
    [{type: 'Token', credentials: 'token'}, 'Token token'],
  ])('authorization %j', async (authorization, header) => {
    const {headers} = await sent({authorization})
    expect(headers.authorization).toBe(header)
  })

  it('headers, such as that of a tenant', async () => {
    const {headers} = await sent({
      http_headers: {'X-Scope-OrgID': {values: ['team-a|team-b']}, 'X-Key': {secrets: ['s']}},
    })
    expect(headers).toMatchObject({'x-scope-orgid': 'team-a|team-b', 'x-key': 's'})
  })

  it('a rotated one is used by the next request', async () => {
    let config: HttpConfig = {authorization: {type: 'Bearer', credentials: 'old'}}
    const metrics = createPrometheusMetrics({address, httpConfig: () => config})
    for (const credentials of ['old', 'new']) {
      config = {authorization: {type: 'Bearer', credentials}}
      const scope = nock(address, {reqheaders: {authorization: `Bearer ${credentials}`}})
        .post('/api/v1/query')
        .reply(200, empty)
      await metrics.query(request)
      scope.done()
    }
  })

  it("a request's own take the place of the controller's", async () => {
    const scope = nock(address, {reqheaders: {authorization: 'Bearer theirs'}})
      .post('/api/v1/query')
      .reply(200, empty)
    const ours: HttpConfig = {authorization: {type: 'Bearer', credentials: 'ours'}}
    const theirs: HttpConfig = {authorization: {type: 'Bearer', credentials: 'theirs'}}
    await createPrometheusMetrics({address, httpConfig: () => ours}).query({...request, httpConfig: theirs})
    scope.done()
  })

  it('a configuration that can not be had is an answer, with its reason', async () => {
    const httpConfig = () => {
      throw new HttpConfigError('prometheus.yaml: basic_auth.password: is missing')
    }
    expect(await createPrometheusMetrics({address, httpConfig}).query(request)).toEqual({
      kind: 'error',
      reason: 'Unauthorized',
      message: 'prometheus.yaml: basic_auth.password: is missing',
    })
  })
})

/** The signature by AWS' documentation, step by step, from what was sent. */
function expectedSignature(headers: Record<string, string>, body: string, secret: string, region: string): string {
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? []
  const canonical = [
    'POST',
    '/api/v1/query',
    '',
    ...names.split(';').map(name => `${name}:${headers[name]}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n')
  const toSign = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    scope,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const day = (headers['x-amz-date'] ?? '').slice(0, 8)
  return hmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 'aps'), 'aws4_request'), toSign).toString('hex')
}

describe('SigV4', () => {
  it('signs what is sent, as AWS describes it', async () => {
    const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
    const {headers, body} = await sent({sigv4: {region: 'eu-central-1', access_key: 'AKIDEXAMPLE', secret_key: secret}})
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/aps\/aws4_request, /,
    )
    const signature = /Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '')?.[1]
    expect(signature).toBe(expectedSignature(headers, body, secret, 'eu-central-1'))
    expect(JSON.stringify(headers)).not.toContain(secret)
  })

  it('carries a session token', async () => {
    const {headers} = await sent({
      sigv4: {region: 'eu-central-1', access_key: 'A', secret_key: 'S', session_token: 'T'},
    })
    expect(headers['x-amz-security-token']).toBe('T')
  })
})
