// How a metrics system is reached: credentials that arrive, that go nowhere else, and that no message repeats; and
// certificates, against a real server.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import type {IncomingHttpHeaders} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest'
import type {MetricRangeRequest, MetricRequest} from '../../../controller/ports.ts'
import {type HttpConfig, httpConfig} from '../../../crds/http-config.ts'
import {createAuthority, type KeyPair} from '../../cluster/certificates.ts'
import {type Loopback, listen} from './loopback.ts'
import type {MetricsProvider} from './provider.ts'
import {providers} from './providers.ts'

const instant: MetricRequest = {query: 'q', at: 1_700_000_000_000}
const range: MetricRangeRequest = {query: 'q', from: 1_699_999_980_000, to: 1_700_000_000_000, stepMilliseconds: 10_000}
const secret = 'hunter2-hunter2'
const basic = Buffer.from(`me:${secret}`).toString('base64')

const shapes: [name: string, document: object, header: string, value: RegExp][] = [
  ['basic_auth', {basic_auth: {username: 'me', password: secret}}, 'authorization', new RegExp(`^Basic ${basic}$`)],
  ['authorization', {authorization: {credentials: secret}}, 'authorization', new RegExp(`^Bearer ${secret}$`)],
  ['its type', {authorization: {type: 'Token', credentials: secret}}, 'authorization', new RegExp(`^Token ${secret}$`)],
  ['a tenant', {http_headers: {'X-Scope-OrgID': {values: ['team']}}}, 'x-scope-orgid', /^team$/],
  ['a secret header', {http_headers: {'X-Key': {secrets: [secret]}}}, 'x-key', new RegExp(`^${secret}$`)],
  [
    'sigv4',
    {sigv4: {region: 'r', access_key: 'AK', secret_key: secret}},
    'authorization',
    /^AWS4-HMAC-SHA256 .+\/r\/aps/,
  ],
]

let folder = ''
let files: Record<'ca' | 'serving' | 'client' | 'otherCa' | 'otherClient', KeyPair>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-access-'))
  const other = mkdtempSync(join(folder, 'other-'))
  const read = ({certificate, key}: KeyPair) => ({
    certificate: readFileSync(certificate, 'utf8'),
    key: key === '' ? '' : readFileSync(key, 'utf8'),
  })
  const [authority, stranger] = [createAuthority(folder), createAuthority(other)]
  files = {
    ca: read({certificate: authority.certificate, key: ''}),
    serving: read(authority.server('metrics', ['IP:127.0.0.1', 'DNS:metrics.test'])),
    client: read(authority.client('client', 'fairlead', [])),
    otherCa: read({certificate: stranger.certificate, key: ''}),
    otherClient: read(stranger.client('client', 'fairlead', [])),
  }
})
afterAll(() => rmSync(folder, {recursive: true}))

let loopback: Loopback | undefined
afterEach(() => loopback?.close())

const configOf = (document: object): HttpConfig => httpConfig.parse(document)

/** Asks both ways, as the controller's own and as a template's; all four answers. */
async function askAll(provider: MetricsProvider, config: HttpConfig) {
  const address = loopback?.address ?? ''
  const own = provider.create({address, httpConfig: () => config, timeoutMilliseconds: 2000})
  const other = provider.create({address: 'http://127.0.0.1:1', timeoutMilliseconds: 2000})
  return [
    await own.query(instant),
    await own.queryRange(range),
    await own.query({...instant, address}),
    await other.query({...instant, address, httpConfig: config}),
  ]
}

describe.each(providers)('$name: credentials', provider => {
  test.each(shapes)('%s arrives, and nowhere else', async (_, document, header, value) => {
    const seen: IncomingHttpHeaders[] = []
    loopback = await listen(({headers, url = ''}, response) => {
      seen.push(headers)
      const {body} = url.startsWith(provider.paths.queryRange) ? provider.empty.queryRange : provider.empty.query
      response.end(body)
    })
    for (const answer of await askAll(provider, configOf(document))) expect(answer).not.toHaveProperty('reason')
    expect(seen.map(headers => headers[header])).toEqual(Array(4).fill(expect.stringMatching(value)))
    const stranger = provider.create({address: 'http://127.0.0.1:1', httpConfig: () => configOf(document)})
    await stranger.query({...instant, address: loopback.address})
    expect(seen).toHaveLength(5)
    expect(seen[4]).not.toHaveProperty(header)
    expect(JSON.stringify(seen[4])).not.toContain(secret)
  })

  test.each(shapes)('%s is in no message', async (_, document) => {
    const config = configOf(document)
    for (const status of [200, 301, 400, 401, 422, 500]) {
      loopback = await listen(({headers}, response) => {
        // An answer that repeats what it was sent.
        const error = JSON.stringify([headers, secret])
        response.writeHead(status, {location: 'http://127.0.0.1:1'})
        response.end(JSON.stringify({status: 'error', errorType: 'bad_data', error}))
      })
      const answers = await askAll(provider, config)
      await loopback.close()
      answers.push(...(await askAll(provider, config)))
      loopback = undefined
      expect(answers.every(({kind}) => kind === 'error')).toBe(true)
      if (JSON.stringify(document).includes(secret)) expect(JSON.stringify(answers)).not.toContain(secret)
      expect(JSON.stringify(answers)).not.toContain(basic)
    }
  })
})

describe.each(providers)('$name: certificates', provider => {
  const serve = async (requestCert: boolean) => {
    const {ca, serving} = files
    loopback = await listen((_, response) => void response.end(provider.empty.query.body), {
      cert: serving.certificate,
      key: serving.key,
      ...(requestCert ? {ca: ca.certificate, requestCert, rejectUnauthorized: true} : {}),
    })
  }
  const ask = (tls: object) => {
    const metrics = provider.create({
      address: loopback?.address ?? '',
      httpConfig: () => configOf({tls_config: tls}),
      timeoutMilliseconds: 5000,
    })
    return metrics.query(instant)
  }
  const unreachable = (code: RegExp) => ({kind: 'error', reason: 'Unreachable', message: expect.stringMatching(code)})

  test('an authority of its own', async () => {
    await serve(false)
    const {ca, otherCa} = files
    expect(await ask({ca: ca.certificate})).toMatchObject({kind: 'vector'})
    expect(await ask({})).toMatchObject(unreachable(/UNABLE_TO_VERIFY|SELF_SIGNED/))
    expect(await ask({ca: otherCa.certificate})).toMatchObject(unreachable(/UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/))
    expect(await ask({ca: 'no certificate'})).toMatchObject({kind: 'error', reason: 'Unreachable'})
    expect(await ask({insecure_skip_verify: true})).toMatchObject({kind: 'vector'})
  })

  test('the name that the certificate must have', async () => {
    await serve(false)
    const ca = files.ca.certificate
    expect(await ask({ca, server_name: 'metrics.test'})).toMatchObject({kind: 'vector'})
    expect(await ask({ca, server_name: 'other.test'})).toMatchObject(unreachable(/ALTNAME_INVALID/))
  })

  test('a certificate of the client', async () => {
    await serve(true)
    const {client, otherClient} = files
    const ca = files.ca.certificate
    expect(await ask({ca, cert: client.certificate, key: client.key})).toMatchObject({kind: 'vector'})
    const refused = [
      await ask({ca}),
      await ask({ca, cert: otherClient.certificate, key: otherClient.key}),
      await ask({ca, cert: client.certificate, key: otherClient.key}),
    ]
    for (const answer of refused) expect(answer).toMatchObject({kind: 'error', reason: 'Unreachable'})
    expect(JSON.stringify(refused)).not.toContain('PRIVATE KEY')
  })
})
