import nock from 'nock'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {createPrometheusMetrics, type PrometheusOptions} from './index.ts'

const address = 'http://prometheus.test:9090'
const empty = {status: 'success', data: {resultType: 'vector', result: []}}
const request = {query: 'sum(up{a="ü&="})', at: 1_700_000_000_123}

// The module graph is shared between test files: leave the platform's own HTTP behind.
beforeAll(() => {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
})
afterEach(() => nock.cleanAll())
afterAll(() => {
  nock.enableNetConnect()
  nock.restore()
})

const bearer = {authorization: {type: 'Bearer', credentials: 'secret'}}

describe('the request', () => {
  it('is a form with the query, the time in seconds to the millisecond, and the timeout', async () => {
    const form = {
      query: request.query,
      time: '1700000000.123',
      timeout: '2.500',
      partial_response: 'false',
      nocache: '1',
      latency_offset: '1ms',
    }
    const scope = nock(address, {reqheaders: {'content-type': 'application/x-www-form-urlencoded'}})
      .post('/api/v1/query', form)
      .reply(200, empty)
    const metrics = createPrometheusMetrics({address, timeoutMilliseconds: 2500})
    expect(await metrics.query(request)).toEqual({kind: 'vector', samples: []})
    scope.done()
  })

  it.each(['http://prometheus.test:9090/tenant/x', 'http://prometheus.test:9090/tenant/x//'])(
    'keeps the path of %s',
    async base => {
      const scope = nock(address).post('/tenant/x/api/v1/query').reply(200, empty)
      expect(await createPrometheusMetrics({address: base}).query(request)).toMatchObject({kind: 'vector'})
      scope.done()
    },
  )

  it('carries the headers to the default address, whether named or not', async () => {
    const scope = nock(address, {reqheaders: {authorization: 'Bearer secret'}})
      .post('/api/v1/query')
      .twice()
      .reply(200, empty)
    const metrics = createPrometheusMetrics({address, httpConfig: () => bearer})
    await metrics.query(request)
    await metrics.query({...request, address: `${address}/`})
    scope.done()
  })

  it('carries them nowhere else', async () => {
    const scope = nock('http://other.test', {badheaders: ['authorization']})
      .post('/api/v1/query')
      .reply(200, empty)
    const metrics = createPrometheusMetrics({address, httpConfig: () => bearer})
    expect(await metrics.query({...request, address: 'http://other.test'})).toMatchObject({kind: 'vector'})
    scope.done()
  })

  it('follows no redirect', async () => {
    nock(address).post('/api/v1/query').reply(307, '', {location: 'http://other.test/api/v1/query'})
    const other = nock('http://other.test').post('/api/v1/query').reply(200, empty)
    expect(await createPrometheusMetrics({address}).query(request)).toMatchObject({reason: 'BadAnswer'})
    expect(other.isDone()).toBe(false)
  })
})

describe('answers', () => {
  it('a vector with its labels', async () => {
    const result = [
      {metric: {pod: 'x'}, value: [1, '0.5']},
      {metric: {}, value: [1, 'NaN']},
    ]
    nock(address)
      .post('/api/v1/query')
      .reply(200, {status: 'success', data: {resultType: 'vector', result}})
    const samples = [
      {labels: {pod: 'x'}, value: 0.5},
      {labels: {}, value: Number.NaN},
    ]
    expect(await createPrometheusMetrics({address}).query(request)).toEqual({kind: 'vector', samples})
  })

  it("a rejection with Prometheus's own words", async () => {
    nock(address).post('/api/v1/query').reply(400, {status: 'error', errorType: 'bad_data', error: 'parse error'})
    expect(await createPrometheusMetrics({address}).query(request)).toEqual({
      kind: 'error',
      reason: 'BadQuery',
      message: 'Prometheus rejected the query: parse error',
    })
  })

  it('a lost connection, without path or credentials', async () => {
    nock(address)
      .post('/secret/api/v1/query')
      .query({token: 'secret'})
      .replyWithError(Object.assign(new Error('secret'), {code: 'ECONNRESET'}))
    const metrics = createPrometheusMetrics({
      address: `${address}/secret?token=secret`,
      httpConfig: () => bearer,
    })
    const answer = await metrics.query(request)
    expect(answer).toMatchObject({kind: 'error', reason: 'Unreachable', message: expect.stringContaining(address)})
    expect(JSON.stringify(answer)).not.toContain('secret')
  })
})

describe('settings', () => {
  it.each<[string, Partial<PrometheusOptions>, string]>([
    ['no URL', {address: 'prometheus'}, 'write http://host:port'],
    ['another protocol', {address: 'file:///etc/passwd'}, 'must begin with http://'],
    ['credentials', {address: 'http://me:secret@prometheus.test'}, 'put credentials into --prometheus-config'],
  ])('refuses %s and keeps secrets to itself', (_, change, message) => {
    const create = () => createPrometheusMetrics({address, ...change})
    expect(create).toThrow(message)
    expect(create).not.toThrow('secret')
  })

  it('answers an address of a template that cannot be used', async () => {
    const metrics = createPrometheusMetrics({address})
    for (const bad of ['nowhere', 'file:///x', 'http://me:secret@x']) {
      const answer = await metrics.query({...request, address: bad})
      expect(answer).toMatchObject({kind: 'error', reason: 'BadAnswer'})
      expect(JSON.stringify(answer)).not.toContain('secret')
    }
  })
})
