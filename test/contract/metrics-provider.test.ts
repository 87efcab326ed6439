// What every metrics system has to do for the judge. A further one is a folder in `analysis/providers` and a row here:
// the answers as that system gives them, recorded by their shape.
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {createPrometheusMetrics} from '../../analysis/providers/prometheus/index.ts'
import type {Metrics} from '../../controller/ports.ts'

interface Answered {
  status: number
  body: string
  headers?: Record<string, string>
}

/** How a metrics system answers. */
interface Provider {
  create(options: {address: string; timeoutMilliseconds: number; maximumBytes?: number}): Metrics
  instant(samples: {labels: Record<string, string>; value: string}[]): Answered
  range(series: {labels: Record<string, string>; points: [number, string][]}[]): Answered
  /** A query that can't be understood. */
  rejected: Answered
  /** Answers that hold only a part of the data. */
  partial: Answered[]
  /** A tenant or credentials are missing. */
  unauthorized: Answered[]
}

const json = (body: unknown, status = 200): Answered => ({status, body: JSON.stringify(body)})

const providers: Record<string, Provider> = {
  prometheus: {
    create: createPrometheusMetrics,
    instant: samples =>
      json({
        status: 'success',
        // Prometheus and Mimir add these.
        warnings: ['exceeded something'],
        infos: ['metric might not be a counter'],
        data: {resultType: 'vector', result: samples.map(({labels, value}) => ({metric: labels, value: [1, value]}))},
      }),
    range: series =>
      json({
        status: 'success',
        data: {resultType: 'matrix', result: series.map(({labels, points}) => ({metric: labels, values: points}))},
      }),
    rejected: json({status: 'error', errorType: 'bad_data', error: 'parse error'}, 400),
    partial: [
      // VictoriaMetrics' cluster.
      json({status: 'success', isPartial: true, data: {resultType: 'vector', result: []}}),
      // Thanos, told not to give partial answers.
      json({status: 'error', errorType: 'execution', error: 'receive series: store unavailable'}, 422),
    ],
    unauthorized: [
      // Mimir without X-Scope-OrgID; a proxy in front of any of them.
      {status: 401, body: 'no org id\n'},
      {status: 403, body: '<html>Forbidden</html>'},
    ],
  },
}

const at = 1_700_000_000_000
const request = {query: 'up', at}
const rangeRequest = {query: 'up', from: at, to: at + 30_000, stepMilliseconds: 15_000}

let server: Server
let address = ''
let answer: Answered | 'hang' | 'endless' = {status: 200, body: ''}

beforeAll(async () => {
  server = createServer((_request, response) => {
    if (answer === 'hang') return
    if (answer === 'endless') {
      const chunk = 'x'.repeat(1 << 16)
      const more = () => {
        while (response.write(chunk));
        response.once('drain', more)
      }
      response.writeHead(200)
      more()
      return
    }
    response.writeHead(answer.status, {'content-type': 'application/json', ...answer.headers}).end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** The provider, asked while the system gives an answer. */
function askerOf(provider: Provider) {
  const metrics = (options: object = {}) => provider.create({address, timeoutMilliseconds: 2000, ...options})
  return {
    metrics,
    query(given: typeof answer, options: object = {}) {
      answer = given
      return metrics(options).query(request)
    },
    queryRange(given: typeof answer, options: object = {}) {
      answer = given
      return metrics(options).queryRange(rangeRequest)
    },
  }
}

describe.each(Object.entries(providers))('answers of %s', (_, provider) => {
  const {query, queryRange} = askerOf(provider)

  test('samples with their labels; what is no number is kept as such', async () => {
    const found = await query(
      provider.instant([
        {labels: {pod: 'x'}, value: '42'},
        {labels: {pod: 'y'}, value: 'NaN'},
        {labels: {pod: 'z'}, value: '+Inf'},
      ]),
    )
    expect(found).toMatchObject({
      kind: 'vector',
      samples: [
        {labels: {pod: 'x'}, value: 42},
        {labels: {pod: 'y'}, value: Number.NaN},
        {labels: {pod: 'z'}, value: Number.POSITIVE_INFINITY},
      ],
    })
  })

  test('nothing is an answer', async () => {
    expect(await query(provider.instant([]))).toMatchObject({kind: 'vector', samples: []})
    expect(await queryRange(provider.range([]))).toMatchObject({kind: 'matrix', series: []})
  })

  test('points of a range at their times, and none where there was no sample', async () => {
    const points: [number, string][] = [
      [at / 1000, '1'],
      [at / 1000 + 30, '3'],
    ]
    expect(await queryRange(provider.range([{labels: {pod: 'x'}, points}]))).toMatchObject({
      kind: 'matrix',
      series: [
        {
          labels: {pod: 'x'},
          points: [
            {at, value: 1},
            {at: at + 30_000, value: 3},
          ],
        },
      ],
    })
  })

  test('the clock of the system is told', async () => {
    const given = provider.instant([])
    const found = await query({...given, headers: {date: 'Tue, 14 Nov 2023 22:13:20 GMT'}})
    expect(found).toMatchObject({serverTime: at})
  })

  test('a kind of answer that was not asked for is an error', async () => {
    expect(await query(provider.range([]))).toMatchObject({kind: 'error', reason: 'BadAnswer'})
    expect(await queryRange(provider.instant([]))).toMatchObject({kind: 'error', reason: 'BadAnswer'})
  })
})

describe.each(Object.entries(providers))('%s in trouble', (_, provider) => {
  const {metrics, query, queryRange} = askerOf(provider)

  test('a query that is rejected, partial answers, missing credentials', async () => {
    expect(await query(provider.rejected)).toMatchObject({kind: 'error', reason: 'BadQuery'})
    for (const given of provider.partial) expect((await query(given)).kind).toBe('error')
    for (const given of provider.unauthorized) expect(await query(given)).toMatchObject({reason: 'Unauthorized'})
  })

  test.each([
    ['nothing', ''],
    ['a page', '<html>login</html>'],
    ['half of it', '{"status":"success","data":{"resultType":"vec'],
    ['another document', '{"hello":"world"}'],
  ])('%s is an error', async (_name, body) => {
    expect(await query({status: 200, body})).toMatchObject({kind: 'error', reason: 'BadAnswer'})
    expect(await queryRange({status: 200, body})).toMatchObject({kind: 'error', reason: 'BadAnswer'})
  })

  test.each([429, 500, 502, 503])('status %d: it is away', async status => {
    expect(await query({status, body: 'busy'})).toMatchObject({kind: 'error', reason: 'Unreachable'})
  })

  test('a system that hangs is a time-out, in time', async () => {
    const begun = Date.now()
    expect(await query('hang', {timeoutMilliseconds: 300})).toMatchObject({kind: 'error', reason: 'Timeout'})
    expect(Date.now() - begun).toBeLessThan(2000)
  })

  test('an answer without end is cut off at its bound, and never held', async () => {
    global.gc?.()
    const before = process.memoryUsage().rss
    expect(await query('endless', {maximumBytes: 1 << 20})).toMatchObject({kind: 'error', reason: 'TooLarge'})
    expect(await queryRange('endless', {maximumBytes: 1 << 20})).toMatchObject({kind: 'error', reason: 'TooLarge'})
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
  })

  test('a request may ask for more than the rest', async () => {
    const labels = {filler: 'x'.repeat(2000)}
    answer = provider.instant([{labels, value: '1'}])
    const small = metrics({maximumBytes: 1000})
    expect(await small.query(request)).toMatchObject({reason: 'TooLarge'})
    expect(await small.query({...request, maximumBytes: 10_000})).toMatchObject({kind: 'vector'})
  })
})
