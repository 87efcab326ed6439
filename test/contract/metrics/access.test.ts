// How a metrics system is reached: credentials that arrive, that go nowhere else, and that no message repeats. With
// certificates: test/cluster/prometheus/certificates.lane.ts.
import type {IncomingHttpHeaders} from 'node:http'
import {afterEach, describe, expect, test} from 'vitest'
import type {MetricRangeRequest, MetricRequest} from '../../../controller/ports.ts'
import {type HttpConfig, httpConfig} from '../../../crds/http-config.ts'
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
