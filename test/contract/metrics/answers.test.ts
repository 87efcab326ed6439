// Every metrics system against the contract of the port: what it says becomes figures or a reason, and never both.
import nock from 'nock'
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest'
import type {MetricRangeRequest, MetricRequest} from '../../../controller/ports.ts'
import type {Reply} from './provider.ts'
import {providers} from './providers.ts'

const address = 'http://metrics.test:9090/base'
const instant: MetricRequest = {query: 'q', at: 1_700_000_000_000}
const range: MetricRangeRequest = {
  query: 'q',
  from: 1_699_999_980_000,
  to: 1_700_000_000_000,
  stepMilliseconds: 10_000,
}

beforeAll(() => {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
})
afterEach(() => nock.cleanAll())
afterAll(() => {
  nock.enableNetConnect()
  nock.restore()
})

describe.each(providers)('$name', provider => {
  const metrics = provider.create({address, maximumBytes: 32 << 20})
  const reply = (path: string, {status, body, headers = {}}: Reply) =>
    nock('http://metrics.test:9090').post(`/base${path}`).reply(status, body, headers)
  const query = (answer: Reply) => {
    reply(provider.paths.query, answer)
    return metrics.query(instant)
  }
  const queryRange = (answer: Reply) => {
    reply(provider.paths.queryRange, answer)
    return metrics.queryRange(range)
  }

  test.each(provider.vectors)('a vector: %s', async (_, answer, samples) => {
    expect(await query(answer)).toEqual({kind: 'vector', samples})
  })

  test.each(provider.matrices)('a matrix: %s', async (_, answer, series) => {
    expect(await queryRange(answer)).toEqual({kind: 'matrix', series})
  })

  test.each([...provider.failures, ...provider.vectorFailures])('no vector: %s', async (_, answer, reason, message) => {
    expect(await query(answer)).toEqual({kind: 'error', reason, message: expect.stringMatching(message)})
  })

  test.each([...provider.failures, ...provider.matrixFailures])('no matrix: %s', async (_, answer, reason, message) => {
    expect(await queryRange(answer)).toEqual({kind: 'error', reason, message: expect.stringMatching(message)})
  })

  test('both tell the clock of the server', async () => {
    const headers = {date: 'Tue, 14 Nov 2023 22:13:20 GMT'}
    expect(await query({...provider.empty.query, headers})).toMatchObject({serverTime: 1_700_000_000_000})
    expect(await queryRange({...provider.empty.queryRange, headers})).toMatchObject({serverTime: 1_700_000_000_000})
    for (const date of ['', 'yesterday']) {
      expect(await query({...provider.empty.query, headers: {date}})).not.toHaveProperty('serverTime')
    }
  })

  test.each([301, 302, 303, 307, 308])('HTTP %i is not followed', async status => {
    const elsewhere = nock('http://elsewhere.test').post('/').reply(200, provider.empty.query.body)
    elsewhere.get('/').reply(200, provider.empty.query.body)
    const redirect = {status, body: '', headers: {location: 'http://elsewhere.test/'}}
    expect(await query(redirect)).toMatchObject({reason: 'BadAnswer'})
    expect(await queryRange(redirect)).toMatchObject({reason: 'BadAnswer'})
    expect(elsewhere.pendingMocks()).toHaveLength(2)
  })
})
