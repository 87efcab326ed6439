import {afterEach, expect, test} from 'vitest'
import {type PrometheusApi, startPrometheusApi} from './http-api.ts'
import {createTarget} from './scraper.ts'
import {MetricStore} from './store.ts'

let api: PrometheusApi | undefined
afterEach(async () => {
  await api?.close()
  api = undefined
})

async function start(): Promise<string> {
  const store = new MetricStore()
  createTarget(store, {job: 't'}).take('x{a="q\\"uote"} 1.5\nx{a="b"} NaN', 1000)
  api = await startPrometheusApi({store, now: () => 2000})
  return api.url
}

async function get(path: string): Promise<{status: number; body: unknown}> {
  const response = await fetch(`${await start()}${path}`)
  return {status: response.status, body: await response.json()}
}

test('instant vectors have the shape of Prometheus, NaN as text', async () => {
  const {status, body} = await get('/api/v1/query?query=x')
  expect(status).toBe(200)
  expect(body).toEqual({
    status: 'success',
    data: {
      resultType: 'vector',
      result: [
        {metric: {__name__: 'x', a: 'q"uote', job: 't'}, value: [2, '1.5']},
        {metric: {__name__: 'x', a: 'b', job: 't'}, value: [2, 'NaN']},
      ],
    },
  })
})

test('a range query gives a matrix', async () => {
  const {body} = await get('/api/v1/query_range?query=sum(x{a!="b"})&start=1&end=3&step=1')
  const values = [1, 2, 3].map(at => [at, '1.5'])
  expect(body).toEqual({status: 'success', data: {resultType: 'matrix', result: [{metric: {}, values}]}})
})

test('what is outside the subset is bad_data with status 400', async () => {
  const {status, body} = await get('/api/v1/query?query=topk(1,x)')
  expect(status).toBe(400)
  expect(body).toMatchObject({status: 'error', errorType: 'bad_data', error: expect.stringContaining('topk')})
})
